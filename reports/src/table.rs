//! Every section as a table: its columns and cells are defined once, here, for CSV and for the page. In: a report and a
//! section; out: a [`Table`]. Column names are a contract.

use std::fmt;

use prooftrail_result::Timestamp;

use crate::{ComplianceReport, Evidence, PinState, ProofOutcome, Section, Severity};

/// How a badge looks; its text says the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
    Plain,
}

impl Tone {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Nothing is known or applies.
    Absent,
    /// Text, ours or a stranger's.
    Text(&'a str),
    /// Text that a machine wrote: digests, ids, codes.
    Code(&'a str),
    /// A time.
    Time(Timestamp),
    /// A number.
    Number(i128),
    /// A state.
    Badge(Tone, &'a str),
    /// Several codes.
    Codes(Vec<String>),
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Text(text) | Self::Code(text) | Self::Badge(_, text) => f.write_str(text),
            Self::Time(time) => f.write_str(&time.to_rfc3339_millis()),
            Self::Number(number) => write!(f, "{number}"),
            Self::Codes(codes) => f.write_str(&codes.join("; ")),
        }
    }
}

/// A column: its name in CSV, and its heading in the page, where it has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) heading: Option<&'static str>,
}

/// A column of CSV and of the page.
const fn both(name: &'static str, heading: &'static str) -> Column {
    Column { name, heading: Some(heading) }
}

/// A column of CSV only.
const fn csv(name: &'static str) -> Column {
    Column { name, heading: None }
}

/// A section's rows.
pub(crate) struct Table<'a> {
    pub(crate) section: Section,
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Vec<Cell<'a>>>,
}

/// The table of a section.
pub(crate) fn table(report: &ComplianceReport, section: Section) -> Table<'_> {
    let (columns, rows): (&'static [Column], _) = match section {
        Section::Summary => (SUMMARY, summary(report)),
        Section::Findings => (FINDINGS, findings(report)),
        Section::Controls => (CONTROLS, controls(report)),
        Section::Releases => (RELEASES, releases(report)),
        Section::DenialReasons => (DENIAL_REASONS, denial_reasons(report)),
        Section::Denials => (DENIALS, denials(report)),
        Section::Proofs => (PROOFS, proofs(report)),
        Section::Policies => (POLICIES, policies(report)),
        Section::Pins => (PINS, pins(report)),
        Section::Rotations => (ROTATIONS, rotations(report)),
        Section::Keys => (KEYS, keys(report)),
        Section::Limitations => (LIMITATIONS, limitations(report)),
    };
    Table { section, columns, rows }
}

type Rows<'a> = Vec<Vec<Cell<'a>>>;

fn text(value: Option<&String>) -> Cell<'_> {
    value.map_or(Cell::Absent, |value| Cell::Text(value))
}

fn code(value: Option<&String>) -> Cell<'_> {
    value.map_or(Cell::Absent, |value| Cell::Code(value))
}

fn time(value: Option<Timestamp>) -> Cell<'static> {
    value.map_or(Cell::Absent, Cell::Time)
}

fn number(value: impl TryInto<i128>) -> Cell<'static> {
    value.try_into().map_or(Cell::Absent, Cell::Number)
}

fn yes(value: bool, tone: Tone) -> Cell<'static> {
    if value { Cell::Badge(tone, "yes") } else { Cell::Badge(Tone::Plain, "no") }
}

fn evidence(pieces: &[Evidence]) -> Cell<'static> {
    Cell::Codes(pieces.iter().map(|piece| format!("{}:{}", piece.kind, piece.id)).collect())
}

fn kinds(pieces: &[Evidence]) -> Cell<'static> {
    Cell::Codes(pieces.iter().map(|piece| piece.kind.clone()).collect())
}

const SUMMARY: &[Column] = &[both("name", "What"), both("value", "Value")];

fn summary(report: &ComplianceReport) -> Rows<'_> {
    let ComplianceReport { scope, checkpoint, summary, .. } = report;
    let rows = [
        ("format", Cell::Code(report.format)),
        ("project", Cell::Text(&scope.project)),
        ("origin", Cell::Text(&scope.origin)),
        ("from", Cell::Time(scope.from)),
        ("to", Cell::Time(scope.to)),
        ("made_at", time(scope.made_at)),
        ("first_index", scope.first_index.map_or(Cell::Absent, number)),
        ("last_index", scope.last_index.map_or(Cell::Absent, number)),
        ("checkpoint_size", number(checkpoint.size)),
        ("checkpoint_root", Cell::Code(&checkpoint.root)),
        ("checkpoint_cosigners", number(checkpoint.cosigners.len())),
        ("releases", number(summary.releases)),
        ("releases_revoked", number(summary.releases_revoked)),
        ("releases_without_proof", number(summary.releases_without_proof)),
        ("denials", number(summary.denials)),
        ("proofs", number(summary.proofs)),
        ("proofs_verified", number(summary.proofs_verified)),
        ("proofs_unsupported", number(summary.proofs_unsupported)),
        ("proofs_other", number(summary.proofs_other)),
        ("witnesses_opened", number(summary.witnesses_opened)),
        ("findings", number(summary.findings)),
        ("simulated", yes(summary.simulated, Tone::Bad)),
        ("erased_records", number(summary.erased_records)),
    ];
    rows.into_iter().map(|(name, value)| vec![Cell::Code(name), value]).collect()
}

const FINDINGS: &[Column] = &[
    both("severity", "Severity"),
    both("code", "Code"),
    both("time", "Time"),
    both("index", "Entry"),
    both("subject", "Subject"),
    both("detail", "What"),
];

fn findings(report: &ComplianceReport) -> Rows<'_> {
    report
        .findings
        .iter()
        .map(|row| {
            let tone = match row.severity {
                Severity::Critical => Tone::Bad,
                Severity::Warning => Tone::Warn,
                Severity::Note => Tone::Plain,
            };
            vec![
                Cell::Badge(tone, row.severity.as_str()),
                Cell::Code(&row.code),
                Cell::Time(row.time),
                row.index.map_or(Cell::Absent, number),
                Cell::Text(&row.subject),
                Cell::Text(&row.detail),
            ]
        })
        .collect()
}

const CONTROLS: &[Column] = &[
    both("control", "Control"),
    both("policy", "Policy"),
    both("policy_digest", "Digest"),
    both("rule", "Rule"),
    csv("platform"),
    both("claim", "Claim"),
    both("rationale", "Why the rule exists"),
    both("passed", "Let pass"),
    both("refused", "Refused"),
];

fn controls(report: &ComplianceReport) -> Rows<'_> {
    let rules = report.controls.iter().flat_map(|control| control.rules.iter().map(move |rule| (control, rule)));
    rules
        .map(|(control, rule)| {
            vec![
                Cell::Text(&control.control),
                Cell::Text(&rule.policy),
                Cell::Code(&rule.policy_digest),
                Cell::Code(&rule.rule),
                text(rule.platform.as_ref()),
                Cell::Code(&rule.claim),
                Cell::Text(&rule.rationale),
                number(rule.passed),
                number(rule.refused),
            ]
        })
        .collect()
}

const RELEASES: &[Column] = &[
    both("index", "Entry"),
    both("time", "Time"),
    both("release_id", "Release"),
    both("key", "Key"),
    both("key_version", "Version"),
    both("policy_digest", "Policy"),
    csv("platform"),
    both("kinds", "Evidence"),
    csv("evidence"),
    both("witness_header", "Witness"),
    csv("statement"),
    csv("simulated"),
    both("revoked_at", "Revoked"),
];

fn releases(report: &ComplianceReport) -> Rows<'_> {
    let row = report.releases.iter();
    row.map(|row| {
        vec![
            number(row.index),
            Cell::Time(row.time),
            Cell::Code(&row.release_id),
            Cell::Text(&row.key),
            number(row.key_version),
            Cell::Code(&row.policy_digest),
            text(row.platform.as_ref()),
            kinds(&row.evidence),
            evidence(&row.evidence),
            Cell::Code(&row.witness_header),
            Cell::Code(&row.statement),
            yes(row.simulated, Tone::Bad),
            time(row.revoked_at),
        ]
    })
    .collect()
}

const DENIAL_REASONS: &[Column] = &[
    both("code", "Code"),
    csv("stage"),
    both("meaning", "Meaning"),
    both("rule", "Rule"),
    both("have", "The evidence has"),
    both("need", "The policy needs"),
    both("decisions", "Decisions"),
    csv("first"),
    both("last", "Last"),
];

fn denial_reasons(report: &ComplianceReport) -> Rows<'_> {
    let row = report.denials_by_reason.iter();
    row.map(|row| {
        vec![
            Cell::Code(&row.code),
            Cell::Text(&row.stage),
            row.meaning.map_or(Cell::Absent, Cell::Text),
            code(row.rule.as_ref()),
            code(row.have.as_ref()),
            code(row.need.as_ref()),
            number(row.decisions),
            Cell::Time(row.first),
            Cell::Time(row.last),
        ]
    })
    .collect()
}

const DENIALS: &[Column] = &[
    both("index", "Entry"),
    both("time", "Time"),
    csv("release_id"),
    both("key", "Key"),
    csv("key_version"),
    csv("policy_digest"),
    csv("platform"),
    both("kinds", "Evidence"),
    csv("evidence"),
    both("code", "Code"),
    csv("stage"),
    csv("rule"),
    both("detail", "Why"),
    csv("have"),
    csv("need"),
    csv("simulated"),
];

fn denials(report: &ComplianceReport) -> Rows<'_> {
    let reasons = report.denials.iter().flat_map(|denial| denial.reasons.iter().map(move |reason| (denial, reason)));
    reasons
        .map(|(row, reason)| {
            vec![
                number(row.index),
                Cell::Time(row.time),
                Cell::Code(&row.release_id),
                text(row.key.as_ref()),
                row.key_version.map_or(Cell::Absent, number),
                Cell::Code(&row.policy_digest),
                text(row.platform.as_ref()),
                kinds(&row.evidence),
                evidence(&row.evidence),
                Cell::Code(&reason.code),
                Cell::Text(&reason.stage),
                code(reason.rule.as_ref()),
                Cell::Text(&reason.detail),
                code(reason.have.as_ref()),
                code(reason.need.as_ref()),
                yes(row.simulated, Tone::Bad),
            ]
        })
        .collect()
}

const PROOFS: &[Column] = &[
    both("index", "Entry"),
    both("time", "Time"),
    both("provenance_id", "Proof"),
    both("outcome", "Outcome"),
    both("system", "System"),
    both("release_id", "Release"),
    csv("sequence"),
    csv("statement_id"),
    csv("verifying_key"),
    both("weakness", "Weakness"),
    both("exit_status", "Exit"),
    both("release_revoked", "Revoked"),
];

fn proofs(report: &ComplianceReport) -> Rows<'_> {
    let row = report.proofs.iter();
    row.map(|row| {
        let verified = row.verified.as_ref();
        let weakness = verified.and_then(|verified| verified.weakness.as_ref());
        let tone = match row.outcome {
            ProofOutcome::Verified if weakness.is_none() => Tone::Good,
            ProofOutcome::Verified | ProofOutcome::Unsupported => Tone::Warn,
            ProofOutcome::Refused | ProofOutcome::Failed => Tone::Bad,
        };
        vec![
            number(row.index),
            Cell::Time(row.time),
            code(row.provenance_id.as_ref()),
            Cell::Badge(tone, row.outcome.as_str()),
            text(row.system.as_ref()),
            Cell::Code(&row.release_id),
            number(row.sequence),
            code(verified.map(|verified| &verified.statement_id)),
            code(verified.map(|verified| &verified.verifying_key)),
            code(weakness),
            number(row.exit_status),
            yes(row.release_revoked, Tone::Bad),
        ]
    })
    .collect()
}

const POLICIES: &[Column] = &[
    both("name", "Policy"),
    both("digest", "Digest"),
    both("index", "Entry"),
    both("in_force_from", "In force from"),
    both("in_force_until", "Until"),
    both("approved_by", "Approved by"),
    both("rules", "Rules"),
    both("allows_debug", "Allows debug"),
    both("allows_simulated", "Allows simulated"),
];

fn policies(report: &ComplianceReport) -> Rows<'_> {
    let row = report.policies.iter();
    row.map(|row| {
        vec![
            Cell::Text(&row.name),
            Cell::Code(&row.digest),
            number(row.index),
            Cell::Time(row.in_force_from),
            time(row.in_force_until),
            Cell::Codes(row.approved_by.clone()),
            number(row.rules.len()),
            yes(row.allows_debug, Tone::Bad),
            yes(row.allows_simulated, Tone::Bad),
        ]
    })
    .collect()
}

const PINS: &[Column] = &[
    both("policy", "Policy"),
    both("reference", "Set"),
    both("value", "Value"),
    both("note", "Note"),
    both("active_from", "From"),
    both("active_until", "Until"),
    both("state", "At the end"),
];

fn pins(report: &ComplianceReport) -> Rows<'_> {
    let row = report.pins.iter();
    row.map(|row| {
        let state = row.state_before(report.scope.to);
        let tone = if state == PinState::Active { Tone::Good } else { Tone::Plain };
        vec![
            Cell::Text(&row.policy),
            Cell::Text(&row.reference),
            Cell::Code(&row.value),
            text(row.note.as_ref()),
            time(row.active_from),
            time(row.active_until),
            Cell::Badge(tone, state.as_str()),
        ]
    })
    .collect()
}

const ROTATIONS: &[Column] = &[
    both("time", "Time"),
    both("policy", "Policy"),
    both("reference", "Set"),
    both("change", "Change"),
    both("value", "Value"),
    both("note", "Note"),
    both("active_after", "Count after"),
];

fn rotations(report: &ComplianceReport) -> Rows<'_> {
    let row = report.rotations.iter();
    row.map(|row| {
        let tone = if row.active_after == 0 { Tone::Bad } else { Tone::Plain };
        vec![
            Cell::Time(row.time),
            Cell::Text(&row.policy),
            Cell::Text(&row.reference),
            Cell::Badge(tone, row.change),
            Cell::Code(&row.value),
            text(row.note.as_ref()),
            number(row.active_after),
        ]
    })
    .collect()
}

const KEYS: &[Column] = &[
    both("name", "Key"),
    both("version", "Version"),
    both("policy", "Policy"),
    both("recipient", "Public half"),
    both("state", "State"),
    both("created_at", "Made"),
    both("ended_at", "Ended"),
];

fn keys(report: &ComplianceReport) -> Rows<'_> {
    let row = report.keys.iter();
    row.map(|row| {
        let tone = if row.state == "active" { Tone::Good } else { Tone::Plain };
        vec![
            Cell::Text(&row.name),
            number(row.version),
            Cell::Text(&row.policy),
            Cell::Code(&row.recipient),
            Cell::Badge(tone, &row.state),
            Cell::Time(row.created_at),
            time(row.ended_at),
        ]
    })
    .collect()
}

const LIMITATIONS: &[Column] = &[both("id", "Name"), both("text", "What")];

fn limitations(report: &ComplianceReport) -> Rows<'_> {
    report.limitations.iter().map(|row| vec![Cell::Code(row.id), Cell::Text(row.text)]).collect()
}
