//! The release protocol: what is read is written again, byte for byte; forms read what they write; a stranger's header never
//! does more than fail to open.

use prooftrail_protocol::{
    Context, ProofRecord, ReleaseTerms, Statement, limits, read_token,
    wire::{
        AppraisalRequest, ChallengeRequest, ChallengeResponse, Problem, ProofRequest, ProofResponse, ReleaseRequest,
        ReleaseResponse, SessionReleaseRequest, base64url, from_json,
    },
};
use prooftrail_release::WitnessKey;

/// Every structure that is hashed or signed.
pub(crate) fn structures(bytes: &[u8]) {
    if let Ok(context) = Context::decode(bytes) {
        assert_eq!(context.encode(), bytes);
    }
    if let Ok(statement) = Statement::decode(bytes) {
        assert_eq!(statement.encode(), bytes);
        assert!(statement.claims(true).iter().len() >= 6);
    }
    if let Ok(terms) = ReleaseTerms::decode(bytes) {
        assert_eq!(terms.encode(), bytes);
    }
    if let Ok(record) = ProofRecord::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
    if let Ok(challenge) = read_token(&base64url::encode(bytes)) {
        let _ = challenge.nonce();
    }
}

/// Every JSON form.
pub(crate) fn forms(bytes: &[u8]) {
    fn form<T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        if let Ok(read) = from_json::<T>(bytes, "form", limits::REQUEST_BYTES) {
            let written = serde_json::to_vec(&read).unwrap_or_default();
            assert_eq!(from_json::<T>(&written, "form", limits::RESPONSE_BYTES), Ok(read));
        }
    }
    form::<ChallengeRequest>(bytes);
    form::<ChallengeResponse>(bytes);
    form::<ReleaseRequest>(bytes);
    form::<SessionReleaseRequest>(bytes);
    form::<ReleaseResponse>(bytes);
    form::<ProofRequest>(bytes);
    form::<ProofResponse>(bytes);
    form::<AppraisalRequest>(bytes);
    form::<Problem>(bytes);
}

/// A witness's header, under a key that opens some of the corpus.
pub(crate) fn witness_header(bytes: &[u8]) {
    if let Ok(key) = WitnessKey::from_seed(&[0x41; 32]) {
        let opened = key.unwrap(bytes).is_ok();
        assert!(!opened || bytes.len() <= limits::WITNESS_HEADER_BYTES);
    }
}
