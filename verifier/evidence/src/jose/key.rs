//! Public keys of tokens: of a JSON Web Key (RFC 7517; RFC 7518, section 6) or of a certificate. Type and size are judged
//! here, for every issuer: RSA of 2,048 to 4,096 bits with exponent 65537, or an uncompressed point on P-384.
//!
//! In: the members of a JWK, or a certificate. Out: [`TokenKey`] in the encodings that signatures are verified with and that
//! keys are named by.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use der::{
    Decode, Encode, Sequence,
    asn1::{BitStringRef, Null, UintRef},
    oid::ObjectIdentifier,
};
use prooftrail_result::{Reason, ReasonCode};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::{
    crypto::{Crypto, RsaKey},
    x509::{Certificate, PublicKey},
};

/// rsaEncryption (RFC 8017, appendix A.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-ecPublicKey and secp384r1 (RFC 5480, section 2).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// The one public exponent in use: 65537.
const EXPONENT: &[u8] = &[1, 0, 1];
/// Smaller keys can be broken, larger ones cost more than they are worth to anyone but an attacker.
pub(crate) const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// A coordinate on P-384.
const COORDINATE_BYTES: usize = 48;

/// A key that some algorithm verifies with.
#[derive(Debug)]
pub(crate) enum Public {
    /// RSA.
    Rsa {
        /// The key, as the provider reads it once for every token.
        key: Box<dyn RsaKey>,
        /// The bytes of the modulus, and so of a signature.
        modulus_bytes: usize,
    },
    /// An uncompressed SEC 1 point on P-384, 97 bytes.
    P384(Vec<u8>),
}

impl Public {
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "an RSA key",
            Self::P384(_) => "a key on P-384",
        }
    }
}

/// A key with its names.
#[derive(Debug)]
pub(crate) struct TokenKey {
    pub(crate) public: Public,
    /// SubjectPublicKeyInfo in DER, which says all that is known of the key.
    pub(crate) spki: Vec<u8>,
    /// SHA-256 of that.
    pub(crate) spki_sha256: [u8; 32],
}

/// RSAPublicKey (RFC 8017, appendix A.1.1).
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// AlgorithmIdentifier of an RSA key (RFC 3279, section 2.3.1).
#[derive(Sequence)]
struct RsaAlgorithm {
    oid: ObjectIdentifier,
    parameters: Null,
}

/// AlgorithmIdentifier of a key on a named curve (RFC 5480, section 2.1.1).
#[derive(Sequence)]
struct EcAlgorithm {
    oid: ObjectIdentifier,
    curve: ObjectIdentifier,
}

/// SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) of an RSA key.
#[derive(Sequence)]
struct RsaKeyInfo<'a> {
    algorithm: RsaAlgorithm,
    key: BitStringRef<'a>,
}

/// The same of a key on a named curve.
#[derive(Sequence)]
struct EcKeyInfo<'a> {
    algorithm: EcAlgorithm,
    key: BitStringRef<'a>,
}

impl TokenKey {
    /// An RSA key from the `n` and `e` of a JWK.
    pub(super) fn rsa(n: &str, e: &str, crypto: &dyn Crypto) -> Result<Self, Reason> {
        let (modulus, exponent) = (decode(n)?, decode(e)?);
        check_modulus(&modulus, &exponent)?;
        let pkcs1 = RsaPublicKey {
            modulus: UintRef::new(&modulus).map_err(encoding)?,
            exponent: UintRef::new(EXPONENT).map_err(encoding)?,
        };
        let pkcs1 = pkcs1.to_der().map_err(encoding)?;
        let algorithm = RsaAlgorithm { oid: RSA_ENCRYPTION, parameters: Null };
        let spki = RsaKeyInfo { algorithm, key: BitStringRef::from_bytes(&pkcs1).map_err(encoding)? }.to_der();
        let public = Public::Rsa { key: crypto.rsa_key(&pkcs1), modulus_bytes: modulus.len() };
        Ok(Self::new(public, spki.map_err(encoding)?, crypto))
    }

    /// A key on P-384 from the `x` and `y` of a JWK. That the point lies on the curve is found out by whoever verifies with
    /// it.
    pub(super) fn p384(x: &str, y: &str, crypto: &dyn Crypto) -> Result<Self, Reason> {
        let (x, y) = (decode(x)?, decode(y)?);
        if x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
            return Err(Reason::new(ReasonCode::TokenKeyType, "a coordinate on P-384 has 48 bytes"));
        }
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        let algorithm = EcAlgorithm { oid: EC_PUBLIC_KEY, curve: SECP384R1 };
        let spki = EcKeyInfo { algorithm, key: BitStringRef::from_bytes(&point).map_err(encoding)? }.to_der();
        Ok(Self::new(Public::P384(point), spki.map_err(encoding)?, crypto))
    }

    /// The key of a certificate.
    pub(crate) fn of(certificate: &Certificate, crypto: &dyn Crypto) -> Result<Self, Reason> {
        let refused = || Reason::from(ReasonCode::TokenKeyType).need(NEED);
        let spki = &certificate.public_key_der;
        let public = match &certificate.public_key {
            PublicKey::P384(point) => Public::P384(point.clone()),
            PublicKey::Rsa(bits) if MODULUS_BITS.contains(bits) => {
                let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| refused())?;
                let pkcs1 = info.subject_public_key.as_bytes().ok_or_else(refused)?;
                Public::Rsa { key: crypto.rsa_key(pkcs1), modulus_bytes: bits.div_ceil(8) }
            }
            PublicKey::Rsa(bits) => return Err(refused().have(format_args!("an RSA key of {bits} bits"))),
            _ => return Err(refused()),
        };
        Ok(Self::new(public, spki.clone(), crypto))
    }

    fn new(public: Public, spki: Vec<u8>, crypto: &dyn Crypto) -> Self {
        let spki_sha256 = crypto.sha256(&[&spki]);
        Self { public, spki, spki_sha256 }
    }
}

impl PartialEq for TokenKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

/// What a key must be.
pub(super) const NEED: &str = "RSA of 2,048 to 4,096 bits with exponent 65537, or a point on P-384";

fn check_modulus(modulus: &[u8], exponent: &[u8]) -> Result<(), Reason> {
    let unused = modulus.first().map_or(0, |first| first.leading_zeros());
    let bits = (modulus.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or(0));
    // A modulus in more bytes than it needs would be another spelling of the same key.
    if unused < 8 && MODULUS_BITS.contains(&bits) && exponent == EXPONENT {
        return Ok(());
    }
    let exponent = hex::encode(exponent.get(..16).unwrap_or(exponent));
    Err(Reason::from(ReasonCode::TokenKeyType)
        .have(format_args!("an RSA key of {bits} bits with exponent 0x{exponent}"))
        .need(NEED))
}

fn decode(text: &str) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode(text).map_err(|error| {
        Reason::new(ReasonCode::TokenKeyType, format!("a member of the key is not base64url without padding: {error}"))
    })
}

fn encoding(error: der::Error) -> Reason {
    Reason::new(ReasonCode::TokenKeyType, format!("the key cannot be encoded: {error}"))
}
