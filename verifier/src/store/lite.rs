//! What is SQLite's own: how a file is opened so that a commit survives power loss, and how a second process and a
//! swapped file are noticed. In: a path; out: a pool and the file behind it. <https://sqlite.org/wal.html>,
//! <https://sqlite.org/pragma.html#pragma_synchronous>

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use sqlx::{
    Connection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Access, MAX_CONNECTIONS, OpenError, PATIENCE};

/// The file that a pool has open, and the lock that keeps a second process away from it.
#[derive(Debug)]
pub struct DatabaseFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Locked as long as this is open; the system unlocks it however the process ends.
    _lock: Option<File>,
}

impl DatabaseFile {
    /// Whether the path still names the file that was opened. Connections keep writing to a file that was replaced, and
    /// everything written so is lost when they close.
    ///
    /// # Errors
    /// What the system says about the path.
    pub fn is_in_place(&self) -> io::Result<bool> {
        let now = fs::metadata(&self.path)?;
        Ok((now.dev(), now.ino()) == (self.device, self.inode))
    }
}

/// Locks `path` with `.lock` appended against every other process, until the result is dropped.
///
/// # Errors
/// [`OpenError::Locked`], [`OpenError::File`].
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|source| OpenError::File { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path }),
        Err(TryLockError::Error(source)) => Err(OpenError::File { path, source }),
    }
}

pub(super) async fn open(path: &Path, access: Access) -> Result<(SqlitePool, DatabaseFile), OpenError> {
    let file_error = |source| OpenError::File { path: path.to_owned(), source };
    let serve = access == Access::Serve;
    let lock = if serve { Some(lock(path)?) } else { None };
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(serve)
        .read_only(!serve)
        .foreign_keys(true)
        .busy_timeout(PATIENCE);
    if serve {
        // NORMAL would lose acknowledged commits when the power fails. What is erased is overwritten.
        options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("fullfsync", "1")
            .pragma("checkpoint_fullfsync", "1")
            .pragma("secure_delete", "1")
            // Pages, 32 MiB of them: a full batch dirties about a thousand, and would otherwise copy the journal into the
            // file, with two more syncs, each time.
            .pragma("wal_autocheckpoint", "8192");
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        // A connection whose COMMIT failed does not know whether it is still in that transaction; it is closed.
        .after_release(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }));
    let pool = pool.connect_with(options).await?;
    if serve {
        // SQLite syncs the directory for its journals, not for the database file itself.
        sync_directory(path).map_err(file_error)?;
    }
    let metadata = fs::metadata(path).map_err(file_error)?;
    Ok((pool, DatabaseFile { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino(), _lock: lock }))
}

/// Makes the name of `path` in its directory survive power loss.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
