//! Whether a process may be given work that appends, and what its answers rest on: the body of `/readyz`. In: the log and
//! its sequencer's status; out: a verdict with every reason.

use serde::Serialize;

use super::{database::LogDatabase, sequencer::Status};
use crate::store::Footing;

/// Whether a log takes requests.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Readiness {
    /// Whether it does. A log that does not can still be read.
    pub ready: bool,
    /// The size of the last checkpoint that this process has signed.
    pub size: u64,
    /// Why not; empty if it is ready.
    pub reasons: Vec<Reason>,
    /// What an operator should know although requests are taken.
    pub warnings: Vec<Reason>,
    /// What commits rest on; `None` if the database does not answer.
    pub store: Option<Footing>,
}

/// A reason, for scripts and for people.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Reason {
    /// The code, which never changes.
    pub code: &'static str,
    /// What it means here.
    pub detail: String,
}

/// Whether `log` takes requests now.
pub async fn readiness(log: &LogDatabase, status: &Status) -> Readiness {
    let mut reasons = Vec::new();
    let mut warnings = Vec::new();
    if let Some(freeze) = &status.frozen {
        reasons.push(Reason { code: freeze.code(), detail: freeze.to_string() });
    }
    let store = match log.store().footing().await {
        Ok(footing) => {
            if let Some(setting) = footing.not_durable {
                let detail = format!("with {setting} as it is, a crash loses what was acknowledged");
                reasons.push(Reason { code: "ledger.store.not_durable", detail });
            }
            if !footing.in_place {
                let detail = "the database file was replaced while it was open".to_owned();
                reasons.push(Reason { code: "ledger.frozen.file_replaced", detail });
            }
            if footing.failover_can_lose {
                let detail = "synchronous_standby_names is empty: a failover can lose acknowledged commits".to_owned();
                warnings.push(Reason { code: "ledger.store.failover_can_lose", detail });
            }
            Some(footing)
        }
        Err(error) => {
            // The database's own words stay in the log file: whoever asks for readiness need not be an operator.
            tracing::warn!(%error, "the database does not answer");
            let detail = "the database does not answer".to_owned();
            reasons.push(Reason { code: "ledger.unavailable", detail });
            None
        }
    };
    // A file that was replaced also freezes the log, which then says so itself.
    reasons.dedup_by_key(|reason| reason.code);
    Readiness { ready: reasons.is_empty(), size: status.head.head.size(), reasons, warnings, store }
}
