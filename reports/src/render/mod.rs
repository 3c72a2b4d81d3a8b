//! The renderers. In: a report; out: JSON, CSV or HTML, the same bytes for the same report.

mod csv;
mod html;

use crate::{ComplianceReport, ReportError};

pub use csv::render_csv;
pub use html::{content_security_policy, render_html};

/// The report as JSON, indented, with a line break at its end.
///
/// # Errors
/// [`ReportError::Render`], which no report causes.
pub fn render_json(report: &ComplianceReport) -> Result<String, ReportError> {
    let mut json =
        serde_json::to_string_pretty(report).map_err(|error| ReportError::Render { detail: error.to_string() })?;
    json.push('\n');
    Ok(json)
}
