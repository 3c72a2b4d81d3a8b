//! A log on a server: ours, or any that serves C2SP tlog-tiles. In: a URL and the log's key; out: its checkpoint, its tiles,
//! and whether one follows from the other. Everything that comes from a server is capped, and timed by the client.
//!
//! [`Http`] is the seam to the network; [`Client`] is what stands behind it.

use std::{collections::VecDeque, time::Duration};

use prooftrail_ledger::{
    Checkpoint, Hash, Note, VerifierKey,
    checkpoint::CheckpointError,
    note::{MAX_NOTE_BYTES, NoteError, VerifyError},
    tiles::{FULL_WIDTH, HashTile, MAX_BUNDLE_BYTES, Tile, TileKind, decode_entries},
};

use super::{
    finding::{Finding, Findings},
    rebuild::Rebuilt,
};

/// Requests in flight at once.
const AT_ONCE: usize = 8;

/// The way to a server's files.
pub trait Http: Clone + Send + Sync + 'static {
    /// The file at `path` below the log's prefix; `None` if there is none. No more than `max` bytes are kept.
    fn get(&self, path: &str, max: usize) -> impl Future<Output = Result<Option<Vec<u8>>, FetchError>> + Send;
}

/// Why a file could not be had.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL is none, or no client can be made.
    #[error("{0}")]
    Client(String),
    /// More bytes than such a file can have.
    #[error("{path} has more than {max} bytes")]
    TooLong {
        /// The file.
        path: String,
        /// The cap in bytes.
        max: usize,
    },
    /// The server did not answer in time.
    #[error("{path} did not come in time")]
    Stalled {
        /// The file.
        path: String,
    },
    /// The server answered with another status than 200 and 404.
    #[error("{path}: the server answers {status}")]
    Status {
        /// The file.
        path: String,
        /// The status.
        status: u16,
    },
    /// The server cannot be reached, or the connection broke.
    #[error("{path}: {reason}")]
    Transport {
        /// The file.
        path: String,
        /// What the client said.
        reason: String,
    },
}

/// A client of HTTP and HTTPS, whose roots are the machine's.
#[derive(Clone, Debug)]
pub struct Client {
    client: reqwest::Client,
    prefix: String,
}

impl Client {
    /// A client of the log whose files are below `prefix`. Each request may take `patience` in all.
    ///
    /// # Errors
    /// [`FetchError::Client`].
    pub fn new(prefix: &str, patience: Duration) -> Result<Self, FetchError> {
        // Another one may be installed already, and does as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(patience)
            .connect_timeout(patience)
            .redirect(reqwest::redirect::Policy::limited(3))
            .user_agent(concat!("prooftrail/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| FetchError::Client(chain(&error)))?;
        Ok(Self { client, prefix: prefix.trim_end_matches('/').to_owned() })
    }
}

impl Http for Client {
    async fn get(&self, path: &str, max: usize) -> Result<Option<Vec<u8>>, FetchError> {
        let failed = |error: reqwest::Error| {
            let path = path.to_owned();
            if error.is_timeout() {
                FetchError::Stalled { path }
            } else {
                FetchError::Transport { path, reason: chain(&error.without_url()) }
            }
        };
        let mut response = self.client.get(format!("{}/{path}", self.prefix)).send().await.map_err(failed)?;
        match response.status().as_u16() {
            200 => {}
            // 410: pruned.
            404 | 410 => return Ok(None),
            status => return Err(FetchError::Status { path: path.to_owned(), status }),
        }
        // The length that a server announces is not believed, and what it sends may be compressed: the bytes are counted
        // as they come out.
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > max {
                return Err(FetchError::TooLong { path: path.to_owned(), max });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// A tile as it was served: it may be the full one in the place of a partial one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Served {
    pub(super) tile: Tile,
    pub(super) bytes: Vec<u8>,
}

/// A log on a server.
#[derive(Clone, Debug)]
pub struct Remote<H> {
    http: H,
}

impl<H: Http> Remote<H> {
    /// The log that `http` leads to.
    pub const fn new(http: H) -> Self {
        Self { http }
    }

    /// The log's checkpoint, signed by `key` and of the log `origin`.
    ///
    /// # Errors
    /// [`CheckpointRefusal`].
    pub async fn checkpoint(&self, key: &VerifierKey, origin: &str) -> Result<(Note, Checkpoint), CheckpointRefusal> {
        let bytes = self.http.get("checkpoint", MAX_NOTE_BYTES).await?.ok_or(CheckpointRefusal::NotServed)?;
        read_checkpoint(&bytes, key, origin)
    }

    /// A tile or bundle; `None` if the server has neither it nor the full one that may have taken its place.
    pub(super) async fn fetch(&self, tile: Tile) -> Result<Option<Served>, FetchError> {
        for tile in [Some(tile), (!tile.is_full()).then(|| tile.full())].into_iter().flatten() {
            let max = match tile.kind() {
                TileKind::Entries => MAX_BUNDLE_BYTES,
                TileKind::Hashes { .. } => usize::from(tile.width()) * Hash::BYTES,
            };
            if let Some(bytes) = self.http.get(&tile.to_string(), max).await? {
                return Ok(Some(Served { tile, bytes }));
            }
        }
        Ok(None)
    }

    /// As [`Remote::fetch`], with what cannot be a tile as a finding.
    async fn fetch_or_find(&self, tile: Tile) -> Result<Result<Served, Finding>, FetchError> {
        match self.fetch(tile).await {
            Ok(Some(served)) => Ok(Ok(served)),
            Ok(None) => Ok(Err(Finding::NotServed { tile })),
            Err(error @ FetchError::TooLong { .. }) => Ok(Err(Finding::NoTile { tile, reason: error.to_string() })),
            Err(error) => Err(error),
        }
    }

    /// Makes the tree of `checkpoint` anew from the entry bundles, and compares its root and every tile of hashes.
    /// `progress` is told how many entries have been read, and of how many.
    ///
    /// # Errors
    /// [`FetchError`] if the server cannot be read; what it serves and should not is a finding.
    pub async fn check(
        &self,
        checkpoint: &Checkpoint,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Findings, FetchError> {
        let size = checkpoint.size();
        let mut found = Findings::default();
        let mut tree = Rebuilt::default();
        let bundles = (0..size.div_ceil(FULL_WIDTH.into()))
            .filter_map(|index| Tile::at_size(TileKind::Entries, index, size).ok());
        let mut ahead = VecDeque::new();
        let mut bundles = bundles.peekable();
        while bundles.peek().is_some() || !ahead.is_empty() {
            while ahead.len() < AT_ONCE
                && let Some(bundle) = bundles.next()
            {
                let remote = self.clone();
                ahead.push_back((bundle, tokio::spawn(async move { remote.fetch_or_find(bundle).await })));
            }
            let Some((bundle, fetched)) = ahead.pop_front() else { break };
            let fetched = fetched.await.map_err(|error| FetchError::Client(error.to_string()))??;
            let entries = fetched.and_then(|served| {
                let mut leaves = leaves(&served).map_err(|reason| Finding::NoTile { tile: bundle, reason })?;
                leaves.truncate(bundle.width().into());
                Ok(leaves)
            });
            let leaves = match entries {
                Ok(leaves) => leaves,
                Err(finding) => {
                    found.push(finding);
                    found.push(Finding::NotRebuilt { size: tree.frontier().size() });
                    ahead.into_iter().for_each(|(_, fetching)| fetching.abort());
                    return Ok(found);
                }
            };
            for leaf in leaves {
                // A checkpoint's size is far below the most that a tree can have.
                for (tile, hashes) in tree.push(leaf).unwrap_or_default() {
                    self.compare(tile, &hashes, &mut found).await?;
                }
            }
            progress(tree.frontier().size(), size);
        }
        for (tile, hashes) in tree.partial_tiles() {
            self.compare(tile, &hashes, &mut found).await?;
        }
        let computed = tree.frontier().root();
        if computed != checkpoint.root() {
            found.push(Finding::Root { size, stored: checkpoint.root(), computed });
        }
        Ok(found)
    }

    async fn compare(&self, tile: Tile, hashes: &HashTile, found: &mut Findings) -> Result<(), FetchError> {
        match self.fetch_or_find(tile).await? {
            Err(finding) => found.push(finding),
            Ok(served) => match HashTile::parse(served.tile, &served.bytes) {
                Err(reason) => found.push(Finding::NoTile { tile, reason: reason.to_string() }),
                Ok(have) if have.hashes().starts_with(hashes.hashes()) => {}
                Ok(_) => found.push(Finding::Tile { tile }),
            },
        }
        Ok(())
    }
}

/// The leaf hashes of a bundle.
fn leaves(served: &Served) -> Result<Vec<Hash>, String> {
    let entries = decode_entries(served.tile, &served.bytes).map_err(|reason| reason.to_string())?;
    Ok(entries.into_iter().map(Hash::of_leaf).collect())
}

/// Reads a checkpoint that `key` has signed, of the log `origin`.
///
/// # Errors
/// [`CheckpointRefusal`].
pub fn read_checkpoint(bytes: &[u8], key: &VerifierKey, origin: &str) -> Result<(Note, Checkpoint), CheckpointRefusal> {
    let note = Note::parse(bytes)?;
    let checkpoint = Checkpoint::parse(note.verify(&[key])?.text())?;
    if checkpoint.origin() != origin {
        let (have, need) = (checkpoint.origin().to_owned(), origin.to_owned());
        return Err(CheckpointRefusal::Origin { have, need });
    }
    Ok((note, checkpoint))
}

/// Why there is no checkpoint to go by.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointRefusal {
    /// The server has none.
    #[error("the server has no checkpoint")]
    NotServed,
    /// It is no signed note.
    #[error("the checkpoint is no signed note: {0}")]
    Note(#[from] NoteError),
    /// The key has not signed it.
    #[error("the checkpoint is not signed by this key: {0}")]
    Signature(#[from] VerifyError),
    /// What is signed is no checkpoint.
    #[error("what is signed is no checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// It is another log's.
    #[error("the checkpoint is that of {have}, not of {need}")]
    Origin {
        /// Its origin.
        have: String,
        /// The origin asked for.
        need: String,
    },
    /// The server cannot be read.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl CheckpointRefusal {
    /// The code by which scripts know it; `None` if it is the server that cannot be read.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::NotServed => Some("ledger.checkpoint.not_served"),
            Self::Note(_) => Some("ledger.checkpoint.note"),
            Self::Signature(_) => Some("ledger.checkpoint.signature"),
            Self::Checkpoint(_) => Some("ledger.checkpoint.malformed"),
            Self::Origin { .. } => Some("ledger.checkpoint.origin"),
            Self::Fetch(FetchError::TooLong { .. }) => Some("ledger.checkpoint.note"),
            Self::Fetch(_) => None,
        }
    }
}
