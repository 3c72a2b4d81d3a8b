//! Proof records: what came of a release, signed by the session's proof key. A command that failed leaves a record too, with
//! no proof.
//!
//! What a record says: attested code ran that command on that witness, and these bytes came out. Whether the proof verifies
//! is the verifier's finding and stands beside it.

use ed25519_dalek::SigningKey;
use prooftrail_result::Timestamp;

use crate::{
    cbor::{Reader, Writer},
    limits,
    malformed::{Fault, Malformed},
    names::ReleaseId,
    proof_key::ProofPublic,
    signature::{BadSignature, Signature},
};

const DOMAIN: &str = "prooftrail/proof/v1";
const WHAT: &str = "proof record";
/// What stands before the bytes that are signed.
const SIGNATURE_DOMAIN: &[u8] = b"prooftrail/proof-signature/v1\0";

/// A record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProofRecord {
    /// The Merkle leaf hash of the ledger's entry of the release (RFC 6962).
    pub release_leaf_hash: [u8; 32],
    /// The session: the id of the release that opened it.
    pub session: ReleaseId,
    /// The record's turn in the session, from 0; each is accepted once.
    pub sequence: u64,
    /// SHA-384 of the statement.
    pub statement_sha384: [u8; 48],
    /// SHA-384 of the witness's age header.
    pub witness_header_sha384: [u8; 48],
    /// SHA-256 of the whole witness file, header and ciphertext, as the agent read it.
    pub witness_sha256: [u8; 32],
    /// The proof system, as the agent was told; none where it was told none.
    pub system: Option<String>,
    /// SHA-256 of the verifying key's document.
    pub vk_sha256: Option<[u8; 32]>,
    /// SHA-256 of the document of public inputs.
    pub public_sha256: Option<[u8; 32]>,
    /// SHA-256 of the proof's bytes; none where the command failed, and only there.
    pub proof_sha256: Option<[u8; 32]>,
    /// The command's exit status; 128 and the signal's number where a signal ended it.
    pub exit_status: u8,
    /// When the command was started, by the agent's clock.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

impl ProofRecord {
    /// Its deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            release_leaf_hash,
            session,
            sequence,
            statement_sha384,
            witness_header_sha384,
            witness_sha256,
            system,
            vk_sha256,
            public_sha256,
            proof_sha256,
            exit_status,
            started,
            ended,
        } = self;
        let mut out = Writer::array(14);
        out.text(DOMAIN).bytes(release_leaf_hash).bytes(&session.0).uint(*sequence);
        out.bytes(statement_sha384).bytes(witness_header_sha384).bytes(witness_sha256);
        out.text_or_null(system.as_deref());
        out.bytes_or_null(vk_sha256.as_ref().map(<[u8; 32]>::as_slice))
            .bytes_or_null(public_sha256.as_ref().map(<[u8; 32]>::as_slice));
        out.bytes_or_null(proof_sha256.as_ref().map(<[u8; 32]>::as_slice)).uint(u64::from(*exit_status));
        out.int(started.unix_millis()).int(ended.unix_millis());
        out.finish()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Malformed`]; also where a record has a proof of a command that failed, or none of one that did not; where it has a
    /// verifying key without a system; and where it ends before it starts.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        Reader::strict(WHAT, bytes, limits::PROOF_RECORD_BYTES, Self::read, Self::encode)?.checked()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let instant = |reader: &mut Reader<'_>, field| {
            Timestamp::from_unix_millis(reader.int(field)?).ok_or(reader.fault(Fault::Field(field)))
        };
        reader.named_array(14, DOMAIN)?;
        Ok(Self {
            release_leaf_hash: reader.exactly("release leaf hash")?,
            session: ReleaseId(reader.exactly("session")?),
            sequence: reader.uint("sequence")?,
            statement_sha384: reader.exactly("statement")?,
            witness_header_sha384: reader.exactly("witness header")?,
            witness_sha256: reader.exactly("witness")?,
            system: reader.or_null("system", |reader, field| reader.text(field).map(str::to_owned))?,
            vk_sha256: reader.or_null("verifying key", Reader::exactly)?,
            public_sha256: reader.or_null("public inputs", Reader::exactly)?,
            proof_sha256: reader.or_null("proof", Reader::exactly)?,
            exit_status: u8::try_from(reader.uint("exit status")?)
                .map_err(|_| reader.fault(Fault::Field("exit status")))?,
            started: instant(reader, "started")?,
            ended: instant(reader, "ended")?,
        })
    }

    /// The record itself, if it is one that the format allows: what an agent calls before it signs.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn checked(self) -> Result<Self, Malformed> {
        let is_system = |name: &String| {
            (1..=limits::SYSTEM_NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let wrong = [
            ("sequence", self.sequence > limits::MAX_SEQUENCE),
            ("system", !self.system.iter().all(is_system)),
            ("verifying key", self.vk_sha256.is_some() && self.system.is_none()),
            ("public inputs", self.public_sha256.is_some() && self.system.is_none()),
            ("proof", self.proof_sha256.is_some() != (self.exit_status == 0)),
            ("ended", self.ended < self.started),
        ];
        match wrong.into_iter().find(|(_, wrong)| *wrong) {
            Some((field, _)) => Err(Malformed::new(WHAT, Fault::Field(field))),
            None => Ok(self),
        }
    }
}

/// A record's bytes with their signature; they belong together, because what is signed is the bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedProofRecord {
    /// The encoded record.
    pub record: Vec<u8>,
    /// The proof key's signature over `"prooftrail/proof-signature/v1\0"` and those bytes.
    pub signature: Signature,
}

impl SignedProofRecord {
    pub(crate) fn signed_by(key: &SigningKey, record: &ProofRecord) -> Self {
        let record = record.encode();
        Self { signature: Signature::of(key, SIGNATURE_DOMAIN, &record), record }
    }

    /// Reads the record, if the session's proof key signed it. The signature is verified before anything is read.
    ///
    /// # Errors
    /// [`ProofRecordError`].
    pub fn verify(&self, key: &ProofPublic) -> Result<ProofRecord, ProofRecordError> {
        self.signature.verify(key.key(), SIGNATURE_DOMAIN, &self.record)?;
        Ok(ProofRecord::decode(&self.record)?)
    }
}

/// Why a signed record is refused.
#[derive(Clone, Debug, Eq, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum ProofRecordError {
    /// The session's proof key did not sign it.
    #[error(transparent)]
    Signature(#[from] BadSignature),
    /// It is no record.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}
