//! Compiled policies. In: a project and a policy's name; out: the version in force, compiled once, with the governance
//! epoch it was read under. A release is appraised by it, and entered only while that epoch is the project's
//! ([`super::governance::require_epoch`]).

use std::sync::Arc;

use prooftrail_policy::Policy;
use quick_cache::sync::Cache;

use super::{
    policies::{compile, stored_text},
    problem::Problem,
    state::State,
};
use crate::store::on;

/// Policies that are kept compiled.
const POLICIES: usize = 1024;

/// A policy that is in force.
#[derive(Clone)]
pub struct Active {
    /// The policy.
    pub policy: Arc<Policy>,
    /// Which version.
    pub version: i64,
    /// The governance epoch of the project when it was read.
    pub epoch: i64,
}

/// The cache. An entry is used only as long as the version in force is the one it was made from, so that it needs no
/// telling of changes, by this process or another.
pub struct PolicyCache(Cache<(String, String, i64), Arc<Policy>>);

impl Default for PolicyCache {
    fn default() -> Self {
        Self(Cache::new(POLICIES))
    }
}

impl PolicyCache {
    /// The policy `name` of `project` that is in force now.
    ///
    /// # Errors
    /// 404 if there is none in force; 503.
    pub async fn active(&self, state: &State, project: &str, name: &str) -> Result<Active, Problem> {
        const ACTIVE: &str = "-- policy_active\nSELECT p.active, j.epoch FROM policy p JOIN project j ON j.name = p.project \
             WHERE p.project = $1 AND p.name = $2 AND p.active IS NOT NULL";
        let row: Option<(i64, i64)> = on!(state.store.db(), pool => {
            sqlx::query_as(ACTIVE).bind(project).bind(name).fetch_optional(pool).await
        })?;
        let (version, epoch) = row.ok_or_else(|| Problem::not_found("policy in force"))?;
        let key = (project.to_owned(), name.to_owned(), version);
        if let Some(policy) = self.0.get(&key) {
            return Ok(Active { policy, version, epoch });
        }
        let text = stored_text(&state.store, project, name, version).await?;
        let policy = Arc::new(compile(state, &text)?);
        self.0.insert(key, policy.clone());
        Ok(Active { policy, version, epoch })
    }
}
