//! The bodies of the agents' routes, for the description of the API. In: nothing; out: a JSON schema for each form of
//! `prooftrail_protocol::wire`, which has no notion of OpenAPI. tests/service/schemas.rs compares them with what goes over
//! the wire.

use serde_json::{Map, Value, json};

/// Name, required members, optional members; each member with its type.
type Form = (&'static str, &'static [(&'static str, Type)], &'static [(&'static str, Type)]);

/// The type of a member.
#[derive(Clone, Copy)]
enum Type {
    /// Any text.
    Text,
    /// Bytes in base64url without padding.
    Base64,
    /// Bytes in lower-case hexadecimal.
    Hex,
    /// RFC 3339, in UTC.
    Time,
    /// A whole number, from 0.
    Number,
    /// An object of another form.
    Of(&'static str),
    /// Objects of another form.
    ListOf(&'static str),
    /// A list of bytes in base64url.
    Files,
    /// Anything that is described elsewhere.
    Object,
}

use Type::{Base64, Files, Hex, ListOf, Number, Object, Of, Text, Time};

const FORMS: &[Form] = &[
    ("ChallengeRequest", &[("purpose", Text)], &[("key", Text)]),
    (
        "ChallengeResponse",
        &[
            ("challenge", Text),
            ("nonce", Hex),
            ("checkpoint", Text),
            ("recovery_epoch", Number),
            ("expires", Time),
            ("log_origin", Text),
            ("release_key", Base64),
        ],
        &[("key", Of("KeyRef"))],
    ),
    ("KeyRef", &[("name", Text), ("version", Number)], &[]),
    ("PieceOfEvidence", &[("kind", Text), ("evidence", Base64)], &[]),
    ("LedgerPlace", &[("leaf_index", Number), ("leaf", Base64), ("checkpoint", Text)], &[("proof", Text)]),
    (
        "ReleaseRequest",
        &[
            ("challenge", Text),
            ("purpose", Text),
            ("key", Of("KeyRef")),
            ("suite", Text),
            ("recipient", Base64),
            ("proof_key", Base64),
            ("statement", Base64),
            ("witness_header", Base64),
            ("evidence", ListOf("PieceOfEvidence")),
        ],
        &[("endorsements", Files)],
    ),
    (
        "ReleaseResponse",
        &[
            ("release_id", Hex),
            ("terms", Base64),
            ("sealed", Base64),
            ("signature", Base64),
            ("expires", Time),
            ("ledger", Of("LedgerPlace")),
        ],
        &[],
    ),
    (
        "SessionReleaseRequest",
        &[("session", Hex), ("sequence", Number), ("witness_header", Base64), ("signature", Base64)],
        &[],
    ),
    (
        "AppraisalRequest",
        &[
            ("challenge", Text),
            ("policy", Text),
            ("suite", Text),
            ("recipient", Base64),
            ("proof_key", Base64),
            ("statement", Base64),
            ("evidence", ListOf("PieceOfEvidence")),
        ],
        &[("endorsements", Files)],
    ),
    (
        "AppraisalResponse",
        &[("result", Object), ("policy_digest", Hex), ("ledger", Of("LedgerPlace"))],
        &[("platform", Text)],
    ),
    (
        "ProofRequest",
        &[("session", Hex), ("record", Base64), ("signature", Base64)],
        &[("vk", Base64), ("public", Base64), ("proof", Base64)],
    ),
    (
        "ProofResponse",
        &[("verified", Text), ("ledger", Of("LedgerPlace"))],
        &[("proof_id", Hex), ("statement_id", Hex), ("url", Text)],
    ),
];

/// Every form by its name.
#[must_use]
pub fn all() -> Map<String, Value> {
    FORMS.iter().map(|form| (form.0.to_owned(), schema(form))).collect()
}

fn schema((_, required, optional): &Form) -> Value {
    let members: Map<String, Value> =
        required.iter().chain(*optional).map(|(name, of)| ((*name).to_owned(), member(*of))).collect();
    let names: Vec<_> = required.iter().map(|(name, _)| name).collect();
    json!({ "type": "object", "required": names, "properties": members, "additionalProperties": false })
}

fn member(of: Type) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let base64 = json!({ "type": "string", "contentEncoding": "base64url" });
    match of {
        Text => json!({ "type": "string" }),
        Base64 => base64,
        Hex => json!({ "type": "string", "pattern": "^([0-9a-f]{2})+$" }),
        Time => json!({ "type": "string", "format": "date-time" }),
        Number => json!({ "type": "integer", "minimum": 0 }),
        Of(name) => reference(name),
        ListOf(name) => json!({ "type": "array", "items": reference(name) }),
        Files => json!({ "type": "array", "items": base64 }),
        Object => json!({ "type": "object" }),
    }
}
