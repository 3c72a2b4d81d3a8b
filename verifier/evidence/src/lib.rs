//! Bytes → authentic claims. Pure: no I/O, no clock, no global state; roots, caches, endorsements and time are
//! arguments ([`Context`]).
//!
//! [`authenticate`] is the way in. A kind is a module (`nitro`, `intel`, `snp`, `azure`, `nvidia`); what kinds share stands
//! beside them: the strict CBOR reader, COSE, JOSE, event logs, X.509 with the chain engine, endorsements, and the
//! cryptography seam.

mod authentic;
mod azure;
mod bytes;
mod cbor;
mod checks;
mod context;
mod cose;
mod crypto;
mod endorsements;
mod expected;
mod format;
mod gce;
mod gcs;
mod hardware;
mod intel;
mod ita;
mod jose;
mod json;
mod json_claims;
mod maa;
mod nitro;
mod nras;
mod nvidia;
mod ocsp;
mod snp;
mod tcg_log;
mod wanted;
mod x509;

pub use authentic::{Authentic, InputDigest, Link, Refusal, check};
pub use azure::{AzureEvidence, AzureSnpVtpm, AzureTdxVtpm, AzureVtpm, SnpMachine, TdxMachine};
pub use context::{Context, Expected, Revocation, RevocationMode};
#[cfg(feature = "aws-lc")]
pub use crypto::AwsLc;
#[cfg(feature = "rustcrypto")]
pub use crypto::RustCrypto;
pub use crypto::{BadSignature, Crypto, RsaKey, SignatureAlgorithm};
pub use endorsements::{
    EndorsementFile, Endorsements, MAX_ENDORSEMENT_BYTES, MAX_ENDORSEMENTS, certificate_der, holds_key_set,
};
pub use format::{Format, Parsed};
pub use gcs::{ConfidentialSpace, ConfidentialSpaceToken};
pub use intel::{Enclave, IntelCa, IntelQuote, QuoteDocument, Quoted, SgxQuote, TdxQuote, Tee, TrustDomain};
pub use ita::{TrustAuthority, TrustAuthorityToken};
pub use jose::{bare_root, read_key_sets};
pub use maa::{AzureMaa, MaaToken};
pub use nitro::{
    MAX_EIF_SIGNATURE_BYTES, NitroDocument, NitroEnclave, NitroTpm, SignerMeasurement, nitro_extended,
    verify_eif_signature,
};
pub use nras::{NrasAnswer, NvidiaNras};
pub use nvidia::rim::{Floor as RimFloor, Golden, Rim, RimKind, RimStatus, VerifiedRim};
pub use nvidia::{
    Device as NvidiaDevice, Gpu, NvidiaEvidence, NvidiaGpu, NvidiaReports, NvidiaSwitch, Reporting, Switch,
};
pub use ocsp::{OcspResponse, RevocationReason, RevocationStatus, request as ocsp_request};
pub use snp::{KeyKind as AmdKey, ProductLine as AmdProduct, SevSnp, SnpEvidence, TcbVersion as AmdTcb};
pub use wanted::{
    Admitted, InvalidName, MAX_NAME_BYTES, Publisher, TokenIssuer, Wanted, admit, device_statuses, name_issuer,
    statuses, wanted,
};
pub use x509::{Crl, NoIssuers, PathId, SignatureId, VerifiedCertificate, VerifiedIssuers};

use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};

/// The kinds that this build verifies.
pub const SUPPORTED: &[Kind] = &[
    Kind::AwsNitro,
    Kind::AwsNitroTpm,
    Kind::AmdSevSnp,
    Kind::IntelTdx,
    Kind::IntelSgx,
    Kind::AzureSnpVtpm,
    Kind::AzureTdxVtpm,
    Kind::GcpConfidentialSpace,
    Kind::AzureMaa,
    Kind::NvidiaNras,
    Kind::IntelTrustAuthority,
    Kind::NvidiaGpu,
    Kind::NvidiaSwitch,
];

/// Authenticates one piece of evidence of a known kind.
///
/// # Errors
/// The refusal, with the reason of the first check that failed.
pub fn authenticate(kind: Kind, bytes: &[u8], context: &Context<'_>) -> Result<Authentic, Refusal> {
    match kind {
        Kind::AwsNitro => Parsed::<NitroEnclave>::parse(bytes)?.authenticate(context),
        Kind::AwsNitroTpm => Parsed::<NitroTpm>::parse(bytes)?.authenticate(context),
        Kind::IntelTdx => Parsed::<TdxQuote>::parse(bytes)?.authenticate(context),
        Kind::IntelSgx => Parsed::<SgxQuote>::parse(bytes)?.authenticate(context),
        Kind::AmdSevSnp => Parsed::<SevSnp>::parse(bytes)?.authenticate(context),
        Kind::AzureSnpVtpm => Parsed::<AzureSnpVtpm>::parse(bytes)?.authenticate(context),
        Kind::AzureTdxVtpm => Parsed::<AzureTdxVtpm>::parse(bytes)?.authenticate(context),
        Kind::GcpConfidentialSpace => Parsed::<ConfidentialSpace>::parse(bytes)?.authenticate(context),
        Kind::AzureMaa => Parsed::<AzureMaa>::parse(bytes)?.authenticate(context),
        Kind::NvidiaNras => Parsed::<NvidiaNras>::parse(bytes)?.authenticate(context),
        Kind::IntelTrustAuthority => Parsed::<TrustAuthority>::parse(bytes)?.authenticate(context),
        Kind::NvidiaGpu => Parsed::<NvidiaGpu>::parse(bytes)?.authenticate(context),
        Kind::NvidiaSwitch => Parsed::<NvidiaSwitch>::parse(bytes)?.authenticate(context),
        other => {
            let reason = Reason::from(ReasonCode::KindUnsupported).have(other);
            Err(Refusal { evidence_id: None, checks: Vec::new(), reason })
        }
    }
}

/// What a file turned out to be, before anything in it is believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Identified {
    /// The format.
    pub kind: Kind,
    /// When it says it was made, if its format has a time.
    pub claimed_time: Option<Timestamp>,
}

/// Which of this build's formats the bytes have; for people who were handed a file. A verdict always names the kind it
/// expects.
///
/// # Errors
/// Why they have none, by kind.
pub fn identify(bytes: &[u8]) -> Result<Identified, Vec<(Kind, Reason)>> {
    fn as_format<F: Format>(bytes: &[u8]) -> Result<Identified, (Kind, Reason)> {
        let parsed = Parsed::<F>::parse(bytes).map_err(|refusal| (F::KIND, refusal.reason))?;
        Ok(Identified { kind: F::KIND, claimed_time: parsed.claimed_time() })
    }
    let mut refused = Vec::new();
    for parse in [
        as_format::<NitroEnclave>,
        as_format::<NitroTpm>,
        as_format::<SevSnp>,
        as_format::<TdxQuote>,
        as_format::<SgxQuote>,
        as_format::<AzureSnpVtpm>,
        as_format::<AzureTdxVtpm>,
        as_format::<ConfidentialSpace>,
        as_format::<AzureMaa>,
        as_format::<NvidiaNras>,
        as_format::<TrustAuthority>,
        as_format::<NvidiaGpu>,
        as_format::<NvidiaSwitch>,
    ] {
        match parse(bytes) {
            Ok(identified) => return Ok(identified),
            Err(reason) => refused.push(reason),
        }
    }
    Err(refused)
}
