//! Reports for auditors, compliance officers and operators. In: rows out of the ledger, through a [`Builder`]; out: a
//! [`ComplianceReport`], and from it JSON, CSV and a self-contained HTML page. No I/O and no clock: the same rows, in
//! whatever order and pages they come, give the same bytes.
//!
//! docs/reports.md describes JSON and CSV; they are a contract. What rows say is untrusted: denials repeat what strangers
//! sent. The page escapes all of it and runs no script; CSV cannot carry a formula into a spreadsheet.

mod builder;
mod model;
mod render;
mod section;
mod table;
mod timeline;
mod visible;

pub use builder::{Builder, ReportError};
pub use model::{
    Checkpoint, ComplianceReport, Control, ControlRule, Denial, DenialReason, Evidence, Finding, KeyVersion,
    Limitation, Pin, PinState, PolicyRule, PolicyVersion, Proof, ProofOutcome, ReasonLine, Release, Rotation, Scope,
    Severity, Summary, VerifiedProof,
};
pub use render::{content_security_policy, render_csv, render_html, render_json};
pub use section::Section;

/// The name of the format, as JSON carries it.
pub const FORMAT: &str = "prooftrail/compliance-report/v1";

/// The most rows of one section. A report is built in memory; a longer one is asked for in shorter ranges.
pub const MAX_ROWS: usize = 200_000;

/// How many rows of a section the page shows; JSON and CSV have all of them.
pub const PAGE_ROWS: usize = 500;
