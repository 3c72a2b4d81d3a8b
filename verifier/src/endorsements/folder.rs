//! A plain folder of endorsements with a manifest, to be carried to machines without a network: it is what
//! `endorsements.folder` of the service reads. In: what was fetched, or such a folder; out: such a folder, or what is in it.
//!
//! ```text
//! manifest.json                         what each file is, its SHA-256, where it was fetched from, when, until when
//! amd-milan-vcek-crl-5f70bf18.der       a file's name has the beginning of its digest
//! ```
//!
//! Something new is written beside what it replaces, then the manifest, and only then is the old removed: a crash leaves a
//! folder that is whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use prooftrail_evidence::{EndorsementFile, MAX_ENDORSEMENT_BYTES};
use serde::{Deserialize, Serialize};

use super::{
    Kept,
    disk::{self, Content, FileRecord, Found, ItemRecord, Role},
};

/// The name of the manifest.
pub const MANIFEST: &str = "manifest.json";

/// The version of the manifest's format.
const VERSION: u32 = 1;

/// No manifest is longer.
pub const MAX_MANIFEST_BYTES: usize = 4 << 20;

/// The most things of one folder.
const MAX_ITEMS: usize = 1024;

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct FolderError {
    /// The file, or the folder.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// What is in a folder.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(rename = "prooftrail_endorsements")]
    version: u32,
    items: Vec<ItemRecord>,
}

impl Manifest {
    /// Reads a manifest: things each named once, each file under a plain name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(format!("a manifest has at most {MAX_MANIFEST_BYTES} bytes"));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if manifest.version != VERSION || manifest.items.len() > MAX_ITEMS {
            return Err(format!("a manifest of version {VERSION} with at most {MAX_ITEMS} items"));
        }
        let mut names = BTreeSet::new();
        for item in &manifest.items {
            item.check()?;
            if !names.insert(item.name.as_str()) {
                return Err(format!("{} stands there twice", item.name));
            }
            for FileRecord { file, .. } in &item.files {
                let name = file.as_deref().unwrap_or_default();
                if name == MANIFEST || name.starts_with('.') || Path::new(name).file_name() != Some(name.as_ref()) {
                    return Err(format!("{}: {name:?} is no plain file name", item.name));
                }
            }
        }
        Ok(manifest)
    }

    /// What it names.
    #[must_use]
    pub fn items(&self) -> &[ItemRecord] {
        &self.items
    }

    fn files(&self) -> BTreeSet<&str> {
        self.items.iter().flat_map(|item| &item.files).filter_map(|file| file.file.as_deref()).collect()
    }
}

fn at(path: &Path, reason: impl std::fmt::Display) -> FolderError {
    FolderError { path: path.to_owned(), reason: reason.to_string() }
}

/// The manifest of a folder, if it has one.
fn manifest(folder: &Path) -> Result<Option<Manifest>, FolderError> {
    let path = folder.join(MANIFEST);
    match disk::read(&path, MAX_MANIFEST_BYTES) {
        Ok(bytes) => Manifest::parse(&bytes).map(Some).map_err(|reason| at(&path, reason)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(&path, error)),
    }
}

/// Everything in a folder, each file found to have the digest and the type that the manifest says, and no file beside
/// them. Whether it is signed is not looked at.
///
/// # Errors
/// [`FolderError`], which names the file.
pub fn read(folder: &Path) -> Result<Vec<Found>, FolderError> {
    let path = folder.join(MANIFEST);
    let manifest = manifest(folder)?.ok_or_else(|| at(&path, "there is none"))?;
    let named = manifest.files();
    for entry in fs::read_dir(folder).map_err(|error| at(folder, error))? {
        let name = entry.map_err(|error| at(folder, error))?.file_name();
        if name != MANIFEST && !name.to_str().is_some_and(|name| named.contains(name)) {
            return Err(at(&folder.join(name), "the manifest does not name it"));
        }
    }
    manifest.items.iter().map(|item| read_item(folder, item)).collect()
}

fn read_item(folder: &Path, item: &ItemRecord) -> Result<Found, FolderError> {
    let error = |reason| at(&folder.join(MANIFEST), reason);
    let (wanted, (fetched, _)) = (item.wanted().map_err(error)?, item.times().map_err(error)?);
    let (mut files, mut issuers) = (Vec::new(), Vec::new());
    for FileRecord { file, role, content, sha256 } in &item.files {
        let path = folder.join(file.as_deref().unwrap_or_default());
        let bytes = disk::read(&path, MAX_ENDORSEMENT_BYTES).map_err(|error| at(&path, error))?;
        let have = disk::digest(&bytes);
        if have != *sha256 {
            return Err(at(&path, format_args!("SHA-256 is {have}, and the manifest says {sha256}")));
        }
        let into = match role {
            Role::Endorsement => &mut files,
            Role::Issuer => &mut issuers,
        };
        if *content != Content::of(&wanted, *role, into.len()) {
            return Err(at(&path, format_args!("the manifest says that it is {content:?} of {wanted}")));
        }
        into.push(EndorsementFile::from(bytes));
    }
    Ok(Found { wanted, fetched, url: item.url.clone(), files, issuers })
}

/// What became of something that was to be written into a folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Written {
    /// It is there now.
    New,
    /// It was there.
    Same,
    /// What is there is younger, and stays.
    Older,
}

/// Puts things into a folder, each in the place of what it had of that name. The folder is made if it is not there; one
/// that has files and no manifest is refused, lest something is replaced that is not ours.
///
/// # Errors
/// [`FolderError`].
pub fn write(folder: &Path, things: &[Kept]) -> Result<Vec<Written>, FolderError> {
    fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
    let before = match manifest(folder)? {
        Some(manifest) => manifest,
        None => {
            if fs::read_dir(folder).map_err(|error| at(folder, error))?.next().is_some() {
                return Err(at(folder, "it has files and no manifest; name a folder that is empty or new"));
            }
            Manifest { version: VERSION, items: Vec::new() }
        }
    };
    let mut items: BTreeMap<String, ItemRecord> =
        before.items.iter().map(|item| (item.name.clone(), item.clone())).collect();
    let mut written = Vec::with_capacity(things.len());
    for kept in things {
        let record = named(kept);
        written.push(match items.get(&record.name) {
            Some(old) if old.files == record.files => Written::Same,
            Some(old) if kept.wanted.is_renewed() && age(&record) < age(old) => Written::Older,
            _ => Written::New,
        });
        if written.last() == Some(&Written::New) {
            for (file, bytes) in record.files.iter().zip(kept.files.iter().chain(&kept.issuers)) {
                let path = folder.join(file.file.as_deref().unwrap_or_default());
                disk::write(&path, bytes).map_err(|error| at(&path, error))?;
            }
            items.insert(record.name.clone(), record);
        }
    }
    if items.len() > MAX_ITEMS {
        return Err(at(folder, format_args!("more than {MAX_ITEMS} items")));
    }
    let after = Manifest { version: VERSION, items: items.into_values().collect() };
    let path = folder.join(MANIFEST);
    let mut text = serde_json::to_vec_pretty(&after).map_err(|error| at(&path, error))?;
    text.push(b'\n');
    disk::write(&path, &text).map_err(|error| at(&path, error))?;
    for old in before.files().difference(&after.files()) {
        let path = folder.join(old);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path, error)),
            _ => {}
        }
    }
    Ok(written)
}

/// Of the same thing, what is greater is younger. Times of one zone, spelled alike, are ordered as texts.
fn age(record: &ItemRecord) -> (u64, &str) {
    (record.evaluation_data_number.unwrap_or(0), &record.issued)
}

/// The record of something, with names for its files.
fn named(kept: &Kept) -> ItemRecord {
    let mut record = ItemRecord::of(kept);
    for (file, bytes) in record.files.iter_mut().zip(kept.files.iter().chain(&kept.issuers)) {
        let start = file.sha256.get(..8).unwrap_or_default();
        let is_own = file.content != Content::Certificates
            || matches!(file.role, Role::Endorsement) && !kept.wanted.is_renewed();
        // Issuers are often the same for several things, and then they are one file.
        let stem = if is_own { record.name.as_str() } else { "issuers" };
        let extension = match file.content {
            Content::Crl => "der",
            Content::Json => "json",
            Content::Ocsp => "ors",
            Content::Certificates if bytes.first() == Some(&0x30) => "der",
            Content::Certificates => "pem",
        };
        file.file = Some(format!("{stem}-{start}.{extension}"));
    }
    record
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use prooftrail_evidence::{Admitted, EndorsementFile};
    use prooftrail_result::Timestamp;

    use super::{Kept, MANIFEST, Manifest, Written, read, write};

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("prooftrail-folder-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    fn kept(name: &str, issued: i64, files: &[&[u8]], issuers: &[&[u8]]) -> Kept {
        let at = |seconds| Timestamp::from_unix_seconds(1_780_315_200 + seconds).unwrap();
        let shared = |files: &[&[u8]]| files.iter().map(|file| EndorsementFile::from(*file)).collect();
        Kept {
            wanted: name.parse().unwrap(),
            files: shared(files),
            issuers: shared(issuers),
            admitted: Admitted { age: (0, at(issued)), until: at(1000) },
            fetched: at(0),
            url: "https://kds.example/crl".to_owned(),
        }
    }

    fn names(folder: &PathBuf) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != MANIFEST)
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_written_is_read_and_replaced_by_what_is_younger() {
        let path = folder("written");
        let list = kept("amd-milan-vcek-crl", 10, &[b"0list"], &[]);
        let info = kept("intel-tdx-qe-identity", 10, &[b"{}", b"-----a"], &[]);
        let crl = kept("intel-pck-platform-crl", 10, &[b"0pck"], &[b"-----a"]);
        let all = [list.clone(), info.clone(), crl];
        assert_eq!(write(&path, &all).unwrap(), [Written::New; 3]);
        let files = names(&path);
        assert_eq!(files.len(), 4, "one file for both issuers: {files:?}");
        assert!(files.iter().any(|name| name.starts_with("amd-milan-vcek-crl-") && name.ends_with(".der")));
        let mut found = read(&path).unwrap();
        found.sort_by_key(|found| found.wanted.to_string());
        assert_eq!(found.len(), 3);
        assert_eq!((&found[0].wanted, &found[0].files, &found[0].url), (&list.wanted, &list.files, &list.url));
        assert_eq!(found[1].issuers, [EndorsementFile::from(b"-----a".as_slice())]);

        assert_eq!(write(&path, &[list]).unwrap(), [Written::Same]);
        assert_eq!(write(&path, &[kept("amd-milan-vcek-crl", 9, &[b"0older"], &[])]).unwrap(), [Written::Older]);
        assert_eq!(names(&path), files);
        assert_eq!(write(&path, &[kept("amd-milan-vcek-crl", 11, &[b"0younger"], &[])]).unwrap(), [Written::New]);
        let after = names(&path);
        assert_eq!(after.iter().filter(|name| name.starts_with("amd-milan-vcek-crl-")).count(), 1);
        assert!(after != files && read(&path).is_ok());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn what_was_altered_on_the_way_is_refused_by_name() {
        let path = folder("altered");
        write(&path, &[kept("amd-milan-vcek-crl", 10, &[b"0list"], &[])]).unwrap();
        let refused = |part: &str| {
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        let file = path.join(&names(&path)[0]);
        fs::write(&file, b"0lost").unwrap();
        refused("SHA-256 is");
        fs::write(&file, b"0list").unwrap();
        fs::write(path.join("more.der"), b"0").unwrap();
        refused("more.der: the manifest does not name it");
        fs::remove_file(path.join("more.der")).unwrap();
        let manifest = fs::read_to_string(path.join(MANIFEST)).unwrap();
        for (from, to, part) in [
            ("\"crl\"", "\"json\"", "the manifest says that it is Json"),
            ("amd-milan-vcek-crl\"", "amd-milan-vcek-list\"", "not the name of an endorsement"),
            ("\"file\": \"", "\"file\": \"../", "no plain file name"),
            ("\"url\"", "\"uri\"", "uri"),
            ("\"prooftrail_endorsements\": 1", "\"prooftrail_endorsements\": 2", "version 1"),
            ("\"fetched\": \"", "\"fetched\": \"x", "is no time"),
        ] {
            assert!(manifest.contains(from), "{from} in {manifest}");
            fs::write(path.join(MANIFEST), manifest.replace(from, to)).unwrap();
            refused(part);
        }
        fs::remove_file(path.join(MANIFEST)).unwrap();
        refused("there is none");
        let error = write(&path, &[]).unwrap_err().to_string();
        assert!(error.contains("no manifest"), "{error}");
        fs::remove_dir_all(path).unwrap();
        assert!(Manifest::parse(&vec![b' '; super::MAX_MANIFEST_BYTES + 1]).unwrap_err().contains("at most"));
    }
}
