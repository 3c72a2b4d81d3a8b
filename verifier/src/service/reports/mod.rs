//! Compliance reports. In: a range of time; out: what the ledger and the archive say of it, as HTML, JSON or CSV
//! (docs/reports.md). The same range over the same checkpoint gives the same bytes: no clock is read.
//!
//! | module | what for |
//! |---|---|
//! | [`range`] | from two instants to the entries between them |
//! | [`governance`] | policies, pinned values and keys, and when they were in force |
//! | [`decisions`] | releases, denials, proofs, and what is worth a look among them |

mod decisions;
mod governance;
mod range;

use actix_web::{HttpResponse, http::header, web};
use prooftrail_reports::{
    Builder, Checkpoint, ComplianceReport, ReportError, Scope, Section, content_security_policy, render_csv,
    render_html, render_json,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use self::{decisions::Decisions, governance::Governance, range::Range};
use super::{call::Call, governance as changes, keyring::random, problem::Problem};
use crate::{
    archive::{Archive, Blob, Filing, FilingError, Kind, ReadError, Record, Retention},
    log::{
        batch::{Request, RequestId},
        entry::{Draft, EntryType},
    },
};

/// The parameters: a range from an instant up to, not including, another, and how the report is written.
pub const QUERY: &[&str] = &["project", "from", "to", "format"];

/// How a report is written.
#[derive(Clone, Copy)]
enum Format {
    Html,
    Json,
    Csv,
}

/// `GET /v1/reports/compliance`: a report that is not recorded.
///
/// # Errors
/// 400 for a range or a format that is none; 503.
pub async fn preview(call: Call) -> Result<HttpResponse, Problem> {
    let format = Format::of(&call)?;
    let report = build(&call).await?;
    format.respond(report, None).await
}

/// `POST /v1/reports/compliance`: a report that the ledger commits to, and the archive keeps.
///
/// # Errors
/// 400 for a range or a format that is none, and for a range with more in it than a report holds; 503.
pub async fn make(call: Call) -> Result<HttpResponse, Problem> {
    let format = Format::of(&call)?;
    let report = build(&call).await?;
    let text = render_json(&report).map_err(|error| refused(&error))?;
    let record = json!({
        "record": "prooftrail/report/v1", "kind": "compliance", "project": call.project,
        "from": report.scope.from.to_rfc3339_millis(), "to": report.scope.to.to_rfc3339_millis(),
        "size": report.checkpoint.size, "root": report.checkpoint.root,
        "sha256": hex::encode(Sha256::digest(&text)), "by": call.who(),
    });
    let blob = match Blob::new(Kind::Report, text.into_bytes()) {
        Err(FilingError::BlobTooLong { .. }) => return Err(too_much("the report is too long for the archive")),
        other => other.map_err(|error| defect(&error))?,
    };
    let record = Record::new(record.to_string().into_bytes()).map_err(|error| defect(&error))?;
    let filing = Filing::new(&call.project, Retention::Standard, record).map_err(|error| defect(&error))?;
    let filing = filing.with_blobs([blob]).map_err(|error| defect(&error))?;
    let id = RequestId { project: call.project.clone(), id: *random::<32>().map_err(|error| defect(&error))? };
    let draft = Draft { entry_type: EntryType::Report, commitment: filing.commitment() };
    let rows = Archive::of(&call.state.log).file(filing);
    let appended = call.state.sequencer.append(Request { id, draft, side_rows: Some(rows) }).await;
    let appended = appended.map_err(changes::problem)?;
    tracing::info!(project = call.project, who = call.who(), entry = appended.receipt.index, "report made");
    format.respond(report, Some(appended.receipt.index)).await
}

/// The report of the range that is asked about.
async fn build(call: &Call) -> Result<ComplianceReport, Problem> {
    let state = &call.state;
    let head = state.sequencer.status().borrow().head.clone();
    let range = Range::of(call, head.head.size()).await?;
    let scope = Scope {
        project: call.project.clone(),
        origin: state.keyring.origin.clone(),
        from: range.from,
        to: range.to,
        made_at: None,
        first_index: range.indices.map(|(first, _)| first),
        last_index: range.indices.map(|(_, last)| last),
    };
    let checkpoint = Checkpoint {
        size: head.head.size(),
        root: hex::encode(head.head.root().as_bytes()),
        note: head.note.to_string(),
        // Cosignatures are gathered by whoever relies on them; this note carries the log's own signature alone.
        cosigners: Vec::new(),
    };
    let mut builder = Builder::new(scope, checkpoint).map_err(|error| refused(&error))?;
    let mut governance = Governance::read(call, &range).await?;
    Decisions::read(call, &range, &mut governance, &mut builder).await?;
    governance.add_to(&mut builder).map_err(|error| refused(&error))?;
    builder.finish().map_err(|error| refused(&error))
}

impl Format {
    fn of(call: &Call) -> Result<Self, Problem> {
        match call.query.get("format").map(String::as_str) {
            None | Some("html") => Ok(Self::Html),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(_) => Err(Problem::bad_request("request.query", "format is html, json or csv")),
        }
    }

    /// The report, away from the requests that wait meanwhile: writing may take a second.
    async fn respond(self, report: ComplianceReport, entry: Option<u64>) -> Result<HttpResponse, Problem> {
        let written = web::block(move || self.write(&report)).await.map_err(|_| Problem::internal())?;
        let body = written.map_err(|error| refused(&error))?;
        let mut response = if entry.is_some() { HttpResponse::Created() } else { HttpResponse::Ok() };
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(entry) = entry {
            response.insert_header(("x-prooftrail-entry", entry.to_string()));
        }
        match self {
            Self::Html => {
                response.content_type("text/html; charset=utf-8");
                response.insert_header((header::CONTENT_SECURITY_POLICY, content_security_policy()));
            }
            Self::Json | Self::Csv => {
                response.content_type("application/json");
            }
        }
        Ok(response.body(body))
    }

    /// CSV is many files: they come as one JSON object, file name → text.
    fn write(self, report: &ComplianceReport) -> Result<String, ReportError> {
        match self {
            Self::Html => render_html(report),
            Self::Json => render_json(report),
            Self::Csv => {
                let file = |section: Section| (format!("{}.csv", section.name()), render_csv(report, section).into());
                let files: serde_json::Map<_, serde_json::Value> = Section::ALL.into_iter().map(file).collect();
                Ok(serde_json::Value::Object(files).to_string())
            }
        }
    }
}

/// Why there is no report.
fn refused(error: &ReportError) -> Problem {
    match error {
        ReportError::Range => Problem::bad_request("report.range", error.to_string()),
        ReportError::TooManyRows { .. } => too_much(&error.to_string()),
        _ => defect(error),
    }
}

fn too_much(detail: &str) -> Problem {
    Problem::bad_request("report.too_long", format!("{detail}; ask for a shorter range"))
}

fn defect(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "a report cannot be made");
    Problem::internal()
}

fn unreadable(error: ReadError) -> Problem {
    match error {
        ReadError::Store(error) => error.into(),
        // Whoever changed what is stored must not be taken for the ledger in a report.
        mismatch => {
            tracing::error!(error = %mismatch, "the archive contradicts the ledger");
            Problem::unavailable("archive.mismatch", "what is archived is not what the ledger commits to")
        }
    }
}
