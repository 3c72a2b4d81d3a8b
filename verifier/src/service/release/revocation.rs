//! `POST /v1/releases/{id}/revoke`. In: a release and why it is no longer to be relied upon; out: an entry in the ledger.
//! Its session ends: later proofs are refused, earlier ones are flagged. What was true before stays recorded.

use std::sync::Arc;

use actix_web::HttpResponse;
use prooftrail_protocol::ReleaseId;
use prooftrail_provenance::{RevocationRecord, Revoked};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::now;
use crate::{
    archive::{Archive, Filing, FilingError, Record, Retention},
    log::{
        batch::{Receipt, Request, RequestId, SideError, SideRows},
        entry::{Draft, EntryType},
    },
    service::{
        call::Call,
        governance::{self, overtaken},
        keyring::random,
        problem::Problem,
        wire,
    },
    store::{StoreError, Tx, Work, on},
};

/// The longest reason, in bytes: relying parties read it.
const MAX_WHY_BYTES: usize = 1024;

/// Why a release is revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRevocation {
    /// In a sentence, which relying parties are shown.
    why: String,
}

/// A release that was revoked.
#[derive(Serialize, ToSchema)]
pub struct RevokedRelease {
    /// The release.
    release_id: String,
    /// Its session, which has ended.
    session: String,
    /// Since when, RFC 3339.
    revoked: Option<String>,
    /// Where the ledger says so.
    entry_index: u64,
}

/// `POST /v1/releases/{id}/revoke`
///
/// # Errors
/// 400, 404 for a release that is not there, 409 for one that is revoked already, 503.
pub async fn revoke(call: Call) -> Result<HttpResponse, Problem> {
    const FIND: &str = "-- release_find\nSELECT session, entry_index, leaf_hash, revoked FROM decision \
         WHERE release_id = $1 AND project = $2 AND log_id = $3 AND session IS NOT NULL";
    type Row = (Vec<u8>, i64, Vec<u8>, Option<i64>);
    let ReleaseRevocation { why } = call.json()?;
    if why.is_empty() || why.len() > MAX_WHY_BYTES || why.chars().any(char::is_control) {
        let detail = format!("why is a sentence of at most {MAX_WHY_BYTES} bytes");
        return Err(Problem::bad_request("release.why", detail));
    }
    let state = &call.state;
    let missing = || Problem::not_found("release");
    let id: ReleaseId = call.path("id").parse().map_err(|_| missing())?;
    let row: Option<Row> = on!(state.store.db(), pool => {
        let find = sqlx::query_as(FIND).bind(id.0.as_slice()).bind(&call.project).bind(state.log.id());
        find.fetch_optional(pool).await
    })?;
    let (session, index, leaf, revoked) = row.ok_or_else(missing)?;
    if revoked.is_some() {
        return Err(Problem::conflict("release.revoked", "the release is revoked already"));
    }
    let corrupt = |_| Problem::from(StoreError::Corrupt { what: "decision.leaf_hash" });
    let record = RevocationRecord {
        project: call.project.clone(),
        what: Revoked::Release,
        leaf_hash: leaf.try_into().map_err(corrupt)?,
        leaf_index: u64::try_from(index).unwrap_or(u64::MAX),
        why,
        by: call.who().to_owned(),
        at: now(state),
    };
    let defect = |error: FilingError| {
        tracing::error!(%error, "a revocation cannot be filed");
        Problem::internal()
    };
    let filing =
        Record::new(record.encode()).and_then(|record| Filing::new(&call.project, Retention::Permanent, record));
    let filing = filing.map_err(defect)?;
    let draft = Draft { entry_type: EntryType::Revocation, commitment: filing.commitment() };
    let id_of_request = *random::<32>().map_err(|_| Problem::internal())?;
    let rows = RevocationRows { archive: Archive::of(&state.log), filing, session: session.clone(), at: call.now() };
    let request = Request {
        id: RequestId { project: call.project.clone(), id: id_of_request },
        draft,
        side_rows: Some(Arc::new(rows)),
    };
    let appended = state.sequencer.append(request).await.map_err(governance::problem)?;
    tracing::warn!(project = call.project, release = %id, who = call.who(), "release revoked");
    Ok(HttpResponse::Ok().json(RevokedRelease {
        release_id: id.to_string(),
        session: hex::encode(session),
        revoked: wire::time(call.now()),
        entry_index: appended.receipt.index,
    }))
}

/// The rows of a revocation.
struct RevocationRows {
    archive: Archive,
    filing: Filing,
    session: Vec<u8>,
    at: i64,
}

impl SideRows for RevocationRows {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        const REVOKE: &str = "-- release_revoke\nUPDATE decision SET revoked = $2, revoked_by = $3 WHERE session = $1 AND revoked IS NULL";
        Box::pin(async move {
            let index = i64::try_from(receipt.index).unwrap_or(i64::MAX);
            let revoked = on!(&mut tx.on, tx => {
                let revoke = sqlx::query(REVOKE).bind(&self.session).bind(self.at).bind(index);
                revoke.execute(&mut **tx).await?.rows_affected()
            });
            if revoked == 0 {
                return Err(overtaken().into());
            }
            self.archive.write(tx, &[(receipt, &self.filing)]).await
        })
    }
}
