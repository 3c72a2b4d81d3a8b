//! Policy and key, with the governance epoch that they were read under. In: a project and whose word decides; out: what a
//! decision rests on. It is kept between requests and may be old: a decision is entered only while the epoch is still the
//! project's ([`super::rows`]), and made again if it is not.
//!
//! A witness key that is asked for often stays open in memory, wiped when it is pushed out; at rest it is encrypted.

use std::sync::Arc;

use prooftrail_policy::Policy;
use prooftrail_release::WitnessKey;
use prooftrail_result::{Reason, ReasonCode};
use quick_cache::sync::Cache;

use super::{inquiry::Subject, refuse_for};
use crate::{
    archive::{Blob, Kind},
    service::{governance, keys, policies, problem::Problem, state::State},
};

/// Keys and policies that are kept ready.
const ENTRIES: usize = 1024;

/// How often they are read when they change while they are.
const READS: usize = 4;

/// What a decision rests on.
pub(super) struct Governed {
    /// The project's governance epoch before any of it was read.
    pub(super) epoch: i64,
    pub(super) policy: Arc<Policy>,
    pub(super) policy_version: i64,
    /// The policy's text.
    pub(super) text: Blob,
    /// The name under which the project has it.
    pub(super) policy_name: String,
    /// The key, unless none was asked for.
    pub(super) witness_key: Option<WitnessKey>,
}

/// What was read before.
pub(super) struct GovernedCache(Cache<(String, Subject), Arc<Governed>>);

impl Default for GovernedCache {
    fn default() -> Self {
        Self(Cache::new(ENTRIES))
    }
}

impl GovernedCache {
    /// What decides about `subject` in `project`.
    pub(super) async fn get(&self, state: &State, project: &str, subject: &Subject) -> Result<Arc<Governed>, Problem> {
        let place = (project.to_owned(), subject.clone());
        if let Some(known) = self.0.get(&place) {
            return Ok(known);
        }
        let governed = Arc::new(read(state, project, subject).await?);
        self.0.insert(place, governed.clone());
        Ok(governed)
    }

    /// Forgets what is no longer so.
    pub(super) fn forget(&self, project: &str, subject: &Subject) {
        self.0.remove(&(project.to_owned(), subject.clone()));
    }
}

async fn read(state: &State, project: &str, subject: &Subject) -> Result<Governed, Problem> {
    for _ in 0..READS {
        // First the epoch: whatever changes after this has another one.
        let epoch = governance::epoch(&state.store, project).await?;
        let epoch = epoch.ok_or_else(|| Problem::not_found("project"))?;
        let (policy_name, witness_key) = match subject {
            Subject::Policy(name) => (name.clone(), None),
            Subject::Key(key) => {
                let opened = keys::open(state, project, key.name.as_str()).await?;
                let version = opened.into_iter().find(|opened| u64::try_from(opened.version) == Ok(key.version));
                let opened = version.ok_or_else(|| {
                    refuse_for(state, Reason::from(ReasonCode::ReleaseKeyRefused).have(key).need("a version in force"))
                })?;
                let text = std::str::from_utf8(opened.identity.expose()).ok();
                let witness_key: Option<WitnessKey> = text.and_then(|text| text.parse().ok());
                let witness_key = witness_key.ok_or_else(|| {
                    tracing::error!(project, %key, "a stored key is no age identity");
                    Problem::unavailable("key.encryption", "the key does not open; its operator must look")
                })?;
                (opened.policy, Some(witness_key))
            }
        };
        let active = state.policies.active(state, project, &policy_name).await.map_err(|problem| {
            match (problem.code(), subject) {
                ("not_found", Subject::Key(_)) => {
                    refuse_for(state, Reason::new(ReasonCode::ReleaseKeyRefused, "the key's policy is not in force"))
                }
                _ => problem,
            }
        })?;
        if active.epoch != epoch {
            continue;
        }
        let text = policies::stored_text(&state.store, project, &policy_name, active.version).await?;
        let text = Blob::new(Kind::Policy, text.into_bytes()).map_err(|_| Problem::internal())?;
        return Ok(Governed {
            epoch,
            policy: active.policy,
            policy_version: active.version,
            text,
            policy_name,
            witness_key,
        });
    }
    Err(Problem::unavailable("governance.busy", "policies and keys are being changed; ask again"))
}
