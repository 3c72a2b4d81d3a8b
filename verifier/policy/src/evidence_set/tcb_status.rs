//! The order of TCB statuses, from the best to the worst.

use prooftrail_result::claims::Value;

/// Intel's statuses, the best first. A guest whose launch alone is out of date stands before one whose platform is.
const FROM_BEST_TO_WORST: [&str; 8] = [
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "TDRelaunchAdvised",
    "TDRelaunchAdvisedConfigurationNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
];

/// How bad a status is; one that is not in the table is the worst.
pub(super) fn badness(status: &Value) -> usize {
    let place = |text: &str| FROM_BEST_TO_WORST.iter().position(|known| *known == text);
    match status {
        Value::Text(text) => place(text).unwrap_or(FROM_BEST_TO_WORST.len()),
        _ => FROM_BEST_TO_WORST.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::{FROM_BEST_TO_WORST, badness};

    #[test]
    fn an_unknown_status_is_worse_than_any() {
        let ranks: Vec<_> = FROM_BEST_TO_WORST.iter().map(|status| badness(&(*status).into())).collect();
        assert!(ranks.is_sorted());
        assert!(ranks.iter().all(|rank| *rank < badness(&"Revoked".into())));
    }
}
