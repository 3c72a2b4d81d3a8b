//! The sections of a report and their names, which are a contract: files and anchors are called by them.

/// A section of a report.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Section {
    /// What the report covers, and its numbers.
    Summary,
    /// What needs attention.
    Findings,
    /// Controls, and what the rules that serve them decided.
    Controls,
    /// Decisions that opened a witness.
    Releases,
    /// Denials by reason.
    DenialReasons,
    /// Decisions that refused, one row for each reason.
    Denials,
    /// Proof records.
    Proofs,
    /// Policy versions.
    Policies,
    /// Reference values.
    Pins,
    /// When reference values began and ceased to count.
    Rotations,
    /// Witness keys.
    Keys,
    /// What the report does not show.
    Limitations,
}

impl Section {
    /// Every section, in the order of the page.
    pub const ALL: [Self; 12] = [
        Self::Summary,
        Self::Findings,
        Self::Controls,
        Self::Releases,
        Self::DenialReasons,
        Self::Denials,
        Self::Proofs,
        Self::Policies,
        Self::Pins,
        Self::Rotations,
        Self::Keys,
        Self::Limitations,
    ];

    /// The stable name: of the CSV file, and of the anchor in the page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Findings => "findings",
            Self::Controls => "controls",
            Self::Releases => "releases",
            Self::DenialReasons => "denial-reasons",
            Self::Denials => "denials",
            Self::Proofs => "proofs",
            Self::Policies => "policies",
            Self::Pins => "pins",
            Self::Rotations => "rotations",
            Self::Keys => "keys",
            Self::Limitations => "limitations",
        }
    }

    /// The section of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }
}
