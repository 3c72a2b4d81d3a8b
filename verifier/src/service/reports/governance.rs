//! What was in force: policies with their pinned values, and witness keys. In: the records of changes, as the ledger
//! commits to them; out: versions with the interval in which each counted.

use std::collections::BTreeMap;

use prooftrail_policy::{Policy, Rule};
use prooftrail_provenance::PolicyRecord;
use prooftrail_reports::{Builder, Finding, KeyVersion, Pin, PolicyRule, PolicyVersion, ReportError, Severity};
use prooftrail_result::{Kind, Timestamp};
use serde::Deserialize;

use super::{range::Range, unreadable};
use crate::{
    archive::{Archive, OpenedRecord},
    log::entry::EntryType,
    service::{call::Call, policies, problem::Problem},
    store::{StoreError, on},
};

/// What was in force.
pub(super) struct Governance {
    versions: Vec<PolicyVersion>,
    pins: Vec<Pin>,
    keys: Vec<KeyVersion>,
    findings: Vec<Finding>,
    /// Compiled policies by digest; none for one that this build does not compile any more.
    compiled: BTreeMap<String, Option<Policy>>,
}

/// The record of a change of a policy (`service/policies.rs` writes it).
#[derive(Deserialize)]
struct PolicyChange {
    action: String,
    name: String,
    version: i64,
    digest: String,
    by: String,
}

/// A policy that came into force.
struct Activation {
    index: u64,
    time: Timestamp,
    change: PolicyChange,
}

impl Governance {
    /// Reads what was in force in `range`.
    ///
    /// # Errors
    /// 503.
    pub(super) async fn read(call: &Call, range: &Range) -> Result<Self, Problem> {
        let keys = keys(call, range).await?;
        let mut governance =
            Self { versions: Vec::new(), pins: Vec::new(), keys, findings: Vec::new(), compiled: BTreeMap::new() };
        let activations = activations(call, range.size).await?;
        for (place, activation) in activations.iter().enumerate() {
            let later = activations.iter().skip(place.saturating_add(1));
            let next = later.into_iter().find(|later| later.change.name == activation.change.name);
            let until = next.map(|next| next.time);
            if activation.time >= range.to || until.is_some_and(|until| until <= range.from) {
                continue;
            }
            let Activation { index, time, change: PolicyChange { name, version, digest, by, .. } } = activation;
            governance.compile(call, name, *version, digest, *index, *time).await?;
            let in_force = InForce { index: *index, from: *time, until, by };
            governance.version(name, digest, &in_force);
        }
        Ok(governance)
    }

    /// The platform of the policy `cited` whose shape the kinds have. A policy that is cited and not known yet is added: its
    /// digest depends on the service's roots, unless it lists its own.
    ///
    /// # Errors
    /// 503.
    pub(super) async fn platform(
        &mut self,
        call: &Call,
        cited: &PolicyRecord,
        kinds: &[Kind],
        at: Timestamp,
    ) -> Result<Option<String>, Problem> {
        let digest = hex::encode(cited.digest);
        if !self.compiled.contains_key(&digest) {
            let version = i64::try_from(cited.version).unwrap_or(i64::MAX);
            let index = uploaded(call, &cited.name, version).await?;
            self.compile(call, &cited.name, version, &digest, index, at).await?;
            self.version(&cited.name, &digest, &InForce { index, from: at, until: None, by: "" });
        }
        let policy = self.compiled.get(&digest).and_then(Option::as_ref);
        Ok(policy.and_then(|policy| policy.platform_of(kinds)).map(|platform| platform.name().to_owned()))
    }

    /// Hands everything to the builder.
    ///
    /// # Errors
    /// [`ReportError`].
    pub(super) fn add_to(self, builder: &mut Builder) -> Result<(), ReportError> {
        let Self { versions, pins, keys, findings, compiled: _ } = self;
        versions.into_iter().try_for_each(|row| builder.policy(row))?;
        pins.into_iter().try_for_each(|row| builder.pin(row))?;
        keys.into_iter().try_for_each(|row| builder.key(row))?;
        findings.into_iter().try_for_each(|row| builder.finding(row))
    }

    /// Compiles a version, once.
    async fn compile(
        &mut self,
        call: &Call,
        name: &str,
        version: i64,
        digest: &str,
        index: u64,
        time: Timestamp,
    ) -> Result<(), Problem> {
        if self.compiled.contains_key(digest) {
            return Ok(());
        }
        let text = policies::stored_text(&call.state.store, &call.project, name, version).await?;
        let policy = policies::compile(&call.state, &text).ok();
        if policy.is_none() {
            self.findings.push(Finding {
                code: "policy.unreadable".to_owned(),
                severity: Severity::Warning,
                time,
                index: Some(index),
                subject: name.to_owned(),
                detail: format!("this build does not compile version {version} any more; its rules are not shown"),
            });
        }
        for pin in policy.iter().flat_map(Policy::pins) {
            self.pins.push(Pin {
                policy: name.to_owned(),
                reference: pin.reference.to_owned(),
                value: pin.value.to_owned(),
                note: pin.note.map(str::to_owned),
                active_from: pin.not_before,
                active_until: pin.retire_at,
            });
        }
        self.compiled.insert(digest.to_owned(), policy);
        Ok(())
    }

    fn version(&mut self, name: &str, digest: &str, in_force: &InForce<'_>) {
        let policy = self.compiled.get(digest).and_then(Option::as_ref);
        let mut rules = Vec::new();
        if let Some(policy) = policy {
            rules.extend(policy.rules().iter().map(|rule| row(rule, None)));
            for platform in policy.platforms() {
                rules.extend(platform.rules().iter().map(|rule| row(rule, Some(platform.name()))));
            }
        }
        let InForce { index, from, until, by } = *in_force;
        self.versions.push(PolicyVersion {
            name: name.to_owned(),
            digest: digest.to_owned(),
            index,
            in_force_from: from,
            in_force_until: until,
            approved_by: if by.is_empty() { Vec::new() } else { vec![by.to_owned()] },
            allows_debug: policy.is_some_and(Policy::allows_debug),
            allows_simulated: policy.is_some_and(Policy::allows_simulated),
            rules,
        });
    }
}

/// When a version was in force, by which entry, and by whose word.
struct InForce<'a> {
    index: u64,
    from: Timestamp,
    until: Option<Timestamp>,
    by: &'a str,
}

fn row(rule: &Rule, platform: Option<&str>) -> PolicyRule {
    PolicyRule {
        id: rule.id().to_owned(),
        platform: platform.map(str::to_owned),
        claim: rule.claim().to_string(),
        rationale: rule.rationale().to_owned(),
        controls: rule.controls().map(str::to_owned).collect(),
    }
}

/// Every policy that came into force, in the ledger's order.
async fn activations(call: &Call, size: u64) -> Result<Vec<Activation>, Problem> {
    let archive = Archive::of(&call.state.log);
    let mut found = Vec::new();
    for index in archive.permanent(&call.project, size).await? {
        let Some(OpenedRecord::Present { entry, record, .. }) =
            archive.open(&call.project, index).await.map_err(unreadable)?
        else {
            continue;
        };
        if entry.draft.entry_type != EntryType::Policy {
            continue;
        }
        let corrupt = || StoreError::Corrupt { what: "archive_record" };
        let change: PolicyChange = serde_json::from_slice(&record.bytes).map_err(|_| corrupt())?;
        if change.action == "activate" {
            let time = i64::try_from(entry.time).ok().and_then(Timestamp::from_unix_millis).ok_or_else(corrupt)?;
            found.push(Activation { index, time, change });
        }
    }
    Ok(found)
}

/// The entry of a version's upload.
async fn uploaded(call: &Call, name: &str, version: i64) -> Result<u64, Problem> {
    const UPLOADED: &str = "-- report_upload\nSELECT entry_index FROM policy_version \
         WHERE project = $1 AND name = $2 AND version = $3";
    let index: Option<i64> = on!(call.state.store.db(), pool => {
        sqlx::query_scalar(UPLOADED).bind(&call.project).bind(name).bind(version).fetch_optional(pool).await
    })?;
    let index = index.and_then(|index| u64::try_from(index).ok());
    Ok(index.ok_or(StoreError::Corrupt { what: "policy_version" })?)
}

/// Name, policy, version, recipient, created, revoked.
type KeyRow = (String, String, i64, String, i64, Option<i64>);

/// Every version of a witness key that was made before the range ended.
async fn keys(call: &Call, range: &Range) -> Result<Vec<KeyVersion>, Problem> {
    const KEYS: &str = "-- report_keys\nSELECT k.name, k.policy, v.version, v.recipient, v.created, v.revoked \
         FROM witness_key k JOIN witness_key_version v ON v.project = k.project AND v.name = k.name \
         WHERE k.project = $1 AND v.created < $2 ORDER BY k.name, v.version";
    let rows: Vec<KeyRow> = on!(call.state.store.db(), pool => {
        sqlx::query_as(KEYS).bind(&call.project).bind(range.to.unix_millis()).fetch_all(pool).await
    })?;
    let row = |(name, policy, version, recipient, created, revoked): KeyRow| {
        let corrupt = || StoreError::Corrupt { what: "witness_key_version" };
        let instant = |millis| Timestamp::from_unix_millis(millis).ok_or_else(corrupt);
        Ok(KeyVersion {
            name,
            version: u64::try_from(version).map_err(|_| corrupt())?,
            policy,
            recipient,
            state: if revoked.is_some() { "revoked" } else { "active" }.to_owned(),
            created_at: instant(created)?,
            ended_at: revoked.map(instant).transpose()?,
        })
    };
    rows.into_iter().map(row).collect()
}
