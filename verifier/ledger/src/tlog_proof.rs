//! Proof files: that an entry is in a log, verifiable offline. In: the file, the entry's hash and the relying party's
//! policy; out: the checkpoint under which the entry stands, or the reason. C2SP tlog-proof.

use std::fmt;

use crate::{
    Hash, InvalidDecimal, InvalidHash, MAX_TREE_SIZE, Note, TrustPolicy, base64_text, decimal,
    merkle::{InclusionError, verify_inclusion},
    note::{MAX_NOTE_BYTES, NoteError},
    trust_policy::{PolicyRefusal, VerifiedCheckpoint},
};

/// The longest proof file that is read, in bytes: the longest checkpoint, and 128 KiB for what stands above it.
pub const MAX_PROOF_BYTES: usize = MAX_NOTE_BYTES + (128 << 10);

/// The most extra data that a proof file may carry, in bytes.
pub const MAX_EXTRA_BYTES: usize = 64 << 10;

/// The longest inclusion path: that of a tree of [`MAX_TREE_SIZE`] leaves.
pub const MAX_PATH_HASHES: usize = 63;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof file's contents. Nothing about it is to be believed before [`TlogProof::verify`], and the extra data not even
/// then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    path: Vec<Hash>,
    checkpoint: Note,
}

impl TlogProof {
    /// The proof that an entry stands at `index` under `checkpoint`; `path` is its inclusion path.
    ///
    /// # Errors
    /// [`TlogProofError::Index`] or [`TlogProofError::PathTooLong`].
    pub fn new(index: u64, path: Vec<Hash>, checkpoint: Note) -> Result<Self, TlogProofError> {
        if index > MAX_TREE_SIZE {
            return Err(TlogProofError::Index(InvalidDecimal::TooLarge { max: MAX_TREE_SIZE }));
        }
        if path.len() > MAX_PATH_HASHES {
            return Err(TlogProofError::PathTooLong { max: MAX_PATH_HASHES });
        }
        Ok(Self { extra: None, index, path, checkpoint })
    }

    /// The same proof with data that nothing authenticates.
    ///
    /// # Errors
    /// [`TlogProofError::EmptyExtra`] or [`TlogProofError::ExtraTooLong`].
    pub fn with_extra(self, extra: Vec<u8>) -> Result<Self, TlogProofError> {
        check_extra(&extra)?;
        Ok(Self { extra: Some(extra), ..self })
    }

    /// Reads a proof file.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn parse(file: &[u8]) -> Result<Self, TlogProofError> {
        if file.len() > MAX_PROOF_BYTES {
            return Err(TlogProofError::TooLong { have: file.len(), max: MAX_PROOF_BYTES });
        }
        let end_of_proof = file.windows(2).position(|pair| pair == b"\n\n").ok_or(TlogProofError::NoCheckpoint)?;
        let (proof, checkpoint) = file.split_at(end_of_proof);
        let proof = str::from_utf8(proof).map_err(|_| TlogProofError::NotUtf8)?;
        let checkpoint = checkpoint.strip_prefix(b"\n\n").ok_or(TlogProofError::NoCheckpoint)?;

        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(TlogProofError::Header);
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => Some(parse_extra(line)?),
            None => None,
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.ok_or(TlogProofError::NoIndex)?;
        let index = decimal::parse(index, MAX_TREE_SIZE).map_err(TlogProofError::Index)?;
        let mut path = Vec::new();
        for line in lines {
            if path.len() >= MAX_PATH_HASHES {
                return Err(TlogProofError::PathTooLong { max: MAX_PATH_HASHES });
            }
            let hash =
                Hash::from_base64(line).map_err(|reason| TlogProofError::PathHash { position: path.len(), reason })?;
            path.push(hash);
        }
        Ok(Self { extra, index, path, checkpoint: Note::parse(checkpoint)? })
    }

    /// Verifies that the entry with the leaf hash `leaf_hash` ([`Hash::of_leaf`]) stands at [`TlogProof::index`] in a log
    /// that `policy` trusts, under a checkpoint that its quorum has cosigned.
    ///
    /// # Errors
    /// [`TlogProofRefusal`]: the checkpoint is verified first, then the path.
    pub fn verify(&self, leaf_hash: &Hash, policy: &TrustPolicy) -> Result<VerifiedCheckpoint, TlogProofRefusal> {
        let verified = policy.verify_checkpoint(&self.checkpoint)?;
        let (size, root) = (verified.checkpoint.size(), verified.checkpoint.root());
        verify_inclusion(leaf_hash, self.index, size, &self.path, &root)?;
        Ok(verified)
    }

    /// Where the entry stands in the log, counted from 0; unverified.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The inclusion path, from the leaf's sibling up; unverified.
    #[must_use]
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// The checkpoint; unverified.
    #[must_use]
    pub const fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }

    /// Data that nothing authenticates, ever.
    #[must_use]
    pub fn untrusted_extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }
}

/// The proof file. Inverse of [`TlogProof::parse`].
impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64_text::encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn parse_extra(line: &str) -> Result<Vec<u8>, TlogProofError> {
    let text = line.strip_prefix("extra ").unwrap_or(line);
    // Four characters stand for three bytes; checked before anything is decoded.
    if text.len() / 4 > MAX_EXTRA_BYTES.div_ceil(3) {
        return Err(TlogProofError::ExtraTooLong { max: MAX_EXTRA_BYTES });
    }
    let extra = base64_text::decode(text).ok_or(TlogProofError::ExtraBase64)?;
    check_extra(&extra)?;
    Ok(extra)
}

fn check_extra(extra: &[u8]) -> Result<(), TlogProofError> {
    if extra.is_empty() {
        return Err(TlogProofError::EmptyExtra);
    }
    if extra.len() > MAX_EXTRA_BYTES {
        return Err(TlogProofError::ExtraTooLong { max: MAX_EXTRA_BYTES });
    }
    Ok(())
}

/// Why bytes are not a proof file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlogProofError {
    /// More bytes than [`MAX_PROOF_BYTES`].
    #[error("the proof file has {have} bytes; at most {max} are accepted")]
    TooLong {
        /// Its length in bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// The first line is another.
    #[error("the first line is not {HEADER}")]
    Header,
    /// What stands above the checkpoint is not UTF-8.
    #[error("the lines above the checkpoint are not UTF-8")]
    NotUtf8,
    /// The extra data are not canonical base64.
    #[error("the extra data are not canonical base64")]
    ExtraBase64,
    /// The line for extra data has none; it is to be left out then.
    #[error("the extra data are empty")]
    EmptyExtra,
    /// More extra data than [`MAX_EXTRA_BYTES`].
    #[error("the extra data have more than {max} bytes")]
    ExtraTooLong {
        /// The cap in bytes.
        max: usize,
    },
    /// No index where one must stand.
    #[error("the line of the index is missing")]
    NoIndex,
    /// The index is not a number.
    #[error("the index is not a number: {0}")]
    Index(InvalidDecimal),
    /// A hash of the path is none.
    #[error("hash {position} of the path: {reason}")]
    PathHash {
        /// Its place, counted from 0.
        position: usize,
        /// Why it is none.
        reason: InvalidHash,
    },
    /// More hashes than any path has.
    #[error("the path has more than {max} hashes")]
    PathTooLong {
        /// The cap.
        max: usize,
    },
    /// No empty line with a checkpoint after it.
    #[error("no empty line parts the proof from a checkpoint")]
    NoCheckpoint,
    /// The checkpoint is not a note.
    #[error(transparent)]
    Checkpoint(#[from] NoteError),
}

/// Why a proof does not show that the entry is in a trusted log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlogProofRefusal {
    /// The policy does not trust the checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] PolicyRefusal),
    /// The entry does not stand there under the checkpoint.
    #[error(transparent)]
    Inclusion(#[from] InclusionError),
}
