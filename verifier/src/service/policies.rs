//! The routes of policies. In: the text of a policy; out: a version of it, compiled and linted, and, once somebody says
//! so, in force. Every step is an entry in the ledger; a version is never changed.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode};
use prooftrail_policy::{Finding, LintCode, Policy, PolicyDocument, Severity};
use prooftrail_result::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    call::Call,
    governance::{Change, overtaken},
    problem::Problem,
    projects,
    state::State,
    wire,
};
use crate::{
    archive::{Blob, Kind},
    log::{
        batch::{Receipt, SideError, SideRows},
        entry::EntryType,
    },
    store::{Store, StoreError, Tx, Work, on},
};

/// The longest text, in bytes: what the compiler reads.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// A version of a policy.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyVersion {
    /// The policy's name.
    pub name: String,
    /// 1 for the first text of that name.
    pub version: i64,
    /// The digest of what the text means (docs/policy.md), hexadecimal.
    pub digest: String,
    /// The SHA-256 of the text, under which it is archived, hexadecimal.
    pub text_sha256: String,
    /// Whether it is in force.
    pub active: bool,
    /// When it was uploaded, RFC 3339.
    pub created: Option<String>,
    /// By whom.
    pub created_by: String,
    /// Where the ledger says so.
    pub entry_index: i64,
}

/// Versions of policies.
#[derive(Serialize, ToSchema)]
pub struct PolicyList {
    /// By name and version.
    policies: Vec<PolicyVersion>,
}

/// A text that was uploaded.
#[derive(Serialize, ToSchema)]
pub struct UploadedPolicy {
    /// The version it became, or was already.
    #[serde(flatten)]
    version: PolicyVersion,
    /// What it leaves open; no errors are among them.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
}

/// A version with its text.
#[derive(Serialize, ToSchema)]
pub struct PolicyText {
    /// The version.
    #[serde(flatten)]
    version: PolicyVersion,
    /// The text as it was uploaded.
    text: String,
}

/// Which version is to be in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// The version.
    version: i64,
    /// Its digest: what was looked at is what comes into force.
    digest: String,
}

/// The columns of a version, beside the text.
type Row = (String, i64, Vec<u8>, Vec<u8>, Option<i64>, i64, String, i64);

const COLUMNS: &str = "v.name, v.version, v.digest, v.text_sha256, p.active, v.created, v.created_by, v.entry_index \
     FROM policy_version v JOIN policy p ON p.project = v.project AND p.name = v.name WHERE v.project = $1";

impl PolicyVersion {
    fn read(row: Row) -> Self {
        let (name, version, digest, text_sha256, active, created, created_by, entry_index) = row;
        Self {
            name,
            version,
            digest: hex::encode(digest),
            text_sha256: hex::encode(text_sha256),
            active: active == Some(version),
            created: wire::time(created),
            created_by,
            entry_index,
        }
    }

    async fn list(store: &Store, project: &str, name: &str) -> Result<Vec<Self>, StoreError> {
        let list = format!(
            "-- policy_list\nSELECT {COLUMNS} AND ($2 = '' OR v.name = $2) ORDER BY v.name, v.version LIMIT 10000"
        );
        let rows: Vec<Row> = on!(store.db(), pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(list)).bind(project).bind(name).fetch_all(pool).await
        })?;
        Ok(rows.into_iter().map(Self::read).collect())
    }
}

/// `GET /v1/policies`
///
/// # Errors
/// 503.
pub async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let policies = PolicyVersion::list(&call.state.store, &call.project, "").await?;
    Ok(HttpResponse::Ok().json(PolicyList { policies }))
}

/// `GET /v1/policies/{name}`
///
/// # Errors
/// 404, 503.
pub async fn versions(call: Call) -> Result<HttpResponse, Problem> {
    let policies = PolicyVersion::list(&call.state.store, &call.project, call.path("name")).await?;
    if policies.is_empty() || call.path("name").is_empty() {
        return Err(Problem::not_found("policy"));
    }
    Ok(HttpResponse::Ok().json(PolicyList { policies }))
}

/// `GET /v1/policies/{name}/versions/{version}`
///
/// # Errors
/// 404, 503.
pub async fn text(call: Call) -> Result<HttpResponse, Problem> {
    let number = call.path("version").parse::<i64>().map_err(|_| Problem::not_found("version"))?;
    let versions = PolicyVersion::list(&call.state.store, &call.project, call.path("name")).await?;
    let version = versions.into_iter().find(|known| known.version == number);
    let version = version.ok_or_else(|| Problem::not_found("version"))?;
    let text = stored_text(&call.state.store, &call.project, &version.name, number).await?;
    Ok(HttpResponse::Ok().json(PolicyText { version, text }))
}

/// `POST /v1/policies`
///
/// # Errors
/// 400 for a text that is no policy, 422 for one with errors; 404, 409, 503.
pub async fn upload(call: Call) -> Result<HttpResponse, Problem> {
    projects::require(&call).await?;
    let text = call.text()?.to_owned();
    let policy = compile(&call.state, &text)?;
    let name = policy.name().to_owned();
    wire::check_name(&name)?;
    let at = Timestamp::from_unix_millis(call.now()).ok_or_else(Problem::internal)?;
    let findings = policy.lint(at);
    // Whoever configures a simulator's root has said so already; every page that rests on it says it again.
    let is_simulating = call.state.roots.iter().any(|root| root.simulated);
    let counts = |finding: &&Finding| {
        finding.severity == Severity::Error && !(is_simulating && finding.code == LintCode::SimulatedAllowed)
    };
    let errors: Vec<Value> = findings.iter().filter(counts).map(|finding| json!(finding)).collect();
    if !errors.is_empty() {
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "policy.errors", "the policy has errors");
        return Err(problem.with_reasons(errors));
    }
    let text_sha256: [u8; 32] = Sha256::digest(&text).into();
    let known = PolicyVersion::list(&call.state.store, &call.project, &name).await?;
    if let Some(version) = known.iter().find(|version| version.text_sha256 == hex::encode(text_sha256)).cloned() {
        // The same text again is the same version.
        return Ok(HttpResponse::Ok().json(UploadedPolicy { version, findings }));
    }
    let number = known.last().map_or(1, |last| last.version.saturating_add(1));
    let digest = hex::encode(policy.digest());
    let row = NewVersion {
        project: call.project.clone(),
        name: name.clone(),
        version: number,
        digest: policy.digest(),
        text_sha256,
        text: text.clone(),
        created: call.now(),
        created_by: call.who().to_owned(),
    };
    let blob = Blob::new(Kind::Policy, text.into_bytes()).map_err(|_| Problem::internal())?;
    let change = Change {
        project: call.project.clone(),
        entry_type: EntryType::Policy,
        record: json!({
            "record": "prooftrail/policy/v1", "action": "upload", "project": call.project, "name": name,
            "version": number, "digest": digest, "text_sha256": hex::encode(text_sha256), "by": call.who(),
        }),
        blobs: vec![blob],
        rows: Arc::new(row),
    };
    let appended = change.make(&call.state).await?;
    tracing::info!(project = call.project, policy = name, version = number, who = call.who(), "policy uploaded");
    let version = PolicyVersion {
        name,
        version: number,
        digest,
        text_sha256: hex::encode(text_sha256),
        active: false,
        created: wire::time(call.now()),
        created_by: call.who().to_owned(),
        entry_index: i64::try_from(appended.receipt.index).unwrap_or(i64::MAX),
    };
    Ok(HttpResponse::Created().json(UploadedPolicy { version, findings }))
}

/// `POST /v1/policies/{name}/activate`
///
/// # Errors
/// 404, 409, 503.
pub async fn activate(call: Call) -> Result<HttpResponse, Problem> {
    let Activation { version, digest } = call.json()?;
    let known = PolicyVersion::list(&call.state.store, &call.project, call.path("name")).await?;
    let before = known.iter().find(|known| known.active).map(|known| known.version);
    let chosen = known.into_iter().find(|known| known.version == version);
    let mut chosen = chosen.ok_or_else(|| Problem::not_found("version"))?;
    if chosen.digest != digest {
        return Err(Problem::conflict("policy.digest", "this version has another digest"));
    }
    // A text that this build or these roots do not compile any more would deny everything.
    let text = stored_text(&call.state.store, &call.project, &chosen.name, version).await?;
    let compiled = compile(&call.state, &text)?;
    let row = NewActive { project: call.project.clone(), name: chosen.name.clone(), before, version };
    let change = Change {
        project: call.project.clone(),
        entry_type: EntryType::Policy,
        record: json!({
            "record": "prooftrail/policy/v1", "action": "activate", "project": call.project, "name": chosen.name,
            "version": version, "before": before, "digest": hex::encode(compiled.digest()),
            "text_sha256": chosen.text_sha256, "by": call.who(),
        }),
        blobs: Vec::new(),
        rows: Arc::new(row),
    };
    change.make(&call.state).await?;
    tracing::info!(project = call.project, policy = chosen.name, version, who = call.who(), "policy in force");
    chosen.active = true;
    Ok(HttpResponse::Ok().json(chosen))
}

/// Compiles a text against the roots of this service.
///
/// # Errors
/// 400 with `policy.invalid`.
pub(super) fn compile(state: &State, text: &str) -> Result<Policy, Problem> {
    let trusted: Vec<_> = state.roots.iter().map(|root| root.sha256).collect();
    let compiled = PolicyDocument::parse(text).and_then(|document| document.compile(&trusted));
    compiled.map_err(|error| Problem::bad_request("policy.invalid", error.to_string()))
}

/// The text of a version.
///
/// # Errors
/// 404, 503.
pub(super) async fn stored_text(store: &Store, project: &str, name: &str, version: i64) -> Result<String, Problem> {
    const TEXT: &str =
        "-- policy_text\nSELECT text FROM policy_version WHERE project = $1 AND name = $2 AND version = $3";
    let text: Option<String> = on!(store.db(), pool => {
        sqlx::query_scalar(TEXT).bind(project).bind(name).bind(version).fetch_optional(pool).await
    })?;
    text.ok_or_else(|| Problem::not_found("version"))
}

/// The rows of an upload.
struct NewVersion {
    project: String,
    name: String,
    version: i64,
    digest: [u8; 48],
    text_sha256: [u8; 32],
    text: String,
    created: i64,
    created_by: String,
}

impl SideRows for NewVersion {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        const LAST: &str = "-- policy_last\nSELECT COALESCE(MAX(version), 0) FROM policy_version \
             WHERE project = $1 AND name = $2";
        const POLICY: &str = "-- policy_add\nINSERT INTO policy (project, name) VALUES ($1, $2) \
             ON CONFLICT (project, name) DO NOTHING";
        const VERSION: &str = "-- policy_version_add\nINSERT INTO policy_version \
             (project, name, version, digest, text_sha256, text, created, created_by, entry_index) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        Box::pin(async move {
            let entry = i64::try_from(receipt.index).unwrap_or(i64::MAX);
            let last: i64 = on!(&mut tx.on, tx => {
                sqlx::query_scalar(LAST).bind(&self.project).bind(&self.name).fetch_one(&mut **tx).await?
            });
            if last.saturating_add(1) != self.version {
                return Err(overtaken().into());
            }
            on!(&mut tx.on, tx => {
                sqlx::query(POLICY).bind(&self.project).bind(&self.name).execute(&mut **tx).await?;
                let insert = sqlx::query(VERSION).bind(&self.project).bind(&self.name).bind(self.version);
                let insert = insert.bind(self.digest.as_slice()).bind(self.text_sha256.as_slice()).bind(&self.text);
                insert.bind(self.created).bind(&self.created_by).bind(entry).execute(&mut **tx).await?;
            });
            Ok(())
        })
    }
}

/// The row of an activation.
struct NewActive {
    project: String,
    name: String,
    before: Option<i64>,
    version: i64,
}

impl SideRows for NewActive {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, _: &'t Receipt) -> Work<'t, (), SideError> {
        const ACTIVATE: &str = "-- policy_activate\nUPDATE policy SET active = $1 WHERE project = $2 AND name = $3 \
             AND COALESCE(active, 0) = $4";
        Box::pin(async move {
            let before = self.before.unwrap_or(0);
            let changed = on!(&mut tx.on, tx => {
                let update = sqlx::query(ACTIVATE).bind(self.version).bind(&self.project).bind(&self.name);
                update.bind(before).execute(&mut **tx).await?.rows_affected()
            });
            if changed == 0 { Err(overtaken().into()) } else { Ok(()) }
        })
    }
}
