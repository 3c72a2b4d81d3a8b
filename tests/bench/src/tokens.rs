//! Tokens: warm, that is with the key set read and everything known that stands beside the token's own signature; against
//! the signatures alone.

use std::hint::black_box;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{
        ECDSA_P384_SHA384_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use prooftrail_evidence::{AwsLc, Context, Endorsements, Expected, Revocation, VerifiedIssuers, authenticate};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_simulator::{google::Verifier, nras::Service};
use prooftrail_trust_roots::RootSet;

use crate::{
    cache::{Frozen, Recording},
    measure::ratio,
};

/// A genuine token about an enclave, and its provider's key set: keys of 2,048 bits, each with the quote of the enclave that
/// holds it.
const TOKEN: &[u8] = include_bytes!("../../vectors/tokens/maa-pypi/sharedwus_0_RS256.jwt");
const KEY_SET: &[u8] = include_bytes!("../../vectors/tokens/maa-pypi/sharedwus_certs_2021-07-01.jwks.json");
/// 2021-07-01T21:00:00Z.
const TOKEN_AT: i64 = 1_625_173_200;
/// 2026-06-01T12:00:00Z.
const ANSWER_AT: i64 = 1_780_315_200;

pub fn run() {
    let (signed, signature) = parts(str::from_utf8(TOKEN).expect("text"));
    let signature = Signature { algorithm: &RSA_PKCS1_2048_8192_SHA256, key: rsa_key(), signed, signature };
    Tokens::of(Kind::AzureMaa, TOKEN, KEY_SET, TOKEN_AT).compare("token-rs256-warm", &[signature]);

    let (token, key_set, signature) = google();
    let tokens = Tokens::of(Kind::GcpConfidentialSpace, token.as_bytes(), key_set.as_bytes(), ANSWER_AT);
    tokens.compare("token-google-rs256-warm", &[signature]);

    let service = Service::new("bench", ANSWER_AT);
    let json = service.answer(&[7; 32], &["GPU-0"]).build();
    let text = String::from_utf8(json.clone()).expect("text");
    let tokens = text.split('"').filter(|text| text.starts_with("eyJ"));
    let signatures = tokens.map(|token| {
        let (signed, signature) = parts(token);
        let key = service.certificate.key.public_point();
        Signature { algorithm: &ECDSA_P384_SHA384_FIXED, key, signed, signature }
    });
    let signatures: Vec<_> = signatures.collect();
    Tokens::of(Kind::NvidiaNras, &json, &service.bare_key_set().build(), ANSWER_AT).compare("nras-warm", &signatures);
}

/// What is signed, and the signature.
fn parts(token: &str) -> (Vec<u8>, Vec<u8>) {
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    (signed.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(signature).expect("base64url"))
}

/// The key that signs the token, RSAPublicKey in DER: behind rsaEncryption, NULL and the head of the BIT STRING.
fn rsa_key() -> Vec<u8> {
    const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0, 3, 0x82, 1, 0x0F, 0];
    let set: serde_json::Value = serde_json::from_slice(KEY_SET).expect("JSON");
    let certificate = set["keys"][0]["x5c"][0].as_str().expect("a certificate");
    let certificate = STANDARD.decode(certificate).expect("base64");
    let start = certificate.windows(RSA.len()).position(|window| window == RSA).expect("an RSA key of 2,048 bits");
    certificate[start + RSA.len()..][..270].to_vec()
}

/// A token of Google's simulated verifier, signed by a key of 2,048 bits as genuine ones are, and its key set: no package that
/// the vectors are taken from ships a genuine token.
fn google() -> (String, String, Signature) {
    let verifier = Verifier::new("bench", ANSWER_AT);
    let mut token = verifier.oidc_token();
    token.payload.set("eat_nonce", URL_SAFE_NO_PAD.encode([7; 48]));
    let text = token.build();
    let (signed, _) = text.rsplit_once('.').expect("three parts");
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("a signature");
    let key = pair.public_key().as_ref().to_vec();
    // RSAPublicKey has nothing behind the modulus but the exponent, which takes five bytes.
    let (_, modulus) = key[..key.len() - 5].split_at(key.len() - 5 - signature.len());
    let modulus = URL_SAFE_NO_PAD.encode(modulus);
    let jwk = serde_json::json!({"kty": "RSA", "alg": "RS256", "kid": verifier.kid, "n": modulus, "e": "AQAB"});
    let key_set = serde_json::json!({"keys": [jwk]}).to_string();
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature));
    let signed = signed.as_bytes().to_vec();
    (token, key_set, Signature { algorithm: &RSA_PKCS1_2048_8192_SHA256, key, signed, signature })
}

/// A token and the key set of its issuer.
struct Tokens<'a> {
    kind: Kind,
    evidence: &'a [u8],
    endorsements: Endorsements,
    roots: RootSet,
    at: Timestamp,
}

impl<'a> Tokens<'a> {
    fn of(kind: Kind, evidence: &'a [u8], key_set: &[u8], at: i64) -> Self {
        let endorsements = Endorsements::read(&AwsLc, [key_set]).expect("a key set");
        let at = Timestamp::from_unix_seconds(at).expect("an instant");
        Self { kind, evidence, endorsements, roots: RootSet::pinned(), at }
    }

    fn authenticate(&self, issuers: &dyn VerifiedIssuers) {
        let context = Context {
            crypto: &AwsLc,
            roots: &self.roots,
            endorsements: &self.endorsements,
            issuers,
            revocation: Revocation::default(),
            at: self.at,
            expected: Expected::default(),
        };
        black_box(authenticate(self.kind, black_box(self.evidence), &context)).expect("authentic");
    }

    fn compare(&self, name: &str, signatures: &[Signature]) {
        let recording = Recording::default();
        self.authenticate(&recording);
        let known = Frozen::of(&recording);
        ratio(name, || self.authenticate(&known), || signatures.iter().for_each(Signature::verify));
    }
}

/// A token's signature: what no verifier can avoid verifying.
struct Signature {
    algorithm: &'static dyn VerificationAlgorithm,
    key: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Signature {
    fn verify(&self) {
        UnparsedPublicKey::new(self.algorithm, &self.key)
            .verify(black_box(&self.signed), &self.signature)
            .expect("the token's signature");
    }
}
