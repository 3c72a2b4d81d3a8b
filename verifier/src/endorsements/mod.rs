//! Where endorsements come from that evidence does not bring: the vendors, through a cache. In: names of what is wanted
//! (`prooftrail_evidence::Wanted`); out: files, each of which was found to be what it is called, signed under a root that
//! is trusted, and in force; or why there are none. docs/endorsements.md.
//!
//! Nothing that is decided here makes evidence authentic: whatever comes out goes among the endorsements of an appraisal
//! and is verified there with all the rest, and archived with the decision.
//!
//! | module | what it is |
//! |---|---|
//! | [`places`] | where vendors have what, as URLs |
//! | [`failure`] | why something could not be had |
//! | [`gate`] | who may be asked again when |
//! | [`response`] | from answers to files |
//! | [`fetcher`] | one question to a vendor, and what is worth keeping of the answer |
//! | [`shelf`] | what is kept in memory, and never goes back |
//! | [`disk`] | the same across restarts |
//! | [`source`] | all of it: single flight, refreshing, counting |
//! | [`folder`] | a plain folder with a manifest, for machines without a network |

pub mod disk;
pub mod failure;
pub mod fetcher;
pub mod folder;
pub mod gate;
mod jitter;
pub mod places;
pub mod response;
pub mod shelf;
pub mod source;

use prooftrail_evidence::{Admitted, EndorsementFile, Wanted};
use prooftrail_result::Timestamp;

pub use self::{failure::Failure, fetcher::Fetcher, places::Places, source::Source};

/// Something that was fetched and found to be what it is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What it is.
    pub wanted: Wanted,
    /// The files that go among an appraisal's endorsements.
    pub files: Vec<EndorsementFile>,
    /// Certificates beside them, which showed that it is signed: of a VCEK's CAs, or of the CA that issued a list.
    pub issuers: Vec<EndorsementFile>,
    /// How old it is, and until when it may be used.
    pub admitted: Admitted,
    /// When it was fetched.
    pub fetched: Timestamp,
    /// Where from.
    pub url: String,
}

impl Kept {
    /// Whether it may be used at that instant.
    #[must_use]
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        (self.admitted.age.1..=self.admitted.until).contains(&at)
    }
}
