//! The virtual TPM's attestation key, as the runtime data name it.
//!
//! In: modulus and exponent of a JSON Web Key (RFC 7518, section 6.3.1). Out: [`AttestationKey`] in the encodings that
//! signatures are verified with (RFC 8017, appendix A.1.1) and that keys are named by (RFC 5280, section 4.1.2.7).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use der::{
    Encode, Sequence,
    asn1::{BitStringRef, Null, UintRef},
    oid::ObjectIdentifier,
};
use prooftrail_result::{
    Reason, ReasonCode,
    claims::{ClaimId, Claims, Value},
};

use crate::{authentic::Link, crypto::Crypto};

/// rsaEncryption (RFC 8017, appendix A.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The one public exponent in use: 65537.
const EXPONENT: &[u8] = &[1, 0, 1];
/// Genuine keys have 2,048 bits.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// An RSA key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AttestationKey {
    /// RSAPublicKey in DER.
    pub(super) pkcs1: Vec<u8>,
    /// SubjectPublicKeyInfo in DER.
    pub(crate) spki: Vec<u8>,
    /// The bytes of the modulus, and so of a signature.
    pub(super) modulus_bytes: usize,
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

/// SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) of an RSA key.
#[derive(Sequence)]
struct SubjectPublicKeyInfo<'a> {
    algorithm: RsaAlgorithm,
    key: BitStringRef<'a>,
}

impl AttestationKey {
    /// Reads a key from the `n` and `e` of a JSON Web Key.
    pub(crate) fn read(n: &str, e: &str) -> Result<Self, Reason> {
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| Reason::from(ReasonCode::AzureAttestationKey));
        let (modulus, exponent) = (decode(n)?, decode(e)?);
        let unused = modulus.first().map_or(0, |first| first.leading_zeros());
        let bits = (modulus.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or(0));
        // A modulus in more bytes than it needs would be another spelling of the same key.
        if unused >= 8 || !MODULUS_BITS.contains(&bits) || exponent != EXPONENT {
            let have = format!("{bits} bits, exponent {}", hex::encode(&exponent));
            return Err(Reason::from(ReasonCode::AzureAttestationKey).have(have));
        }
        Self::encode(&modulus).map_err(|_| ReasonCode::AzureAttestationKey.into())
    }

    /// The facts by which evidence of the machine whose virtual TPM has this key is linked to other evidence of it. `mrtd` names the
    /// claim with the measurement of the trust domain that vouches for the key, where one does.
    pub(crate) fn links(&self, claims: &Claims, mrtd: ClaimId, crypto: &dyn Crypto) -> Vec<Link> {
        let mut links = vec![Link::AttestationKey(crypto.sha256(&[&self.spki]))];
        if let Some(Value::Hex(mrtd)) = claims.get(mrtd) {
            links.push(Link::ParavisorKey(crypto.sha256(&[mrtd, &self.spki])));
        }
        links
    }

    fn encode(modulus: &[u8]) -> der::Result<Self> {
        let key = RsaPublicKey { modulus: UintRef::new(modulus)?, exponent: UintRef::new(EXPONENT)? };
        let pkcs1 = key.to_der()?;
        let algorithm = RsaAlgorithm { oid: RSA_ENCRYPTION, parameters: Null };
        let spki = SubjectPublicKeyInfo { algorithm, key: BitStringRef::from_bytes(&pkcs1)? }.to_der()?;
        Ok(Self { pkcs1, spki, modulus_bytes: modulus.len() })
    }
}
