//! Keys that belong to a label, and their signatures. A label comes in; the same key comes out on every machine. P-384
//! signs with SHA-384 and P-256 with SHA-256, with the nonces of RFC 6979; RSA-4096 signs with PSS and SHA-384 or SHA-256, with a
//! salt that belongs to the message, or with PKCS#1 v1.5 and SHA-256. So signatures repeat too.

use std::fmt;

use p384::ecdsa::signature::Signer;
use sha2::{Digest, Sha256, Sha384};

use crate::{
    der::{self, Oid},
    edit::Edit,
    rsa::RsaKey,
};

/// id-ecPublicKey (RFC 5480, section 2.1.1).
const EC_PUBLIC_KEY: Oid = &[1, 2, 840, 10045, 2, 1];
/// secp384r1 (RFC 5480, section 2.1.1.1).
const SECP384R1: Oid = &[1, 3, 132, 0, 34];
/// secp256r1 (RFC 5480, section 2.1.1.1).
const SECP256R1: Oid = &[1, 2, 840, 10045, 3, 1, 7];

/// rsaEncryption (RFC 8017, appendix A.1).
const RSA_ENCRYPTION: Oid = &[1, 2, 840, 113549, 1, 1, 1];

/// A signing key that simulates one inside hardware. It is no secret: its label says it all.
#[derive(Clone)]
pub struct Key {
    label: String,
    curve: Curve,
}

#[derive(Clone)]
enum Curve {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Rsa(Box<RsaKey>),
    RsaPkcs1(Box<RsaKey>),
    RsaSha256(Box<RsaKey>),
}

/// How a key signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// RSASSA-PSS with SHA-384.
    RsaPssSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PSS with SHA-256.
    RsaPssSha256,
}

impl Key {
    /// The P-384 key of `label`.
    #[must_use]
    pub fn p384(label: &str) -> Self {
        let candidate = |counter: u32| Sha384::digest(format!("prooftrail-simulator/p384/{counter}/{label}"));
        let scalar = (0..).find_map(|counter| p384::ecdsa::SigningKey::from_slice(&candidate(counter)).ok());
        Self::new(label, scalar.map(Curve::P384))
    }

    /// The P-256 key of `label`.
    #[must_use]
    pub fn p256(label: &str) -> Self {
        let candidate = |counter: u32| Sha256::digest(format!("prooftrail-simulator/p256/{counter}/{label}"));
        let scalar = (0..).find_map(|counter| p256::ecdsa::SigningKey::from_slice(&candidate(counter)).ok());
        Self::new(label, scalar.map(Curve::P256))
    }

    /// The RSA key of `label`, with a modulus of 4,096 bits. There are 66, since primes are slow to find: two labels may
    /// have one key.
    #[must_use]
    pub fn rsa4096(label: &str) -> Self {
        Self { label: label.to_owned(), curve: Curve::Rsa(Box::new(RsaKey::of(label))) }
    }

    /// The same key of `label`, which signs with PKCS#1 v1.5 and SHA-256.
    #[must_use]
    pub fn rsa4096_pkcs1(label: &str) -> Self {
        Self { label: label.to_owned(), curve: Curve::RsaPkcs1(Box::new(RsaKey::of(label))) }
    }

    /// The RSA key of `label`, as [`Key::rsa4096`], that signs with SHA-256.
    #[must_use]
    pub fn rsa4096_sha256(label: &str) -> Self {
        Self { label: label.to_owned(), curve: Curve::RsaSha256(Box::new(RsaKey::of(label))) }
    }

    #[expect(clippy::expect_used, reason = "2^32 hashes do not all miss the range from 1 to the group order")]
    fn new(label: &str, curve: Option<Curve>) -> Self {
        Self { label: label.to_owned(), curve: curve.expect("one of 2^32 hashes is a scalar") }
    }

    /// The public key as an uncompressed point (SEC 1, section 2.3.3): 97 bytes on P-384, 65 on P-256. Of an RSA key it is
    /// RSAPublicKey in DER (RFC 8017, appendix A.1.1): in either case what the BIT STRING of a certificate holds.
    #[must_use]
    pub fn public_point(&self) -> Vec<u8> {
        match &self.curve {
            Curve::P256(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Curve::P384(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Curve::Rsa(key) | Curve::RsaPkcs1(key) | Curve::RsaSha256(key) => key.public_key(),
        }
    }

    /// The modulus of an RSA key, most significant byte first.
    #[must_use]
    pub fn rsa_modulus(&self) -> Option<Vec<u8>> {
        match &self.curve {
            Curve::P256(_) | Curve::P384(_) => None,
            Curve::Rsa(key) | Curve::RsaPkcs1(key) | Curve::RsaSha256(key) => Some(key.modulus()),
        }
    }

    /// The public key as SubjectPublicKeyInfo (RFC 5480 with a named curve, RFC 3279), DER.
    #[must_use]
    pub fn subject_public_key_info(&self) -> Vec<u8> {
        let elliptic = |curve| der::sequence([der::object_identifier(EC_PUBLIC_KEY), der::object_identifier(curve)]);
        let algorithm = match self.curve {
            Curve::P256(_) => elliptic(SECP256R1),
            Curve::P384(_) => elliptic(SECP384R1),
            Curve::Rsa(_) | Curve::RsaPkcs1(_) | Curve::RsaSha256(_) => {
                der::sequence([der::object_identifier(RSA_ENCRYPTION), der::null()])
            }
        };
        der::sequence([algorithm, der::bit_string(0, &self.public_point())])
    }

    /// Signs `message`, hashed with the key's SHA-2.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        match &self.curve {
            Curve::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                let (r, s) = signature.split_scalars();
                Signature::new(
                    &signature.to_bytes(),
                    p256::ecdsa::Signature::from_scalars(r, -s).map(|twin| twin.to_vec()),
                )
            }
            Curve::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                let (r, s) = signature.split_scalars();
                Signature::new(
                    &signature.to_bytes(),
                    p384::ecdsa::Signature::from_scalars(r, -s).map(|twin| twin.to_vec()),
                )
            }
            Curve::Rsa(key) => Signature { fixed: key.sign::<Sha384>(message), twin: None },
            Curve::RsaPkcs1(key) => Signature { fixed: key.sign_pkcs1(message), twin: None },
            Curve::RsaSha256(key) => Signature { fixed: key.sign::<Sha256>(message), twin: None },
        }
    }

    /// How it signs.
    pub(crate) fn scheme(&self) -> Scheme {
        match self.curve {
            Curve::P256(_) => Scheme::EcdsaSha256,
            Curve::P384(_) => Scheme::EcdsaSha384,
            Curve::Rsa(_) => Scheme::RsaPssSha384,
            Curve::RsaPkcs1(_) => Scheme::RsaPkcs1Sha256,
            Curve::RsaSha256(_) => Scheme::RsaPssSha256,
        }
    }
}

/// Names the label and the kind of key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.curve {
            Curve::P256(_) => "p256",
            Curve::P384(_) => "p384",
            Curve::Rsa(_) => "rsa4096",
            Curve::RsaPkcs1(_) => "rsa4096_pkcs1",
            Curve::RsaSha256(_) => "rsa4096_sha256",
        };
        write!(f, "Key::{kind}({:?})", self.label)
    }
}

/// A signature; one of ECDSA has a malleable twin.
#[derive(Clone, Debug)]
pub struct Signature {
    fixed: Vec<u8>,
    twin: Option<Vec<u8>>,
}

impl Signature {
    #[expect(clippy::expect_used, reason = "s is between 1 and n - 1, so n - s is too")]
    fn new<E: fmt::Debug>(fixed: &[u8], twin: Result<Vec<u8>, E>) -> Self {
        Self { fixed: fixed.to_vec(), twin: Some(twin.expect("the negative of a scalar other than zero is one")) }
    }

    /// r ‖ s, each as wide as the group order (RFC 9053, section 2.1); of RSA the one number that it is.
    #[must_use]
    pub fn fixed(&self) -> Vec<u8> {
        self.fixed.clone()
    }

    /// Ecdsa-Sig-Value (RFC 3279, section 2.2.3), DER; of RSA the one number that it is.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        if self.twin.is_none() {
            return self.fixed();
        }
        let (r, s) = self.fixed.split_at(self.fixed.len() / 2);
        der::sequence([der::integer(&der::unsigned(r)), der::integer(&der::unsigned(s))])
    }

    /// (r, n − s), which verifies as well as (r, s).
    ///
    /// # Panics
    /// Of an RSA signature, which has none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that asks for what there is not would test nothing")]
    pub fn twin(&self) -> Self {
        Self { fixed: self.twin.clone().expect("an ECDSA signature"), twin: Some(self.fixed.clone()) }
    }

    /// The signature as COSE carries it, changed by `edit`.
    pub(crate) fn fixed_edited(&self, edit: Option<&SignatureEdit>) -> Vec<u8> {
        self.edited(edit, Self::fixed, Self::der)
    }

    /// The signature as X.509 carries it, changed by `edit`.
    pub(crate) fn der_edited(&self, edit: Option<&SignatureEdit>) -> Vec<u8> {
        self.edited(edit, Self::der, Self::fixed)
    }

    fn edited(&self, edit: Option<&SignatureEdit>, form: fn(&Self) -> Vec<u8>, other: fn(&Self) -> Vec<u8>) -> Vec<u8> {
        match edit {
            None => form(self),
            Some(SignatureEdit::Twin) => form(&self.twin()),
            Some(SignatureEdit::OtherForm) => other(self),
            Some(SignatureEdit::Bytes(edit)) => {
                let mut bytes = form(self);
                edit.apply(&mut bytes);
                bytes
            }
        }
    }
}

/// A change to a signature after it was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SignatureEdit {
    /// (r, n − s): other bytes that verify.
    Twin,
    /// DER where r ‖ s belongs, or r ‖ s where DER belongs.
    OtherForm,
    /// A change to the encoded signature.
    Bytes(Edit),
}

#[cfg(test)]
mod tests {
    use p384::ecdsa::signature::Verifier;

    use super::*;

    #[test]
    fn the_label_decides_the_key() {
        assert_eq!(Key::p384("a").public_point(), Key::p384("a").public_point());
        assert_ne!(Key::p384("a").public_point(), Key::p384("b").public_point());
        assert_eq!(Key::p384("a").public_point().len(), 97);
        assert_eq!(Key::p256("a").public_point().len(), 65);
    }

    #[test]
    fn signatures_repeat_and_twins_verify() {
        let key = Key::p384("a");
        let verifying = p384::ecdsa::VerifyingKey::from_sec1_bytes(&key.public_point()).unwrap();
        let signature = key.sign(b"message");
        assert_eq!(signature.fixed(), key.sign(b"message").fixed());
        assert_ne!(signature.fixed(), signature.twin().fixed());
        for signature in [&signature, &signature.twin()] {
            let fixed = p384::ecdsa::Signature::from_slice(&signature.fixed()).unwrap();
            assert_eq!(p384::ecdsa::Signature::from_der(&signature.der()).unwrap(), fixed);
            assert!(verifying.verify(b"message", &fixed).is_ok());
            assert!(verifying.verify(b"another", &fixed).is_err());
        }
    }

    #[test]
    fn p256_signs_with_sha256() {
        let key = Key::p256("a");
        let verifying = p256::ecdsa::VerifyingKey::from_sec1_bytes(&key.public_point()).unwrap();
        for signature in [key.sign(b"message"), key.sign(b"message").twin()] {
            let signature = p256::ecdsa::Signature::from_der(&signature.der()).unwrap();
            assert!(verifying.verify(b"message", &signature).is_ok());
        }
    }

    #[test]
    fn edits_change_the_form_that_is_carried() {
        let signature = Key::p384("a").sign(b"message");
        let flip = SignatureEdit::Bytes(Edit::FlipBit { offset: 95, bit: 0 });
        assert_eq!(signature.fixed_edited(None), signature.fixed());
        assert_eq!(signature.fixed_edited(Some(&SignatureEdit::OtherForm)), signature.der());
        assert_eq!(signature.der_edited(Some(&SignatureEdit::OtherForm)), signature.fixed());
        assert_eq!(signature.der_edited(Some(&SignatureEdit::Twin)), signature.twin().der());
        assert_eq!(signature.fixed_edited(Some(&flip)).last().unwrap() ^ 1, *signature.fixed().last().unwrap());
    }
}
