//! The offline directory of endorsements. In: the folder that the configuration names; out: its files, each of which was
//! found to be an endorsement, or the file that is none and why. Those of use go with a request beside the agent's own, are
//! archived with its decision, and are trusted no more than those: whoever issued them must stand on the evidence's chain.
//!
//! What AMD or Intel publishes goes only with evidence that needs it: a list that nothing in a set has a use for refuses
//! the set. Kubernetes and the like put hidden entries beside mounted files, so names that begin with a dot are passed over,
//! and so is the manifest of a folder that `prooftrail endorsements` made.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use prooftrail_evidence::{AwsLc, EndorsementFile, Endorsements, MAX_ENDORSEMENT_BYTES, Wanted};
use prooftrail_result::Timestamp;

use crate::endorsements::folder::MANIFEST;

/// The most files of the folder.
pub const MAX_FILES: usize = 1024;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("endorsements.folder: {}: {reason}", path.display())]
pub struct FolderError {
    /// The file, or the folder.
    path: PathBuf,
    /// Why.
    reason: String,
}

/// A file of the folder.
#[derive(Clone, Debug)]
pub struct OwnFile {
    /// As it goes with a request.
    file: EndorsementFile,
    /// What is in it.
    read: Arc<Endorsements>,
}

/// Files, in the order of their names.
pub type Files = Arc<[OwnFile]>;

/// The folder, as it was last read.
#[derive(Debug, Default)]
pub struct Folder {
    path: Option<PathBuf>,
    files: RwLock<Files>,
}

impl Folder {
    /// Reads the folder at `path`; without one there are no files.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(path: Option<&Path>) -> Result<Self, FolderError> {
        let folder = Self { path: path.map(Path::to_owned), files: RwLock::default() };
        folder.reload()?;
        Ok(folder)
    }

    /// Reads the folder again, and gives how many files it has. If any cannot be used, all that were there stay.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn reload(&self) -> Result<usize, FolderError> {
        let Some(path) = &self.path else { return Ok(0) };
        let files = read(path)?;
        let count = files.len();
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = files.into();
        Ok(count)
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> Files {
        self.files.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether what is wanted is here and in force.
    #[must_use]
    pub fn hold(&self, wanted: &Wanted, at: Timestamp) -> bool {
        self.files().iter().any(|file| file.read.hold(wanted, at))
    }

    /// The files for evidence that needs what is `wanted`, of which `others` is at hand already: whatever is of no single
    /// vendor, and of what a vendor publishes, what is wanted. What has ended goes only where nothing that is wanted in its
    /// place is in force, so that the refusal says so.
    #[must_use]
    pub fn files_for(&self, wanted: &[Wanted], others: &[Wanted], at: Timestamp) -> Vec<EndorsementFile> {
        let files = self.files();
        let is_held = |wanted: &Wanted| others.contains(wanted) || files.iter().any(|file| file.read.hold(wanted, at));
        let is_of_use = |file: &&OwnFile| {
            let is_needed = |wanted: &Wanted| {
                let is_in_force = file.read.hold(wanted, at) || !file.read.hold_ever(wanted);
                file.read.serve(wanted) && (is_in_force || !is_held(wanted))
            };
            !file.read.are_published() || wanted.iter().any(is_needed)
        };
        files.iter().filter(is_of_use).map(|own| own.file.clone()).collect()
    }
}

fn read(folder: &Path) -> Result<Vec<OwnFile>, FolderError> {
    let error =
        |path: &Path, reason: &dyn std::fmt::Display| FolderError { path: path.to_owned(), reason: reason.to_string() };
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|reason| error(folder, &reason))?;
    let mut paths: Vec<_> = entries
        .into_iter()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".") && entry.file_name() != MANIFEST)
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    if paths.len() > MAX_FILES {
        return Err(error(folder, &format_args!("{} files; at most {MAX_FILES} are read", paths.len())));
    }
    let mut files: Vec<OwnFile> = Vec::with_capacity(paths.len());
    for path in paths {
        let file = EndorsementFile::from(read_file(&path).map_err(|reason| error(&path, &reason))?);
        let read = file.endorsements(&AwsLc).map_err(|reason| error(&path, &reason))?;
        // The archive keeps content once, under its digest.
        if !files.iter().any(|known| known.file == file) {
            files.push(OwnFile { file, read });
        }
    }
    Ok(files)
}

/// A file's bytes: one more than an endorsement may have, at most.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let most = u64::try_from(MAX_ENDORSEMENT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use prooftrail_result::Timestamp;
    use prooftrail_simulator::{
        nitro::Hypervisor,
        snp::{Line, Platform},
    };

    use super::{Folder, MAX_FILES};

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("prooftrail-endorsements-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn files_are_read_in_order_and_once() {
        assert!(Folder::open(None).unwrap().files().is_empty());
        let path = folder("read");
        let hypervisor = Hypervisor::new("endorsements");
        let lists = [1, 2].map(|day| hypervisor.crl_of_root(1_790_000_000 + day * 86_400, &[]).build());
        fs::write(path.join("b.crl"), &lists[0]).unwrap();
        fs::write(path.join("a.crl"), &lists[1]).unwrap();
        fs::write(path.join("c.crl"), &lists[1]).unwrap();
        fs::create_dir(path.join("..data")).unwrap();
        fs::write(path.join("manifest.json"), b"{}").unwrap();
        let read = Folder::open(Some(&path)).unwrap();
        assert_eq!(
            read.files().iter().map(|own| own.file.to_vec()).collect::<Vec<_>>(),
            [lists[1].clone(), lists[0].clone()]
        );
        // What cannot be used changes nothing, and is named.
        fs::write(path.join("d.crl"), b"not a list").unwrap();
        let error = read.reload().unwrap_err().to_string();
        assert!(error.starts_with("endorsements.folder: ") && error.contains("d.crl"), "{error}");
        assert_eq!(read.files().len(), 2);
        fs::remove_file(path.join("d.crl")).unwrap();
        fs::remove_file(path.join("a.crl")).unwrap();
        fs::remove_file(path.join("c.crl")).unwrap();
        assert_eq!((read.reload().unwrap(), read.files().len()), (1, 1));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn evidence_gets_what_it_needs_of_its_own_vendor() {
        const AT: i64 = 1_790_000_000;
        const DAY: i64 = 86_400;
        let path = folder("needs");
        let (milan, genoa) = (Platform::new("folder", Line::Milan), Platform::new("folder", Line::Genoa));
        let old = milan.crl(AT - 60 * DAY, &[]).build();
        let new = milan.crl(AT - DAY, &[]).build();
        let ended = genoa.crl(AT - 60 * DAY, &[]).build();
        let nitro = Hypervisor::new("folder").crl_of_root(AT, &[]).build();
        for (name, list) in [("a", &old), ("b", &new), ("c", &ended), ("d", &nitro)] {
            fs::write(path.join(name), list).unwrap();
        }
        let read = Folder::open(Some(&path)).unwrap();
        let at = Timestamp::from_unix_seconds(AT).unwrap();
        let files = |wanted: &[&str], others: &[&str]| {
            let named = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
            read.files_for(&named(wanted), &named(others), at).iter().map(|file| file.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(files(&[], &[]), std::slice::from_ref(&nitro));
        assert_eq!(files(&["amd-milan-vcek-crl"], &[]), [new, nitro.clone()]);
        // Where nothing else is there, the list that has ended says so; a younger one from elsewhere replaces it.
        assert_eq!(files(&["amd-genoa-vcek-crl"], &[]), [ended, nitro.clone()]);
        assert_eq!(files(&["amd-genoa-vcek-crl"], &["amd-genoa-vcek-crl"]), [nitro]);
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn what_is_no_folder_of_endorsements_is_refused_by_name() {
        let path = folder("refused");
        let refused = |part: &str| {
            let error = Folder::open(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        fs::create_dir(path.join("inner")).unwrap();
        refused("inner: not a file");
        fs::remove_dir(path.join("inner")).unwrap();
        for number in 0..=MAX_FILES {
            fs::write(path.join(format!("{number}.crl")), b"").unwrap();
        }
        refused("1025 files; at most 1024");
        fs::remove_dir_all(&path).unwrap();
        refused("No such file");
    }
}
