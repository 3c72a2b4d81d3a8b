//! Reading what the command line names, with a cap before the first byte is kept.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use prooftrail_evidence::EndorsementFile;

/// No more is kept of any file. The readers of evidence, endorsements, policies and manifests refuse far less than this,
/// each with its own reason, so what was cut off here never comes through.
const MAX_KEPT_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a file, or standard input for `-`, up to [`MAX_KEPT_BYTES`].
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    read_up_to(path, MAX_KEPT_BYTES)
}

/// Reads a file of at most so many bytes, and one byte more of a larger one, so that its reader refuses it.
pub(super) fn read_at_most(path: &Path, bytes: usize) -> anyhow::Result<Vec<u8>> {
    read_up_to(path, u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(1))
}

fn read_up_to(path: &Path, bytes: u64) -> anyhow::Result<Vec<u8>> {
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        if file.metadata().with_context(|| format!("cannot look at {}", path.display()))?.is_dir() {
            bail!("{} is a directory; name a file", path.display());
        }
        Box::new(file)
    };
    let mut kept = Vec::new();
    source.take(bytes).read_to_end(&mut kept).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(kept)
}

/// Reads files of endorsements.
pub(super) fn endorsements(paths: &[PathBuf]) -> anyhow::Result<Vec<EndorsementFile>> {
    paths.iter().map(|path| read(path).map(EndorsementFile::from)).collect()
}

/// Reads a text file.
pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("{} is not UTF-8 text", path.display()))
}
