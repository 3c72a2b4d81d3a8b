//! A key-encryption key in a file. In: a path; out: the key, if nobody but its owner can have read it. docs/archive.md,
//! section "Key-encryption key".
//!
//! The file is one line, `prooftrail-kek-1-` and 64 lower-case hexadecimal digits: text, so that secret scanners know it,
//! and no editor or copy turns it into another key of the right length without being noticed.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    data_key::{KeyBytes, cipher},
    envelope::{NONCE_BYTES, TAG_BYTES},
    kek::{KeyEncryption, KeyEncryptionError, Wrapping},
    random,
};
use crate::store::sync_directory;

const PREFIX: &str = "prooftrail-kek-1-";
const KEY_BYTES: usize = 32;
const FILE_BYTES: usize = PREFIX.len() + 2 * KEY_BYTES + 1;

/// A key-encryption key that was read from a file: AES-256-GCM with random nonces. It wraps a data key for each rotation
/// only, so its own nonces are no concern.
pub struct FileKek {
    id: String,
    cipher: LessSafeKey,
}

/// Why a file is not taken for a key-encryption key, or none was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KekFileError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The name is a symbolic link: whoever can change it chooses the key.
    #[error("{} is a symbolic link; name the file itself", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// Neither a directory nor a device nor a pipe holds a key.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// Somebody else may have read or written it.
    #[error("{} has mode {mode:04o}: others than its owner can read or write it; set it to 0600 or 0400", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to a user that this process does not run as, who is not root either.
    #[error("{} belongs to user {owner}", path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// The user's number.
        owner: u32,
    },
    /// Not one line of the form that [`FileKek::generate`] writes.
    #[error("{} is no key-encryption key: that is one line, prooftrail-kek-1- and 64 lower-case hexadecimal digits", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// There is a file of that name. Overwriting a key-encryption key loses everything under it.
    #[error("{} exists; a key-encryption key is never overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

impl FileKek {
    /// Reads the key at `path`.
    ///
    /// # Errors
    /// [`KekFileError`].
    pub fn read(path: &Path) -> Result<Self, KekFileError> {
        let named = || path.to_owned();
        // Without NONBLOCK, opening a pipe would wait for whoever writes it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::LOOP) => return Err(KekFileError::Symlink { path: named() }),
            Err(error) => return Err(KekFileError::File { path: named(), source: error.into() }),
        };
        let file_error = |source| KekFileError::File { path: named(), source };
        // Of the file that is open, not of whatever the name leads to by now.
        let metadata = file.metadata().map_err(file_error)?;
        if !metadata.is_file() {
            return Err(KekFileError::NotAFile { path: named() });
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KekFileError::Permissions { path: named(), mode });
        }
        let owner = metadata.uid();
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            return Err(KekFileError::Owner { path: named(), owner });
        }
        let mut text = Zeroizing::new([0; FILE_BYTES + 1]);
        let mut length = 0;
        let mut file = file;
        while let Some(room) = text.get_mut(length..).filter(|room| !room.is_empty()) {
            match file.read(room).map_err(file_error)? {
                0 => break,
                read => length += read,
            }
        }
        let key = text.get(..length).and_then(parse).ok_or_else(|| KekFileError::Format { path: named() })?;
        Ok(Self::new(&key))
    }

    /// Writes a new random key at `path`, where nothing may be, readable by its owner only. When this returns, the file
    /// survives power loss; if it fails, there is no file or a whole one.
    ///
    /// # Errors
    /// [`KekFileError`].
    pub fn generate(path: &Path) -> Result<Self, KekFileError> {
        let file_error = |source| KekFileError::File { path: path.to_owned(), source };
        let mut key = KeyBytes::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(&mut key[..]).map_err(|_| KekFileError::Random)?;
        let suffix: [u8; 8] = random().map_err(|_| KekFileError::Random)?;
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", hex::encode(suffix)));
        let new = PathBuf::from(name);
        let written = write_new(&new, &key).and_then(|()| fs::hard_link(&new, path));
        // Left behind it would be a second copy of the key.
        let removed = fs::remove_file(&new);
        match written {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(KekFileError::Exists { path: path.to_owned() });
            }
            written => written.and(removed).and_then(|()| sync_directory(path)).map_err(file_error)?,
        }
        Ok(Self::new(&key))
    }

    fn new(key: &KeyBytes) -> Self {
        let digest = Sha256::new().chain_update("prooftrail/kek-id/v1").chain_update(&key[..]).finalize();
        let id = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { id: format!("file:{id}"), cipher: cipher(key) }
    }
}

/// Creates `path` with the key in it. A name that is taken is refused, whether by a file or by a link to one.
fn write_new(path: &Path, key: &KeyBytes) -> io::Result<()> {
    let mut digits = Zeroizing::new([0; 2 * KEY_BYTES]);
    hex::encode_to_slice(&key[..], &mut digits[..]).map_err(io::Error::other)?;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(PREFIX.as_bytes())?;
    file.write_all(&digits[..])?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn parse(text: &[u8]) -> Option<KeyBytes> {
    let digits = text.strip_prefix(PREFIX.as_bytes())?.strip_suffix(b"\n")?;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut key = KeyBytes::new([0; KEY_BYTES]);
    let decoded = digits.iter().all(is_digit) && hex::decode_to_slice(digits, &mut key[..]).is_ok();
    decoded.then_some(key)
}

impl KeyEncryption for FileKek {
    fn id(&self) -> &str {
        &self.id
    }

    fn wrap<'a>(&'a self, key: &'a KeyBytes, aad: &'a [u8]) -> Wrapping<'a, Vec<u8>> {
        Box::pin(async move {
            let nonce: [u8; NONCE_BYTES] =
                random().map_err(|error| KeyEncryptionError::Unavailable(Arc::new(error)))?;
            let mut sealed = Zeroizing::new(Vec::with_capacity(KEY_BYTES + TAG_BYTES));
            sealed.extend_from_slice(&key[..]);
            self.cipher
                .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut *sealed)
                .map_err(|_| KeyEncryptionError::NotAuthentic)?;
            Ok([&nonce[..], &sealed].concat())
        })
    }

    fn unwrap<'a>(&'a self, wrapped: &'a [u8], aad: &'a [u8]) -> Wrapping<'a, KeyBytes> {
        Box::pin(async move {
            let refused = || KeyEncryptionError::NotAuthentic;
            let (nonce, sealed) = wrapped.split_first_chunk().ok_or_else(refused)?;
            let sealed: [u8; KEY_BYTES + TAG_BYTES] = sealed.try_into().map_err(|_| refused())?;
            let mut sealed = Zeroizing::new(sealed);
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened = self.cipher.open_in_place(nonce, Aad::from(aad), &mut sealed[..]).map_err(|_| refused())?;
            let mut key = KeyBytes::new([0; KEY_BYTES]);
            key.copy_from_slice(opened);
            Ok(key)
        })
    }
}
