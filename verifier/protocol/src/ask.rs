//! Opening, on the agent's side. In: what the agent asked for ([`Ask`]) and what came back ([`Offer`]); out, in this order and
//! no other: a [`CheckedRelease`] — signed by the pinned release key, in every field what was asked, not ended — and from it
//! alone a [`FileKey`].

use prooftrail_result::{Kind, Timestamp};
use thiserror::Error;

use crate::{
    context::Context,
    file_key::FileKey,
    malformed::{Fault, Malformed},
    names::ReleaseId,
    release_key::ReleasePublic,
    sealing::{RecipientKey, Sealed, SealingError},
    signature::{BadSignature, Signature},
    terms::ReleaseTerms,
};

/// What the agent asked for, from its own memory and not from the answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ask {
    /// The context of the evidence.
    pub context: Context,
    /// SHA-384 of the witness's age header.
    pub header_sha384: [u8; 48],
    /// The kinds of the pieces of evidence, in the order in which they were sent.
    pub kinds: Vec<Kind>,
    /// The policy that must have been satisfied, where the agent's image or configuration names one.
    pub policy_digest: Option<[u8; 48]>,
}

/// What came back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offer<'a> {
    /// The encoded terms.
    pub terms: &'a [u8],
    /// The sealed key.
    pub sealed: &'a [u8],
    /// The release key's signature over both.
    pub signature: Signature,
}

/// Why an offer is not opened.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum OpenError {
    /// The pinned release key did not sign it.
    #[error("the release is not signed by the pinned release key")]
    Signature(#[from] BadSignature),
    /// It is no release.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is an answer to something else.
    #[error("the release's `{0}` is not what was asked for")]
    NotAsked(&'static str),
    /// It has ended.
    #[error("the release ended at {0}")]
    Expired(Timestamp),
    /// It does not open.
    #[error(transparent)]
    Sealing(#[from] SealingError),
}

impl OpenError {
    /// The stable code. Codes are never renamed or reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signature(_) => "open.signature",
            Self::Malformed(malformed) => malformed.code(),
            Self::NotAsked(_) => "open.not_asked",
            Self::Expired(_) => "open.expired",
            Self::Sealing(_) => "open.sealed",
        }
    }
}

impl Ask {
    /// Checks an offer: first the signature, then every field, then the time. Nothing is decrypted yet.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn check(
        &self,
        offer: Offer<'_>,
        release_key: &ReleasePublic,
        at: Timestamp,
    ) -> Result<CheckedRelease, OpenError> {
        release_key.verify(offer.terms, offer.sealed, &offer.signature)?;
        let sealed = offer.sealed.try_into().map_err(|_| Malformed::new("sealed key", Fault::Field("sealed")))?;
        let terms = ReleaseTerms::decode(offer.terms)?;
        self.compare(&terms)?;
        if at >= terms.expires {
            return Err(OpenError::Expired(terms.expires));
        }
        Ok(CheckedRelease { terms, encoded: offer.terms.to_vec(), sealed: Sealed(sealed) })
    }

    /// Every field of the terms, named one by one so that a new one cannot be forgotten here.
    fn compare(&self, terms: &ReleaseTerms) -> Result<(), OpenError> {
        let ReleaseTerms {
            origin,
            release_id: _, // the service chooses it
            context_sha384,
            key,
            purpose,
            policy_digest,
            evidence,
            header_sha384,
            expires: _, // compared with the clock
        } = terms;
        let Self { context, header_sha384: asked_header, kinds, policy_digest: asked_policy } = self;
        let same = [
            ("origin", *origin == context.log_origin),
            ("context", *context_sha384 == context.sha384()),
            ("key", Some(key) == context.key.as_ref()),
            ("purpose", *purpose == context.purpose),
            ("policy digest", asked_policy.is_none_or(|asked| asked == *policy_digest)),
            ("evidence", evidence.iter().map(|id| id.kind).eq(kinds.iter().copied())),
            ("witness header", header_sha384 == asked_header),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(OpenError::NotAsked(field)),
            None => Ok(()),
        }
    }
}

/// A release that the service signed and that is what was asked for.
///
/// Nothing else opens a sealed key, and only [`Ask::check`] makes one:
///
/// ```compile_fail
/// # use prooftrail_protocol::{RecipientKey, Sealed};
/// fn unsigned(recipient: &RecipientKey, sealed: &Sealed) {
///     recipient.open(sealed, &[0; 48], &[]);
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckedRelease {
    terms: ReleaseTerms,
    encoded: Vec<u8>,
    sealed: Sealed,
}

impl CheckedRelease {
    /// The terms.
    #[must_use]
    pub const fn terms(&self) -> &ReleaseTerms {
        &self.terms
    }

    /// The release, which is also the session's name.
    #[must_use]
    pub const fn release_id(&self) -> ReleaseId {
        self.terms.release_id
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`OpenError::Sealing`] where it was sealed to another recipient, or under other terms than those that were signed.
    pub fn open(&self, recipient: &RecipientKey) -> Result<FileKey, OpenError> {
        Ok(recipient.open(&self.sealed, &self.terms.context_sha384, &self.encoded)?)
    }
}
