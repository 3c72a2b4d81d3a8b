//! The pure crates as WebAssembly: the verifier that a relying party runs in a browser, without asking anyone.
//!
//! In: a request as JSON, bytes in base64. Out: the result as JSON, character for character what the command line prints.
//! Nothing is fetched, no clock is read: the page passes the time.

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_evidence::{EndorsementFile, Expected, NoIssuers, RustCrypto, bare_root};
use prooftrail_policy::{Demand, PolicyDocument, Request};
use prooftrail_result::{Kind, ReasonCode, Timestamp};
use prooftrail_trust_roots::RootSet;
use serde::Deserialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// A question, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    evidence: Vec<Piece>,
    #[serde(default)]
    endorsements: Vec<String>,
    /// Certificates that replace the pinned roots.
    #[serde(default)]
    roots: Vec<String>,
    at: String,
    nonce: Option<String>,
    binding: Option<String>,
    policy: Option<String>,
    #[serde(default)]
    allow_debug: bool,
}

/// A piece of evidence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    kind: String,
    base64: String,
}

/// Answers a question.
///
/// # Errors
/// A sentence, where the question itself cannot be read; evidence that cannot be read is answered like any other.
#[wasm_bindgen]
pub fn appraise(question: &str) -> Result<String, String> {
    let question: Question = serde_json::from_str(question).map_err(|error| format!("the question: {error}"))?;
    let pieces = question.evidence.iter().map(|piece| {
        let kind: Kind = piece.kind.parse().map_err(|error| format!("{error}"))?;
        Ok((kind, bytes(&piece.base64)?))
    });
    let pieces = pieces.collect::<Result<Vec<_>, String>>()?;
    let evidence: Vec<_> = pieces.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect();
    let endorsements = question.endorsements.iter().map(|file| bytes(file).map(EndorsementFile::from));
    let endorsements = endorsements.collect::<Result<Vec<_>, _>>()?;
    let roots = roots(&question.roots)?;
    let policy = question.policy.as_deref().map(|text| {
        let trusted: Vec<_> = roots.iter().map(|root| root.sha256).collect();
        PolicyDocument::parse(text)
            .and_then(|policy| policy.compile(&trusted))
            .map_err(|error| format!("the policy: {error}"))
    });
    let policy = policy.transpose()?;
    let at: Timestamp = question.at.parse().map_err(|error| format!("at: {error}"))?;
    let hex = |name, text: &Option<String>| {
        text.as_ref().map(|text| hex::decode(text).map_err(|error| format!("{name}: {error}")))
    };
    let nonce = hex("nonce", &question.nonce).transpose()?;
    let binding = hex("binding", &question.binding).transpose()?.map(<[u8; 48]>::try_from);
    let binding = binding.transpose().map_err(|_| "binding: not 48 bytes".to_owned())?;
    let answer = Request {
        evidence: &evidence,
        endorsements: &endorsements,
        roots: &roots,
        at,
        expected: Expected { nonce: nonce.as_deref(), binding: binding.as_ref(), ..Expected::default() },
        demand: match &policy {
            Some(policy) => Demand::Policy(policy),
            None => Demand::Authenticity { allow_debug: question.allow_debug },
        },
        crypto: &RustCrypto,
        issuers: &NoIssuers,
    }
    .answer();
    serde_json::to_string(answer.result()).map_err(|error| error.to_string())
}

/// The pinned roots, or the certificates and key sets that replace them.
fn roots(certificates: &[String]) -> Result<RootSet, String> {
    if certificates.is_empty() {
        return Ok(RootSet::pinned());
    }
    let mut roots = RootSet::default();
    for certificate in certificates {
        let root = bare_root(&RustCrypto, &bytes(certificate)?);
        let root = root.unwrap_or_else(|| Err(ReasonCode::EndorsementUnrecognised.into()));
        roots.extend(root.map_err(|reason| format!("roots: {reason}"))?);
    }
    Ok(roots)
}

fn bytes(base64: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(base64).map_err(|error| format!("not base64: {error}"))
}
