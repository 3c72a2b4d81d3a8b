//! Tokens of issuers and their key sets.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prooftrail_evidence::{
    AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, authenticate, bare_root, holds_key_set, identify,
};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_trust_roots::RootSet;

/// Within the times of the token below.
const AT: i64 = 1_780_315_200;

/// A token, whole: its parts, its header, its claims.
pub(crate) fn jws(bytes: &[u8]) {
    let _ = identify(bytes);
    for kind in [Kind::GcpConfidentialSpace, Kind::IntelTrustAuthority] {
        judge(kind, bytes, KEY_SET);
    }
}

/// A key set, as an endorsement and as a root, and the token that names a key of one.
pub(crate) fn jwks(bytes: &[u8]) {
    let is_one = holds_key_set(bytes);
    let read = Endorsements::read(&AwsLc, [bytes]);
    let root = bare_root(&AwsLc, bytes);
    // Whatever is read as a key set is told apart from all else by the same rule.
    assert!(!is_one || root.is_none_or(|root| root.is_ok() || read.is_err()));
    let token = token(br#"{"alg":"RS256","kid":"a"}"#, GCS_CLAIMS);
    judge(Kind::GcpConfidentialSpace, token.as_bytes(), bytes);
    let token = self::token(br#"{"alg":"PS384","kid":"a"}"#, ITA_CLAIMS);
    judge(Kind::IntelTrustAuthority, token.as_bytes(), bytes);
}

/// The claims of a Confidential Space token.
pub(crate) fn gcs(bytes: &[u8]) {
    let token = token(br#"{"alg":"RS256","kid":"a"}"#, bytes);
    judge(Kind::GcpConfidentialSpace, token.as_bytes(), KEY_SET);
}

/// The claims of an Intel Trust Authority token.
pub(crate) fn ita(bytes: &[u8]) {
    let token = token(br#"{"alg":"PS384","kid":"a"}"#, bytes);
    judge(Kind::IntelTrustAuthority, token.as_bytes(), KEY_SET);
}

/// A token with a signature that nobody made.
fn token(header: &[u8], claims: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", part(header), part(claims), part(&[0; 256]))
}

fn judge(kind: Kind, bytes: &[u8], key_set: &[u8]) {
    let Some(at) = Timestamp::from_unix_seconds(AT) else { return };
    let Ok(endorsements) = Endorsements::read(&AwsLc, [key_set]) else { return };
    let named = bare_root(&AwsLc, key_set).and_then(Result::ok).unwrap_or_default();
    for roots in [&RootSet::pinned(), &named] {
        let context = Context {
            crypto: &AwsLc,
            roots,
            endorsements: &endorsements,
            issuers: &NoIssuers,
            revocation: Revocation::default(),
            at,
            expected: Expected { nonce: Some(b"nonce"), ..Expected::default() },
        };
        // Nobody has the private half.
        assert!(authenticate(kind, bytes, &context).is_err());
    }
}

/// A key whose private half nobody has: 2,048 bits of ones.
const KEY_SET: &[u8] = br#"{"keys":[{"kty":"RSA","kid":"a","e":"AQAB","n":"_____________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________w"}]}"#;
const GCS_CLAIMS: &[u8] =
    br#"{"iss":"https://confidentialcomputing.googleapis.com","aud":"a","iat":1780315200,"exp":1780318800}"#;
const ITA_CLAIMS: &[u8] = br#"{"iss":"Intel Trust Authority","iat":1780315200,"exp":1780315500,"attester_type":"TDX"}"#;
