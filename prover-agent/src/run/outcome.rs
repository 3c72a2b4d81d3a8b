//! What a command leaves: the proof and its documents, hashed whole, sent where they fit into a request.
//!
//! The command may have put anything there: only plain files are read, links are not followed, and nothing is waited for.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use prooftrail_protocol::{
    ReleaseId, SignedProofRecord, limits,
    wire::{Bytes, ProofRequest},
};
use sha2::{Digest, Sha256};

use super::{Options, RunError, io_error};

/// What of a request base64 and the other members may need.
const ROOM: usize = 16 << 10;

/// A file, hashed whole.
pub(super) struct Document {
    pub(super) sha256: [u8; 32],
    /// Its bytes, where there are few enough to be sent.
    bytes: Option<Vec<u8>>,
}

/// The files of one run.
#[derive(Default)]
pub(super) struct Documents {
    pub(super) proof: Option<Document>,
    pub(super) vk: Option<Document>,
    pub(super) public: Option<Document>,
}

impl Documents {
    /// Reads what is there. A proof that is not there is none; a document that was named must be there.
    pub(super) fn read(options: &Options) -> Result<Self, RunError> {
        let proof = match Document::read(&options.proof_out) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            other => Some(other.map_err(io_error(options.proof_out.display()))?),
        };
        let named = |path: &Option<std::path::PathBuf>| {
            path.as_ref().map(|path| Document::read(path).map_err(io_error(path.display()))).transpose()
        };
        Ok(Self { proof, vk: named(&options.vk)?, public: named(&options.public)? })
    }

    /// The request, with as many documents as fit: the record has the digests of all.
    pub(super) fn request(self, session: ReleaseId, signed: SignedProofRecord) -> ProofRequest {
        let mut left = limits::REQUEST_BYTES - ROOM;
        let mut fitting = |document: Option<Document>| {
            let bytes = document?.bytes?;
            left = left.checked_sub(bytes.len().div_ceil(3) * 4)?;
            Some(Bytes(bytes))
        };
        let (proof, public, vk) = (fitting(self.proof), fitting(self.public), fitting(self.vk));
        ProofRequest { session, record: Bytes(signed.record), signature: signed.signature, vk, public, proof }
    }
}

impl Document {
    fn read(path: &Path) -> io::Result<Self> {
        let mut file = plain_file(path)?;
        let mut bytes = Vec::new();
        let most = u64::try_from(limits::PROOF_BYTES).unwrap_or(u64::MAX);
        (&mut file).take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        let mut hash = Sha256::new_with_prefix(&bytes);
        io::copy(&mut file, &mut HashTo(&mut hash))?;
        let sendable = bytes.len() <= limits::PROOF_BYTES;
        Ok(Self { sha256: hash.finalize().into(), bytes: sendable.then_some(bytes) })
    }
}

/// SHA-256 of a file.
pub(super) fn sha256_of(path: &Path) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    io::copy(&mut plain_file(path)?, &mut HashTo(&mut hash))?;
    Ok(hash.finalize().into())
}

/// Writes what the command said on standard output to the proof's place, if it was all kept.
pub(super) fn write_proof(path: &Path, kept: &[u8], said: u64) -> io::Result<()> {
    if u64::try_from(kept.len()).ok() != Some(said) || kept.len() > limits::PROOF_BYTES {
        return Err(io::Error::other("more came on standard output than a proof may have"));
    }
    if kept.is_empty() {
        return Ok(());
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(kept)
}

fn plain_file(path: &Path) -> io::Result<File> {
    // A pipe would wait for a writer that is dead.
    let file =
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a plain file")) }
}

struct HashTo<'a>(&'a mut Sha256);

impl Write for HashTo<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use prooftrail_protocol::limits;
    use sha2::{Digest, Sha256};

    use super::{Document, write_proof};

    #[test]
    fn only_plain_files_are_read_whole_and_sent_when_small() {
        let folder = std::env::temp_dir().join(format!("prover-agent-outcome-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("proof");
        for (length, is_sent) in [(0, true), (limits::PROOF_BYTES, true), (limits::PROOF_BYTES + 1, false)] {
            let bytes = vec![7; length];
            fs::write(&path, &bytes).unwrap();
            let document = Document::read(&path).unwrap();
            assert_eq!(document.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
            assert_eq!(document.bytes.is_some(), is_sent, "{length}");
        }
        symlink("/etc/hostname", folder.join("link")).unwrap();
        assert!(Document::read(&folder.join("link")).is_err());
        assert!(Document::read(&folder).is_err());
        let pipe = folder.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(Document::read(&pipe).is_err());
        assert!(write_proof(&path, b"x", 1).is_err(), "nothing is overwritten");
        assert!(write_proof(&folder.join("other"), b"x", 2).is_err(), "half a proof is none");
        fs::remove_dir_all(folder).unwrap();
    }
}
