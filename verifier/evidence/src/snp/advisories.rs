//! What AMD's bulletins mean for a report. In: what was claimed of it so far. Out: claims by the table of advisories, as of
//! the instant of the appraisal; none where the table says nothing.

use prooftrail_result::{
    Timestamp,
    claims::{Claims, Value, cross_vendor, snp},
};
use prooftrail_trust_roots::advisories::{Advisories, Standing};

/// Claims how the report stands to each bulletin that concerns its CPU.
pub(super) fn claim(claims: &mut Claims, at: Timestamp) {
    let Some(judgement) = Advisories::pinned().judge(claims, at) else { return };
    let list = |standing| judgement.standing(standing).map(Value::from).collect::<Vec<_>>();
    claims.insert(snp::BULLETINS_MITIGATED, list(Standing::Mitigated));
    claims.insert(snp::BULLETINS_OPEN, list(Standing::Open));
    claims.insert(snp::BULLETINS_NOT_ATTESTABLE, list(Standing::NotAttestable));
    claims.insert(snp::ROOT_SEED_EXPOSED, judgement.root_seed_exposed);
    claims.insert(cross_vendor::ADVISORIES, list(Standing::Open));
}
