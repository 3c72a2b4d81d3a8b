//! Time without trusting the operator: the challenge commits to a cosigned checkpoint, and the decision stands in a later
//! one. So the evidence is younger than the first checkpoint's cosignatures and older than the second's.
//!
//! The narrowest window counts: the last cosignature of the first checkpoint, the first of the second, among the trust
//! file's cosigners. A cosigner whose clock is wrong can make a verification fail, and cannot make one succeed.

use prooftrail_ledger::{Note, trust_policy::VerifiedCheckpoint};
use prooftrail_result::Timestamp;

use super::{DEPENDS, Decided, WITHHELD, Walk};
use crate::verification::{BundleCode, BundleReason, Check, TimeWindow};

impl Walk<'_> {
    pub(super) fn judge_time(&mut self, decided: &Decided) {
        if !self.found.shows(Check::Challenge) {
            let why = if self.bundle.checkpoint.is_none() { WITHHELD } else { DEPENDS };
            return self.not_shown(Check::Time, why);
        }
        let window = self.window(decided);
        let outcome = match window {
            Ok(window) => {
                self.found.time = window;
                Ok(())
            }
            Err(reason) => Err(reason),
        };
        self.note(Check::Time, outcome);
        if self.found.time.is_none()
            && let Some(finding) = self.found.shown.last_mut().filter(|finding| finding.check == Check::Time)
        {
            finding.words = "Time: operator's word. You said that it is enough.".to_owned();
        }
    }

    /// The window, if the recorded time lies in it; `None` where the operator's word was enough.
    fn window(&self, decided: &Decided) -> Result<Option<TimeWindow>, BundleReason> {
        let untrusted = || BundleReason::of(BundleCode::ChallengeUntrusted);
        let checkpoint = self.bundle.checkpoint.as_deref().unwrap_or_default();
        let note = Note::parse(checkpoint.as_bytes()).map_err(|error| untrusted().because(error))?;
        let earlier = self.trust.log.verify_checkpoint(&note).map_err(|error| untrusted().because(error))?;
        let later = &decided.placed.checkpoint;
        if earlier.checkpoint.origin() != later.checkpoint.origin() {
            return Err(untrusted().values(earlier.checkpoint.origin(), later.checkpoint.origin()));
        }
        // The entry must not stand in the tree that the challenge was made after.
        if earlier.checkpoint.size() > decided.placed.index {
            let (have, need) = (decided.placed.index, earlier.checkpoint.size());
            return Err(BundleReason::of(BundleCode::Order).values(have, format_args!("{need} or more")));
        }
        let outside = self.trust.has_cosigners().then(|| (times(&earlier).max(), times(later).min()));
        let Some((Some(after), Some(before))) = outside else {
            let accepted = self.trust.accept_operator_time;
            return if accepted { Ok(None) } else { Err(BundleReason::of(BundleCode::TimeOperator)) };
        };
        let (at, before) = (decided.record.at, before.end_of_second());
        if at < after || at > before {
            let need = format!("from {after} to {before}");
            return Err(BundleReason::of(BundleCode::TimeWindow).values(at.to_rfc3339_millis(), need));
        }
        Ok(Some(TimeWindow { after, before }))
    }
}

/// The times that cosigners state.
fn times(checkpoint: &VerifiedCheckpoint) -> impl Iterator<Item = Timestamp> {
    let seconds = checkpoint.cosignatures.iter().filter_map(|cosignature| cosignature.time);
    seconds.filter_map(|seconds| Timestamp::from_unix_seconds(i64::try_from(seconds).ok()?))
}
