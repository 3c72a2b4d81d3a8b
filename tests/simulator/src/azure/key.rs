//! The key with which a virtual TPM signs quotes. A label comes in; a key of RSA with 4,096 bits comes out, which is larger than
//! genuine ones.

use sha2::Sha384;

use crate::{base64::base64url, rsa::RsaKey};

/// An attestation key. It is no secret: its label says it all.
#[derive(Clone, Debug)]
pub struct AttestationKey(RsaKey);

impl AttestationKey {
    /// The key of a label. There are 66, so that two labels may have one key.
    #[must_use]
    pub fn of(label: &str) -> Self {
        Self(RsaKey::of(label))
    }

    /// The RSASSA-PKCS1-v1_5 signature with SHA-256.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign_pkcs1(message)
    }

    /// The RSASSA-PSS signature with SHA-384.
    #[must_use]
    pub fn sign_pss(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign::<Sha384>(message)
    }

    /// RSAPublicKey in DER (RFC 8017, appendix A.1.1).
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.0.public_key()
    }

    /// The modulus as a JSON Web Key spells it.
    pub(super) fn modulus(&self) -> String {
        base64url(&self.0.modulus()).trim_end_matches('=').to_owned()
    }
}
