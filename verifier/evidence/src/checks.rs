//! The record of checks made, in order.

use prooftrail_result::{Check, Outcome, Reason};

/// Collects checks while evidence is authenticated.
#[derive(Clone, Debug, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// Makes a check and records how it ended.
    pub(crate) fn run<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce() -> Result<T, Reason>,
    ) -> Result<T, Reason> {
        let result = check();
        self.push(name, if result.is_ok() { Outcome::Passed } else { Outcome::Failed });
        result
    }

    pub(crate) fn passed(&mut self, name: &'static str) {
        self.push(name, Outcome::Passed);
    }

    pub(crate) fn failed(&mut self, name: &'static str) {
        self.push(name, Outcome::Failed);
    }

    pub(crate) fn push(&mut self, name: &'static str, outcome: Outcome) {
        self.0.push(Check { name, outcome });
    }

    /// Adds what another record has and this one has not.
    pub(crate) fn join(&mut self, other: Self) {
        for check in other.0 {
            if !self.0.contains(&check) {
                self.0.push(check);
            }
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Check> {
        self.0
    }
}
