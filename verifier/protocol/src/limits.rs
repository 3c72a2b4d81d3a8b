//! Every cap of the protocol, in one place. A cap is compared before anything is allocated for what it caps.

/// The body of an HTTP request.
pub const REQUEST_BYTES: usize = 1 << 20;
/// A witness's age header, from the version line to the line of its MAC.
pub const WITNESS_HEADER_BYTES: usize = 64 << 10;
/// An encoded statement.
pub const STATEMENT_BYTES: usize = 64 << 10;
/// The arguments of a command, and the names of its environment.
pub const STATEMENT_ITEMS: usize = 1024;
/// An encoded context.
pub const CONTEXT_BYTES: usize = 4 << 10;
/// The checkpoint in a challenge: a note with its cosignatures.
pub const CHECKPOINT_BYTES: usize = 64 << 10;
/// A challenge token, as text.
pub const TOKEN_BYTES: usize = (CHECKPOINT_BYTES + 256) / 3 * 4 + 4;
/// How long a challenge is good for, in milliseconds.
pub const CHALLENGE_MILLIS: i64 = 5 * 60 * 1000;
/// How far the clock of the replica that made a challenge may be ahead, in milliseconds.
pub const CHALLENGE_SKEW_MILLIS: i64 = 60 * 1000;
/// Encoded release terms.
pub const TERMS_BYTES: usize = 16 << 10;
/// The pieces of a set of evidence.
pub const EVIDENCE_PIECES: usize = 64;
/// The endorsements that come with a set.
pub const ENDORSEMENTS: usize = 256;
/// An encoded proof record.
pub const PROOF_RECORD_BYTES: usize = 2 << 10;
/// A proof, its verifying key, or its public inputs; together with the JSON around them they fit into a request.
pub const PROOF_BYTES: usize = 512 << 10;
/// The name of a key.
pub const KEY_NAME_BYTES: usize = 64;
/// The origin of a log.
pub const ORIGIN_BYTES: usize = 255;
/// The name of a proof system.
pub const SYSTEM_NAME_BYTES: usize = 64;
/// The sessions' sequence numbers, so that they are exact wherever JSON numbers are doubles.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;
/// The body of a response. A release carries a checkpoint twice, and its proof of inclusion.
pub const RESPONSE_BYTES: usize = 2 << 20;
