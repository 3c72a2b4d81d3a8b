//! The file of cases: TOML text, at most 1 MiB, read into [`CaseFile`]. Unknown keys are errors everywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use prooftrail_result::{
    Kind, UnknownKind, Verdict,
    claims::{ClaimName, ClaimType, Claims, UnknownClaim, Value},
};
use serde::Deserialize;
use toml::{Spanned, Value as Toml};

use super::{Case, CaseFile, CaseInput, EvidenceFile};
use crate::{
    Hypothesis, NameOf, PolicyError, Problem,
    document::{
        capped,
        literal::{read_instant, read_value_or_list},
    },
    error::Located,
};

impl CaseFile {
    /// Reads a file of cases.
    ///
    /// # Errors
    /// [`PolicyError`]: too large, not TOML, an unknown or missing key, an unknown claim or kind, a value that is not of
    /// its claim's type, or two cases of one name.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let read = || {
            capped(text)?;
            let FileForm { cases } = toml::from_str(text)?;
            let mut names = BTreeSet::new();
            if let Some(twice) = cases.iter().find(|case| !names.insert(case.name.get_ref())) {
                let name = twice.name.get_ref().chars().take(128).collect();
                return Err(Located::at(twice.name.span(), Problem::Duplicate { of: NameOf::Case, name }));
            }
            cases.into_iter().map(read_case).collect::<Result<_, _>>().map(|cases| Self { cases })
        };
        read().map_err(|located: Located| located.in_text(text))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    #[serde(rename = "case")]
    cases: Vec<CaseForm>,
}

/// `[[case]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseForm {
    name: Spanned<String>,
    at: Spanned<Toml>,
    expect: ExpectForm,
    failing: Option<Vec<String>>,
    claims: Option<BTreeMap<String, Spanned<Toml>>>,
    primary: Option<Spanned<String>>,
    devices: Option<Spanned<BTreeMap<String, u16>>>,
    nonce: Option<Spanned<bool>>,
    binding: Option<Spanned<bool>>,
    evidence: Option<Vec<EvidenceForm>>,
}

/// `expect`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ExpectForm {
    Affirming,
    Refused,
}

/// A member of `evidence`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceForm {
    kind: Spanned<String>,
    file: String,
    #[serde(default)]
    endorsements: Vec<String>,
    nonce: Option<Spanned<String>>,
    binding: Option<Spanned<String>>,
}

/// A case of either form.
fn read_case(form: CaseForm) -> Result<Case, Located> {
    let CaseForm { name, at, expect, failing, claims, primary, devices, nonce, binding, evidence } = form;
    let input = match (claims, evidence) {
        (Some(claims), None) => {
            if primary.is_none() && devices.is_none() {
                return Err(Located::at(name.span(), Problem::CaseSet));
            }
            CaseInput::Claims(Hypothesis {
                claims: read_claims(&claims)?,
                primary: primary.as_ref().map(read_primary).transpose()?,
                devices: devices.as_ref().map(read_devices).transpose()?.unwrap_or_default(),
                nonce: nonce.is_some_and(Spanned::into_inner),
                binding: binding.is_some_and(Spanned::into_inner),
            })
        }
        (None, Some(evidence)) => {
            let misplaced = [
                ("primary", primary.map(|key| key.span())),
                ("devices", devices.map(|key| key.span())),
                ("nonce", nonce.map(|key| key.span())),
                ("binding", binding.map(|key| key.span())),
            ];
            if let Some((key, span)) = misplaced.into_iter().find_map(|(key, span)| Some((key, span?))) {
                return Err(Located::at(span, Problem::CaseKey(key)));
            }
            CaseInput::Evidence(evidence.into_iter().map(read_evidence).collect::<Result<_, _>>()?)
        }
        _ => return Err(Located::at(name.span(), Problem::CaseInput)),
    };
    Ok(Case {
        at: read_instant(at.get_ref()).map_err(|problem| Located::at(at.span(), problem))?,
        name: name.into_inner(),
        expect: match expect {
            ExpectForm::Affirming => Verdict::Affirming,
            ExpectForm::Refused => Verdict::Refused,
        },
        failing,
        input,
    })
}

/// The kind of the CPU evidence that a case supposes.
fn read_primary(written: &Spanned<String>) -> Result<Kind, Located> {
    match read_kind(written.get_ref(), written.span())? {
        device if device.is_device() => Err(Located::at(written.span(), Problem::PrimaryIsDevice(device))),
        primary => Ok(primary),
    }
}

/// The pieces beside the CPU evidence that a case supposes, by kind: devices, and tokens about the same machine.
fn read_devices(written: &Spanned<BTreeMap<String, u16>>) -> Result<Vec<(Kind, u16)>, Located> {
    let read = |(kind, count): (&String, &u16)| match read_kind(kind, written.span())? {
        other if other.is_device() || other.is_token() => Ok((other, *count)),
        cpu => Err(Located::at(written.span(), Problem::DeviceIsCpu(cpu))),
    };
    written.get_ref().iter().map(read).collect()
}

/// A kind by its name.
fn read_kind(name: &str, span: Range<usize>) -> Result<Kind, Located> {
    name.parse().map_err(|unknown: UnknownKind| Located::at(span, unknown))
}

/// Claims by their dictionary names, typed by the dictionary.
fn read_claims(written: &BTreeMap<String, Spanned<Toml>>) -> Result<Claims, Located> {
    let mut claims = Claims::with_capacity(written.len());
    for (name, value) in written {
        let located = |problem| Located::at(value.span(), problem);
        if value.get_ref().is_table() {
            return Err(located(Problem::ClaimIsTable(name.chars().take(128).collect())));
        }
        let claim: ClaimName = name.parse().map_err(|unknown: UnknownClaim| located(unknown.into()))?;
        claims.insert(claim, read_value_or_list(name, claim.spec().claim_type, value.get_ref()).map_err(located)?);
    }
    Ok(claims)
}

/// A file of evidence, and what is expected in it.
fn read_evidence(form: EvidenceForm) -> Result<EvidenceFile, Located> {
    let EvidenceForm { kind, file, endorsements, nonce, binding } = form;
    Ok(EvidenceFile {
        kind: read_kind(kind.get_ref(), kind.span())?,
        file,
        endorsements,
        nonce: nonce.as_ref().map(|nonce| read_hex(nonce, ClaimType::Hex(0))).transpose()?,
        binding: binding.as_ref().map(|binding| read_hex(binding, ClaimType::Hex(48))).transpose()?,
    })
}

/// Bytes, as hex.
fn read_hex<T: for<'a> TryFrom<&'a [u8]>>(text: &Spanned<String>, of: ClaimType) -> Result<T, Located> {
    let bytes = match of.read(text.get_ref()) {
        Ok(Value::Hex(bytes)) => T::try_from(&bytes).ok(),
        _ => None,
    };
    let invalid = || Located::at(text.span(), Problem::InvalidHex(text.get_ref().chars().take(128).collect()));
    bytes.ok_or_else(invalid)
}
