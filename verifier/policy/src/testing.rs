//! Policies and claims written by hand, for this crate's tests.

use prooftrail_evidence::Link;
use prooftrail_result::{
    Check, EvidenceId, Kind, Outcome, Reason, Timestamp, TrustAnchor,
    claims::{ClaimName, Claims, Value, cross_vendor},
};

use crate::{
    Policy, PolicyDocument,
    document::literal::read_value_or_list,
    evidence_set::{Links, Piece},
};

/// A root that the verifier trusts, in tests.
pub(crate) const ROOT: [u8; 32] = [0x64; 32];

/// PCR0 of a genuine document of 2025-01-06.
pub(crate) const PCR0: &str =
    "8bb159f202bb95d6d4d98e0e103918246cea734f1d57cd263e4fd56075ed53f6fa8c68854817a32749a241e11874c26b";

/// What every policy here begins with.
pub(crate) const HEAD: &str = "prooftrail_policy = 1\nname = \"p\"\nrationale = \"r\"\n";

/// The simplest platform.
pub(crate) const NITRO: &str = "[[platform]]\nname = \"nitro\"\nprimary = \"aws-nitro\"\n";

/// A policy, compiled with [`ROOT`] trusted.
pub(crate) fn policy(text: &str) -> Policy {
    let document = PolicyDocument::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    document.compile(&[ROOT]).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A policy for Nitro Enclaves that says that and no more, with further lines: top-level keys, then tables.
pub(crate) fn nitro_policy(keys: &str, tables: &str) -> Policy {
    policy(&format!("{HEAD}{keys}\n{NITRO}{tables}"))
}

/// A rule, as TOML.
pub(crate) fn rule(id: &str, claim: &str, operator: &str, value: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\nclaim = \"{claim}\"\noperator = \"{operator}\"\nvalue = {value}\nrationale = \"r\"\n"
    )
}

/// A rule that compares with a reference, as TOML.
pub(crate) fn rule_with_reference(id: &str, claim: &str, operator: &str, reference: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\nclaim = \"{claim}\"\noperator = \"{operator}\"\nreference = \"{reference}\"\nrationale = \"r\"\n"
    )
}

/// Claims by name and TOML value.
pub(crate) fn claims(entries: &[(&str, &str)]) -> Claims {
    let mut claims = Claims::default();
    for (name, value) in entries {
        let name: ClaimName = name.parse().unwrap();
        let value = toml::from_str::<toml::Table>(&format!("v = {value}")).unwrap().remove("v").unwrap();
        claims.insert(name, read_value_or_list("", name.spec().claim_type, &value).unwrap());
    }
    claims
}

/// An instant.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Evidence as authentication would hand it over, made by hand.
#[derive(Clone, Debug)]
pub(crate) struct MadeEvidence {
    pub(crate) evidence_id: EvidenceId,
    pub(crate) claims: Claims,
    pub(crate) checks: Vec<Check>,
    pub(crate) objections: Vec<Reason>,
    pub(crate) valid_until: Timestamp,
    pub(crate) trust_anchor: TrustAnchor,
    pub(crate) debug_applies: bool,
    pub(crate) nonce_matched: bool,
    pub(crate) binding_matched: bool,
    pub(crate) issuer_keys: Vec<[u8; 32]>,
    pub(crate) links: Vec<Link>,
}

impl MadeEvidence {
    /// Evidence of a kind with these claims besides the root, valid until 2025-01-06T19:07:05Z. `identity` tells pieces
    /// of one kind apart.
    fn new(kind: Kind, identity: u8, entries: &[(&str, &str)]) -> Self {
        let mut claims = claims(entries);
        claims.insert(cross_vendor::ROOT_SHA256, vec![Value::from(ROOT.as_slice())]);
        claims.insert(cross_vendor::SIMULATED, false);
        claims.insert(cross_vendor::TRUST_ANCHOR, "pinned");
        Self {
            evidence_id: EvidenceId { kind, signed_sha384: [identity; 48] },
            claims,
            checks: vec![Check { name: "evidence.signature", outcome: Outcome::Passed }],
            objections: Vec::new(),
            valid_until: at("2025-01-06T19:07:05Z"),
            trust_anchor: TrustAnchor::Pinned,
            debug_applies: !kind.is_device(),
            nonce_matched: true,
            binding_matched: false,
            issuer_keys: Vec::new(),
            links: Vec::new(),
        }
    }

    /// The Nitro document of 2025-01-06, made at 16:07:05.472.
    pub(crate) fn nitro() -> Self {
        Self::new(
            Kind::AwsNitro,
            1,
            &[
                ("platform", "'nitro-enclave'"),
                ("vendor", "'amazon'"),
                ("debug", "false"),
                ("measurement", &format!("'{PCR0}'")),
                ("nonce", "'00112233'"),
                ("issued_at", "'2025-01-06T16:07:05.472Z'"),
                ("revocation", "'not_checked'"),
                ("nitro.module_id", "'i-0bee92034f3d60691-enc01943c5eaab3ad6a'"),
                ("nitro.pcr0", &format!("'{PCR0}'")),
                ("nitro.region", "'eu-central-1'"),
            ],
        )
    }

    /// An SEV-SNP report.
    pub(crate) fn snp() -> Self {
        let entries = [("platform", "'sev-snp'"), ("vendor", "'amd'"), ("debug", "false"), ("revocation", "'good'")];
        Self { binding_matched: true, nonce_matched: false, ..Self::new(Kind::AmdSevSnp, 2, &entries) }
    }

    /// A GPU's report.
    pub(crate) fn gpu(identity: u8) -> Self {
        let links = vec![Link::Device(format!("4{identity}").into())];
        let report = Self::new(
            Kind::NvidiaGpu,
            identity,
            &[
                ("vendor", "'nvidia'"),
                ("revocation", "'good'"),
                ("gpu.0.ueid", &format!("'4{identity}'")),
                ("gpu.0.pdi", &format!("'00000000000000{identity:02x}'")),
                ("gpu.0.measres", "'success'"),
            ],
        );
        Self { links, ..report }
    }

    /// A switch's report.
    pub(crate) fn switch(identity: u8) -> Self {
        let pdi = format!("'00000000000000{identity:02x}'");
        let ueid = format!("'5{identity}'");
        Self::new(
            Kind::NvidiaSwitch,
            identity,
            &[("vendor", "'nvidia'"), ("revocation", "'good'"), ("switch.0.ueid", &ueid), ("switch.0.pdi", &pdi)],
        )
    }

    /// A token or a report of a kind, with what it is known by.
    pub(crate) fn linked(kind: Kind, identity: u8, links: &[Link]) -> Self {
        let bound = !kind.is_token() && !kind.is_device();
        Self { links: links.to_vec(), binding_matched: bound, ..Self::new(kind, identity, &[("debug", "false")]) }
    }

    /// The same evidence with further claims.
    pub(crate) fn with(mut self, entries: &[(&str, &str)]) -> Self {
        claims(entries).iter().for_each(|(name, value)| self.claims.insert(name, value.clone()));
        self
    }

    /// The same evidence without a claim.
    pub(crate) fn without(self, name: &str) -> Self {
        let mut claims = Claims::default();
        let kept = self.claims.iter().filter(|(other, _)| other.to_string() != name);
        kept.for_each(|(name, value)| claims.insert(name, value.clone()));
        Self { claims, ..self }
    }

    /// What an appraisal sees of it.
    pub(crate) fn piece(&self) -> Piece<'_> {
        Piece {
            kind: self.evidence_id.kind,
            evidence_id: Some(self.evidence_id),
            claims: &self.claims,
            checks: &self.checks,
            objections: &self.objections,
            valid_until: self.valid_until,
            trust_anchor: self.trust_anchor,
            debug_applies: self.debug_applies,
            nonce_matched: self.nonce_matched,
            binding_matched: self.binding_matched,
            issuer_keys: &self.issuer_keys,
            links: Links::Established(&self.links),
        }
    }
}
