//! The record of a registered proof: what the agent signed, and what the service found about it.

use prooftrail_protocol::{
    Fault, Malformed, Signature, SignedProofRecord,
    cbor::{Reader, Writer},
    limits,
};
use prooftrail_result::Timestamp;

use super::{MAX_RECORD_BYTES, instant, name};

const DOMAIN: &str = "prooftrail/proof-entry/v1";
const WHAT: &str = "proof entry";

/// A registered proof. Digests of proof, key and inputs stand in the signed record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProofEntry {
    /// Whose it is.
    pub project: String,
    /// What the session's proof key signed, with its signature. It names the release by the hash of its leaf.
    pub signed: SignedProofRecord,
    /// The index of the release's entry in the ledger.
    pub release_index: u64,
    /// What was found about the proof.
    pub finding: ProofFinding,
    /// The build that looked, such as `prooftrail 0.1.0`.
    pub verifier: String,
    /// When it was registered.
    pub at: Timestamp,
}

/// What was found about a proof.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProofFinding {
    /// It verifies.
    Verified {
        /// The id of what is proved (docs/proofs.md).
        statement_id: [u8; 32],
        /// The digest of the verifying key, however its document spells it (docs/proofs.md).
        verifying_key: [u8; 32],
        /// The code of a weakness of the key, for which the proof proves nothing all the same.
        weakness: Option<String>,
    },
    /// A document is not acceptable, or the proof does not verify.
    Refused {
        /// The stable code.
        code: String,
    },
    /// The build has no verifier for the system, or was not given the documents: nothing is claimed.
    Unsupported,
    /// The command failed, and there is no proof.
    NoProof,
}

impl ProofFinding {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "verified",
            Self::Refused { .. } => "refused",
            Self::Unsupported => "unsupported",
            Self::NoProof => "no_proof",
        }
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Verified { statement_id, verifying_key, weakness } => {
                out.nested_array(4).text(self.as_str()).bytes(statement_id).bytes(verifying_key);
                out.text_or_null(weakness.as_deref());
            }
            Self::Refused { code } => {
                out.nested_array(2).text(self.as_str()).text(code);
            }
            Self::Unsupported | Self::NoProof => {
                out.nested_array(1).text(self.as_str());
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        const FIELD: &str = "finding";
        let items = reader.array(4, FIELD)?;
        match (reader.text(FIELD)?, items) {
            ("verified", 4) => Ok(Self::Verified {
                statement_id: reader.exactly(FIELD)?,
                verifying_key: reader.exactly(FIELD)?,
                weakness: reader.or_null(FIELD, name)?,
            }),
            ("refused", 2) => Ok(Self::Refused { code: name(reader, FIELD)? }),
            ("unsupported", 1) => Ok(Self::Unsupported),
            ("no_proof", 1) => Ok(Self::NoProof),
            _ => Err(reader.fault(Fault::Field(FIELD))),
        }
    }
}

impl ProofEntry {
    /// Its deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { project, signed: SignedProofRecord { record, signature }, release_index, finding, verifier, at } =
            self;
        let mut out = Writer::array(8);
        out.text(DOMAIN).text(project).bytes(record).bytes(&signature.0).uint(*release_index);
        finding.write(&mut out);
        out.text(verifier).int(at.unix_millis());
        out.finish()
    }

    /// Reads a record. What the agent signed stays unread: it is to be believed only after
    /// [`SignedProofRecord::verify`].
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let read = |reader: &mut Reader<'_>| {
            reader.named_array(8, DOMAIN)?;
            let project = name(reader, "project")?;
            let record = reader.bytes("record")?;
            if record.len() > limits::PROOF_RECORD_BYTES {
                return Err(reader.fault(Fault::Field("record")));
            }
            let signature = Signature(reader.exactly("signature")?);
            Ok(Self {
                project,
                signed: SignedProofRecord { record: record.to_vec(), signature },
                release_index: reader.uint("release index")?,
                finding: ProofFinding::read(reader)?,
                verifier: name(reader, "verifier")?,
                at: instant(reader, "at")?,
            })
        };
        Reader::strict(WHAT, bytes, MAX_RECORD_BYTES, read, Self::encode)
    }
}
