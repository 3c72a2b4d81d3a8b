//! Advisories: what is known to be wrong with hardware that attests, and what of it evidence shows.
//!
//! In: `advisories.toml`, embedded ([`Advisories::pinned`]) or an operator's text of that form ([`Advisories::read`]), and
//! the claims of authentic evidence. Out: for each bulletin that concerns the CPU of the evidence, whether the evidence
//! shows that it is dealt with ([`Advisories::judge`]). A judgement is made as of an instant and knows the rows that
//! counted then, so that it comes out the same later. docs/advisories.md describes the file for people.

#[cfg(test)]
mod document;
mod form;
mod judgement;
#[cfg(test)]
mod tests;

use std::{ops::Range, sync::LazyLock};

use prooftrail_result::{Timestamp, claims::ClaimName};
use sha2::{Digest, Sha256};

pub use form::AdvisoriesError;
pub use judgement::Judgement;

/// The table.
#[derive(Clone, Debug, PartialEq)]
pub struct Advisories {
    sha256: [u8; 32],
    as_of: Timestamp,
    begins: Timestamp,
    products: Vec<Product>,
    groups: Vec<CpuGroup>,
    bulletins: Vec<Bulletin>,
    attacks: Vec<Attack>,
    notices: Vec<Notice>,
}

/// A product line, as the claim `snp.product` names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// Whether it is known that the seeds of its chips' keys can be read out: for a chip whose seed was, anyone can forge
    /// a report of any patch level.
    pub root_seed_exposed: bool,
    /// Who says so.
    pub source: String,
}

/// CPUs whose patch levels can be compared with each other.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuGroup {
    /// Its name.
    pub name: String,
    /// Its product line.
    pub product: String,
    /// CPUID family, model and stepping, with their extensions added.
    pub cpuid: [u64; 3],
}

/// What a vendor published about a flaw.
#[derive(Clone, Debug, PartialEq)]
pub struct Bulletin {
    /// Its number, such as `AMD-SB-3019`.
    pub id: String,
    /// What the flaw is called.
    pub names: Vec<String>,
    /// Other bulletins about it.
    pub also: Vec<String>,
    /// CVE numbers.
    pub cves: Vec<String>,
    /// When the vendor published it, where that is recorded: `2025-02`.
    pub published: Option<String>,
    /// How far the row is to be trusted.
    pub certainty: Certainty,
    /// Where the row comes from.
    pub source: String,
    /// When the row counts: from the first instant, until just before the second.
    pub counts: Range<Timestamp>,
    /// Whom it concerns.
    pub affects: Vec<Affected>,
}

/// CPUs that a bulletin concerns, and what shows that it is dealt with there.
#[derive(Clone, Debug, PartialEq)]
pub struct Affected {
    /// Places in [`Advisories::groups`].
    groups: Vec<usize>,
    /// The ways of showing it; of one way, every condition must hold.
    shown_by: Vec<Vec<Condition>>,
    /// What is said where no way shows it.
    otherwise: Standing,
    /// The ways in words.
    words: String,
}

impl Affected {
    /// Places of the groups in [`Advisories::groups`].
    #[must_use]
    pub fn groups(&self) -> &[usize] {
        &self.groups
    }

    /// What shows that it is dealt with, in words of Markdown: claims and the least that they must be. `*` in
    /// `snp.tcb.*.snp` stands for reported, current, committed and launch, each of them.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// What is said of evidence that does not show it, and lacks no claim.
    #[must_use]
    pub const fn otherwise(&self) -> Standing {
        self.otherwise
    }
}

/// How evidence stands to a bulletin.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Standing {
    /// The evidence shows that it is dealt with.
    Mitigated,
    /// The evidence shows that it is not.
    Open,
    /// The evidence shows neither.
    NotAttestable,
}

impl Standing {
    /// The last segment of the claim that lists such bulletins.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mitigated => "mitigated",
            Self::Open => "open",
            Self::NotAttestable => "not_attestable",
        }
    }
}

/// What a claim must be.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Condition {
    claim: ClaimName,
    need: Need,
}

/// A comparison, of the claim's type.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Need {
    AtLeast(u64),
    Equals(bool),
    HasBits(u64),
}

/// How far a row is to be trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certainty {
    /// It stands in the vendor's own code.
    Source,
    /// A public text quotes the vendor; the vendor's own was not compared.
    SecondHand,
    /// The paper or report that is named says so.
    Reported,
}

impl Certainty {
    const ALL: [Self; 3] = [Self::Source, Self::SecondHand, Self::Reported];

    /// The spelling in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::SecondHand => "second-hand",
            Self::Reported => "reported",
        }
    }
}

/// An attack that no patch level answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Attack {
    /// What it is called.
    pub names: Vec<String>,
    /// The platforms that it concerns, as the claim `platform` names them.
    pub platforms: Vec<String>,
    /// What evidence shows of it.
    pub shows: String,
    /// What a policy or an operator can do.
    pub answer: String,
    /// How far the row is to be trusted.
    pub certainty: Certainty,
    /// Where the row comes from.
    pub source: String,
}

/// A release of a cloud, an operating system or a vendor that changes what evidence says, or breaks it.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// A stable name.
    pub id: String,
    /// Whose release it is.
    pub from: String,
    /// The platforms that it concerns, as the claim `platform` names them.
    pub platforms: Vec<String>,
    /// What changes.
    pub effect: String,
    /// What to do about it.
    pub answer: String,
    /// When, as the source has it: `2026-04-28`.
    pub date: String,
    /// How far the row is to be trusted.
    pub certainty: Certainty,
    /// Where the row comes from.
    pub source: String,
}

impl Advisories {
    /// The table that this build carries.
    #[must_use]
    pub fn pinned() -> &'static Self {
        &PINNED
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`AdvisoriesError`] where the text is too large, not of the form, or says what cannot be.
    pub fn read(text: &str) -> Result<Self, AdvisoriesError> {
        form::read(text)
    }

    /// SHA-256 of the table's text.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The day whose knowledge it holds.
    #[must_use]
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The instant from which on it judges: before, no bulletin counts and nothing is said.
    #[must_use]
    pub const fn begins(&self) -> Timestamp {
        self.begins
    }

    /// Product lines.
    #[must_use]
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// Groups of CPUs.
    #[must_use]
    pub fn groups(&self) -> &[CpuGroup] {
        &self.groups
    }

    /// Bulletins, sorted by number.
    #[must_use]
    pub fn bulletins(&self) -> &[Bulletin] {
        &self.bulletins
    }

    /// Attacks that no patch level answers.
    #[must_use]
    pub fn attacks(&self) -> &[Attack] {
        &self.attacks
    }

    /// Releases that change or break attestation.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }
}

fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Read once: it is a constant, and every verdict asks.
#[expect(clippy::expect_used, reason = "the table is part of this crate, and a test reads it")]
static PINNED: LazyLock<Advisories> =
    LazyLock::new(|| Advisories::read(include_str!("../../advisories.toml")).expect("the embedded table is in order"));
