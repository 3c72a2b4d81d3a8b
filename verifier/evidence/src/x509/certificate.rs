//! What the pre-check needs to know of a certificate (RFC 5280, section 4.1), read by `x509-cert`.
//!
//! In: DER. Out: [`Certificate`], owned and small, so that a verified one can be cached. Nothing is judged here except
//! that the bytes are a certificate, at most once each extension.

use std::fmt;

use der::{
    Decode, Encode, Sequence,
    asn1::UintRef,
    oid::{AssociatedOid, ObjectIdentifier},
};
use prooftrail_result::{Reason, ReasonCode, Timestamp};
use x509_cert::{
    ext::pkix::{BasicConstraints, CrlDistributionPoints, KeyUsage, KeyUsages, name::DistributionPointName},
    name::Name,
    spki::SubjectPublicKeyInfoOwned,
    time::Time,
};

use super::outline::Outline;
use crate::crypto::SignatureAlgorithm;

/// id-ecPublicKey, secp256r1 and secp384r1 (RFC 5480, section 2).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// rsaEncryption (RFC 8017, appendix A.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The one public exponent in use.
const RSA_EXPONENT: &[u8] = &[1, 0, 1];
/// Uncompressed points on P-256 and P-384 (SEC 1, section 2.3.3): 04, x, y.
const P256_POINT_BYTES: usize = 65;
const P384_POINT_BYTES: usize = 97;

/// A type of public key, as a profile names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyType {
    /// An uncompressed point on P-256.
    P256,
    /// An uncompressed point on P-384.
    P384,
    /// RSA with a modulus of 4,096 bits and exponent 65537.
    Rsa4096,
    /// RSA with a modulus of 2,048 to 4,096 bits and exponent 65537.
    Rsa2048To4096,
}

/// A public key of a type that some profile uses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum PublicKey {
    /// An uncompressed SEC 1 point on P-256, 65 bytes.
    P256(Vec<u8>),
    /// An uncompressed SEC 1 point on P-384, 97 bytes.
    P384(Vec<u8>),
    /// An RSA key with exponent 65537, by the bits of its modulus.
    Rsa(usize),
    /// Anything else; no profile accepts it.
    Other,
}

impl PublicKey {
    /// The bits of its BIT STRING, where it is a point.
    pub(crate) fn bits(&self) -> Option<&[u8]> {
        match self {
            Self::P256(bits) | Self::P384(bits) => Some(bits),
            Self::Rsa(_) | Self::Other => None,
        }
    }

    /// Whether it is of that type.
    pub(super) fn is(&self, key_type: KeyType) -> bool {
        match key_type {
            KeyType::P256 => matches!(self, Self::P256(_)),
            KeyType::P384 => matches!(self, Self::P384(_)),
            KeyType::Rsa4096 => *self == Self::Rsa(4096),
            KeyType::Rsa2048To4096 => matches!(self, Self::Rsa(2048..=4096)),
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "an uncompressed P-256 key",
            Self::P384 => "an uncompressed P-384 key",
            Self::Rsa4096 => "an RSA key of 4,096 bits with exponent 65537",
            Self::Rsa2048To4096 => "an RSA key of 2,048 to 4,096 bits with exponent 65537",
        })
    }
}

/// A certificate's facts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) is_v3: bool,
    pub(crate) serial: Vec<u8>,
    /// The algorithm, where the signed and the outer one are the same known one.
    pub(crate) signature_algorithm: Option<SignatureAlgorithm>,
    pub(crate) issuer: Name,
    pub(crate) subject: Name,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) public_key: PublicKey,
    pub(crate) basic_constraints: Option<BasicConstraints>,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) crl_distribution_points: Vec<DistributionPointName>,
    /// The key as SubjectPublicKeyInfo in DER, as it stands in the certificate.
    pub(crate) public_key_der: Vec<u8>,
    /// Extensions other than the ones read above, in order: vendors put what they certify here.
    pub(crate) other_extensions: Vec<(ObjectIdentifier, Vec<u8>)>,
    pub(crate) duplicate_extension: Option<ObjectIdentifier>,
    /// Critical extensions other than the ones read above.
    pub(crate) unknown_critical: Option<ObjectIdentifier>,
}

impl Certificate {
    /// Reads a certificate. `position` names it in the reason.
    pub(crate) fn read(der: &[u8], position: &str) -> Result<Self, Reason> {
        let malformed =
            |error: der::Error| Reason::new(ReasonCode::X509Malformed, format!("{position} cannot be read: {error}"));
        let certificate = x509_cert::Certificate::from_der(der).map_err(malformed)?;
        let outline = Outline::of(der)
            .ok_or_else(|| Reason::new(ReasonCode::X509Malformed, format!("{position} has no outline")))?;
        let tbs = certificate.tbs_certificate();
        let mut read = Self {
            der: der.to_vec(),
            is_v3: tbs.version() == x509_cert::Version::V3,
            serial: tbs.serial_number().as_bytes().to_vec(),
            signature_algorithm: None,
            issuer: tbs.issuer().clone(),
            subject: tbs.subject().clone(),
            not_before: instant(tbs.validity().not_before),
            not_after: instant(tbs.validity().not_after),
            public_key: public_key(tbs.subject_public_key_info()),
            basic_constraints: None,
            key_usage: None,
            crl_distribution_points: Vec::new(),
            public_key_der: outline.public_key(der).to_vec(),
            other_extensions: Vec::new(),
            duplicate_extension: None,
            unknown_critical: None,
        };
        if tbs.signature() == certificate.signature_algorithm() {
            read.signature_algorithm = SignatureAlgorithm::of(certificate.signature_algorithm());
        }
        let extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
        for (place, extension) in extensions.iter().enumerate() {
            if extensions.iter().take(place).any(|earlier| earlier.extn_id == extension.extn_id) {
                read.duplicate_extension = Some(extension.extn_id);
            }
            let value = extension.extn_value.as_bytes();
            match extension.extn_id {
                BasicConstraints::OID => read.basic_constraints = Some(Decode::from_der(value).map_err(malformed)?),
                KeyUsage::OID => read.key_usage = Some(Decode::from_der(value).map_err(malformed)?),
                CrlDistributionPoints::OID => {
                    let points = CrlDistributionPoints::from_der(value).map_err(malformed)?;
                    read.crl_distribution_points =
                        points.0.into_iter().filter_map(|point| point.distribution_point).collect();
                }
                other => {
                    if extension.critical {
                        read.unknown_critical = Some(other);
                    }
                    read.other_extensions.push((other, value.to_vec()));
                }
            }
        }
        Ok(read)
    }

    /// The value of an extension that is not one of X.509's own.
    pub(crate) fn other_extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        self.other_extensions.iter().find(|(id, _)| *id == oid).map(|(_, value)| value.as_slice())
    }

    /// Whether it is a CA certificate.
    pub(crate) fn is_ca(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }

    /// How many CAs may stand below it, itself not counted; `None` where it does not say.
    pub(crate) fn path_length(&self) -> Option<u32> {
        self.basic_constraints.as_ref().and_then(|constraints| constraints.path_len_constraint).map(u32::from)
    }

    /// Whether its key may be used so.
    pub(crate) fn allows(&self, usage: KeyUsages) -> bool {
        self.key_usage.as_ref().is_some_and(|allowed| allowed.0.contains(usage))
    }

    /// Whether it is issued under its own name (it does not count against path lengths: RFC 5280, section 6.1.4).
    pub(crate) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// The subject's one common name, where it has exactly one and it is text.
    pub(crate) fn common_name(&self) -> Option<String> {
        common_name(&self.subject)
    }
}

/// A name's one common name, where it has exactly one and it is text.
pub(crate) fn common_name(name: &Name) -> Option<String> {
    let mut names = name.iter().filter(|attribute| attribute.oid == COMMON_NAME);
    let (first, second) = (names.next()?, names.next());
    let text = std::str::from_utf8(first.value.value()).ok()?;
    second.is_none().then(|| text.to_owned())
}

/// The key, where it is of a type that some profile uses.
fn public_key(spki: &SubjectPublicKeyInfoOwned) -> PublicKey {
    let (Some(key), parameters) = (spki.subject_public_key.as_bytes(), spki.algorithm.parameters.as_ref()) else {
        return PublicKey::Other;
    };
    match spki.algorithm.oid {
        EC_PUBLIC_KEY => {
            let curve = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
            match (curve, key.len()) {
                _ if key.first() != Some(&4) => PublicKey::Other,
                (Some(SECP256R1), P256_POINT_BYTES) => PublicKey::P256(key.to_vec()),
                (Some(SECP384R1), P384_POINT_BYTES) => PublicKey::P384(key.to_vec()),
                _ => PublicKey::Other,
            }
        }
        RSA_ENCRYPTION => match RsaPublicKey::from_der(key) {
            Ok(rsa) if rsa.exponent.as_bytes() == RSA_EXPONENT => {
                let modulus = rsa.modulus.as_bytes();
                let unused = modulus.first().map_or(0, |first| first.leading_zeros());
                PublicKey::Rsa((modulus.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or(0)))
            }
            _ => PublicKey::Other,
        },
        _ => PublicKey::Other,
    }
}

/// RSAPublicKey (RFC 8017, appendix A.1.1).
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// commonName (X.520; RFC 5280, appendix A.1).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// An X.509 time as an instant. Both of its forms end before the year 10000.
pub(super) fn instant(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
    seconds.and_then(Timestamp::from_unix_seconds).unwrap_or(Timestamp::MAX)
}

/// Whether two names are the same, byte for byte. Structural equality of `Name` is that, since DER has one encoding.
pub(super) fn is_same_distribution_point(a: &DistributionPointName, b: &DistributionPointName) -> bool {
    match (a, b) {
        (DistributionPointName::FullName(a), DistributionPointName::FullName(b)) => {
            a.iter().any(|name| b.contains(name))
        }
        _ => match (a.to_der(), b.to_der()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        },
    }
}
