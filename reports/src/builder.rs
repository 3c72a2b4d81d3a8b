//! The builder. In: rows, one by one, in any order and from pages of any size; out: a report, or why the rows do not make
//! one. A row that was fed twice, or lies outside the range, would make a wrong number that nobody notices, so it is an
//! error.

use std::collections::BTreeSet;

use prooftrail_result::Timestamp;

use crate::{
    Checkpoint, ComplianceReport, Denial, Finding, KeyVersion, MAX_ROWS, Pin, PolicyVersion, Proof, Release, Scope,
    Section,
    model::{Rows, derive},
};

/// Why rows do not make a report.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The range ends before it begins, or its indices do.
    #[error("the range is empty or reversed")]
    Range,
    /// The checkpoint is of a ledger that does not reach the end of the range.
    #[error("the checkpoint has {size} entries and the range ends with entry {last_index}")]
    Checkpoint {
        /// The checkpoint's size.
        size: u64,
        /// The range's last index.
        last_index: u64,
    },
    /// A section has more rows than a report may have.
    #[error("more than {MAX_ROWS} rows of {}; ask for a shorter range", .section.name())]
    TooManyRows {
        /// Which.
        section: Section,
    },
    /// A row lies outside the range.
    #[error("a row of {} lies outside the range: entry {index}", .section.name())]
    OutsideRange {
        /// Which section.
        section: Section,
        /// The row's entry.
        index: u64,
    },
    /// Two rows have the same entry, or are the same version of the same thing.
    #[error("a row of {} stands twice: {what}", .section.name())]
    Duplicate {
        /// Which section.
        section: Section,
        /// The entry's index, or the version.
        what: String,
    },
    /// A decision was made under a policy that is not among the rows.
    #[error("entry {index} was decided under policy {digest}, which is not among the policies")]
    UnknownPolicy {
        /// The decision's entry.
        index: u64,
        /// The policy's digest.
        digest: String,
    },
    /// A denial without a reason.
    #[error("the denial of entry {index} has no reason")]
    NoReason {
        /// The denial's entry.
        index: u64,
    },
    /// A renderer failed. Writing to memory does not.
    #[error("the report cannot be rendered: {detail}")]
    Render {
        /// What the renderer says.
        detail: String,
    },
}

/// Collects rows.
#[derive(Clone, Debug)]
pub struct Builder {
    scope: Scope,
    checkpoint: Checkpoint,
    releases: Vec<Release>,
    denials: Vec<Denial>,
    proofs: Vec<Proof>,
    policies: Vec<PolicyVersion>,
    pins: Vec<Pin>,
    keys: Vec<KeyVersion>,
    findings: Vec<Finding>,
    erased_records: u64,
}

impl Builder {
    /// A report of that scope, over a ledger with that checkpoint.
    ///
    /// # Errors
    /// [`ReportError::Range`] and [`ReportError::Checkpoint`].
    pub fn new(scope: Scope, checkpoint: Checkpoint) -> Result<Self, ReportError> {
        let indices_in_order = match (scope.first_index, scope.last_index) {
            (Some(first), Some(last)) => first <= last,
            (None, None) => true,
            _ => false,
        };
        if scope.from >= scope.to || !indices_in_order {
            return Err(ReportError::Range);
        }
        if let Some(last_index) = scope.last_index.filter(|last| *last >= checkpoint.size) {
            return Err(ReportError::Checkpoint { size: checkpoint.size, last_index });
        }
        Ok(Self {
            scope,
            checkpoint,
            releases: Vec::new(),
            denials: Vec::new(),
            proofs: Vec::new(),
            policies: Vec::new(),
            pins: Vec::new(),
            keys: Vec::new(),
            findings: Vec::new(),
            erased_records: 0,
        })
    }

    /// Adds a release of the range.
    ///
    /// # Errors
    /// [`ReportError::OutsideRange`] and [`ReportError::TooManyRows`].
    pub fn release(&mut self, row: Release) -> Result<(), ReportError> {
        self.within(Section::Releases, row.index, row.time)?;
        push(Section::Releases, &mut self.releases, row)
    }

    /// Adds a denial of the range.
    ///
    /// # Errors
    /// [`ReportError::OutsideRange`], [`ReportError::NoReason`] and [`ReportError::TooManyRows`].
    pub fn denial(&mut self, row: Denial) -> Result<(), ReportError> {
        self.within(Section::Denials, row.index, row.time)?;
        if row.reasons.is_empty() {
            return Err(ReportError::NoReason { index: row.index });
        }
        push(Section::Denials, &mut self.denials, row)
    }

    /// Adds a proof record of the range; its release may be older.
    ///
    /// # Errors
    /// [`ReportError::OutsideRange`] and [`ReportError::TooManyRows`].
    pub fn proof(&mut self, row: Proof) -> Result<(), ReportError> {
        self.within(Section::Proofs, row.index, row.time)?;
        push(Section::Proofs, &mut self.proofs, row)
    }

    /// Adds a policy version that was in force at some time in the range.
    ///
    /// # Errors
    /// [`ReportError::OutsideRange`] and [`ReportError::TooManyRows`].
    pub fn policy(&mut self, row: PolicyVersion) -> Result<(), ReportError> {
        let ended = row.in_force_until.is_some_and(|until| until <= self.scope.from);
        if ended || row.in_force_from >= self.scope.to {
            return Err(ReportError::OutsideRange { section: Section::Policies, index: row.index });
        }
        push(Section::Policies, &mut self.policies, row)
    }

    /// Adds a reference value of one of those policies, whenever it counts. The same value in several versions of a
    /// policy is one row.
    ///
    /// # Errors
    /// [`ReportError::TooManyRows`].
    pub fn pin(&mut self, row: Pin) -> Result<(), ReportError> {
        push(Section::Pins, &mut self.pins, row)
    }

    /// Adds a version of a witness key.
    ///
    /// # Errors
    /// [`ReportError::TooManyRows`].
    pub fn key(&mut self, row: KeyVersion) -> Result<(), ReportError> {
        push(Section::Keys, &mut self.keys, row)
    }

    /// Adds a finding.
    ///
    /// # Errors
    /// [`ReportError::TooManyRows`].
    pub fn finding(&mut self, row: Finding) -> Result<(), ReportError> {
        push(Section::Findings, &mut self.findings, row)
    }

    /// Counts records of the range that have been erased and so cannot be rows.
    pub fn erased(&mut self, records: u64) {
        self.erased_records = self.erased_records.saturating_add(records);
    }

    /// The report.
    ///
    /// # Errors
    /// [`ReportError::Duplicate`] and [`ReportError::UnknownPolicy`].
    pub fn finish(self) -> Result<ComplianceReport, ReportError> {
        let Self {
            scope,
            mut checkpoint,
            mut releases,
            mut denials,
            mut proofs,
            mut policies,
            mut pins,
            mut keys,
            mut findings,
            erased_records,
        } = self;
        checkpoint.cosigners.sort();
        releases.iter_mut().for_each(|row| row.evidence.sort());
        denials.iter_mut().for_each(|row| row.evidence.sort());
        // Reasons keep their order: it is that of the stages.
        for policy in &mut policies {
            policy.approved_by.sort();
            policy.rules.sort();
            policy.rules.iter_mut().for_each(|rule| rule.controls.sort());
        }

        releases.sort_by_key(|row| row.index);
        denials.sort_by_key(|row| row.index);
        proofs.sort_by_key(|row| row.index);
        policies.sort_by(|a, b| (&a.name, a.in_force_from, a.index).cmp(&(&b.name, b.in_force_from, b.index)));
        pins.sort_by(|a, b| pin_key(a).cmp(&pin_key(b)));
        keys.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
        findings.sort_by(|a, b| finding_key(a).cmp(&finding_key(b)));

        let entries = |index: &u64| index.to_string();
        unique(Section::Releases, releases.iter().map(|row| row.index), entries)?;
        unique(Section::Denials, denials.iter().map(|row| row.index), entries)?;
        unique(Section::Proofs, proofs.iter().map(|row| row.index), entries)?;
        unique(Section::Policies, policies.iter().map(|row| row.index), entries)?;
        unique(Section::Keys, keys.iter().map(|row| (&row.name, row.version)), |(name, version)| {
            format!("{name} version {version}")
        })?;
        let both: BTreeSet<u64> = releases.iter().map(|row| row.index).collect();
        if let Some(twice) = denials.iter().find(|row| both.contains(&row.index)) {
            return Err(ReportError::Duplicate { section: Section::Denials, what: twice.index.to_string() });
        }
        // Versions of one policy share most values, so the same one arriving again is no mistake.
        pins.dedup();

        let known: BTreeSet<&str> = policies.iter().map(|policy| policy.digest.as_str()).collect();
        let decided = releases.iter().map(|row| (row.index, &row.policy_digest));
        let decided = decided.chain(denials.iter().map(|row| (row.index, &row.policy_digest)));
        for (index, digest) in decided {
            if !known.contains(digest.as_str()) {
                return Err(ReportError::UnknownPolicy { index, digest: digest.clone() });
            }
        }

        let rows = Rows { releases, denials, proofs, policies, pins, keys, findings, erased_records };
        Ok(derive(scope, checkpoint, rows))
    }

    fn within(&self, section: Section, index: u64, time: Timestamp) -> Result<(), ReportError> {
        let indices = self.scope.first_index.zip(self.scope.last_index);
        let index_within = indices.is_some_and(|(first, last)| (first..=last).contains(&index));
        if index_within && self.scope.from <= time && time < self.scope.to {
            Ok(())
        } else {
            Err(ReportError::OutsideRange { section, index })
        }
    }
}

fn push<T>(section: Section, rows: &mut Vec<T>, row: T) -> Result<(), ReportError> {
    if rows.len() >= MAX_ROWS {
        return Err(ReportError::TooManyRows { section });
    }
    rows.push(row);
    Ok(())
}

/// Whether sorted keys are all different.
fn unique<K: Ord>(
    section: Section,
    keys: impl Iterator<Item = K>,
    say: impl Fn(&K) -> String,
) -> Result<(), ReportError> {
    let mut seen = BTreeSet::new();
    for key in keys {
        if seen.contains(&key) {
            return Err(ReportError::Duplicate { section, what: say(&key) });
        }
        seen.insert(key);
    }
    Ok(())
}

type PinKey<'a> = (&'a str, &'a str, Option<Timestamp>, Option<Timestamp>, &'a str, Option<&'a str>);

fn pin_key(pin: &Pin) -> PinKey<'_> {
    let Pin { policy, reference, value, note, active_from, active_until } = pin;
    (policy, reference, *active_from, *active_until, value, note.as_deref())
}

fn finding_key(finding: &Finding) -> impl Ord + '_ {
    let Finding { code, severity, time, index, subject, detail } = finding;
    (*severity, *time, *index, code.as_str(), subject.as_str(), detail.as_str())
}
