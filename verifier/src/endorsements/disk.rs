//! The same across restarts. In: what is kept; out: it, when the service starts again, without a network. A thing is a small
//! record by its name, and files by their SHA-256:
//!
//! ```text
//! items/amd-milan-vcek-crl.json     what it is, from where, when, until when, and which files
//! objects/5f70bf18…                 a file, by its digest
//! ```
//!
//! Files are written before the record that names them, each to a new file that is synced and then renamed: a crash leaves
//! the old record or the new one, and perhaps files that no record names, which the next start removes. Whoever can write
//! here can only withhold: what is read is verified again like an answer of a vendor's.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use prooftrail_evidence::{EndorsementFile, MAX_ENDORSEMENT_BYTES, Wanted};
use prooftrail_result::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Kept;
use crate::store;

/// No record is longer.
pub const MAX_RECORD_BYTES: usize = 16 << 10;

/// The most files of one thing.
const MAX_FILES: usize = 8;

/// A thing, in words: what the cache and the manifests of folders have in common.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ItemRecord {
    /// Its name.
    pub name: String,
    /// Where it was fetched from.
    pub url: String,
    /// When.
    pub fetched: String,
    /// Since when it is in force.
    pub issued: String,
    /// Until when.
    pub until: String,
    /// The round of evaluation, of Intel's documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_data_number: Option<u64>,
    /// Its files, in order.
    pub files: Vec<FileRecord>,
}

/// A file of a thing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// What it is called in a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// `endorsement`, or `issuer` for certificates that no appraisal needs.
    pub role: Role,
    /// What is in it: `certificates`, `crl`, `json`.
    #[serde(rename = "type")]
    pub content: Content,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It goes among the endorsements of an appraisal.
    Endorsement,
    /// It showed that what is kept is signed.
    Issuer,
}

/// What is in a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Certificates, PEM or DER.
    Certificates,
    /// A list, DER.
    Crl,
    /// A document of Intel's, or NVIDIA's around a RIM.
    Json,
    /// An answer on revocation, DER.
    Ocsp,
}

impl Content {
    /// What the file at that place among a thing's files has.
    #[must_use]
    pub const fn of(wanted: &Wanted, role: Role, place: usize) -> Self {
        match (role, place) {
            (Role::Endorsement, 0) => match wanted {
                Wanted::NvidiaStatus { .. } => Self::Ocsp,
                Wanted::NvidiaRim { .. } => Self::Json,
                wanted if wanted.is_revocation() => Self::Crl,
                wanted if wanted.is_renewed() => Self::Json,
                _ => Self::Certificates,
            },
            _ => Self::Certificates,
        }
    }
}

impl ItemRecord {
    /// Of something that is kept.
    #[must_use]
    pub fn of(kept: &Kept) -> Self {
        let file = |role, place: usize, bytes: &EndorsementFile| FileRecord {
            file: None,
            role,
            content: Content::of(&kept.wanted, role, place),
            sha256: digest(bytes),
        };
        let files = kept.files.iter().enumerate().map(|(place, bytes)| file(Role::Endorsement, place, bytes));
        let issuers = kept.issuers.iter().enumerate().map(|(place, bytes)| file(Role::Issuer, place, bytes));
        let (round, issued) = kept.admitted.age;
        Self {
            name: kept.wanted.to_string(),
            url: kept.url.clone(),
            fetched: kept.fetched.to_string(),
            issued: issued.to_string(),
            until: kept.admitted.until.to_string(),
            evaluation_data_number: (round > 0).then_some(round),
            files: files.chain(issuers).collect(),
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(format!("a record has at most {MAX_RECORD_BYTES} bytes"));
        }
        let record: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        record.check()?;
        Ok(record)
    }

    /// Refuses what is no record of anything.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        self.wanted()?;
        self.times()?;
        let is_digest = |text: &str| {
            text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        if self.files.is_empty() || self.files.len() > MAX_FILES {
            return Err(format!("{}: from 1 to {MAX_FILES} files", self.name));
        }
        match self.files.iter().find(|file| !is_digest(&file.sha256)) {
            Some(file) => Err(format!("{}: {:?} is no SHA-256", self.name, file.sha256)),
            None => Ok(()),
        }
    }

    /// What it is.
    ///
    /// # Errors
    /// What is wrong with its name.
    pub fn wanted(&self) -> Result<Wanted, String> {
        self.name.parse().map_err(|error| format!("{:?}: {error}", self.name))
    }

    /// When it was fetched, and until when it may be used.
    ///
    /// # Errors
    /// Which is no time.
    pub fn times(&self) -> Result<(Timestamp, Timestamp), String> {
        let read = |text: &str| text.parse().map_err(|_| format!("{}: {text:?} is no time", self.name));
        read(&self.issued)?;
        Ok((read(&self.fetched)?, read(&self.until)?))
    }
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A thing as it was found, not verified yet.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is called.
    pub wanted: Wanted,
    /// When it was fetched.
    pub fetched: Timestamp,
    /// Where from.
    pub url: String,
    /// What goes among endorsements.
    pub files: Vec<EndorsementFile>,
    /// Certificates beside it.
    pub issuers: Vec<EndorsementFile>,
}

/// The directory.
#[derive(Debug)]
pub struct Disk {
    items: PathBuf,
    objects: PathBuf,
    /// Two things may have one file.
    writing: Mutex<()>,
}

impl Disk {
    /// The directory at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// The system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let disk = Self { items: path.join("items"), objects: path.join("objects"), writing: Mutex::default() };
        fs::create_dir_all(&disk.items)?;
        fs::create_dir_all(&disk.objects)?;
        Ok(disk)
    }

    /// Keeps something. When this returns, it survives power loss.
    ///
    /// # Errors
    /// The system's. What was there before is then still there.
    pub fn store(&self, kept: &Kept) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        for bytes in kept.files.iter().chain(&kept.issuers) {
            let path = self.objects.join(digest(bytes));
            if !path.exists() {
                write(&path, bytes)?;
            }
        }
        let record = serde_json::to_vec_pretty(&ItemRecord::of(kept)).map_err(io::Error::other)?;
        write(&self.items.join(format!("{}.json", kept.wanted)), &record)
    }

    /// Everything that is there and whole. What is not is named in the log, and left out: it can be fetched again.
    ///
    /// # Errors
    /// The system's, of the directory itself.
    pub fn load(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.items)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match self.read_item(&path) {
                Ok(item) => found.push(item),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a kept endorsement cannot be read, and is left out");
                }
            }
        }
        found.sort_by(|a, b| a.wanted.cmp(&b.wanted));
        Ok(found)
    }

    fn read_item(&self, path: &Path) -> Result<Found, String> {
        let record = read(path, MAX_RECORD_BYTES).map_err(|error| error.to_string())?;
        let record = ItemRecord::parse(&record)?;
        let (wanted, (fetched, _)) = (record.wanted()?, record.times()?);
        if path.file_stem().and_then(|stem| stem.to_str()) != Some(&record.name) {
            return Err(format!("the record is about {}", record.name));
        }
        let (mut files, mut issuers) = (Vec::new(), Vec::new());
        for FileRecord { role, sha256, .. } in &record.files {
            let bytes = read(&self.objects.join(sha256), MAX_ENDORSEMENT_BYTES);
            let bytes: EndorsementFile = bytes.map_err(|error| format!("{sha256}: {error}"))?.into();
            if digest(&bytes) != *sha256 {
                return Err(format!("{sha256}: the file has another digest"));
            }
            match role {
                Role::Endorsement => files.push(bytes),
                Role::Issuer => issuers.push(bytes),
            }
        }
        Ok(Found { wanted, fetched, url: record.url, files, issuers })
    }

    /// Removes files that no record names.
    ///
    /// # Errors
    /// The system's.
    pub fn sweep(&self) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut named = BTreeSet::new();
        for entry in fs::read_dir(&self.items)? {
            let path = entry?.path();
            let record = read(&path, MAX_RECORD_BYTES).ok().and_then(|bytes| ItemRecord::parse(&bytes).ok());
            named.extend(record.into_iter().flat_map(|record| record.files).map(|file| file.sha256));
        }
        for entry in fs::read_dir(&self.objects)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|name| named.contains(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Reads a file up to a cap, beyond which it is refused.
pub(super) fn read(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    if bytes.len() > max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {max} bytes")));
    }
    Ok(bytes)
}

/// Puts a file in its place, whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    store::sync_directory(path)
}
