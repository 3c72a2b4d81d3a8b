//! Sealed keys, and the order in which they come to be: sealed in memory, then in the ledger, only then in a response. The
//! types keep that order.

use prooftrail_protocol::{
    ReleaseId, ReleaseKey, ReleasePublic, ReleaseTerms, Sealed, Signature,
    rand_core::CryptoRng,
    seal, sha256,
    wire::{LedgerPlace, ReleaseResponse},
};
use prooftrail_result::{Reason, ReasonCode, Timestamp};
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::{
    denial::Denial,
    question::{Asked, Attested},
    witness_key::WitnessKey,
};

/// Sealed, and not yet in the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pending(());

/// In the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committed {
    place: LedgerPlace,
}

/// A sealed file key with its terms and their signature. Only [`Attested::seal`] makes one.
///
/// A pending one is no response and does not serialise:
///
/// ```compile_fail
/// # use prooftrail_release::{Pending, SealedKey};
/// fn too_early(key: &SealedKey<Pending>) {
///     let _ = key.response();
/// }
/// ```
///
/// ```compile_fail
/// # use prooftrail_release::{Pending, SealedKey};
/// fn too_early<S: serde::Serializer>(key: &SealedKey<Pending>, serializer: S) {
///     let _ = serde::Serialize::serialize(key, serializer);
/// }
/// ```
///
/// A committed one is:
///
/// ```
/// # use prooftrail_release::{Committed, SealedKey};
/// fn in_time(key: &SealedKey<Committed>) {
///     let _ = key.response();
/// }
/// ```
///
/// And a denial seals nothing:
///
/// ```compile_fail
/// # use prooftrail_release::{Denial, Sealing};
/// fn denied(denial: Denial, sealing: Sealing<'_>, chance: &mut impl prooftrail_protocol::rand_core::CryptoRng) {
///     let _ = denial.seal(sealing, chance);
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SealedKey<S> {
    terms: ReleaseTerms,
    encoded: Vec<u8>,
    sealed: Sealed,
    signature: Signature,
    state: S,
}

/// What sealing takes besides an attested question.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// The key of the version that the context names.
    pub witness_key: &'a WitnessKey,
    /// The key that signs releases.
    pub release_key: &'a ReleaseKey,
    /// The release's id: 16 bytes of chance.
    pub release_id: ReleaseId,
    /// The witness's age header: the one that was asked for, or in a session a further one.
    pub header: &'a [u8],
    /// The instant.
    pub at: Timestamp,
    /// When the release is to end at the latest; it ends earlier where the appraisal does.
    pub expires: Timestamp,
}

/// What the ledger says of an entry that it appended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Receipt {
    /// Where the entry stands.
    pub place: LedgerPlace,
    /// The SHA-256 of the sealed key that the entry's record names.
    pub sealed_sha256: [u8; 32],
}

/// A receipt for another entry.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the receipt is for another sealed key")]
pub struct WrongReceipt;

/// Bytes that are no stored key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a sealed key that this service stored")]
pub struct NotStored;

impl Attested {
    /// Unwraps the witness's header and seals its one file key to the recipient that the evidence carries, under terms that
    /// say what the evidence was.
    ///
    /// # Errors
    /// A [`Denial`] of authentic evidence: the header is not the one that was asked for, does not open, or the appraisal has
    /// ended.
    pub fn seal(self, sealing: Sealing<'_>, chance: &mut impl CryptoRng) -> Result<SealedKey<Pending>, Denial> {
        match self.sealed(&sealing, chance) {
            Ok(sealed) => Ok(sealed),
            Err(reason) => Err(Denial {
                reasons: vec![reason],
                result: Some(Box::new(self.affirming.result().clone())),
                asked: Some(Box::new(self.asked)),
            }),
        }
    }

    fn sealed(&self, sealing: &Sealing<'_>, chance: &mut impl CryptoRng) -> Result<SealedKey<Pending>, Reason> {
        let Asked { context, statement, .. } = &self.asked;
        let header_sha384 = prooftrail_protocol::sha384(&[sealing.header]);
        // Only a session's statement leaves the witness open.
        if statement.witness_header_sha384.is_some_and(|named| named != header_sha384) {
            return Err(ReasonCode::ReleaseHeaderMismatch.into());
        }
        let key = context.key.clone().ok_or(ReasonCode::ReleasePurpose)?;
        let expires = sealing.expires.min(self.affirming.valid_until());
        if sealing.at >= expires {
            return Err(Reason::from(ReasonCode::ReleaseExpired).have(expires).need(sealing.at));
        }
        let file_key = sealing.witness_key.unwrap(sealing.header)?;
        let terms = ReleaseTerms {
            origin: context.log_origin.clone(),
            release_id: sealing.release_id,
            context_sha384: context.sha384(),
            key,
            purpose: context.purpose,
            policy_digest: self.affirming.policy_digest(),
            evidence: self.affirming.result().evidence_ids.clone(),
            header_sha384,
            expires,
        };
        let encoded = terms.encode();
        let sealed = seal(&file_key, &context.recipient, &terms.context_sha384, &encoded, chance)
            .map_err(|error| Reason::new(ReasonCode::BindingRecipientMismatch, error.to_string()))?;
        let signature = sealing.release_key.sign(&encoded, &sealed.0);
        Ok(SealedKey { terms, encoded, sealed, signature, state: Pending(()) })
    }
}

impl<S> SealedKey<S> {
    /// The terms.
    #[must_use]
    pub const fn terms(&self) -> &ReleaseTerms {
        &self.terms
    }

    /// SHA-256 of the sealed key: what the ledger's record names.
    #[must_use]
    pub fn sealed_sha256(&self) -> [u8; 32] {
        sha256(&[&self.sealed.0])
    }

    /// The sealed key, its signature and its terms, for the store: it is kept in the transaction of its entry, so that a
    /// retry gets the same answer.
    #[must_use]
    pub fn to_store(&self) -> Vec<u8> {
        [&self.sealed.0, &self.signature.0, self.encoded.as_slice()].concat()
    }
}

impl SealedKey<Pending> {
    /// The key once it stands in the ledger.
    ///
    /// # Errors
    /// [`WrongReceipt`] where the entry is about another sealed key.
    pub fn commit(self, receipt: Receipt) -> Result<SealedKey<Committed>, WrongReceipt> {
        if receipt.sealed_sha256 != self.sealed_sha256() {
            return Err(WrongReceipt);
        }
        let Self { terms, encoded, sealed, signature, state: Pending(()) } = self;
        Ok(SealedKey { terms, encoded, sealed, signature, state: Committed { place: receipt.place } })
    }
}

impl SealedKey<Committed> {
    /// A key that was committed before, from where [`SealedKey::to_store`] left it.
    ///
    /// # Errors
    /// [`NotStored`] where the bytes are no such key, where `release_key` did not sign them, or where the receipt is for
    /// another.
    pub fn from_store(bytes: &[u8], release_key: &ReleasePublic, receipt: Receipt) -> Result<Self, NotStored> {
        let (sealed, rest) = bytes.split_first_chunk::<64>().ok_or(NotStored)?;
        let (signature, encoded) = rest.split_first_chunk::<64>().ok_or(NotStored)?;
        let (sealed, signature) = (Sealed(*sealed), Signature(*signature));
        release_key.verify(encoded, &sealed.0, &signature).map_err(|_| NotStored)?;
        let terms = ReleaseTerms::decode(encoded).map_err(|_| NotStored)?;
        let pending = SealedKey { terms, encoded: encoded.to_vec(), sealed, signature, state: Pending(()) };
        pending.commit(receipt).map_err(|_| NotStored)
    }

    /// The response to the agent.
    #[must_use]
    pub fn response(&self) -> ReleaseResponse {
        ReleaseResponse {
            release_id: self.terms.release_id,
            terms: self.encoded.clone().into(),
            sealed: self.sealed,
            signature: self.signature,
            expires: self.terms.expires,
            ledger: self.state.place.clone(),
        }
    }
}

impl Serialize for SealedKey<Committed> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.response().serialize(serializer)
    }
}
