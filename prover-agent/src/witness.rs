//! The witness: an age file (C2SP age). Its header goes to the service; its payload is decrypted as it is read, 64 KiB at a
//! time, so that gigabytes pass in constant memory. Plaintext goes to one writer and into no file.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    iter,
    path::Path,
};

use age::Decryptor;
use prooftrail_protocol::{FileKey, limits, sha384};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The payload is decrypted in chunks of this size.
const CHUNK: usize = 64 << 10;

/// An age file whose header was read.
#[derive(Debug)]
pub struct Witness {
    file: File,
    header: Vec<u8>,
}

impl Witness {
    /// Opens a file and reads its header: from the version line through the line of the MAC.
    ///
    /// # Errors
    /// It cannot be read; it has no such header within 64 KiB.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut start = Vec::new();
        (&file).take(u64::try_from(limits::WITNESS_HEADER_BYTES).unwrap_or(u64::MAX)).read_to_end(&mut start)?;
        let length = header_length(&start)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an age file in its binary form"))?;
        start.truncate(length);
        file.rewind()?;
        Ok(Self { file, header: start })
    }

    /// The header's bytes.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// SHA-384 of the header.
    #[must_use]
    pub fn header_sha384(&self) -> [u8; 48] {
        sha384(&[&self.header])
    }

    /// Decrypts everything into `to`, and gives the SHA-256 of the whole file as it was read. Each chunk is authentic before
    /// it is written; that the last one is there is known at the end, so a failure voids what was written.
    ///
    /// # Errors
    /// The key is another file's, the file is damaged or cut off, something follows it, or `to` failed.
    pub fn open_into(self, key: &FileKey, to: &mut dyn Write) -> io::Result<[u8; 32]> {
        let damaged = |error: age::DecryptError| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
        let mut hashed = Hashed { inner: self.file, hash: Sha256::new() };
        let decryptor = Decryptor::new_buffered(BufReader::with_capacity(CHUNK, &mut hashed)).map_err(damaged)?;
        let identity: &dyn age::Identity = key;
        let mut plain = decryptor.decrypt(iter::once(identity)).map_err(damaged)?;
        let mut block = Zeroizing::new(vec![0; CHUNK]);
        loop {
            let count = match plain.read(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if count == 0 {
                break;
            }
            to.write_all(block.get(..count).unwrap_or_default())?;
        }
        drop(plain);
        if io::copy(&mut hashed, &mut io::sink())? != 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "something follows the witness"));
        }
        Ok(hashed.hash.finalize().into())
    }
}

/// The length of the header at the start of a file, the line feed after the MAC included; `None` where there is none.
#[must_use]
pub fn header_length(start: &[u8]) -> Option<usize> {
    let mut length = 0;
    for (number, line) in start.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if number == 0 && line != b"age-encryption.org/v1\n" {
            return None;
        }
        length += line.len();
        if line.starts_with(b"---") {
            return line.ends_with(b"\n").then_some(length);
        }
    }
    None
}

struct Hashed {
    inner: File,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(block)?;
        self.hash.update(block.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::header_length;

    #[test]
    fn a_header_ends_with_the_line_of_its_mac() {
        let header = "age-encryption.org/v1\n-> X25519 a\nb\n--- mac\n";
        assert_eq!(header_length(format!("{header}payload\n--- no\n").as_bytes()), Some(header.len()));
        for broken in
            ["", "age-encryption.org/v1\n", "age-encryption.org/v2\n--- mac\n", "age-encryption.org/v1\n--- mac"]
        {
            assert_eq!(header_length(broken.as_bytes()), None, "{broken}");
        }
    }
}
