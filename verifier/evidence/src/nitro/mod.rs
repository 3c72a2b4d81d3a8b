//! AWS Nitro: enclave documents (`aws-nitro`) and NitroTPM documents (`aws-nitrotpm`), one format under one root.
//!
//! In: a COSE_Sign1. Out: authentic claims. Parsing stands in [`document`]; this file is the order of the checks:
//! root → chain → signature → time stamp → certified identity → what the caller expects.

mod certified_name;
mod document;
mod eif_signature;

use std::marker::PhantomData;

use prooftrail_result::{
    EvidenceId, Kind, Outcome, Reason, ReasonCode, Timestamp,
    claims::{ClaimId, Claims, Value, cross_vendor, nitro, nitrotpm},
};
use prooftrail_trust_roots::Root;
use x509_cert::ext::pkix::KeyUsages;

use self::{
    certified_name::CertifiedName,
    document::{Document, MAX_DOCUMENT_BYTES, Variant},
};
use crate::{
    authentic::{Authentic, InputDigest, check},
    checks::Checks,
    context::Context,
    crypto::{Crypto, SignatureAlgorithm},
    format::Format,
    x509::{self, Chain, KeyType, Profile, VerifiedCertificate},
};

pub use self::eif_signature::{MAX_EIF_SIGNATURE_BYTES, SignerMeasurement, verify_eif_signature};

/// AWS's chain: P-384 with SHA-384 throughout; the leaf signs documents. A leaf is issued three seconds before its
/// first document, so the verifier's clock may be a little behind the hypervisor's.
static PROFILE: Profile = Profile {
    name: "aws-nitro",
    algorithms: &[SignatureAlgorithm::EcdsaP384Sha384],
    ca_key: KeyType::P384,
    leaf_key: KeyType::P384,
    leaf_usage: Some(KeyUsages::DigitalSignature),
    extended_key_usage: None,
    leaf_leeway_seconds: CLOCK_LEEWAY_SECONDS,
};

/// How far the hypervisor's clock may be ahead of ours.
const CLOCK_LEEWAY_SECONDS: i64 = 300;

/// `aws-nitro`.
pub type NitroEnclave = Nitro<Enclave>;

/// `aws-nitrotpm`.
pub type NitroTpm = Nitro<Tpm>;

/// A Nitro document of one of the two kinds.
#[derive(Clone, Copy, Debug)]
pub struct Nitro<D>(PhantomData<D>);

/// What an enclave sends.
#[derive(Clone, Copy, Debug)]
pub struct Enclave;

/// What an instance's TPM sends.
#[derive(Clone, Copy, Debug)]
pub struct Tpm;

/// What differs between the two.
pub trait Device {
    /// The kind that selects it.
    const KIND: Kind;
    /// The form of the document, and the names of its claims.
    const TRAITS: Traits;
}

/// The form of a document, and the names of its claims.
#[derive(Debug)]
pub struct Traits {
    variant: Variant,
    names: Names,
}

impl Device for Enclave {
    const KIND: Kind = Kind::AwsNitro;
    const TRAITS: Traits = Traits { variant: Variant::Enclave, names: ENCLAVE_CLAIMS };
}

impl Device for Tpm {
    const KIND: Kind = Kind::AwsNitroTpm;
    const TRAITS: Traits = Traits { variant: Variant::Tpm, names: TPM_CLAIMS };
}

/// A document that has the format.
#[derive(Debug)]
pub struct NitroDocument<'a>(Document<'a>);

impl<D: Device> Format for Nitro<D> {
    const KIND: Kind = D::KIND;
    const MAX_BYTES: usize = MAX_DOCUMENT_BYTES;
    type Document<'a> = NitroDocument<'a>;

    fn parse(bytes: &[u8]) -> Result<NitroDocument<'_>, Reason> {
        Document::parse(bytes, D::TRAITS.variant).map(NitroDocument)
    }

    fn signed_sha384(document: &NitroDocument<'_>, context: &Context<'_>) -> [u8; 48] {
        document.0.envelope.digest(context.crypto)
    }

    fn claimed_time(document: &NitroDocument<'_>) -> Option<Timestamp> {
        Some(document.0.timestamp)
    }

    fn authenticate(
        document: NitroDocument<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate(&document.0, id, &D::TRAITS.names, context, checks)
    }
}

/// The names under which the fields that both documents have are claimed.
#[derive(Debug)]
struct Names {
    platform: &'static str,
    /// Whether PCR0–2 of all zeros mean debug mode. In an instance's TPM, zero is the good value of some PCRs.
    debug_applies: bool,
    /// The PCR that identifies what was launched.
    measurement: u16,
    module_id: ClaimId,
    timestamp: ClaimId,
    digest: ClaimId,
    pcr: ClaimId,
    public_key: ClaimId,
    user_data: ClaimId,
    region: ClaimId,
    partition: ClaimId,
    instance_id: ClaimId,
    certificate_not_before: ClaimId,
    certificate_not_after: ClaimId,
    certificate_serial: ClaimId,
    unknown_fields: ClaimId,
}

const ENCLAVE_CLAIMS: Names = Names {
    platform: "nitro-enclave",
    debug_applies: true,
    measurement: 0,
    module_id: nitro::MODULE_ID,
    timestamp: nitro::TIMESTAMP,
    digest: nitro::DIGEST,
    pcr: nitro::PCR,
    public_key: nitro::PUBLIC_KEY,
    user_data: nitro::USER_DATA,
    region: nitro::REGION,
    partition: nitro::PARTITION,
    instance_id: nitro::INSTANCE_ID,
    certificate_not_before: nitro::CERTIFICATE_NOT_BEFORE,
    certificate_not_after: nitro::CERTIFICATE_NOT_AFTER,
    certificate_serial: nitro::CERTIFICATE_SERIAL,
    unknown_fields: nitro::UNKNOWN_FIELDS,
};

const TPM_CLAIMS: Names = Names {
    platform: "nitro-tpm",
    debug_applies: false,
    measurement: 4,
    module_id: nitrotpm::MODULE_ID,
    timestamp: nitrotpm::TIMESTAMP,
    digest: nitrotpm::DIGEST,
    pcr: nitrotpm::PCR,
    public_key: nitrotpm::PUBLIC_KEY,
    user_data: nitrotpm::USER_DATA,
    region: nitrotpm::REGION,
    partition: nitrotpm::PARTITION,
    instance_id: nitrotpm::INSTANCE_ID,
    certificate_not_before: nitrotpm::CERTIFICATE_NOT_BEFORE,
    certificate_not_after: nitrotpm::CERTIFICATE_NOT_AFTER,
    certificate_serial: nitrotpm::CERTIFICATE_SERIAL,
    unknown_fields: nitrotpm::UNKNOWN_FIELDS,
};

/// The checks, in order. Each consumes what the one before it established.
fn authenticate(
    document: &Document<'_>,
    evidence_id: EvidenceId,
    names: &Names,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let (root, intermediates) = checks.run(check::ROOT, || pinned_root(document, evidence_id.kind, context))?;
    let chain = Chain { root, intermediates, leaf: document.certificate };
    let leaf = x509::verify(chain, &PROFILE, context.revocation.amazon, context, checks)?;
    checks.run(check::SIGNATURE, || verify_signature(document, evidence_id, &leaf, context))?;
    checks.run(check::TIMESTAMP, || check_timestamp(document.timestamp, &leaf, context.at))?;
    let common_name = leaf.certificate.common_name();
    let certified = common_name.as_deref().and_then(CertifiedName::parse);
    match certified {
        Some(name) => checks.run(check::IDENTITY, || check_identity(document.module_id, name))?,
        None => checks.push(check::IDENTITY, Outcome::NotPerformed),
    }
    expect(checks, check::NONCE, context.expected.nonce, document.nonce, NONCE_REASONS)?;
    if context.expected.recipient.is_some() {
        expect(checks, check::RECIPIENT, context.expected.recipient, document.public_key, RECIPIENT_REASONS)?;
    }
    let binding = context.expected.binding.map(<[u8; 48]>::as_slice);
    expect(checks, check::BINDING, binding, document.user_data, BINDING_REASONS)?;

    let mut claims = claims(document, names, root, &leaf, certified, context.crypto);
    claims.insert_if(cross_vendor::BINDING, binding);
    Ok(Authentic {
        evidence_id,
        claims,
        checks: Vec::new(),
        objections: Vec::new(),
        valid_until: leaf.valid_until(),
        trust_anchor: root.trust_anchor,
        debug_applies: names.debug_applies,
        links: Vec::new(),
        issuer_keys: Vec::new(),
        inputs: inputs(root, &leaf),
    })
}

/// The bundle's first certificate must be a root of ours, byte for byte; it is the anchor because we know it, not
/// because it was sent.
fn pinned_root<'c, 'd>(
    document: &'d Document<'_>,
    kind: Kind,
    context: &Context<'c>,
) -> Result<(&'c Root, &'d [&'d [u8]]), Reason> {
    let (sent, intermediates) = document.cabundle.split_first().ok_or(ReasonCode::ChainLength)?;
    let root = context.roots.find(kind, sent).ok_or_else(|| {
        Reason::from(ReasonCode::ChainRootNotPinned)
            .have(format_args!("root with SHA-256 {}", hex::encode(context.crypto.sha256(&[sent]))))
    })?;
    Ok((root, intermediates))
}

fn verify_signature(
    document: &Document<'_>,
    evidence_id: EvidenceId,
    leaf: &VerifiedCertificate,
    context: &Context<'_>,
) -> Result<(), Reason> {
    let x509::PublicKey::P384(point) = &leaf.certificate.public_key else {
        return Err(ReasonCode::ChainKeyType.into());
    };
    context
        .crypto
        .verify_p384_sha384(point, &evidence_id.signed_sha384, document.envelope.signature)
        .map_err(|_| ReasonCode::CoseSignature.into())
}

/// The document was made while its certificate was valid, and not after the instant of appraisal.
fn check_timestamp(timestamp: Timestamp, leaf: &VerifiedCertificate, at: Timestamp) -> Result<(), Reason> {
    let (first, last) = (leaf.certificate.not_before, leaf.certificate.not_after);
    if timestamp < first.saturating_add_seconds(-CLOCK_LEEWAY_SECONDS) || timestamp.floor_to_second() > last {
        return Err(Reason::from(ReasonCode::TimeTimestampOutsideCertificate)
            .have(timestamp.to_rfc3339_millis())
            .need(format_args!("{first} to {last}")));
    }
    let latest = at.saturating_add_seconds(CLOCK_LEEWAY_SECONDS);
    if timestamp > latest {
        return Err(Reason::from(ReasonCode::TimeTimestampInFuture)
            .have(timestamp.to_rfc3339_millis())
            .need(format_args!("{latest} or earlier")));
    }
    Ok(())
}

fn check_identity(module_id: &str, certified: CertifiedName<'_>) -> Result<(), Reason> {
    if module_id == certified.module_id {
        return Ok(());
    }
    Err(Reason::from(ReasonCode::BindingCertifiedName).have(module_id).need(certified.module_id))
}

/// Reasons for a value that is not there, and for one that differs.
type ExpectReasons = (ReasonCode, ReasonCode);
const NONCE_REASONS: ExpectReasons = (ReasonCode::BindingNonceAbsent, ReasonCode::BindingNonceMismatch);
const RECIPIENT_REASONS: ExpectReasons = (ReasonCode::BindingRecipientAbsent, ReasonCode::BindingRecipientMismatch);
const BINDING_REASONS: ExpectReasons = (ReasonCode::BindingValueAbsent, ReasonCode::BindingValueMismatch);

/// Compares a field with what the caller expects of it, if anything.
fn expect(
    checks: &mut Checks,
    name: &'static str,
    expected: Option<&[u8]>,
    found: Option<&[u8]>,
    (absent, differs): ExpectReasons,
) -> Result<(), Reason> {
    let Some(expected) = expected else {
        checks.push(name, Outcome::NotPerformed);
        return Ok(());
    };
    checks.run(name, || match found {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(Reason::from(differs).have(hex::encode(found)).need(hex::encode(expected))),
        None => Err(Reason::from(absent).need(hex::encode(expected))),
    })
}

/// Everything the document establishes.
fn claims(
    document: &Document<'_>,
    names: &Names,
    root: &Root,
    leaf: &VerifiedCertificate,
    certified: Option<CertifiedName<'_>>,
    crypto: &dyn Crypto,
) -> Claims {
    let pcr = |index: usize| document.pcrs.get(index).copied().flatten();
    let mut claims = Claims::with_capacity(64);
    claims.insert(cross_vendor::PLATFORM, names.platform);
    claims.insert_if(cross_vendor::VENDOR, root.vendor.as_deref());
    if names.debug_applies {
        claims.insert_if(cross_vendor::DEBUG, is_debug(document));
    }
    let measurement = pcr(names.measurement.into()).map(<[u8; 48]>::as_slice);
    claims.insert_if(cross_vendor::MEASUREMENT, measurement);
    claims.insert(cross_vendor::INSTANCE, document.module_id);
    claims.insert_if(cross_vendor::NONCE, document.nonce);
    claims.insert(cross_vendor::ISSUED_AT, Value::TimeMillis(document.timestamp));
    x509::claim_revocation(&mut claims, &leaf.revocation);
    claims.insert(cross_vendor::TRUST_ANCHOR, root.trust_anchor.as_str());
    claims.insert(cross_vendor::ROOT_SHA256, vec![Value::from(root.sha256.as_slice())]);
    claims.insert(cross_vendor::SIMULATED, root.simulated);

    claims.insert(names.module_id, document.module_id);
    claims.insert(names.timestamp, Value::TimeMillis(document.timestamp));
    claims.insert(names.digest, "SHA384");
    for (index, value) in (0_u16..).zip(&document.pcrs) {
        claims.insert_if(names.pcr.at(index), value.map(<[u8; 48]>::as_slice));
    }
    claims.insert_if(names.public_key, document.public_key);
    claims.insert_if(names.user_data, document.user_data);
    claims.insert_if(names.partition, root.partition.as_deref());
    if let Some(name) = certified {
        claims.insert(names.region, name.region);
        claims.insert(names.instance_id, name.instance_id);
        if names.debug_applies {
            claims.insert(nitro::ENCLAVE_ID, name.suffix);
            let expected = nitro_extended(name.instance_id, crypto);
            claims.insert_if(nitro::PCR4_MATCHES_INSTANCE, pcr(4).map(|pcr4| *pcr4 == expected));
        }
    }
    claims.insert(names.certificate_not_before, leaf.certificate.not_before);
    claims.insert(names.certificate_not_after, leaf.certificate.not_after);
    claims.insert(names.certificate_serial, leaf.certificate.serial.as_slice());
    if !document.unknown_fields.is_empty() {
        let fields = document.unknown_fields.iter().map(|&field| Value::from(field)).collect::<Vec<_>>();
        claims.insert(names.unknown_fields, fields);
    }
    claims
}

/// What the hypervisor makes of a name in a PCR: SHA-384 of 48 zero bytes and the text. PCR3 is made of the IAM role's
/// ARN, PCR4 of the parent's instance id.
#[must_use]
pub fn nitro_extended(name: &str, crypto: &dyn Crypto) -> [u8; 48] {
    crypto.sha384(&[&[0; 48], name.as_bytes()])
}

/// The hypervisor signs zeros for PCR0, 1 and 2 of an enclave in debug mode (others, such as PCR3 and PCR4, keep their
/// values). Unknown unless all three are there.
fn is_debug(document: &Document<'_>) -> Option<bool> {
    match document.pcrs {
        [Some(pcr0), Some(pcr1), Some(pcr2), ..] => Some([pcr0, pcr1, pcr2].iter().all(|pcr| **pcr == [0; 48])),
        _ => None,
    }
}

fn inputs(root: &Root, leaf: &VerifiedCertificate) -> Vec<InputDigest> {
    let crls = leaf.revocation.crls.iter().map(|&sha256| InputDigest { role: "crl", sha256 });
    std::iter::once(InputDigest { role: "root", sha256: root.sha256 }).chain(crls).collect()
}
