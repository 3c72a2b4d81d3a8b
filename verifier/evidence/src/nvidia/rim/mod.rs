//! NVIDIA's reference integrity manifests (RIMs): what a driver, a VBIOS or a switch's BIOS measures to, signed.
//!
//! In: the XML that NVIDIA's RIM service gives out, or the service's JSON around it. Out: a [`Rim`], read and not believed;
//! from [`Rim::verify`], a [`VerifiedRim`]: what NVIDIA's root vouches for at the instant, with whether the signer's
//! certificate was still in force and not revoked. The parts: [`xml`] reads, [`c14n`] writes the canonical form, [`signature`]
//! holds both against the one profile of XML-DSig that NVIDIA has, [`content`] reads what is said, [`service`] unwraps the
//! service's answer. docs/nvidia-rims.md.

mod c14n;
mod content;
pub(crate) mod service;
mod signature;
mod xml;

use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::Root;
use x509_cert::ext::pkix::KeyUsages;

use self::{content::Content, signature::Signed};
use crate::{
    authentic::InputDigest,
    checks::Checks,
    context::{Context, RevocationMode},
    crypto::{Crypto, SignatureAlgorithm},
    ocsp::{self, RevocationStatus},
    x509::{self, Certificate, Chain, KeyType, Profile, PublicKey},
};

/// A RIM beyond this is refused unread; genuine ones have some 20 kB.
pub(crate) const MAX_RIM_BYTES: usize = 1 << 20;

/// The chains of NVIDIA's RIMs: P-384 throughout.
pub(crate) static PROFILE: Profile = Profile {
    name: "nvidia-rim",
    algorithms: &[SignatureAlgorithm::EcdsaP384Sha384],
    ca_key: KeyType::P384,
    leaf_key: KeyType::P384,
    leaf_usage: Some(KeyUsages::DigitalSignature),
    extended_key_usage: None,
    leaf_leeway_seconds: 0,
};

/// Signer, two CAs, root.
const CHAIN_LENGTH: usize = 4;

/// A RIM that was read. Nothing in it is believed before it is verified.
#[derive(Debug)]
pub struct Rim {
    /// SHA-256 of its bytes: ids are not immutable, so that a verdict names this.
    pub sha256: [u8; 32],
    /// By what it was asked for, where it came in an answer of NVIDIA's service. Nobody signs it.
    pub service_id: Option<String>,
    /// The tag id.
    pub id: String,
    /// The colloquial version: that of the driver, the VBIOS or the BIOS.
    pub version: String,
    /// The product: `GH100`.
    pub product: String,
    /// What it is of.
    pub kind: RimKind,
    /// The firmware's manufacturer, an IANA enterprise number: 5703 is NVIDIA.
    pub manufacturer_id: String,
    /// Measurements, by index: SPDM's less one.
    pub golden: Vec<Golden>,
    /// Least versions of what the opaque data report, of active records.
    pub floors: Vec<Floor>,
    signed: Signed,
}

/// What a RIM is of.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RimKind {
    /// A GPU's driver.
    Driver,
    /// A GPU's VBIOS.
    Vbios,
    /// A switch's BIOS.
    Switch,
}

impl RimKind {
    /// The kind of evidence that is compared with it.
    #[must_use]
    pub const fn evidence(self) -> Kind {
        match self {
            Self::Driver | Self::Vbios => Kind::NvidiaGpu,
            Self::Switch => Kind::NvidiaSwitch,
        }
    }
}

/// A measurement that a RIM has values for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Golden {
    /// Its index: SPDM's less one.
    pub index: u16,
    /// Whether it is to be compared.
    pub active: bool,
    /// The values that are good, one at least.
    pub alternatives: Vec<[u8; 48]>,
    /// The size of each, in bytes.
    pub size: u16,
}

/// The least version of something that the opaque data report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Floor {
    /// The type of the opaque data's entry.
    pub type_id: u16,
    /// What NVIDIA calls it.
    pub name: String,
    /// The least version.
    pub min_svn: u64,
    /// Whether NVIDIA wants the outcome to be shown.
    pub include_in_result: bool,
}

/// Whether a RIM may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RimStatus {
    /// It may.
    Valid,
    /// A certificate of its chain has ended.
    Expired,
    /// A certificate is on hold: a driver or a VBIOS before its release.
    Hold,
    /// A certificate is revoked.
    Revoked,
}

impl RimStatus {
    /// As it is claimed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Hold => "hold",
            Self::Revoked => "revoked",
        }
    }
}

/// A RIM that NVIDIA signed. Only a [`RimStatus::Valid`] one is to be compared with.
#[derive(Debug)]
pub struct VerifiedRim<'a> {
    /// What it says.
    pub rim: &'a Rim,
    /// Whether it may be used.
    pub status: RimStatus,
    /// The root that its chain ends in.
    pub root: &'a Root,
    /// When the signer's certificate ends.
    pub not_after: Timestamp,
    /// The last instant at which this is so.
    pub valid_until: Timestamp,
    /// The oldest data on revocation that this rests on; absent where no certificate was looked up.
    pub revocation_as_of: Option<Timestamp>,
    /// What it rests on: the RIM, the root, lists and answers on revocation.
    pub inputs: Vec<InputDigest>,
}

impl Rim {
    /// Whether a file is to be read as a RIM.
    #[must_use]
    pub fn is_one(file: &[u8]) -> bool {
        file.starts_with(b"<?xml") || file.starts_with(b"<SoftwareIdentity")
    }

    /// Reads a RIM, or the answer of NVIDIA's service that has one.
    ///
    /// # Errors
    /// A reason of stage `parse`.
    pub fn read(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        if file.len() > 2 * MAX_RIM_BYTES {
            return Err(too_large(file));
        }
        if file.trim_ascii_start().starts_with(b"{") {
            let (id, rim) = service::read(crypto, file)?;
            return Ok(Self { service_id: Some(id), ..Self::read_xml(crypto, &rim)? });
        }
        Self::read_xml(crypto, file)
    }

    fn read_xml(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        let because = |code: ReasonCode| move |detail: &'static str| Reason::new(code, format!("the RIM: {detail}"));
        if file.len() > MAX_RIM_BYTES {
            return Err(too_large(file));
        }
        let root = xml::read(file).map_err(because(ReasonCode::RimMalformed))?;
        let signed = Signed::read(crypto, &root).map_err(because(ReasonCode::RimSignatureProfile))?;
        let content = Content::read(&root).map_err(because(ReasonCode::RimContent))?;
        let Content { tag_id, version, product, kind, manufacturer_id, golden, floors } = content;
        let sha256 = crypto.sha256(&[file]);
        let service_id = None;
        Ok(Self { sha256, service_id, id: tag_id, version, product, kind, manufacturer_id, golden, floors, signed })
    }

    /// Its certificates, the signer's first. Nothing is known of them yet.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.signed.certificates
    }

    /// Verifies it at the context's instant: digest, signature, chain, revocation.
    ///
    /// # Errors
    /// The reason why it is not NVIDIA's, or is not yet.
    pub fn verify<'a>(&'a self, context: &Context<'a>) -> Result<VerifiedRim<'a>, Reason> {
        if self.signed.document != self.signed.stated {
            return Err(ReasonCode::RimDigest.into());
        }
        let certificates = self.signed.certificates.iter().enumerate();
        let certificates = certificates.map(|(place, der)| Certificate::read(der, &format!("certificate {place}")));
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        self.verify_signature(&certificates, context)?;
        let (last, below) = self.signed.certificates.split_last().ok_or(ReasonCode::ChainLength)?;
        let root = context.roots.of_reference_values(self.kind.evidence()).find(|root| root.der == *last);
        let root = root.ok_or_else(|| {
            let have = format!("SHA-256 {}", hex::encode(context.crypto.sha256(&[last])));
            Reason::new(ReasonCode::ChainRootNotPinned, "the RIM's chain ends in a root that is not pinned").have(have)
        })?;
        if self.signed.certificates.len() != CHAIN_LENGTH {
            let have = format!("{} certificates", self.signed.certificates.len());
            return Err(Reason::from(ReasonCode::ChainLength).have(have).need(CHAIN_LENGTH));
        }
        let (leaf, above) = below.split_first().ok_or(ReasonCode::ChainLength)?;
        let intermediates: Vec<&[u8]> = above.iter().rev().map(Vec::as_slice).collect();
        // What has ended is verified as of when it had not: that it is NVIDIA's must be shown all the same.
        let end = certificates.iter().map(|certificate| certificate.not_after.end_of_second()).min();
        let end = end.unwrap_or(context.at).min(context.at);
        let is_expired = end < context.at;
        let mode =
            if is_expired { RevocationMode::Off } else { context.revocation.nvidia.min(RevocationMode::BestEffort) };
        let as_of = Context { at: end, ..*context };
        let chain = Chain { root, intermediates: &intermediates, leaf };
        let verified = x509::verify(chain, &PROFILE, mode, &as_of, &mut Checks::default());
        let mut status = if is_expired { RimStatus::Expired } else { RimStatus::Valid };
        let mut inputs =
            vec![InputDigest { role: "rim", sha256: self.sha256 }, InputDigest { role: "root", sha256: root.sha256 }];
        let mut valid_until = Timestamp::MAX;
        let mut revocation = x509::Revocation::default();
        match verified {
            Ok(leaf) => {
                // What is true of something that has ended stays so.
                if !is_expired {
                    valid_until = leaf.valid_until();
                }
                revocation = leaf.revocation.clone();
                inputs.extend(revocation.crls.iter().map(|&sha256| InputDigest { role: "crl", sha256 }));
            }
            // The engine has verified the list that says so.
            Err(reason) if reason.code == ReasonCode::RevocationRevoked => {
                status = RimStatus::Revoked;
                x509::verify(chain, &PROFILE, RevocationMode::Off, &as_of, &mut Checks::default())?;
                let lists = context.endorsements.crls().iter();
                let lists = lists.filter(|crl| certificates.iter().any(|below| crl.is_issued_by(&below.issuer)));
                inputs.extend(lists.map(|crl| InputDigest { role: "crl", sha256: crl.sha256() }));
            }
            Err(reason) => return Err(reason),
        }
        let mut revocation_as_of = revocation.as_of;
        let mut unchecked = 0;
        for (certificate, issuer) in certificates.iter().zip(certificates.iter().skip(1)) {
            let answer = match context.revocation.nvidia {
                RevocationMode::Off => None,
                RevocationMode::BestEffort | RevocationMode::Required => {
                    ocsp::status_of(context, &PROFILE, certificate, issuer)?
                }
            };
            let Some(answer) = answer else {
                let has_list = !certificate.crl_distribution_points.is_empty();
                unchecked += usize::from(!(has_list && revocation.checked == revocation.published));
                continue;
            };
            valid_until = valid_until.min(answer.valid_until);
            revocation_as_of = revocation_as_of.into_iter().chain([answer.as_of]).min();
            inputs.push(InputDigest { role: "ocsp", sha256: answer.sha256 });
            status = match (status, answer.status) {
                // NVIDIA answers so for what it did not issue.
                (_, RevocationStatus::Unknown) => return Err(ReasonCode::RimSignerUnknown.into()),
                (RimStatus::Revoked, _) => RimStatus::Revoked,
                (status, RevocationStatus::Good) => status,
                (_, RevocationStatus::Revoked(reason)) if reason.is_hold() => RimStatus::Hold,
                (_, RevocationStatus::Revoked(_)) => RimStatus::Revoked,
            };
        }
        if context.revocation.nvidia == RevocationMode::Required && status == RimStatus::Valid && unchecked > 0 {
            let have = format!("{unchecked} of {} certificates of the RIM's signer not checked", CHAIN_LENGTH - 1);
            return Err(Reason::from(ReasonCode::RevocationNotChecked).have(have));
        }
        let not_after = certificates.first().map_or(context.at, |leaf| leaf.not_after);
        Ok(VerifiedRim { rim: self, status, root, not_after, valid_until, revocation_as_of, inputs })
    }

    fn verify_signature(&self, certificates: &[Certificate], context: &Context<'_>) -> Result<(), Reason> {
        let Some(PublicKey::P384(key)) = certificates.first().map(|signer| &signer.public_key) else {
            return Err(ReasonCode::ChainKeyType.into());
        };
        let verified = context.verify_p384_once(key, &self.signed.signed_info, &self.signed.value);
        verified.map_err(|_| ReasonCode::RimSignature.into())
    }
}

fn too_large(file: &[u8]) -> Reason {
    let reason = Reason::from(ReasonCode::EndorsementTooLarge).have(format!("{} bytes", file.len()));
    reason.need(format_args!("at most {MAX_RIM_BYTES} bytes of a RIM"))
}
