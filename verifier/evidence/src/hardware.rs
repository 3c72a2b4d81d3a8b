//! Reports of hardware that others build upon: what a paravisor puts into the 64 bytes of report data, the hardware signs.
//!
//! In: a document of a format whose evidence is a hardware report. Out: its signed bytes, its report data, and the verdict on
//! it in which nothing is said of the report data: whoever chose them says what they mean.

use prooftrail_result::{EvidenceId, Reason};

use crate::{authentic::Authentic, checks::Checks, context::Context, format::Format};

/// A format whose evidence is a report of the hardware with 64 bytes that its requester chose.
pub trait HardwareReport: Format {
    /// What the hardware signs.
    fn signed<'d>(document: &'d Self::Document<'_>) -> &'d [u8];

    /// What the requester chose.
    fn report_data<'d>(document: &'d Self::Document<'_>) -> &'d [u8; 64];

    /// Authenticates a report, whatever its report data are.
    ///
    /// # Errors
    /// The reason of the first check that failed.
    fn vouch(
        document: &Self::Document<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason>;
}
