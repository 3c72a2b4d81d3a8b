//! The files that collateral comes in, told apart by their keys.
//!
//! - A bundle, as Intel's quote verification library takes it and dcap-qvl writes it (`QuoteCollateralV3`): everything
//!   for one platform, documents as strings, chains in PEM, CRLs and signatures in hex.
//! - A response of Intel's service: one document with its signature. Its issuer's chain comes in an HTTP header, and is
//!   looked for among the certificates that were supplied.
//!
//! The log of a guest of dstack is JSON too, and is handed on.

use prooftrail_result::{Reason, ReasonCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    QeIdentity, TcbInfo,
    signed::{Document, Signed},
    text::hex,
};
use crate::{
    crypto::Crypto,
    intel::{event_log::EventLog, pem},
    json::{self, JsonError},
};

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct ReadFile {
    /// Revocation lists, DER.
    pub(crate) crls: Vec<Vec<u8>>,
    pub(super) tcb_info: Option<Signed<TcbInfo>>,
    pub(super) qe_identity: Option<Signed<QeIdentity>>,
    /// The log of a guest.
    pub(crate) event_log: Option<EventLog>,
}

/// A bundle. Keys that are not read here, such as versions and the PCK chain, carry nothing that is needed: a quote brings
/// its own chain, and CRLs are checked under that.
#[derive(Deserialize)]
struct Bundle {
    root_ca_crl: Option<String>,
    pck_crl: Option<String>,
    tcb_info_issuer_chain: String,
    tcb_info: String,
    #[serde(deserialize_with = "hex")]
    tcb_info_signature: [u8; 64],
    qe_identity_issuer_chain: String,
    qe_identity: String,
    #[serde(deserialize_with = "hex")]
    qe_identity_signature: [u8; 64],
}

/// A response with TCB info.
#[derive(Deserialize)]
struct TcbInfoResponse<'a> {
    #[serde(rename = "tcbInfo", borrow)]
    tcb_info: &'a RawValue,
    #[serde(deserialize_with = "hex")]
    signature: [u8; 64],
}

/// A response with the identity of an enclave.
#[derive(Deserialize)]
struct IdentityResponse<'a> {
    #[serde(rename = "enclaveIdentity", borrow)]
    enclave_identity: &'a RawValue,
    #[serde(deserialize_with = "hex")]
    signature: [u8; 64],
}

/// The keys by which the forms are told apart.
#[derive(Deserialize)]
struct Keys {
    tcb_info: Option<serde::de::IgnoredAny>,
    #[serde(rename = "tcbInfo")]
    tcb_info_response: Option<serde::de::IgnoredAny>,
    #[serde(rename = "enclaveIdentity")]
    identity_response: Option<serde::de::IgnoredAny>,
    event_log: Option<serde::de::IgnoredAny>,
}

/// Reads a file.
pub(crate) fn read(crypto: &dyn Crypto, file: &[u8]) -> Result<ReadFile, Reason> {
    let keys: Keys = value(file, "file")?;
    match keys {
        Keys { tcb_info: Some(_), .. } => bundle(crypto, value(file, "bundle")?),
        Keys { tcb_info_response: Some(_), .. } => {
            let TcbInfoResponse { tcb_info, signature } = value(file, "TCB info")?;
            let tcb_info = Some(document(crypto, tcb_info.get(), signature, None)?);
            Ok(ReadFile { tcb_info, ..ReadFile::default() })
        }
        Keys { identity_response: Some(_), .. } => {
            let IdentityResponse { enclave_identity, signature } = value(file, "QE identity")?;
            let qe_identity = Some(document(crypto, enclave_identity.get(), signature, None)?);
            Ok(ReadFile { qe_identity, ..ReadFile::default() })
        }
        Keys { event_log: Some(_), .. } => {
            Ok(ReadFile { event_log: Some(EventLog::dstack(crypto, file)?), ..ReadFile::default() })
        }
        _ => Err(ReasonCode::EndorsementUnrecognised.into()),
    }
}

fn bundle(crypto: &dyn Crypto, bundle: Bundle) -> Result<ReadFile, Reason> {
    let crls = [bundle.root_ca_crl, bundle.pck_crl].into_iter().flatten().map(|crl| {
        hex::decode(crl.trim_ascii())
            .map_err(|error| Reason::new(ReasonCode::CollateralMalformed, format!("a CRL in the bundle: {error}")))
    });
    let crls = crls.collect::<Result<_, _>>()?;
    let chain = |text: &str, name| pem::chain(text.as_bytes(), name).map(Some);
    let tcb_info_chain = chain(&bundle.tcb_info_issuer_chain, "TCB info issuer chain")?;
    let qe_identity_chain = chain(&bundle.qe_identity_issuer_chain, "QE identity issuer chain")?;
    Ok(ReadFile {
        crls,
        tcb_info: Some(document(crypto, &bundle.tcb_info, bundle.tcb_info_signature, tcb_info_chain)?),
        qe_identity: Some(document(crypto, &bundle.qe_identity, bundle.qe_identity_signature, qe_identity_chain)?),
        event_log: None,
    })
}

/// Reads a document from its verbatim text.
fn document<T: Document>(
    crypto: &dyn Crypto,
    text: &str,
    signature: [u8; 64],
    issuer_chain: Option<Vec<Vec<u8>>>,
) -> Result<Signed<T>, Reason> {
    let content: T = value(text.as_bytes(), T::NAME)?;
    content.is_supported().map_err(|have| {
        let detail = format!("this {} is of no version that is known here", T::NAME);
        Reason::new(ReasonCode::CollateralVersion, detail).have(have)
    })?;
    let sha256 = crypto.sha256(&[text.as_bytes()]);
    let chain = issuer_chain.iter().flatten().map(Vec::as_slice);
    let whole: Vec<_> = [sha256.as_slice(), &signature].into_iter().chain(chain).collect();
    let whole_sha256 = crypto.sha256(&whole);
    Ok(Signed { content, sha256, signature, issuer_chain, whole_sha256 })
}

fn value<'a, T: Deserialize<'a>>(text: &'a [u8], name: &str) -> Result<T, Reason> {
    json::read(text).map_err(|error| match error {
        JsonError::DuplicateKey(why) => {
            Reason::new(ReasonCode::CollateralDuplicateKey, format!("the {name} of Intel's collateral: {why}"))
        }
        JsonError::Malformed(why) | JsonError::Shape(why) => {
            Reason::new(ReasonCode::CollateralMalformed, format!("the {name} of Intel's collateral: {why}"))
        }
    })
}
