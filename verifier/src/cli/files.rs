//! Reading what the command line names, with a cap before the first byte is kept.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, bail};

/// Evidence, endorsements, policies: whatever is larger is refused by its own reader, which has the precise reason, so
/// one byte more than the largest cap is read and no more.
const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// Reads a file, or standard input for `-`.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        if file.metadata().with_context(|| format!("cannot look at {}", path.display()))?.is_dir() {
            bail!("{} is a directory; name a file", path.display());
        }
        Box::new(file)
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_FILE_BYTES)? + 1;
    source.take(limit).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() > MAX_FILE_BYTES {
        bail!("{} is larger than {MAX_FILE_BYTES} bytes", path.display());
    }
    Ok(bytes)
}

/// Reads a text file.
pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("{} is not UTF-8 text", path.display()))
}
