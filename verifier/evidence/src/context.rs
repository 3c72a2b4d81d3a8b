//! Everything an authentication needs besides the evidence: cryptography, roots, endorsements, caches, the instant, and
//! what the caller expects to find. All of it is an argument; nothing is global.

use prooftrail_result::{Kind, Timestamp};
use prooftrail_trust_roots::RootSet;

use crate::{
    crypto::{BadSignature, Crypto},
    endorsements::Endorsements,
    x509::{SignatureId, VerifiedIssuers},
};

/// The surroundings of an authentication.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The cryptography provider.
    pub crypto: &'a dyn Crypto,
    /// The roots that evidence may rest on.
    pub roots: &'a RootSet,
    /// Certificates, CRLs and other data that vouch for the evidence.
    pub endorsements: &'a Endorsements,
    /// Certificates and signatures that were verified before.
    pub issuers: &'a dyn VerifiedIssuers,
    /// How revocation is treated, by vendor.
    pub revocation: Revocation,
    /// The instant of the appraisal: now, or the instant at which archived evidence was made.
    pub at: Timestamp,
    /// What the caller expects to find in the evidence.
    pub expected: Expected<'a>,
}

impl Context<'_> {
    /// Verifies an ECDSA signature on P-256 over a SHA-256 digest that stands beside many pieces of evidence: once. What is
    /// remembered is this very signature by this very key; who holds the key, and until when, is asked every time.
    ///
    /// # Errors
    /// [`BadSignature`], whatever the cause.
    pub(crate) fn verify_p256_once(
        &self,
        public_key: &[u8],
        digest: &[u8; 32],
        signature: &[u8; 64],
    ) -> Result<(), BadSignature> {
        let id = SignatureId(self.crypto.sha256(&[b"prooftrail/ecdsa-p256-sha256/v1", public_key, digest, signature]));
        if !self.issuers.knows_signature(&id) {
            self.crypto.verify_p256_sha256(public_key, digest, signature)?;
            self.issuers.insert_signature(id);
        }
        Ok(())
    }

    /// The same on P-384 over a SHA-384 digest, with a key of 97 bytes and a signature of 96.
    ///
    /// # Errors
    /// [`BadSignature`], whatever the cause.
    pub(crate) fn verify_p384_once(
        &self,
        public_key: &[u8],
        digest: &[u8; 48],
        signature: &[u8; 96],
    ) -> Result<(), BadSignature> {
        let id = SignatureId(self.crypto.sha256(&[b"prooftrail/ecdsa-p384-sha384/v1", public_key, digest, signature]));
        if !self.issuers.knows_signature(&id) {
            self.crypto.verify_p384_sha384(public_key, digest, signature)?;
            self.issuers.insert_signature(id);
        }
        Ok(())
    }
}

/// Values that the caller expects to find in the evidence. What is not expected is not compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// The nonce that the caller gave the attester.
    pub nonce: Option<&'a [u8]>,
    /// The binding value that the evidence must carry.
    pub binding: Option<&'a [u8; 48]>,
    /// The recipient's public key that the evidence must carry, where its kind has a field for one.
    pub recipient: Option<&'a [u8]>,
    /// What pieces beside the primary one must carry, by kind: in a release each has a value of its own. A kind without one
    /// must carry the nonce.
    pub attached: &'a [(Kind, Box<[u8]>)],
    /// The audience that the evidence must be made for, where its kind has a field for one.
    pub audience: Option<&'a str>,
}

impl<'a> Expected<'a> {
    /// What a piece of that kind must carry where it is not the primary one.
    #[must_use]
    pub fn attached_to(&self, kind: Kind) -> Option<&'a [u8]> {
        let own = self.attached.iter().find(|(of, _)| *of == kind);
        own.map(|(_, value)| value.as_ref()).or(self.nonce)
    }
}

/// How revocation data is treated.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum RevocationMode {
    /// Not looked at, even if supplied.
    Off,
    /// Used where supplied; its absence is a claim (`revocation: not_checked`), no refusal.
    #[default]
    BestEffort,
    /// Every certificate for which the vendor publishes revocation must be covered.
    Required,
}

/// How revocation is treated, by the vendor who publishes it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Revocation {
    /// AWS.
    pub amazon: RevocationMode,
    /// AMD.
    pub amd: RevocationMode,
    /// Intel.
    pub intel: RevocationMode,
    /// NVIDIA.
    pub nvidia: RevocationMode,
}
