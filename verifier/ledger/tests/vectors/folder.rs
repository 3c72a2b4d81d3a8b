//! The folder of vectors, which remembers what has been read from it.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prooftrail_ledger::{Hash, InvalidHash};
use serde_json::Value;

pub(crate) struct Folder {
    root: PathBuf,
    read: RefCell<BTreeSet<String>>,
}

impl Folder {
    /// The folder, or `None` and a line that says how many vectors are skipped.
    #[expect(
        clippy::disallowed_methods,
        clippy::print_stderr,
        reason = "the vectors stay outside the repository, and a test without them must say so"
    )]
    pub(crate) fn open(total: usize) -> Option<Self> {
        match std::env::var("PROOFTRAIL_VECTORS") {
            Ok(root) => Some(Self { root: Path::new(&root).join("ledger"), read: RefCell::default() }),
            Err(_) => {
                eprintln!("skipped: {total} vectors (PROOFTRAIL_VECTORS names no folder)");
                None
            }
        }
    }

    /// Every file below the folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let (mut folders, mut files) = (vec![self.root.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let path = path.strip_prefix(&self.root).unwrap();
                    files.push(path.to_str().unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }

    pub(crate) fn bytes(&self, file: &str) -> Vec<u8> {
        self.read.borrow_mut().insert(file.to_owned());
        fs::read(self.root.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }

    pub(crate) fn text(&self, file: &str) -> String {
        String::from_utf8(self.bytes(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }

    pub(crate) fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&self.bytes(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }

    pub(crate) fn was_read(&self, file: &str) -> bool {
        self.read.borrow().contains(file)
    }
}

/// A hash of a JSON document.
pub(crate) fn hash(value: &Value) -> Result<Hash, InvalidHash> {
    Hash::from_base64(value.as_str().expect("hashes are strings"))
}

/// An array of hashes; `null` is an empty one.
pub(crate) fn hashes(value: &Value) -> Result<Vec<Hash>, InvalidHash> {
    value.as_array().into_iter().flatten().map(hash).collect()
}

/// A number, which some documents write as a string.
pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

/// The bytes of a base64 string.
pub(crate) fn base64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().expect("base64 is a string")).unwrap()
}
