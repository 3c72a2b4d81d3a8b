//! The walk every format takes: bytes → [`Parsed`] → [`Authentic`]. A format says how it parses, what of it is signed,
//! and how it is authenticated; this file keeps the record and sees that no step is left out.

use prooftrail_result::{EvidenceId, Kind, Reason, ReasonCode, Timestamp};

use crate::{
    authentic::{Authentic, Refusal, check},
    checks::Checks,
    context::Context,
};

/// A format of evidence. Only this crate can make the record of checks that the trait asks for, so formats live here.
pub trait Format {
    /// The kind that selects it.
    const KIND: Kind;
    /// Evidence beyond this is refused unread.
    const MAX_BYTES: usize;
    /// A piece of evidence that has the format.
    type Document<'a>;

    /// Reads bytes strictly.
    ///
    /// # Errors
    /// A reason of stage `parse` (or `chain`, for a chain longer than the format's cap).
    fn parse(bytes: &[u8]) -> Result<Self::Document<'_>, Reason>;

    /// SHA-384 of the exact bytes that are signed.
    fn signed_sha384(document: &Self::Document<'_>, context: &Context<'_>) -> [u8; 48];

    /// When the document says it was made, for a person to look at before anything is believed.
    fn claimed_time(document: &Self::Document<'_>) -> Option<Timestamp>;

    /// Authenticates a document, keeping the record of checks.
    ///
    /// # Errors
    /// The reason of the first check that failed.
    fn authenticate(
        document: Self::Document<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason>;
}

/// Evidence that has the format of its kind. Nothing in it is to be believed yet.
#[derive(Debug)]
pub struct Parsed<'a, F: Format> {
    document: F::Document<'a>,
}

impl<'a, F: Format> Parsed<'a, F> {
    /// Parses evidence.
    ///
    /// # Errors
    /// The refusal, with the reason of stage `parse`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let parsed = match bytes.len() {
            0 => Err(ReasonCode::EvidenceEmpty.into()),
            1.. if bytes.len() > F::MAX_BYTES => Err(Reason::from(ReasonCode::EvidenceTooLarge)
                .have(format_args!("{} bytes", bytes.len()))
                .need(format_args!("at most {} bytes", F::MAX_BYTES))),
            _ => F::parse(bytes),
        };
        parsed.map(|document| Self { document }).map_err(|reason| {
            let mut checks = Checks::default();
            checks.failed(check::PARSE);
            Refusal { evidence_id: None, checks: checks.into_vec(), reason }
        })
    }

    /// When it says it was made, if its format has a time. Nobody has vouched for that yet.
    #[must_use]
    pub fn claimed_time(&self) -> Option<Timestamp> {
        F::claimed_time(&self.document)
    }

    /// Authenticates it.
    ///
    /// # Errors
    /// The refusal, with the reason of the first check that failed.
    pub fn authenticate(self, context: &Context<'_>) -> Result<Authentic, Refusal> {
        let evidence_id = EvidenceId { kind: F::KIND, signed_sha384: F::signed_sha384(&self.document, context) };
        let mut checks = Checks::default();
        checks.passed(check::PARSE);
        match F::authenticate(self.document, evidence_id, context, &mut checks) {
            Ok(authentic) => Ok(Authentic { checks: checks.into_vec(), ..authentic }),
            Err(reason) => Err(Refusal { evidence_id: Some(evidence_id), checks: checks.into_vec(), reason }),
        }
    }
}
