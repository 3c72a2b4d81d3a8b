//! Changes of policies and keys. In: what is to change and the record of it; out: the rows written, the record archived,
//! the project's governance epoch raised, and the entry in the ledger: all in one transaction, or nothing.
//!
//! The epoch is what a release compares: it was appraised under one, and is entered only while that is still the
//! project's (architecture, section 4, "Order of effects").

use std::sync::Arc;

use actix_web::http::StatusCode;
use serde_json::Value;

use super::{keyring::random, problem::Problem, state::State};
use crate::{
    archive::{Archive, Blob, Filing, Record, Retention},
    log::{
        batch::{Receipt, Refusal, Request, RequestId, SideError, SideRows},
        entry::{Draft, EntryType},
        sequencer::{AppendError, Appended},
    },
    store::{Store, StoreError, Tx, Work, on},
};

/// A change.
pub struct Change {
    /// Whose.
    pub project: String,
    /// What kind of change.
    pub entry_type: EntryType,
    /// The record that the entry commits to: JSON.
    pub record: Value,
    /// What the record speaks of.
    pub blobs: Vec<Blob>,
    /// The rows.
    pub rows: Arc<dyn SideRows>,
}

/// Why a change was refused when its turn came: what it rests on had changed meanwhile.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    /// The problem's code.
    pub code: &'static str,
    /// Its text.
    pub detail: String,
}

impl From<Refused> for SideError {
    fn from(refused: Refused) -> Self {
        Self::Refused(Refusal(Arc::new(refused)))
    }
}

/// The refusal of a change that another one has overtaken.
#[must_use]
pub fn overtaken() -> Refused {
    Refused {
        code: "governance.overtaken",
        detail: "somebody else has changed this meanwhile; look, and ask again".to_owned(),
    }
}

impl Change {
    /// Makes it, once.
    ///
    /// # Errors
    /// 404 for a project that is not there, 409 if what it rests on has changed, 503 if it was not made, or it is not
    /// known whether it was.
    pub async fn make(self, state: &State) -> Result<Appended, Problem> {
        let Self { project, entry_type, record, blobs, rows } = self;
        let defect = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a change could not be filed");
            Problem::internal()
        };
        let record = Record::new(record.to_string().into_bytes()).map_err(|error| defect(&error))?;
        let filing = Filing::new(&project, Retention::Permanent, record).map_err(|error| defect(&error))?;
        let filing = filing.with_blobs(blobs).map_err(|error| defect(&error))?;
        let draft = Draft { entry_type, commitment: filing.commitment() };
        let id = RequestId { project: project.clone(), id: *random::<32>().map_err(|error| defect(&error))? };
        let rows = Governed { project, archive: Archive::of(&state.log), filing, rows };
        let request = Request { id, draft, side_rows: Some(Arc::new(rows)) };
        state.sequencer.append(request).await.map_err(problem)
    }
}

/// Rows of a change, behind the raised epoch, and its record.
struct Governed {
    project: String,
    archive: Archive,
    filing: Filing,
    rows: Arc<dyn SideRows>,
}

impl SideRows for Governed {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        const RAISE: &str = "-- governance_raise\nUPDATE project SET epoch = epoch + 1 WHERE name = $1";
        Box::pin(async move {
            let raised = on!(&mut tx.on, tx => {
                sqlx::query(RAISE).bind(&self.project).execute(&mut **tx).await?.rows_affected()
            });
            if raised == 0 {
                return Err(Refused { code: "not_found", detail: "there is no such project".to_owned() }.into());
            }
            self.rows.write(tx, receipt).await?;
            self.archive.write(tx, &[(receipt, &self.filing)]).await
        })
    }
}

/// The project's governance epoch, if there is such a project.
///
/// # Errors
/// [`StoreError`].
pub async fn epoch(store: &Store, project: &str) -> Result<Option<i64>, StoreError> {
    const EPOCH: &str = "-- governance_epoch\nSELECT epoch FROM project WHERE name = $1";
    Ok(on!(store.db(), pool => sqlx::query_scalar(EPOCH).bind(project).fetch_optional(pool).await)?)
}

/// Refuses, inside a transaction, unless `epoch` is still the project's: for the side rows of a release.
///
/// # Errors
/// [`Refused`] with `governance.overtaken`; the database's.
pub async fn require_epoch(tx: &mut Tx<'_>, project: &str, epoch: i64) -> Result<(), SideError> {
    const EPOCH: &str = "-- governance_require\nSELECT epoch FROM project WHERE name = $1";
    let now: Option<i64> = on!(&mut tx.on, tx => {
        sqlx::query_scalar(EPOCH).bind(project).fetch_optional(&mut **tx).await?
    });
    if now == Some(epoch) { Ok(()) } else { Err(overtaken().into()) }
}

/// What is answered when an entry was not appended.
#[must_use]
pub fn problem(error: AppendError) -> Problem {
    match error {
        AppendError::Refused(refusal) => match refusal.0.downcast_ref::<Refused>() {
            Some(Refused { code: "not_found", .. }) => Problem::not_found("project"),
            Some(Refused { code, detail }) => Problem::conflict(code, detail.clone()),
            None => Problem::new(StatusCode::CONFLICT, "ledger.refused", refusal.to_string()),
        },
        AppendError::Frozen(reason) => {
            tracing::error!(%reason, "the log is frozen");
            Problem::unavailable("ledger.frozen", "the ledger is frozen; its operator must look")
        }
        AppendError::OutcomeUnknown => {
            Problem::unavailable("ledger.unknown", "it is not known whether this was done; look before asking again")
        }
        AppendError::RequestReused => Problem::internal(),
        AppendError::Unavailable(error) => {
            tracing::error!(%error, "nothing can be appended");
            Problem::unavailable("ledger.unavailable", "the ledger's database is not available; nothing was done")
        }
        AppendError::Stopped => Problem::unavailable("stopping", "the service is stopping"),
    }
}
