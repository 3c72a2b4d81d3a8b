//! What an inquiry lacks of its vendors, and where it comes from: the service's own folder, the cache, the vendors. In: an
//! inquiry as the agent sent it; out: the same with what was found among its endorsements, so that it is appraised and
//! archived with all of it; and what a vendor owes us.
//!
//! Vendors are asked only when an appraisal says that something is missing, or could do without the vendor's youngest word:
//! strangers cannot have them asked with evidence that fails for a reason of its own.

use std::sync::Arc;

use prooftrail_evidence::{
    AwsLc, EndorsementFile, Endorsements, RevocationMode, TokenIssuer, Wanted, device_statuses, statuses, wanted,
};
use prooftrail_policy::Policy;
use prooftrail_release::Denial;
use prooftrail_result::{ReasonCode, Timestamp, claims::maa};

use super::{governed::Governed, inquiry::Inquiry, now};
use crate::{
    endorsements::{Failure, Kept},
    service::{problem::Problem, state::State},
};

/// Seconds after which an agent may ask again, where the vendor names no time.
const RETRY: u64 = 5;

/// An inquiry with what was at hand.
pub(super) struct Supplied {
    pub(super) inquiry: Arc<Inquiry>,
    /// What vendors can be asked for.
    pub(super) missing: Vec<Wanted>,
    /// What is there, and can be asked for again if that is not enough: key sets, in which a new key may stand by now.
    pub(super) renewable: Vec<Wanted>,
}

/// Adds what the service has: of its folder what is of use, and what was fetched before.
///
/// # Errors
/// 400 if that is more than a request may have.
pub(super) fn at_hand(state: &State, inquiry: &Arc<Inquiry>, governed: &Governed) -> Result<Supplied, Problem> {
    let mut inquiry = inquiry.clone();
    let at = now(state);
    let mut done: Vec<Wanted> = Vec::new();
    let (mut missing, mut renewable) = (Vec::new(), Vec::new());
    // Who signed reference values is known when they are here: hence the second round.
    for _ in 0..ROUNDS {
        let sent = read(&inquiry);
        let wanted: Vec<_> =
            wanted_by(&inquiry, governed, &sent, at).into_iter().filter(|wanted| !done.contains(wanted)).collect();
        // What is in force already, wherever it came from.
        let mut held: Vec<_> = wanted.iter().filter(|wanted| sent.hold(wanted, at)).cloned().collect();
        let mut files = Vec::new();
        if let Some(source) = &state.source {
            for wanted in &wanted {
                match source.at_hand(wanted) {
                    Some(kept) => {
                        files.extend(kept.files.iter().cloned());
                        renewable.extend(is_renewable(&kept, at).then(|| wanted.clone()));
                        held.push(wanted.clone());
                    }
                    // What the agent sent or the folder has of a thing that does not change is as good; of one that does, it
                    // may be an old one.
                    None if !wanted.is_renewed() && (held.contains(wanted) || state.endorsements.hold(wanted, at)) => {}
                    None => missing.push(wanted.clone()),
                }
            }
        }
        let own = state.endorsements.files_for(&wanted, &held, at);
        inquiry = with(&inquiry, own.into_iter().chain(files))?;
        let has_rims = wanted.iter().any(is_rim);
        done.extend(wanted);
        if !has_rims {
            break;
        }
    }
    Ok(Supplied { inquiry, missing, renewable })
}

/// Whether something is a key set that its issuer may be asked for again. A token can name any key, so that not every one has
/// the issuer asked.
fn is_renewable(kept: &Kept, at: Timestamp) -> bool {
    let due = kept.fetched.saturating_add_seconds(KEY_SET_SECONDS);
    matches!(kept.wanted, Wanted::KeySet { .. }) && due <= at
}

/// How long an issuer is not asked again for a key that it did not have.
const KEY_SET_SECONDS: i64 = 30;

/// Everything that evidence needs, and then what that needs.
const ROUNDS: usize = 2;

const fn is_rim(wanted: &Wanted) -> bool {
    matches!(wanted, Wanted::NvidiaRim { .. })
}

const fn is_status(wanted: &Wanted) -> bool {
    matches!(wanted, Wanted::NvidiaStatus { .. })
}

/// The endorsements of an inquiry. What cannot be read is refused by the appraisal, which says why.
fn read(inquiry: &Inquiry) -> Endorsements {
    Endorsements::of(&AwsLc, &inquiry.endorsements).unwrap_or_default()
}

/// Everything that the pieces need, but for lists of vendors whose revocation the policy does not look at, and keys of issuers
/// whose word it does not take.
fn wanted_by(inquiry: &Inquiry, governed: &Governed, sent: &Endorsements, at: Timestamp) -> Vec<Wanted> {
    let revocation = governed.policy.revocation();
    let mut all: Vec<_> = inquiry
        .evidence
        .iter()
        .flat_map(|(kind, bytes)| wanted(*kind, bytes, sent, None, &AwsLc).unwrap_or_default())
        .chain(statuses(sent, &AwsLc).into_iter().map(|(status, _)| status))
        .filter(|wanted| !wanted.is_revocation() || wanted.mode(&revocation) != RevocationMode::Off)
        .filter(|wanted| is_of_use(wanted, &governed.policy, at))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// Whether an issuer is to be asked. Anybody can name a provider of Azure Attestation in a token; only those are asked that the
/// policy names.
fn is_of_use(wanted: &Wanted, policy: &Policy, at: Timestamp) -> bool {
    let Wanted::KeySet { issuer: issuer @ TokenIssuer::AzureMaa { .. } } = wanted else { return true };
    issuer.names().iter().any(|name| policy.names(maa::ISSUER.into(), name.as_str().into(), at))
}

/// Has vendors asked for what is missing, and adds it.
///
/// # Errors
/// 400 if that is more than a request may have.
pub(super) async fn ask(
    state: &State,
    inquiry: &Arc<Inquiry>,
    governed: &Governed,
    missing: &[Wanted],
) -> Result<(Arc<Inquiry>, Vec<(Wanted, Failure)>), Problem> {
    let Some(source) = &state.source else { return Ok((inquiry.clone(), Vec::new())) };
    let (mut inquiry, mut failures) = (inquiry.clone(), Vec::new());
    let (mut asked, mut missing): (Vec<Wanted>, Vec<Wanted>) = (Vec::new(), missing.to_vec());
    for _ in 0..ROUNDS {
        if missing.iter().any(is_status) {
            let sent = read(&inquiry);
            let pieces = inquiry.evidence.iter();
            source.introduce(pieces.flat_map(|(kind, bytes)| device_statuses(*kind, bytes, &sent, &AwsLc)));
            source.introduce(statuses(&sent, &AwsLc));
        }
        let gathered = source.gather(&missing).await;
        failures.extend(gathered.failures);
        let files = |kept: Arc<Kept>| kept.files.clone();
        inquiry = with(&inquiry, gathered.kept.into_iter().flat_map(files))?;
        let has_rims = missing.iter().any(is_rim);
        asked.append(&mut missing);
        if !has_rims {
            break;
        }
        // Of the signers of what has come.
        let (sent, at) = (read(&inquiry), now(state));
        let is_new = |status: &Wanted| !asked.contains(status) && !sent.hold(status, at);
        missing = wanted_by(&inquiry, governed, &sent, at)
            .into_iter()
            .filter(|wanted| is_status(wanted) && is_new(wanted))
            .collect();
    }
    Ok((inquiry, failures))
}

/// The inquiry with these files among its endorsements, each once.
fn with(inquiry: &Arc<Inquiry>, files: impl Iterator<Item = EndorsementFile>) -> Result<Arc<Inquiry>, Problem> {
    let mut more: Vec<EndorsementFile> = Vec::new();
    for file in files {
        if !inquiry.endorsements.contains(&file) && !more.contains(&file) {
            more.push(file);
        }
    }
    if more.is_empty() {
        return Ok(inquiry.clone());
    }
    let mut supplied = Inquiry::clone(inquiry);
    supplied.endorsements.extend(more);
    supplied.capped().map(Arc::new)
}

/// Whether something that a vendor publishes would have changed this.
pub(super) fn is_curable(denial: &Denial) -> bool {
    denial.reasons.iter().any(|reason| {
        matches!(
            reason.code,
            ReasonCode::SnpCertificateMissing
                | ReasonCode::SnpTcbMismatch
                | ReasonCode::SnpChipIdMismatch
                | ReasonCode::CollateralMissing
                | ReasonCode::BindingPlatform
                | ReasonCode::BindingQeIdentity
                | ReasonCode::RevocationNotChecked
                | ReasonCode::TimeCollateralExpired
                | ReasonCode::TokenKeyUnknown
        )
    })
}

/// Whether a token names a key that is in no key set at hand.
pub(super) fn is_key_unknown(denial: &Denial) -> bool {
    denial.reasons.iter().any(|reason| reason.code == ReasonCode::TokenKeyUnknown)
}

/// Whether a vendor owes us reference values, without which evidence is authentic and claims made by comparison are absent.
pub(super) fn lack_reference_values(failures: &[(Wanted, Failure)]) -> bool {
    failures.iter().any(|(wanted, _)| is_rim(wanted))
}

/// 503: evidence that may be good, and a vendor who does not let us see it.
pub(super) fn unavailable(failures: &[(Wanted, Failure)]) -> Problem {
    let Some((wanted, failure)) = failures.first() else { return Problem::internal() };
    let wait = |failure: &Failure| match failure {
        Failure::Throttled { wait } => wait.as_secs().saturating_add(1),
        _ => RETRY,
    };
    let longest = failures.iter().map(|(_, failure)| wait(failure)).max().unwrap_or(RETRY);
    Problem::unavailable(failure.code(), format!("{wanted}: {failure}"))
        .with_retry_after(longest)
        .with_reasons(failures.iter().map(|(wanted, failure)| failure.to_json(wanted)).collect())
}
