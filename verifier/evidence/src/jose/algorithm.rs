//! The algorithms of JSON Web Signatures that some issuer uses (RFC 7518, section 3.1). There is no `none` here, and nothing
//! with a shared secret: what has no name here cannot be asked for.

use prooftrail_result::{Reason, ReasonCode};

use super::key::Public;
use crate::crypto::{BadSignature, Crypto};

/// How a token is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of salt.
    Ps384,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

impl Algorithm {
    /// Every algorithm.
    const ALL: [Self; 3] = [Self::Rs256, Self::Ps384, Self::Es384];

    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps384 => "PS384",
            Self::Es384 => "ES384",
        }
    }

    /// The algorithm of that name, which is spelt in one way (RFC 7515, section 4.1.1).
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// Verifies a signature. The key has been found to be of the right type.
    pub(super) fn verify(
        self,
        key: &Public,
        message: &[u8],
        signature: &[u8],
        crypto: &dyn Crypto,
    ) -> Result<(), BadSignature> {
        match (self, key) {
            (Self::Rs256, Public::Rsa { key, modulus_bytes }) if signature.len() == *modulus_bytes => {
                key.verify_pkcs1_sha256(message, signature)
            }
            (Self::Ps384, Public::Rsa { key, modulus_bytes }) if signature.len() == *modulus_bytes => {
                key.verify_pss_sha384(message, signature)
            }
            (Self::Es384, Public::P384(point)) => {
                let signature = signature.try_into().map_err(|_| BadSignature)?;
                crypto.verify_p384_sha384(point, &crypto.sha384(&[message]), signature)
            }
            _ => Err(BadSignature),
        }
    }

    /// Checks that a key is of the type that the algorithm takes.
    pub(super) fn check_key(self, key: &Public) -> Result<(), Reason> {
        match (self, key) {
            (Self::Rs256 | Self::Ps384, Public::Rsa { .. }) | (Self::Es384, Public::P384(_)) => Ok(()),
            _ => Err(Reason::from(ReasonCode::JwsKeyAlgorithm).have(key.as_str()).need(self.as_str())),
        }
    }
}
