//! `GET /v1/releases`. In: what an auditor looks for; out: decisions of a project, the newest first, a page at a time.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    service::{call::Call, problem::Problem, wire},
    store::on,
};

/// Decisions on a page, unless fewer are asked for.
const PAGE: i64 = 100;

/// Decisions.
#[derive(Serialize, ToSchema)]
pub struct DecisionList {
    /// The newest first.
    releases: Vec<FoundDecision>,
    /// What to ask for with `before` to get those that follow; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// A decision.
#[derive(Serialize, ToSchema)]
pub struct FoundDecision {
    /// The id of the release, or of the denial.
    release_id: String,
    /// `affirming` or `refused`.
    verdict: &'static str,
    /// Why it was refused: the code of the reason that counts most.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// `release`, `session` or `appraisal`.
    purpose: String,
    /// The witness key, unless none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<i64>,
    /// The policy.
    policy: String,
    /// Its version.
    policy_version: i64,
    /// SHA-384 of the witness's header, unless none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    witness_header_sha384: Option<String>,
    /// The session that it opened or belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// When, RFC 3339.
    time: Option<String>,
    /// Where it stands in the ledger.
    entry_index: i64,
    /// Since when it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

/// Release id, reason, purpose, key, version, policy, version, header, session, time, entry, revoked.
type Row = (
    Vec<u8>,
    Option<String>,
    String,
    Option<String>,
    Option<i64>,
    String,
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    i64,
    i64,
    Option<i64>,
);

impl From<Row> for FoundDecision {
    fn from(row: Row) -> Self {
        let (
            id,
            reason,
            purpose,
            key,
            key_version,
            policy,
            policy_version,
            header,
            session,
            time,
            entry_index,
            revoked,
        ) = row;
        Self {
            release_id: hex::encode(id),
            verdict: if reason.is_none() { "affirming" } else { "refused" },
            reason,
            purpose,
            key,
            key_version,
            policy,
            policy_version,
            witness_header_sha384: header.map(hex::encode),
            session: session.map(hex::encode),
            time: wire::time(time),
            entry_index,
            revoked: revoked.and_then(wire::time),
        }
    }
}

/// `GET /v1/releases`
///
/// # Errors
/// 400 for a parameter that says nothing, 503.
pub async fn search(call: Call) -> Result<HttpResponse, Problem> {
    const SEARCH: &str = "-- decision_search\nSELECT release_id, reason, purpose, key_name, key_version, policy_name, \
         policy_version, header_sha384, session, time, entry_index, revoked FROM decision \
         WHERE project = $1 AND log_id = $2 AND entry_index < $3 AND ($4 = '' OR key_name = $4) \
         AND ($5 = '' OR policy_name = $5) AND ($6 = 0 OR ($6 = 1 AND reason IS NULL) OR ($6 = 2 AND reason IS NOT NULL) \
         OR ($6 = 3 AND revoked IS NOT NULL)) ORDER BY entry_index DESC LIMIT $7";
    let number = |name: &str, default: i64| match call.query.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number: &i64| *number >= 0)
            .ok_or_else(|| Problem::bad_request("request.query", format!("{name} is a number"))),
    };
    let verdict: i64 = match call.query.get("verdict").map(String::as_str) {
        None => 0,
        Some("affirming") => 1,
        Some("refused") => 2,
        Some("revoked") => 3,
        Some(_) => {
            return Err(Problem::bad_request("request.query", "verdict is affirming, refused or revoked"));
        }
    };
    let text = |name: &str| call.query.get(name).cloned().unwrap_or_default();
    let (before, limit) = (number("before", i64::MAX)?, number("limit", PAGE)?.clamp(1, PAGE));
    let rows: Vec<Row> = on!(call.state.store.db(), pool => {
        let search = sqlx::query_as(SEARCH).bind(&call.project).bind(call.state.log.id()).bind(before);
        search.bind(text("key")).bind(text("policy")).bind(verdict).bind(limit).fetch_all(pool).await
    })?;
    let is_last = i64::try_from(rows.len()).unwrap_or(limit) < limit;
    let releases: Vec<FoundDecision> = rows.into_iter().map(FoundDecision::from).collect();
    let next = releases.last().map(|last| last.entry_index).filter(|_| !is_last);
    Ok(HttpResponse::Ok().json(DecisionList { releases, next }))
}
