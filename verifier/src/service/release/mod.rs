//! Releases: what agents ask, and what comes of it. In: evidence, a statement, a witness's header; out: a sealed key that
//! stands in the ledger, or every reason why there is none; later, what the released witness was proved with. docs/release.md.
//!
//! ```text
//! challenge ── inquiry ── decision ── rows ─→ one transaction: entry, record and blobs, decision, spent challenge
//!     ↑           ↑           ↑                                                          └─ answer, once it is committed
//! checkpoint   request    governed: policy and key under one governance epoch
//! ```
//!
//! | module | what for |
//! |---|---|
//! | [`challenges`] | `POST /v1/challenges` |
//! | [`releases`], [`appraisals`] | `POST /v1/releases`, `POST /v1/appraisals` |
//! | [`sessions`] | `POST /v1/releases/{session}`: a further witness |
//! | [`proofs`] | `POST /v1/proofs` |
//! | [`inquiry`] | what is asked, whichever route it came by |
//! | [`governed`] | policy and key, with the governance epoch that they were read under |
//! | [`decide`] | the walk from an inquiry to an answer that is committed |
//! | [`record`] | what a decision leaves in archive and ledger |
//! | [`rows`] | what is written in the entry's transaction |
//! | [`answers`] | what a retry gets |
//! | [`refusals`] | what makes no entry, counted |
//! | [`search`], [`revocation`] | what auditors and operators ask |
//! | [`schemas`] | the bodies, for the description of the API |

pub mod answers;
pub mod appraisals;
pub mod challenges;
mod chance;
mod decide;
mod governed;
mod inquiry;
mod proof_rows;
pub mod proofs;
mod record;
pub mod refusals;
pub mod releases;
pub mod revocation;
mod rows;
pub mod schemas;
pub mod search;
mod session_rows;
pub mod sessions;
mod supply;

use std::{sync::Arc, time::Duration};

use actix_web::http::StatusCode;
use prooftrail_protocol::{FleetKey, FleetKeys, Malformed, Origin, ReleaseKey, ReleasePublic, wire};
use prooftrail_release::Denial;
use prooftrail_result::{Reason, Timestamp};
use prooftrail_trust_roots::RootSet;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Semaphore;

use self::{answers::Answered, governed::GovernedCache, refusals::Refusals};
use super::{call::Call, keyring::Keyring, problem::Problem, state::State};
use crate::{
    log::{Clock, sequencer::Status},
    store::Store,
};

/// How long a released key may be opened, in seconds, unless the appraisal ends earlier; and for how long a session may ask
/// for further witnesses.
pub const OPENS_SECONDS: i64 = 60 * 60;

/// How long a session may register proofs, in milliseconds: a proof may take days.
pub const PROOFS_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// The most witnesses of a session after its first.
pub const MAX_TURNS: u64 = 1024;

/// The most proofs, and failures, of a session.
pub const MAX_SEQUENCE: u64 = 4096;

/// The build that decides, as records name it.
pub const VERIFIER: &str = concat!("prooftrail ", env!("CARGO_PKG_VERSION"));

/// What these routes keep between requests. Everything that grows is bounded.
pub struct Releases {
    fleet: FleetKeys,
    release_key: ReleaseKey,
    release_public: ReleasePublic,
    origin: Origin,
    /// SHA-256 of each root that evidence may rest on, sorted.
    trusted_roots: Vec<[u8; 32]>,
    governed: GovernedCache,
    answered: Answered,
    /// Requests that were refused without an entry.
    pub refusals: Arc<Refusals>,
    /// Work that takes long is done by so many threads at once.
    heavy: Arc<Semaphore>,
}

impl Releases {
    /// With the service's keys and the roots that it trusts.
    ///
    /// # Errors
    /// [`Malformed`] for an origin that cannot stand in a context.
    pub fn new(keyring: &Keyring, roots: &RootSet) -> Result<Self, Malformed> {
        let mut trusted_roots: Vec<_> = roots.iter().map(|root| root.sha256).collect();
        trusted_roots.sort_unstable();
        let release_key = ReleaseKey::from_seed(&keyring.release);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            fleet: FleetKeys::new(FleetKey::from_bytes(&keyring.fleet), Vec::new()),
            release_public: release_key.public(),
            release_key,
            origin: keyring.origin.parse()?,
            trusted_roots,
            governed: GovernedCache::default(),
            answered: Answered::default(),
            refusals: Arc::default(),
            heavy: Arc::new(Semaphore::new(cores)),
        })
    }
}

/// The wait between two rounds of [`upkeep`].
const UPKEEP: Duration = Duration::from_secs(30);

/// Writes down what was counted, and forgets answers that nobody can ask for again; for ever.
pub async fn upkeep(store: Arc<Store>, refusals: Arc<Refusals>, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        let now = i64::try_from(clock.now()).unwrap_or(i64::MAX);
        if let Err(error) = refusals.write(&store, now).await {
            tracing::warn!(%error, "refusals could not be written down; trying again");
        }
        if let Err(error) = answers::forget_ended(&store, now).await {
            tracing::warn!(%error, "old answers could not be removed; trying again");
        }
    }
}

/// The body in the protocol's form.
fn read<T: DeserializeOwned>(call: &Call, what: &'static str) -> Result<T, Problem> {
    wire::from_json(&call.body, what, prooftrail_protocol::limits::REQUEST_BYTES)
        .map_err(|malformed| Problem::bad_request("request.json", malformed.to_string()))
}

/// Now.
fn now(state: &State) -> Timestamp {
    let millis = i64::try_from(state.clock.now()).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(millis).unwrap_or(Timestamp::MAX)
}

/// What the sequencer last signed.
fn status(state: &State) -> Status {
    state.sequencer.status().borrow().clone()
}

/// The recovery epoch that this process knows.
fn recovery_epoch(state: &State) -> u64 {
    state.sequencer.status().borrow().head.head.recovery_epoch
}

/// A denial as it is answered.
fn problem(denial: &Denial) -> Problem {
    let wire::Problem { code: _, status, detail, reasons, .. } = denial.problem();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    let code = denial.first().map_or("policy.set_shape", |reason| reason.code.as_str());
    Problem::new(status, code, detail).with_reasons(reasons.iter().map(|reason| json!(reason)).collect())
}

/// Counts a refusal that makes no entry, and gives what is answered.
fn refuse(state: &State, denial: &Denial) -> Problem {
    let codes = denial.reasons.iter().map(|reason| reason.code.as_str());
    state.releases.refusals.count(codes);
    problem(denial)
}

/// The same for one reason.
fn refuse_for(state: &State, reason: Reason) -> Problem {
    refuse(state, &Denial::because(reason))
}
