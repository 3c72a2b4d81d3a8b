//! What certificates and CRLs have in common: a to-be-signed part, an algorithm and a signature. The part comes in, the
//! signed structure goes out, with whatever damage was asked for on either side of the signature.

use super::oid;
use crate::{
    der::{self, Oid},
    edit::Edit,
    key::{Key, Scheme, SignatureEdit},
};

/// How a certificate or a CRL is signed. The default is the issuer's key and nothing out of the ordinary.
#[derive(Clone, Debug, Default)]
pub struct Signing {
    /// The key that signs; `None` is the issuer's.
    pub key: Option<Key>,
    /// The algorithm named inside the signed part; `None` is the one that made the signature.
    pub inner_algorithm: Option<Algorithm>,
    /// The algorithm named beside the signature; `None` is the one that made the signature.
    pub outer_algorithm: Option<Algorithm>,
    /// Edits of the to-be-signed part before it is signed, so that the signature verifies over them.
    pub before: Vec<Edit>,
    /// What happens to the signature.
    pub signature: Option<SignatureEdit>,
    /// Edits of the whole after it was signed.
    pub after: Vec<Edit>,
}

/// AlgorithmIdentifier (RFC 5280, section 4.1.1.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Algorithm {
    /// The algorithm, such as [`oid::ECDSA_WITH_SHA384`].
    pub oid: Oid,
    /// Its parameters in DER; ECDSA has none (RFC 5758, section 3.2).
    pub parameters: Option<Vec<u8>>,
}

impl Algorithm {
    /// An algorithm without parameters.
    #[must_use]
    pub fn new(oid: Oid) -> Self {
        Self { oid, parameters: None }
    }

    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of salt (RFC 4055, section 3.1). `trailer` spells out the
    /// trailer field, which DER forbids since it is a default, and which AMD's older certificates do.
    #[must_use]
    pub fn rsa_pss_sha384(trailer: bool) -> Self {
        Self::rsa_pss(oid::SHA384, 48, trailer)
    }

    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and 32 bytes of salt.
    #[must_use]
    pub fn rsa_pss_sha256() -> Self {
        Self::rsa_pss(oid::SHA256, 32, false)
    }

    fn rsa_pss(hash: Oid, salt_bytes: u64, trailer: bool) -> Self {
        let hash = || der::sequence([der::object_identifier(hash), der::null()]);
        let fields = [
            der::context(0, &hash()),
            der::context(1, &der::sequence([der::object_identifier(oid::MGF1), hash()])),
            der::context(2, &der::small_integer(salt_bytes)),
        ];
        let trailer = trailer.then(|| der::context(3, &der::small_integer(1)));
        Self { oid: oid::RSASSA_PSS, parameters: Some(der::sequence(fields.into_iter().chain(trailer))) }
    }

    fn of(key: &Key) -> Self {
        match key.scheme() {
            Scheme::EcdsaSha256 => Self::new(oid::ECDSA_WITH_SHA256),
            Scheme::EcdsaSha384 => Self::new(oid::ECDSA_WITH_SHA384),
            Scheme::RsaPssSha384 => Self::rsa_pss_sha384(false),
            // RFC 4055, section 5: the parameters are NULL.
            Scheme::RsaPkcs1Sha256 => Self { oid: oid::SHA256_WITH_RSA_ENCRYPTION, parameters: Some(der::null()) },
            Scheme::RsaPssSha256 => Self::rsa_pss_sha256(),
        }
    }

    fn der(&self) -> Vec<u8> {
        der::sequence([der::object_identifier(self.oid)].into_iter().chain(self.parameters.clone()))
    }
}

impl Signing {
    /// Signed with that algorithm, named inside and outside.
    #[must_use]
    pub fn with_algorithm(algorithm: &Algorithm) -> Self {
        let named = || Some(algorithm.clone());
        Self { inner_algorithm: named(), outer_algorithm: named(), ..Self::default() }
    }

    /// The signed structure around `to_be_signed`, a function of the inner AlgorithmIdentifier in DER.
    pub(super) fn sign(&self, issuer: &Key, to_be_signed: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let key = self.key.as_ref().unwrap_or(issuer);
        let algorithm = |named: &Option<Algorithm>| named.clone().unwrap_or_else(|| Algorithm::of(key)).der();

        let mut to_be_signed = to_be_signed(algorithm(&self.inner_algorithm));
        self.before.iter().for_each(|edit| edit.apply(&mut to_be_signed));
        let signature = key.sign(&to_be_signed).der_edited(self.signature.as_ref());

        let mut signed =
            der::sequence([to_be_signed, algorithm(&self.outer_algorithm), der::bit_string(0, &signature)]);
        self.after.iter().for_each(|edit| edit.apply(&mut signed));
        signed
    }
}
