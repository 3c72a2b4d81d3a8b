//! The page. In: a report; out: one HTML file without scripts and without anything from elsewhere, so that it can be
//! mailed, archived and printed. Every value is escaped by the template engine; [`visible`] comes first, so that no value
//! reorders the text around it. The policy below stands in the page too, and permits its own style sheet and nothing else.

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use prooftrail_result::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{
    ComplianceReport, PAGE_ROWS, ReportError, Section,
    table::{Cell, Tone, table},
    timeline::{Timeline, timeline},
    visible::visible,
};

/// Between `<style>` and `</style>`, byte for byte: the policy names its digest.
const STYLE: &str = include_str!("../../templates/report.css");

/// How much of a digest the page shows.
const DIGEST_DIGITS: usize = 16;

/// Up to how many bytes a code stays on one line.
const SHORT_CODE: usize = 28;

/// The content security policy of the page, for whoever serves it: `frame-ancestors` and `sandbox` count in a header only.
#[must_use]
pub fn content_security_policy() -> String {
    format!("{}; frame-ancestors 'none'; sandbox allow-same-origin", page_policy())
}

fn page_policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

/// The report as a page.
///
/// # Errors
/// [`ReportError::Render`], which no report causes.
pub fn render_html(report: &ComplianceReport) -> Result<String, ReportError> {
    let page = Page {
        style: STYLE,
        policy: page_policy(),
        title: format!("Compliance report: {}", visible(&report.scope.project)),
        project: visible(&report.scope.project).into_owned(),
        origin: visible(&report.scope.origin).into_owned(),
        from: readable(report.scope.from),
        to: readable(report.scope.to),
        made_at: report.scope.made_at.map(readable),
        figures: figures(report),
        timeline: timeline(report),
        sections: PARTS.iter().map(|part| Part::new(report, part)).collect(),
        size: report.checkpoint.size,
        root: visible(&report.checkpoint.root).into_owned(),
        cosigners: report.checkpoint.cosigners.iter().map(|name| visible(name).into_owned()).collect(),
        note: report.checkpoint.note.lines().map(|line| visible(line).into_owned()).collect::<Vec<_>>().join("\n"),
        range: report.scope.first_index.zip(report.scope.last_index),
        report,
    };
    page.render().map_err(|error| ReportError::Render { detail: error.to_string() })
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    style: &'static str,
    policy: String,
    title: String,
    project: String,
    origin: String,
    from: String,
    to: String,
    made_at: Option<String>,
    figures: Vec<Figure>,
    timeline: Option<Timeline>,
    sections: Vec<Part>,
    size: u64,
    root: String,
    cosigners: Vec<String>,
    note: String,
    range: Option<(u64, u64)>,
    report: &'a ComplianceReport,
}

/// A number at the top.
struct Figure {
    value: String,
    label: &'static str,
    remark: String,
    tone: &'static str,
    anchor: &'static str,
}

fn figures(report: &ComplianceReport) -> Vec<Figure> {
    let summary = &report.summary;
    let tone = |bad: bool, tone: Tone| if bad { tone.as_str() } else { Tone::Plain.as_str() };
    let figure = |value: usize, label, remark, tone, section: Section| Figure {
        value: grouped(&value.to_string()),
        label,
        remark,
        tone,
        anchor: section.name(),
    };
    let counted = |count: usize, what: &str| if count > 0 { format!("{count} {what}") } else { String::new() };
    vec![
        figure(
            summary.releases,
            "Releases",
            counted(summary.releases_revoked, "revoked since"),
            Tone::Plain.as_str(),
            Section::Releases,
        ),
        figure(
            summary.denials,
            "Denials",
            counted(report.denials_by_reason.len(), "different reasons"),
            Tone::Plain.as_str(),
            Section::DenialReasons,
        ),
        figure(
            summary.proofs_verified,
            "Proofs verified",
            format!("of {} registered", grouped(&summary.proofs.to_string())),
            tone(summary.proofs_other > 0, Tone::Warn),
            Section::Proofs,
        ),
        figure(
            summary.findings,
            "Findings",
            if summary.findings == 0 { "nothing to look at".to_owned() } else { String::new() },
            tone(summary.findings > 0, Tone::Bad),
            Section::Findings,
        ),
    ]
}

/// A section in words: heading, caption, what it says when it is empty.
struct PartWords {
    section: Section,
    heading: &'static str,
    caption: &'static str,
    empty: &'static str,
}

const fn part(section: Section, heading: &'static str, caption: &'static str, empty: &'static str) -> PartWords {
    PartWords { section, heading, caption, empty }
}

/// The tables of the page, in order; the summary and the limitations are laid out by the template.
const PARTS: &[PartWords] = &[
    part(
        Section::Findings,
        "Findings",
        "What needs attention, the gravest first",
        "There are no findings in this range.",
    ),
    part(
        Section::Controls,
        "Controls",
        "Which rules serve which control, and what they decided",
        "No rule of these policies names a control.",
    ),
    part(Section::Releases, "Releases", "Decisions that opened a witness", "No witness was opened in this range."),
    part(
        Section::DenialReasons,
        "Denials by reason",
        "Why decisions refused, most frequent first; a decision may have several reasons",
        "Nothing was refused in this range.",
    ),
    part(
        Section::Denials,
        "Denials",
        "Decisions that refused, one row for each reason",
        "Nothing was refused in this range.",
    ),
    part(Section::Proofs, "Proofs", "Proofs registered by attested sessions", "No proof was registered in this range."),
    part(
        Section::Policies,
        "Policies",
        "Policy versions in force during the range",
        "No policy was in force in this range.",
    ),
    part(
        Section::Pins,
        "Pinned values",
        "Reference values of these policies",
        "These policies pin no reference values.",
    ),
    part(
        Section::Rotations,
        "Rotations",
        "Reference values that began or ceased to count within the range; more than one that count are an overlap, none refuse everything",
        "No reference value changed in this range.",
    ),
    part(Section::Keys, "Witness keys", "Versions of witness keys", "There are no witness keys."),
];

/// A section for the template.
struct Part {
    anchor: &'static str,
    heading: &'static str,
    caption: &'static str,
    empty: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<View>>,
    left_out: usize,
}

impl Part {
    fn new(report: &ComplianceReport, words: &PartWords) -> Self {
        let table = table(report, words.section);
        let columns: Vec<&'static str> = table.columns.iter().filter_map(|column| column.heading).collect();
        let left_out = table.rows.len().saturating_sub(PAGE_ROWS);
        let rows = table.rows.into_iter().take(PAGE_ROWS).map(|row| {
            let shown = row.into_iter().zip(table.columns).filter_map(|(cell, column)| Some((cell, column.heading?)));
            shown.map(|(cell, heading)| View::new(&cell, heading)).collect()
        });
        Self {
            anchor: table.section.name(),
            heading: words.heading,
            caption: words.caption,
            empty: words.empty,
            columns,
            rows: rows.collect(),
            left_out,
        }
    }
}

/// A cell for the template.
struct View {
    heading: &'static str,
    class: &'static str,
    /// What is shown.
    text: String,
    /// All of it, where what is shown is cut.
    whole: Option<String>,
}

impl View {
    fn new(cell: &Cell<'_>, heading: &'static str) -> Self {
        let (class, text) = match cell {
            Cell::Absent => ("absent", "–".to_owned()),
            Cell::Text(text) => ("text", visible(text).into_owned()),
            Cell::Code(text) if text.len() <= SHORT_CODE => ("short", visible(text).into_owned()),
            Cell::Code(text) => ("code", visible(text).into_owned()),
            Cell::Time(time) => ("time", readable(*time)),
            Cell::Number(number) => ("number", number.to_string()),
            Cell::Badge(tone, text) => (tone.as_str(), visible(text).into_owned()),
            Cell::Codes(codes) => ("codes", visible(&codes.join(", ")).into_owned()),
        };
        let digest = class == "code" && text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if digest {
            let cut = text.chars().take(DIGEST_DIGITS).chain(['…']).collect();
            return Self { heading, class, text: cut, whole: Some(text) };
        }
        Self { heading, class, text, whole: None }
    }
}

/// A time for people: RFC 3339 with its date and clock apart.
fn readable(time: Timestamp) -> String {
    time.to_string().replace('T', " ").replace('Z', "\u{a0}UTC")
}

/// 1234567 as 1 234 567, with narrow spaces that do not break.
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut out = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_in_groups() {
        let cases = [("0", "0"), ("999", "999"), ("1000", "1\u{202f}000"), ("-1234567", "-1\u{202f}234\u{202f}567")];
        for (digits, seen) in cases {
            assert_eq!(grouped(digits), seen);
        }
    }
}
