//! The service's own keys. In: the configuration and its data directory; out: the log key, the release key and the fleet
//! key, secrets that are never each other. Those in their default place are made on the
//! first start; one that is named in the configuration must exist. docs/operator.md, section "Keys".
//!
//! A key file is text: what the key is for, the origin for a log key, 32 bytes in base64. Its first line keeps one key
//! from being used as another.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use prooftrail_ledger::{NoteSigner, VerifierKey, note::KeyName};
use zeroize::Zeroizing;

use super::config::Config;
use crate::store;

/// No key file is longer: a header, an origin of 255 bytes, 44 characters.
const MAX_BYTES: u64 = 512;

/// 32 secret bytes, wiped when dropped. There is no `Debug`.
pub type SecretBytes = Zeroizing<[u8; 32]>;

/// The service's keys, but for the log's, which belongs to the sequencer.
pub struct Keyring {
    /// The log's origin.
    pub origin: String,
    /// The key that verifies the log's checkpoints.
    pub log: VerifierKey,
    /// The seed of the Ed25519 key that signs releases.
    pub release: SecretBytes,
    /// Its public half.
    pub release_public: [u8; 32],
    /// The key under which challenge tokens are authenticated, shared by all replicas.
    pub fleet: SecretBytes,
}

/// The keys as they are read at the start.
pub struct Opened {
    /// All but the log's.
    pub keyring: Keyring,
    /// The log's.
    pub signer: NoteSigner,
    /// Whether the log key was made just now, so that nothing was ever signed with it.
    pub is_new: bool,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// A file cannot be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a key of this purpose.
    #[error("{} is not a {purpose} key", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What it should be.
        purpose: &'static str,
    },
    /// Others on this machine may read or change it.
    #[error("{} can be read by every user of this machine, or written by others; chmod 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The log key belongs to another origin.
    #[error("the log key is that of {have}, and the configured origin is {need}")]
    OtherOrigin {
        /// The key's.
        have: String,
        /// The configured one.
        need: String,
    },
    /// The origin cannot be a key's name.
    #[error("the origin: {0}")]
    Origin(String),
    /// Two purposes share a secret.
    #[error("two key files hold the same secret; each key is used for one purpose")]
    Shared,
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Reads the keys, and makes those that are missing in their default places.
///
/// # Errors
/// [`KeyringError`].
pub fn open(config: &Config) -> Result<Opened, KeyringError> {
    let directory = &config.data;
    let mut builder = fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(directory);
    made.map_err(|source| KeyringError::File { path: directory.clone(), source })?;
    let files = &config.keys;
    let (path, may_create) = config.key_file(files.log.as_deref(), "log.key");
    let origin = match &config.origin {
        Some(origin) => origin.clone(),
        // Unique without being anybody's: enough for a trial, and named so that nobody takes it for more.
        None => format!("prooftrail.invalid/{}", hex::encode(random::<8>()?.as_slice())),
    };
    KeyName::new(&origin).map_err(|reason| KeyringError::Origin(reason.to_string()))?;
    let log = read_or_make(&path, "log", Some(&origin), may_create)?;
    let have = log.origin.unwrap_or_default();
    if config.origin.as_ref().is_some_and(|need| *need != have) {
        return Err(KeyringError::OtherOrigin { have, need: origin });
    }
    let not_a_key = || KeyringError::NotAKey { path: path.clone(), purpose: "log" };
    let name = KeyName::new(&have).map_err(|_| not_a_key())?;
    let signer = NoteSigner::from_seed(name, &log.secret).map_err(|_| not_a_key())?;
    let other = |configured: &Option<PathBuf>, file: &str, purpose| {
        let (path, may_create) = config.key_file(configured.as_deref(), file);
        read_or_make(&path, purpose, None, may_create)
    };
    let release = other(&files.release, "release.key", "release")?.secret;
    let fleet = other(&files.fleet, "fleet.key", "fleet")?.secret;
    let all = [&log.secret, &release, &fleet];
    let is_shared = |at: usize| all.iter().skip(at + 1).any(|other| all.get(at).is_some_and(|one| same(one, other)));
    if (0..all.len()).any(is_shared) {
        return Err(KeyringError::Shared);
    }
    let release_public = SigningKey::from_bytes(&release).verifying_key().to_bytes();
    let keyring = Keyring { origin: have, log: signer.verifier_key().clone(), release, release_public, fleet };
    Ok(Opened { keyring, signer, is_new: log.is_new })
}

/// `N` random bytes.
///
/// # Errors
/// [`KeyringError::Random`].
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeyringError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(KeyringError::Random)?;
    Ok(bytes)
}

fn same(one: &SecretBytes, other: &SecretBytes) -> bool {
    subtle::ConstantTimeEq::ct_eq(one.as_slice(), other.as_slice()).into()
}

/// A key file's content.
struct KeyFile {
    origin: Option<String>,
    secret: SecretBytes,
    is_new: bool,
}

fn read_or_make(
    path: &Path,
    purpose: &'static str,
    origin: Option<&str>,
    may_create: bool,
) -> Result<KeyFile, KeyringError> {
    let error = |source| KeyringError::File { path: path.to_owned(), source };
    match File::open(path) {
        Ok(file) => read(file, path, purpose, origin.is_some()),
        Err(source) if source.kind() == io::ErrorKind::NotFound && may_create => {
            let secret = random::<32>()?;
            make(path, purpose, origin, &secret).map_err(error)?;
            Ok(KeyFile { origin: origin.map(str::to_owned), secret, is_new: true })
        }
        Err(source) => Err(error(source)),
    }
}

fn read(file: File, path: &Path, purpose: &'static str, has_origin: bool) -> Result<KeyFile, KeyringError> {
    let error = |source| KeyringError::File { path: path.to_owned(), source };
    // A group may read it, as orchestrators mount secrets; everybody may not.
    if file.metadata().map_err(error)?.permissions().mode() & 0o027 != 0 {
        return Err(KeyringError::Exposed { path: path.to_owned() });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(error)?;
    let not_a_key = || KeyringError::NotAKey { path: path.to_owned(), purpose };
    let mut lines = text.lines();
    if lines.next() != Some(&*header(purpose)) {
        return Err(not_a_key());
    }
    let origin = if has_origin { Some(lines.next().ok_or_else(not_a_key)?.to_owned()) } else { None };
    let bytes = lines.next().and_then(|line| BASE64_STANDARD.decode(line).ok()).map(Zeroizing::new);
    let secret = bytes.as_deref().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    let secret = Zeroizing::new(secret.filter(|_| lines.next().is_none()).ok_or_else(not_a_key)?);
    Ok(KeyFile { origin, secret, is_new: false })
}

fn make(path: &Path, purpose: &'static str, origin: Option<&str>, secret: &SecretBytes) -> io::Result<()> {
    let mut text = Zeroizing::new(format!("{}\n", header(purpose)));
    if let Some(origin) = origin {
        text.push_str(origin);
        text.push('\n');
    }
    text.push_str(&Zeroizing::new(BASE64_STANDARD.encode(secret.as_slice())));
    text.push('\n');
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // A crash in here leaves a file beside the key's, which the next start writes again.
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    store::sync_directory(path)
}

fn header(purpose: &str) -> String {
    format!("prooftrail/{purpose}-key/v1")
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

    use super::{KeyringError, open};
    use crate::service::config::{Config, KeyFiles};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("prooftrail-keyring-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }

        fn config(&self) -> Config {
            Config { data: self.0.clone(), origin: Some("example.com/log".to_owned()), ..Config::default() }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn keys_are_made_once_for_nobody_else_to_read() {
        let folder = Folder::new("once");
        let first = open(&folder.config()).unwrap();
        let again = open(&folder.config()).unwrap();
        assert!(first.is_new && !again.is_new);
        assert_eq!(first.keyring.log, again.keyring.log);
        assert_eq!(*first.keyring.release, *again.keyring.release);
        assert_eq!(first.keyring.log.name().as_str(), "example.com/log");
        for file in fs::read_dir(&folder.0).unwrap().map(Result::unwrap) {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
        assert_eq!(fs::metadata(&folder.0).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_key_is_used_for_its_purpose_only() {
        let folder = Folder::new("purpose");
        open(&folder.config()).unwrap();
        let [log, release, fleet] = ["log.key", "release.key", "fleet.key"].map(|name| folder.0.join(name));
        let config = |keys| Config { keys, ..folder.config() };
        let swapped = config(KeyFiles { release: Some(fleet.clone()), ..KeyFiles::default() });
        assert!(matches!(open(&swapped), Err(KeyringError::NotAKey { purpose: "release", .. })));
        let absent = config(KeyFiles { fleet: Some(folder.0.join("absent")), ..KeyFiles::default() });
        assert!(matches!(open(&absent), Err(KeyringError::File { .. })));
        let other = Config { origin: Some("example.com/other".to_owned()), ..folder.config() };
        assert!(matches!(open(&other), Err(KeyringError::OtherOrigin { .. })));
        fs::set_permissions(&log, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(open(&folder.config()), Err(KeyringError::Exposed { .. })));
        fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).unwrap();
        let text = fs::read_to_string(&fleet).unwrap();
        fs::write(&release, text.replace("fleet", "release")).unwrap();
        assert!(matches!(open(&folder.config()), Err(KeyringError::Shared)));
        for broken in ["", "prooftrail/release-key/v1\n", "prooftrail/release-key/v1\nAAAA\n"] {
            fs::write(&release, broken).unwrap();
            assert!(matches!(open(&folder.config()), Err(KeyringError::NotAKey { .. })), "{broken}");
        }
    }
}
