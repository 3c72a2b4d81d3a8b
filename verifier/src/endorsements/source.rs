//! The source: what is at hand, what is being fetched, and what is asked for again. In: what evidence needs; out: files, or
//! why there are none. Whoever asks for what is being fetched waits for that fetch; a fetch goes on when those who asked
//! have left, so that they find it when they come back. It waits where a vendor asks for that.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prooftrail_evidence::{AmdKey, EndorsementFile, Wanted};
use prooftrail_result::Timestamp;
use prooftrail_trust_roots::RootSet;
use tokio::{runtime::Handle, sync::watch, time::Instant};

use super::{
    Kept,
    disk::{Disk, Found},
    failure::Failure,
    fetcher::{Fetcher, admitted},
    places::Places,
    shelf::Shelf,
};
use crate::log::Clock;

/// How long a request waits for what is being fetched.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long something is being fetched, waits that a vendor asks for included.
const FLIGHT: Duration = Duration::from_secs(45);

/// The most things that are being fetched at once.
const MAX_FLIGHTS: usize = 64;

/// Of these, certificates of chips: anybody can invent a report of a chip, and a vendor lets few such questions pass.
const MAX_VCEK_FLIGHTS: usize = 32;

/// The most certificates whose issuers are remembered, each with some two kilobytes of CAs.
const MAX_INTRODUCED: usize = 1024;

/// How often it is looked whether something is to be asked for again.
const ROUND: Duration = Duration::from_secs(30);

/// Why there is no source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The directory of the cache.
    #[error("the cache of endorsements: {0}")]
    Disk(#[from] io::Error),
    /// The HTTP client.
    #[error("endorsements: {0}")]
    Client(#[from] reqwest::Error),
}

type Outcome = Result<Arc<Kept>, Failure>;
type Flight = watch::Receiver<Stage>;

/// How far a fetch is.
#[derive(Clone, Debug)]
enum Stage {
    /// The vendor is being asked.
    Asking,
    /// The vendor wants us to wait until then.
    Waiting(Instant),
    /// It is over.
    Over(Outcome),
}

/// What could be had, and what could not.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// What could be had.
    pub kept: Vec<Arc<Kept>>,
    /// What could not.
    pub failures: Vec<(Wanted, Failure)>,
}

/// Endorsements from their vendors.
pub struct Source {
    fetcher: Fetcher,
    shelf: Shelf,
    disk: Option<Arc<Disk>>,
    flights: Mutex<HashMap<Wanted, Flight>>,
    /// Certificates that show who answers for a status.
    introduced: Mutex<HashMap<Wanted, Vec<EndorsementFile>>>,
    runtime: Handle,
}

impl Source {
    /// A source on the current runtime, with the cache at `cache`; without one it forgets everything when it ends.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn open(
        places: Places,
        roots: RootSet,
        clock: Arc<dyn Clock>,
        timeout: Duration,
        cache: Option<&Path>,
    ) -> Result<Arc<Self>, SourceError> {
        let disk = cache.map(Disk::open).transpose()?.map(Arc::new);
        let source = Self {
            fetcher: Fetcher::new(places, roots, clock, timeout)?,
            shelf: Shelf::default(),
            disk,
            flights: Mutex::default(),
            introduced: Mutex::default(),
            runtime: Handle::current(),
        };
        source.restore()?;
        Ok(Arc::new(source))
    }

    /// Puts on the shelf what was kept before. It was verified when it was fetched, under the roots of then.
    fn restore(&self) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let now = self.fetcher.now();
        for Found { wanted, fetched, url, files, issuers } in disk.load()? {
            // As of when it was fetched: what has ended since is of no use, and tells all the same what would be a replay.
            let restored = admitted(&wanted, &files, &issuers, self.fetcher.roots(), fetched).and_then(|admitted| {
                self.shelf.put(Kept { wanted: wanted.clone(), files, issuers, admitted, fetched, url }, fetched, now)
            });
            if let Err(error) = restored {
                tracing::warn!(%wanted, %error, "a kept endorsement is left out");
            }
        }
        if !self.shelf.is_empty() {
            tracing::info!(endorsements = self.shelf.len(), "kept endorsements read");
        }
        disk.sweep()
    }

    /// What is here and in force, without asking anybody.
    #[must_use]
    pub fn at_hand(&self, wanted: &Wanted) -> Option<Arc<Kept>> {
        let kept = self.shelf.get(wanted, self.fetcher.now());
        let outcome = if kept.is_some() { "hit" } else { "miss" };
        metrics::counter!(
            "prooftrail_endorsements_total",
            "publisher" => wanted.publisher().as_str(),
            "outcome" => outcome
        )
        .increment(1);
        kept
    }

    /// Remembers certificates that are needed to see that something is signed, and that its vendor does not send: who answers
    /// for a status is known from the evidence. They are believed when an answer is verified with them, and no sooner.
    pub fn introduce(&self, issuers: impl IntoIterator<Item = (Wanted, Vec<Vec<u8>>)>) {
        let mut introduced = self.introduced.lock().unwrap_or_else(PoisonError::into_inner);
        for (wanted, issuers) in issuers {
            if introduced.len() >= MAX_INTRODUCED && !introduced.contains_key(&wanted) {
                // Whoever needs one brings it again.
                introduced.clear();
            }
            introduced.insert(wanted, issuers.into_iter().map(Into::into).collect());
        }
    }

    /// The certificates that are needed beside an answer.
    fn issuers(&self, wanted: &Wanted) -> Vec<EndorsementFile> {
        let introduced = self.introduced.lock().unwrap_or_else(PoisonError::into_inner).get(wanted).cloned();
        introduced.unwrap_or_else(|| self.shelf.issuers(wanted))
    }

    /// Has everything that is wanted fetched, and waits for it.
    pub async fn gather(self: &Arc<Self>, wanted: &[Wanted]) -> Gathered {
        let until = Instant::now() + PATIENCE;
        let flights: Vec<_> = wanted.iter().map(|wanted| (wanted, self.launch(wanted))).collect();
        let mut gathered = Gathered::default();
        for (wanted, flight) in flights {
            match land(flight, until).await {
                Ok(kept) => gathered.kept.push(kept),
                Err(failure) => gathered.failures.push((wanted.clone(), failure)),
            }
        }
        gathered
    }

    /// Begins to fetch something, unless somebody has begun already.
    fn launch(self: &Arc<Self>, wanted: &Wanted) -> Flight {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(wanted) {
            return flight.clone();
        }
        let is_vcek = |wanted: &Wanted| matches!(wanted, Wanted::AmdVcek { .. });
        let is_full = flights.len() >= MAX_FLIGHTS
            || (is_vcek(wanted) && flights.keys().filter(|flown| is_vcek(flown)).count() >= MAX_VCEK_FLIGHTS);
        let refused = if is_full { Err(Failure::Busy) } else { self.fetcher.gate().check(wanted) };
        if let Err(failure) = refused {
            return watch::channel(Stage::Over(Err(failure))).1;
        }
        let (told, flight) = watch::channel(Stage::Asking);
        flights.insert(wanted.clone(), flight.clone());
        let arrival = Arrival { source: self.clone(), wanted: wanted.clone() };
        self.runtime.spawn(async move {
            let outcome = arrival.source.fly(&arrival.wanted, &told).await;
            // First it cannot be found any more, as what it brought is on the shelf; nobody may be waiting.
            drop(arrival);
            let _ = told.send(Stage::Over(outcome));
        });
        flight
    }

    async fn fly(self: &Arc<Self>, wanted: &Wanted, told: &watch::Sender<Stage>) -> Outcome {
        let outcome = self.fetch(wanted, told).await;
        self.fetcher.gate().note(wanted, outcome.as_ref().err());
        let publisher = wanted.publisher().as_str();
        let label = match &outcome {
            Ok(kept) => {
                tracing::info!(%wanted, url = kept.url, until = %kept.admitted.until, "endorsement fetched");
                "ok"
            }
            Err(failure) => {
                self.shelf.put_off(wanted, self.fetcher.now());
                tracing::warn!(%wanted, code = failure.code(), %failure, "an endorsement could not be had");
                failure.code().trim_start_matches("endorsements.")
            }
        };
        metrics::counter!("prooftrail_endorsement_fetches_total", "publisher" => publisher, "outcome" => label)
            .increment(1);
        outcome
    }

    async fn fetch(self: &Arc<Self>, wanted: &Wanted, told: &watch::Sender<Stage>) -> Outcome {
        let until = Instant::now() + FLIGHT;
        let issuers = match wanted {
            Wanted::AmdVcek { product, .. } => {
                let chain = Wanted::AmdCaChain { product: *product, key: AmdKey::Vcek };
                let chain = match self.shelf.get(&chain, self.fetcher.now()) {
                    Some(chain) => Ok(chain),
                    None => land(self.launch(&chain), until).await,
                };
                chain?.files.clone()
            }
            Wanted::NvidiaStatus { .. } => self.issuers(wanted),
            _ => Vec::new(),
        };
        let kept = loop {
            match self.fetcher.fetch(wanted, &issuers).await {
                Err(Failure::Throttled { wait }) if Instant::now() + wait < until => {
                    told.send_replace(Stage::Waiting(Instant::now() + wait));
                    tokio::time::sleep(wait).await;
                    told.send_replace(Stage::Asking);
                }
                fetched => break fetched?,
            }
        };
        let now = self.fetcher.now();
        let kept = self.shelf.put(kept, self.last_used(wanted, now), now)?;
        if let Some(disk) = self.disk.clone() {
            let stored = kept.clone();
            let stored = tokio::task::spawn_blocking(move || disk.store(&stored)).await;
            if let Err(error) = stored.map_err(io::Error::other).and_then(|stored| stored) {
                tracing::warn!(%wanted, %error, "an endorsement could not be written down; a restart fetches it again");
            }
        }
        Ok(kept)
    }

    /// Asking again is no use of something.
    fn last_used(&self, wanted: &Wanted, now: Timestamp) -> Timestamp {
        self.shelf.used(wanted).unwrap_or(now)
    }

    /// Asks again for what is due, for ever.
    pub async fn upkeep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(ROUND).await;
            self.refresh().await;
        }
    }

    /// Asks again for what is due.
    pub async fn refresh(self: &Arc<Self>) {
        let due = self.shelf.due(self.fetcher.now());
        if due.is_empty() {
            return;
        }
        let flights: Vec<_> = due.iter().map(|wanted| self.launch(wanted)).collect();
        let until = Instant::now() + FLIGHT;
        for (wanted, flight) in due.iter().zip(flights) {
            if land(flight, until).await.is_err() {
                self.shelf.put_off(wanted, self.fetcher.now());
            }
        }
        if let Some(disk) = self.disk.clone() {
            let swept = tokio::task::spawn_blocking(move || disk.sweep()).await;
            if let Err(error) = swept.map_err(io::Error::other).and_then(|swept| swept) {
                tracing::warn!(%error, "old endorsements could not be removed");
            }
        }
    }
}

/// Takes a flight off the list when it ends, however it ends.
struct Arrival {
    source: Arc<Source>,
    wanted: Wanted,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.source.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.wanted);
    }
}

/// Waits for a flight, unless it is known to take longer than that.
async fn land(mut flight: Flight, until: Instant) -> Outcome {
    let throttled = |then: Instant| Failure::Throttled { wait: then.saturating_duration_since(Instant::now()) };
    let is_settled = |stage: &Stage| match stage {
        Stage::Asking => false,
        Stage::Waiting(then) => *then > until,
        Stage::Over(_) => true,
    };
    let landed = tokio::time::timeout_at(until, flight.wait_for(is_settled)).await;
    let landed = landed.map(|stage| stage.map(|stage| stage.clone()));
    let stage = match landed {
        Ok(Ok(stage)) => stage,
        // The service is being stopped.
        Ok(Err(_)) => return Err(Failure::Busy),
        Err(_) => flight.borrow().clone(),
    };
    match stage {
        Stage::Over(outcome) => outcome,
        Stage::Waiting(then) => Err(throttled(then)),
        Stage::Asking => Err(Failure::TimedOut),
    }
}
