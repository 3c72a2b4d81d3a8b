//! From an id to records. In: 64 hexadecimal digits; out: the rows of every proof with that digest, and of every proof of
//! that statement.

use prooftrail_protocol::ReleaseId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    service::{call::Call, problem::Problem, wire},
    store::{StoreError, on},
};

/// The most records of one id that are listed.
const MOST: i64 = 1000;

/// A registered proof, as relying parties see it.
#[derive(Serialize, ToSchema)]
pub struct FoundProof {
    /// SHA-256 of the proof's bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_id: Option<String>,
    /// What was proved, if the proof verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement_id: Option<String>,
    /// The proof system.
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    /// `verified`, `refused` or `unsupported`.
    finding: String,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The release whose witness it was made with.
    release_id: String,
    /// When it was registered, RFC 3339.
    time: Option<String>,
    /// Where it stands in the ledger.
    entry_index: i64,
    /// Since when its release is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
    /// Its page.
    page: String,
    /// Its bundle.
    bundle: String,
}

/// A row of `proof`, with what of its release matters here.
pub(super) struct Registered {
    /// Its entry.
    pub(super) entry: u64,
    pub(super) project: String,
    /// The entry of its release.
    pub(super) decision: u64,
    /// The entry of the revocation of its release.
    pub(super) revoked_by: Option<u64>,
    /// When it was registered, RFC 3339.
    pub(super) time: Option<String>,
    pub(super) finding: String,
    proof_id: Option<Vec<u8>>,
    statement_id: Option<Vec<u8>>,
    system: Option<String>,
    code: Option<String>,
    release_id: String,
    revoked: Option<i64>,
}

/// The columns, in that order.
type Row = (
    i64,
    String,
    i64,
    Option<i64>,
    i64,
    String,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<String>,
    Option<String>,
    Vec<u8>,
    Option<i64>,
);

impl Registered {
    /// Those of the id in the path, in the order of the ledger; the one that `entry` names, where it names one.
    ///
    /// # Errors
    /// 404 if there is none; 503.
    pub(super) async fn find(call: &Call) -> Result<Vec<Self>, Problem> {
        const FIND: &str = "-- provenance_find\nSELECT p.entry_index, p.project, d.entry_index, d.revoked_by, p.time, \
             p.finding, p.proof_id, p.statement_id, p.system, p.code, p.release_id, d.revoked \
             FROM proof p JOIN decision d ON d.release_id = p.release_id \
             WHERE p.log_id = $1 AND (p.proof_id = $2 OR p.statement_id = $2) AND ($3 < 0 OR p.entry_index = $3) \
             ORDER BY p.entry_index LIMIT $4";
        let missing = || Problem::not_found("proof");
        let mut id = [0; 32];
        // One spelling of an id: pages are compared and cached by their paths.
        let text = call.path("id");
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        hex::decode_to_slice(text, &mut id).ok().filter(|()| is_lower).ok_or_else(missing)?;
        let entry = match call.query.get("entry") {
            None => -1,
            Some(text) => text.parse::<i64>().ok().filter(|entry| *entry >= 0).ok_or_else(missing)?,
        };
        let rows: Vec<Row> = on!(call.state.store.db(), pool => {
            let find = sqlx::query_as(FIND).bind(call.state.log.id()).bind(id.as_slice());
            find.bind(entry).bind(MOST).fetch_all(pool).await
        })?;
        if rows.is_empty() {
            return Err(missing());
        }
        Ok(rows.into_iter().map(Self::read).collect::<Result<_, _>>()?)
    }

    fn read(row: Row) -> Result<Self, StoreError> {
        let (
            entry,
            project,
            decision,
            revoked_by,
            time,
            finding,
            proof_id,
            statement_id,
            system,
            code,
            release,
            revoked,
        ) = row;
        let corrupt = || StoreError::Corrupt { what: "proof" };
        let index = |index: i64| u64::try_from(index).map_err(|_| corrupt());
        Ok(Self {
            entry: index(entry)?,
            project,
            decision: index(decision)?,
            revoked_by: revoked_by.map(index).transpose()?,
            time: wire::time(time),
            finding,
            proof_id,
            statement_id,
            system,
            code,
            release_id: ReleaseId(release.try_into().map_err(|_| corrupt())?).to_string(),
            revoked,
        })
    }

    /// The name of a file about it.
    pub(super) fn file_name(&self) -> String {
        let id = self.proof_id.as_ref().map(hex::encode).unwrap_or_default();
        format!("{}-{}", id.get(..16).unwrap_or("proof"), self.entry)
    }

    /// Where its page is, under the id that was asked for.
    pub(super) fn page_path(&self, id: &str) -> String {
        format!("/p/{id}?entry={}", self.entry)
    }

    /// Where its bundle is.
    pub(super) fn bundle_path(&self, id: &str) -> String {
        format!("/v1/proofs/{id}/bundle?entry={}", self.entry)
    }

    /// As relying parties see it.
    pub(super) fn shown(&self, call: &Call) -> FoundProof {
        let base = call.state.config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
        FoundProof {
            proof_id: self.proof_id.as_ref().map(hex::encode),
            statement_id: self.statement_id.as_ref().map(hex::encode),
            system: self.system.clone(),
            finding: self.finding.clone(),
            code: self.code.clone(),
            release_id: self.release_id.clone(),
            time: self.time.clone(),
            entry_index: i64::try_from(self.entry).unwrap_or(i64::MAX),
            revoked: self.revoked.and_then(wire::time),
            page: format!("{base}{}", self.page_path(call.path("id"))),
            bundle: format!("{base}{}", self.bundle_path(call.path("id"))),
        }
    }
}
