//! The cryptography seam: the few primitives that evidence needs, behind one trait, so that the same verifier runs on
//! AWS-LC natively and on RustCrypto in a browser.
//!
//! A provider is an argument ([`crate::Context::crypto`]), never a global.

mod algorithm;
#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(feature = "rustcrypto")]
mod rustcrypto;

pub use algorithm::SignatureAlgorithm;
#[cfg(feature = "aws-lc")]
pub use aws_lc::AwsLc;
#[cfg(feature = "rustcrypto")]
pub use rustcrypto::RustCrypto;

use rustls_pki_types::SignatureVerificationAlgorithm;

/// A signature that does not verify. Deliberately without detail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadSignature;

/// The primitives.
pub trait Crypto: std::fmt::Debug + Send + Sync {
    /// SHA-256 of the parts, one after another.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32];

    /// SHA-384 of the parts, one after another.
    fn sha384(&self, parts: &[&[u8]]) -> [u8; 48];

    /// SHA-512 of the parts, one after another.
    fn sha512(&self, parts: &[&[u8]]) -> [u8; 64];

    /// The algorithm as the path validator wants it.
    fn path_algorithm(&self, algorithm: SignatureAlgorithm) -> &'static dyn SignatureVerificationAlgorithm;

    /// Verifies an ECDSA signature on P-256 over a SHA-256 digest. The key is an uncompressed SEC 1 point (65 bytes),
    /// the signature r ‖ s (64 bytes).
    ///
    /// # Errors
    /// [`BadSignature`], whatever the cause.
    fn verify_p256_sha256(
        &self,
        public_key: &[u8],
        digest: &[u8; 32],
        signature: &[u8; 64],
    ) -> Result<(), BadSignature>;

    /// Verifies an ECDSA signature on P-384 over a SHA-384 digest. The key is an uncompressed SEC 1 point (97 bytes),
    /// the signature r ‖ s (96 bytes, as COSE writes it: RFC 9053, section 2.1).
    ///
    /// # Errors
    /// [`BadSignature`], whatever the cause.
    fn verify_p384_sha384(
        &self,
        public_key: &[u8],
        digest: &[u8; 48],
        signature: &[u8; 96],
    ) -> Result<(), BadSignature>;

    /// Reads an RSA key for all the signatures that it is to verify: RSAPublicKey in DER (RFC 8017, appendix A.1.1) with a
    /// modulus of 2,048 to 4,096 bits. One that cannot be read verifies nothing.
    fn rsa_key(&self, public_key: &[u8]) -> Box<dyn RsaKey>;
}

/// An RSA key that was read. Its signatures are as long as the modulus.
pub trait RsaKey: std::fmt::Debug + Send + Sync {
    /// Verifies an RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017, section 8.2) over a message.
    ///
    /// # Errors
    /// [`BadSignature`], whatever the cause.
    fn verify_pkcs1_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;

    /// Verifies an RSASSA-PSS signature with SHA-256, MGF1 with SHA-256 and 32 bytes of salt (RFC 8017, section 8.1) over a
    /// message.
    ///
    /// # Errors
    /// [`BadSignature`], whatever the cause.
    fn verify_pss_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;

    /// Verifies an RSASSA-PSS signature with SHA-384, MGF1 with SHA-384 and 48 bytes of salt (RFC 8017, section 8.1; PS384 of
    /// RFC 7518, section 3.5) over a message.
    ///
    /// # Errors
    /// [`BadSignature`], whatever the cause.
    fn verify_pss_sha384(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;
}

#[cfg(all(test, feature = "aws-lc", feature = "rustcrypto"))]
mod tests {
    use super::{AwsLc, Crypto, RustCrypto};

    #[test]
    fn providers_agree_on_digests() {
        for parts in [&[][..], &[b"abc".as_slice()], &[b"a", b"", b"bc"]] {
            assert_eq!(AwsLc.sha256(parts), RustCrypto.sha256(parts));
            assert_eq!(AwsLc.sha384(parts), RustCrypto.sha384(parts));
            assert_eq!(AwsLc.sha512(parts), RustCrypto.sha512(parts));
        }
    }
}
