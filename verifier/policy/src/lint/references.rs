//! Reference values over time: those that never count, count no more, not yet, or not for long.

use prooftrail_result::Timestamp;

use super::{Finding, LintCode};
use crate::policy::{Reference, ReferenceValue, Terms};

/// How long before a value retires its retirement is a finding: 14 days.
const NOTICE_SECONDS: i64 = 14 * 86_400;

/// Adds the findings.
pub(super) fn lint(terms: &Terms, at: Timestamp, findings: &mut Vec<Finding>) {
    for reference in &terms.references {
        let Reference { name, values, is_used } = reference;
        if !is_used {
            let message = format!("No rule compares with the reference `{name}`.");
            findings.push(Finding::with(LintCode::ReferenceUnused, message).about_reference(name));
        }
        for value in values.iter().filter(|value| never_counts(value)) {
            let message = format!("{} of the reference `{name}` retires before it begins.", shown(value));
            findings.push(Finding::with(LintCode::ValueNeverActive, message).about_reference(name));
        }
        if values.iter().all(|value| value.window.is_retired(at)) {
            let message = format!("Every value of the reference `{name}` has retired.");
            findings.push(Finding::with(LintCode::ReferenceRetired, message).about_reference(name));
        } else if !values.iter().any(|value| value.window.is_active(at)) {
            let message = format!("No value of the reference `{name}` counts yet.");
            findings.push(Finding::with(LintCode::ReferenceNotBegun, message).about_reference(name));
        }
        retiring(reference, at, findings);
    }
}

/// Values that count now and retire soon: worse where none counts then.
fn retiring(reference: &Reference, at: Timestamp, findings: &mut Vec<Finding>) {
    let Reference { name, values, .. } = reference;
    let notice = at.saturating_add_seconds(NOTICE_SECONDS);
    for value in values.iter().filter(|value| value.window.is_active(at)) {
        let Some(retire_at) = value.window.retire_at.filter(|retire_at| *retire_at <= notice) else { continue };
        let code = if values.iter().any(|other| other.window.is_active(retire_at)) {
            LintCode::ReferenceRetiring
        } else {
            LintCode::ReferenceEnding
        };
        let message = format!("{} of the reference `{name}` retires at {retire_at}.", shown(value));
        findings.push(Finding::with(code, message).about_reference(name));
    }
}

/// Whether a value's window is empty.
fn never_counts(value: &ReferenceValue) -> bool {
    let window = value.window;
    window.not_before.zip(window.retire_at).is_some_and(|(not_before, retire_at)| retire_at <= not_before)
}

/// A value as a person recognises it: its note, and how it begins.
fn shown(value: &ReferenceValue) -> String {
    const SHOWN: usize = 16;
    let mut start: String = value.written.chars().take(SHOWN).collect();
    if value.written.chars().nth(SHOWN).is_some() {
        start.push('…');
    }
    match &value.note {
        Some(note) => format!("`{start}` ({note})"),
        None => format!("`{start}`"),
    }
}
