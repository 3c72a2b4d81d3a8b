//! The program, opened once: what is hashed is what runs.
//!
//! The descriptor that was hashed is the one that is executed (`/proc/self/fd/N`), so another file put under the same
//! name in between changes nothing. Loader and libraries are the image's, which its measurement fixes.

use std::{
    env,
    fs::File,
    io::{self, Read, Seek},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha384};
use thiserror::Error;

/// Why a program cannot be run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecutableError {
    /// It is not there, or cannot be read (the agent must read what it hashes).
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The path that was tried.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// No folder of the search path has it.
    #[error("{0} is in no folder of PATH")]
    NotFound(String),
    /// A folder, a device, or a file without the right to be executed.
    #[error("{0} is not an executable file")]
    NotExecutable(PathBuf),
    /// Someone else than root and the agent's user may write to it: what was hashed need not be what runs.
    #[error("{0} can be written by group or others, so what is hashed need not be what runs")]
    WritableByOthers(PathBuf),
    /// A script: its interpreter would run, and that is not what was hashed.
    #[error("{0} is a script; name its interpreter (-- /bin/sh {0} …), which is what runs")]
    Script(PathBuf),
}

/// A program that was opened and hashed.
#[derive(Debug)]
pub struct Executable {
    file: File,
    path: PathBuf,
    sha384: [u8; 48],
}

impl Executable {
    /// Opens and hashes `program`: a path, or a name that is looked for in `search` (the value of `PATH`).
    ///
    /// # Errors
    /// See [`ExecutableError`].
    pub fn open(program: &str, search: &str) -> Result<Self, ExecutableError> {
        let path = if program.contains('/') { PathBuf::from(program) } else { find(program, search)? };
        let unreadable = |source| ExecutableError::Unreadable { path: path.clone(), source };
        let mut file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
            return Err(ExecutableError::NotExecutable(path));
        }
        let ours = rustix::process::geteuid().as_raw();
        if metadata.mode() & 0o022 != 0 || ![0, ours].contains(&metadata.uid()) {
            return Err(ExecutableError::WritableByOthers(path));
        }
        let mut hash = Sha384::new();
        let mut block = vec![0; 1 << 16];
        let mut is_start = true;
        loop {
            let count = file.read(&mut block).map_err(unreadable)?;
            let read = block.get(..count).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            if is_start && read.starts_with(b"#!") {
                return Err(ExecutableError::Script(path));
            }
            is_start = false;
            hash.update(read);
        }
        file.rewind().map_err(unreadable)?;
        Ok(Self { file, path, sha384: hash.finalize().into() })
    }

    /// The descriptor to execute.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it was found.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-384 of its bytes.
    #[must_use]
    pub fn sha384(&self) -> [u8; 48] {
        self.sha384
    }
}

fn find(program: &str, search: &str) -> Result<PathBuf, ExecutableError> {
    env::split_paths(search)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0))
        .ok_or_else(|| ExecutableError::NotFound(program.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use sha2::{Digest, Sha384};

    use super::{Executable, ExecutableError};

    #[test]
    fn a_program_is_found_hashed_and_refused_for_what_it_is() {
        let shell = Executable::open("sh", "relative:/usr/bin:/bin").unwrap();
        assert_eq!(shell.sha384(), <[u8; 48]>::from(Sha384::digest(fs::read(shell.path()).unwrap())));
        assert!(matches!(Executable::open("sh", ""), Err(ExecutableError::NotFound(_))));
        assert!(matches!(Executable::open("/bin/sh/none", ""), Err(ExecutableError::Unreadable { .. })));
        assert!(matches!(Executable::open("/usr/bin/", ""), Err(ExecutableError::NotExecutable(_))));

        let folder = std::env::temp_dir().join(format!("prover-agent-executable-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let script = folder.join("script");
        fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
        let open = |mode| {
            fs::set_permissions(&script, fs::Permissions::from_mode(mode)).unwrap();
            Executable::open(script.to_str().unwrap(), "").map(|_| ())
        };
        assert!(matches!(open(0o644), Err(ExecutableError::NotExecutable(_))));
        assert!(matches!(open(0o757), Err(ExecutableError::WritableByOthers(_))));
        assert!(matches!(open(0o755), Err(ExecutableError::Script(_))));
        fs::remove_dir_all(folder).unwrap();
    }
}
