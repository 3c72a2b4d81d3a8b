//! Opening the log and the roots. In: the configuration, keys and store; out: a running sequencer over a log that is
//! known to be the one that was signed, or was created just now; and the silicon roots. docs/ledger.md, section "Start".

use std::{fs, path::Path, sync::Arc};

use prooftrail_ledger::{Checkpoint, Note, NoteSigner, VerifierKey};
use prooftrail_trust_roots::RootSet;
use serde_json::json;

use super::{
    config::Config,
    keyring::{Keyring, KeyringError, random},
};
use crate::{
    archive::{Archive, Filing, FilingError, Record, Retention},
    cli::roots as root_files,
    log::{
        Clock,
        batch::{Receipt, SideError},
        database::LogDatabase,
        entry::Entry,
        guard::{GuardFile, GuardStore},
        sequencer::Sequencer,
        start::{Setup, StartError},
    },
    secrets::{self, ColumnKeys, FileKek, kek_file::KekFileError},
    store::{OpenError, Store, StoreError},
};

/// No checkpoint is longer: an origin, a size, a root, and cosignatures.
const MAX_NOTE_BYTES: u64 = 1024 * 1024;

/// Why there is no log, or are no roots.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpeningError {
    /// The log does not start.
    #[error(transparent)]
    Start(StartError),
    /// There is no log, and the log key is not new: something may have been signed with it.
    #[error(
        "the database has no log of {origin}, and its key is not new; if nothing was ever signed under this origin, \
         start once with --create-log"
    )]
    NoLog {
        /// The origin.
        origin: String,
    },
    /// The guard file.
    #[error(transparent)]
    Guard(#[from] OpenError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The genesis record.
    #[error(transparent)]
    Filing(#[from] FilingError),
    /// The genesis record was not archived.
    #[error("the genesis record: {0}")]
    File(#[from] SideError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] KeyringError),
    /// The key-encryption key.
    #[error(transparent)]
    Kek(#[from] KekFileError),
    /// The keys of secret columns.
    #[error("secret columns: {0}")]
    Columns(#[from] secrets::KeyringError),
    /// A configured checkpoint is none of this log.
    #[error("seen_checkpoints: {file}: {reason}")]
    Seen {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// Configured roots cannot be used.
    #[error("roots.files: {file}: {reason}")]
    Roots {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
}

/// The silicon roots that the configuration names.
///
/// # Errors
/// [`OpeningError::Roots`].
pub fn roots(config: &Config) -> Result<RootSet, OpeningError> {
    let mut roots = if config.roots.without_pinned { RootSet::default() } else { RootSet::pinned() };
    for file in &config.roots.files {
        let more = root_files::load_one(file);
        roots.extend(more.map_err(|reason| OpeningError::Roots {
            file: file.display().to_string(),
            reason: format!("{reason:#}"),
        })?);
    }
    Ok(roots)
}

/// Opens the keys of secret columns. The key-encryption key is made on the first start, in its default place only.
///
/// # Errors
/// [`OpeningError`].
pub async fn columns(config: &Config, store: &Arc<Store>, clock: &dyn Clock) -> Result<ColumnKeys, OpeningError> {
    let (path, may_create) = config.key_file(config.keys.encryption.as_deref(), "encryption.key");
    let exists = path.try_exists().unwrap_or(true);
    let kek = if may_create && !exists { FileKek::generate(&path)? } else { FileKek::read(&path)? };
    Ok(ColumnKeys::open(store.clone(), Arc::new(kek), clock.now()).await?)
}

/// Starts the log, and creates it if that is safe.
///
/// # Errors
/// [`OpeningError`].
pub async fn log(
    config: &Config,
    store: &Arc<Store>,
    keyring: &Keyring,
    signer: NoteSigner,
    is_new: bool,
    clock: Arc<dyn Clock>,
) -> Result<(LogDatabase, Sequencer), OpeningError> {
    let guard = GuardFile::open(&config.data_file("guard"))?;
    let origin = keyring.origin.clone();
    let known = guard.read().map_err(|reason| OpeningError::Start(StartError::Guard(reason)))?.is_some();
    let mut log = LogDatabase::open(store.clone(), &origin).await?;
    // A second log of one origin is a fork. Only a key that is as new as this start, or the operator, says that there
    // was none.
    if log.is_none() && !known && (is_new || config.create_log) {
        log = Some(create(store, keyring, &*clock).await?);
    }
    let seen = config.seen_checkpoints.iter().map(|path| seen(path, &keyring.log)).collect::<Result<_, _>>()?;
    let setup = Setup { store: log.clone(), guard, origin: origin.clone(), signer, clock, seen };
    let sequencer = setup.start().await.map_err(|error| match error {
        StartError::NoLog => OpeningError::NoLog { origin: origin.clone() },
        other => OpeningError::Start(other),
    })?;
    let log = log.ok_or(OpeningError::NoLog { origin })?;
    Ok((log, sequencer))
}

/// Creates the log with a genesis entry that commits to its keys.
async fn create(store: &Arc<Store>, keyring: &Keyring, clock: &dyn Clock) -> Result<LogDatabase, OpeningError> {
    let now = clock.now();
    let record = json!({
        "record": "prooftrail/genesis/v1",
        "origin": keyring.origin,
        "log_key": keyring.log.to_string(),
        "release_key": hex::encode(keyring.release_public),
        "created": now,
    });
    let record = Record::new(record.to_string().into_bytes())?;
    let filing = Filing::new("", Retention::Permanent, record)?;
    let id = *random::<16>()?;
    let log = LogDatabase::create(store.clone(), &keyring.origin, filing.commitment(), id, now).await?;
    let genesis = log.entries(0, 1).await?;
    let entry = genesis.first().and_then(|bytes| Entry::decode(bytes).ok());
    // Of several processes that create one log at the same time, one has; it archives what it has committed to.
    if let Some(entry) = entry.filter(|entry| entry.draft.commitment == filing.commitment()) {
        let archive = Archive::of(&log);
        let receipt = Receipt { index: 0, entry };
        let file = store.run_tx("genesis_file", |tx| {
            let (archive, filing) = (archive.clone(), filing.clone());
            Box::pin(async move { archive.write(tx, &[(&receipt, &filing)]).await })
        });
        file.await?;
    }
    tracing::info!(origin = keyring.origin, "log created");
    Ok(log)
}

/// A checkpoint of this log that others have.
fn seen(path: &Path, key: &VerifierKey) -> Result<Checkpoint, OpeningError> {
    let error = |reason: String| OpeningError::Seen { file: path.display().to_string(), reason };
    if fs::metadata(path).map_err(|reason| error(reason.to_string()))?.len() > MAX_NOTE_BYTES {
        return Err(error("too long for a checkpoint".to_owned()));
    }
    let bytes = fs::read(path).map_err(|reason| error(reason.to_string()))?;
    let note = Note::parse(&bytes).map_err(|reason| error(reason.to_string()))?;
    let verified = note.verify(&[key]).map_err(|reason| error(reason.to_string()))?;
    Checkpoint::parse(verified.text()).map_err(|reason| error(reason.to_string()))
}
