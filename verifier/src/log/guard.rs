//! The guard file: what this process has signed, kept outside the database, so that a database that has lost entries is
//! noticed. In: a head that is committed; out: the file, on disk before the head's checkpoint leaves the process.
//! docs/ledger.md, section "Guard file".

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use prooftrail_ledger::Hash;

use super::head::{DatabaseIdentity, Place, Signed};
use crate::store::{self, OpenError};

const HEADER: &str = "prooftrail/guard/v1";

/// No guard file is longer: an origin of at most 255 bytes, numbers and hashes.
const MAX_BYTES: u64 = 1024;

/// What a guard file says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Guard {
    /// The log.
    pub origin: String,
    /// The number of entries that were signed.
    pub size: u64,
    /// The root that was signed.
    pub root: Hash,
    /// Where.
    pub place: Place,
}

/// A place for a guard that survives the process.
pub trait GuardStore: Send + Sync + 'static {
    /// The guard, if one was ever written.
    ///
    /// # Errors
    /// The system's, and [`io::ErrorKind::InvalidData`] for what is no guard.
    fn read(&self) -> io::Result<Option<Guard>>;

    /// Puts `guard` in the place of the last one. When this returns, it survives power loss.
    ///
    /// # Errors
    /// The system's. Either guard may then be there.
    fn write(&self, guard: &Guard) -> io::Result<()>;
}

/// A guard file, locked against a second process with the same configuration.
#[derive(Debug)]
pub struct GuardFile {
    path: PathBuf,
    _lock: File,
}

impl GuardFile {
    /// Takes the guard file at `path`, which need not exist.
    ///
    /// # Errors
    /// [`OpenError::Locked`], [`OpenError::File`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { path: path.to_owned(), _lock: store::lock(path)? })
    }
}

impl GuardStore for GuardFile {
    fn read(&self) -> io::Result<Option<Guard>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text)?;
        text.parse().map(Some).map_err(|InvalidGuard| io::Error::new(io::ErrorKind::InvalidData, InvalidGuard))
    }

    fn write(&self, guard: &Guard) -> io::Result<()> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        // Created anew each time: after a failed fsync the old file's pages may be marked clean without being on disk.
        let mut file = File::create(&new)?;
        file.write_all(guard.to_string().as_bytes())?;
        file.sync_all()?;
        // A crash before this leaves the old guard, which the database extends.
        fs::rename(&new, &self.path)?;
        // A crash before this leaves either guard.
        store::sync_directory(&self.path)
    }
}

impl std::fmt::Display for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { origin, size, root, place: Place { recovery_epoch, database } } = self;
        let DatabaseIdentity { id, system_identifier, timeline } = database;
        writeln!(f, "{HEADER}\n{origin}\n{size}\n{root}\n{recovery_epoch}")?;
        writeln!(f, "{}\n{system_identifier}\n{timeline}", hex::encode(id))
    }
}

impl FromStr for Guard {
    type Err = InvalidGuard;

    fn from_str(text: &str) -> Result<Self, InvalidGuard> {
        let mut lines = text.split_terminator('\n');
        let mut line = || lines.next().ok_or(InvalidGuard);
        if line()? != HEADER {
            return Err(InvalidGuard);
        }
        let guard = Self {
            origin: line()?.to_owned(),
            size: number(line()?)?,
            root: Hash::from_base64(line()?).map_err(|_| InvalidGuard)?,
            place: Place {
                recovery_epoch: number(line()?)?,
                database: DatabaseIdentity {
                    id: hex::decode(line()?).ok().and_then(|id| id.try_into().ok()).ok_or(InvalidGuard)?,
                    system_identifier: number(line()?)?,
                    timeline: number(line()?)?,
                },
            },
        };
        // One guard has one spelling, its last newline included.
        if guard.to_string() == text { Ok(guard) } else { Err(InvalidGuard) }
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, InvalidGuard> {
    text.parse().map_err(|_| InvalidGuard)
}

/// A file that is no guard. It is never written in parts, so somebody else wrote it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this is not a guard file")]
pub struct InvalidGuard;

impl From<&Guard> for Signed {
    fn from(guard: &Guard) -> Self {
        Self { size: guard.size, root: guard.root, place: Some(guard.place) }
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_ledger::Hash;

    use super::{Guard, InvalidGuard};
    use crate::log::head::{DatabaseIdentity, Place};

    #[test]
    fn a_guard_has_one_spelling() {
        let database = DatabaseIdentity { id: [0xab; 16], system_identifier: -7, timeline: 2 };
        let guard = Guard {
            origin: "example.com/log".to_owned(),
            size: 9,
            root: Hash::EMPTY_ROOT,
            place: Place { recovery_epoch: 1, database },
        };
        let text = guard.to_string();
        assert_eq!(text.parse(), Ok(guard));
        for broken in [
            String::new(),
            text.replace("v1", "v2"),
            text.replace("\n9\n", "\n09\n"),
            text.replace("\n9\n", "\n-9\n"),
            text.replace("abab", "ABAB"),
            text.replace("47DEQ", "47DE"),
            text.trim_end().to_owned(),
            format!("{text}\n"),
            format!("{text}more\n"),
            text[..text.len() - 3].to_owned(),
        ] {
            assert_eq!(broken.parse::<Guard>(), Err(InvalidGuard), "{broken:?}");
        }
    }
}
