//! Denials: every reason for which nothing is released, and what they mean in HTTP. A denial is a verdict, never a failure.

use prooftrail_protocol::{
    ChallengeError,
    wire::{Problem, ProblemReason},
};
use prooftrail_result::{AppraisalResult, Reason, ReasonCode, Stage};

use crate::question::Asked;

/// Why nothing is released.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    /// Every failed check; never empty.
    pub reasons: Vec<Reason>,
    /// The result of the appraisal, where there was one. Only where it says `authentic` does the denial stand in the ledger.
    pub result: Option<Box<AppraisalResult>>,
    /// What was asked, where it could be read.
    pub asked: Option<Box<Asked>>,
}

/// The HTTP status of a stage (architecture: one meaning each).
#[must_use]
pub const fn http_status(stage: Stage) -> u16 {
    match stage {
        Stage::Parse => 400,
        Stage::Signature | Stage::Chain | Stage::Revocation | Stage::Time | Stage::Binding => 422,
        Stage::Tcb | Stage::Claims | Stage::Policy => 403,
    }
}

impl Denial {
    /// A denial for one reason, before anything was appraised.
    #[must_use]
    pub fn because(reason: Reason) -> Self {
        Self { reasons: vec![reason], result: None, asked: None }
    }

    /// The reason that counts most: the one of the earliest stage.
    #[must_use]
    pub fn first(&self) -> Option<&Reason> {
        self.reasons.iter().min_by_key(|reason| reason.stage())
    }

    /// Whether the evidence is authentic and was declined: such a denial makes an entry in the ledger.
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        self.result.as_ref().is_some_and(|result| result.authentic)
    }

    /// The HTTP status: of the earliest stage that failed, and 409 for a challenge that was spent.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.first() {
            Some(reason) if reason.code == ReasonCode::ChallengeSpent => 409,
            Some(reason) => http_status(reason.stage()),
            None => http_status(Stage::Policy),
        }
    }

    /// The denial as a problem document.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let code = self.first().map_or(ReasonCode::PolicySetShape, |reason| reason.code);
        let detail = self.first().map(ToString::to_string).unwrap_or_default();
        let mut problem = Problem::new(code.as_str(), self.status(), code.meaning(), detail);
        problem.reasons = self.reasons.iter().map(ProblemReason::from).collect();
        problem
    }
}

impl From<ChallengeError> for Denial {
    fn from(error: ChallengeError) -> Self {
        Self::because(Reason::from(&error))
    }
}
