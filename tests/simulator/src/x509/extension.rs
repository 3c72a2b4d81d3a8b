//! Extensions of certificates, CRLs and CRL entries (RFC 5280, sections 4.2, 5.2 and 5.3). Constructors give what a
//! certification authority would write; every field can be changed afterwards.

use sha2::{Digest, Sha256};

use super::oid;
use crate::{
    der::{self, Oid},
    key::Key,
};

/// One extension.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extension {
    /// Which extension.
    pub oid: Oid,
    /// Whether a reader that does not know it must refuse. `false` is the default and is left out of the DER.
    pub critical: bool,
    /// What the OCTET STRING holds.
    pub value: ExtensionValue,
}

/// The value of an extension.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ExtensionValue {
    /// These bytes; DER, unless a test means otherwise.
    Der(Vec<u8>),
    /// SubjectKeyIdentifier of the certified key.
    SubjectKeyIdentifier,
    /// AuthorityKeyIdentifier of the issuer's key.
    AuthorityKeyIdentifier,
}

/// The bits of KeyUsage (RFC 5280, section 4.2.1.3) that fit its first byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyUsage {
    /// digitalSignature.
    DigitalSignature,
    /// contentCommitment, once called nonRepudiation.
    ContentCommitment,
    /// keyEncipherment.
    KeyEncipherment,
    /// dataEncipherment.
    DataEncipherment,
    /// keyAgreement.
    KeyAgreement,
    /// keyCertSign.
    KeyCertSign,
    /// cRLSign.
    CrlSign,
    /// encipherOnly.
    EncipherOnly,
}

impl Extension {
    /// An extension of any kind with any value.
    #[must_use]
    pub fn new(oid: Oid, critical: bool, value: Vec<u8>) -> Self {
        Self { oid, critical, value: ExtensionValue::Der(value) }
    }

    /// BasicConstraints, critical. `ca` false is the default and is left out of the DER.
    #[must_use]
    pub fn basic_constraints(ca: bool, path_len: Option<u64>) -> Self {
        let ca = ca.then(|| der::boolean(true));
        Self::new(oid::BASIC_CONSTRAINTS, true, der::sequence(ca.into_iter().chain(path_len.map(der::small_integer))))
    }

    /// KeyUsage with these bits, critical.
    #[must_use]
    pub fn key_usage(usages: &[KeyUsage]) -> Self {
        let bit = |usage: &KeyUsage| match usage {
            KeyUsage::DigitalSignature => 0x80,
            KeyUsage::ContentCommitment => 0x40,
            KeyUsage::KeyEncipherment => 0x20,
            KeyUsage::DataEncipherment => 0x10,
            KeyUsage::KeyAgreement => 0x08,
            KeyUsage::KeyCertSign => 0x04,
            KeyUsage::CrlSign => 0x02,
            KeyUsage::EncipherOnly => 0x01,
        };
        let bits = usages.iter().map(bit).fold(0_u8, |bits, bit| bits | bit);
        // A named bit list in DER has no trailing zero bits (X.690, section 11.2.2).
        let unused = (0_u8..8).find(|shift| bits >> shift & 1 == 1);
        let value = unused.map_or_else(|| der::bit_string(0, &[]), |unused| der::bit_string(unused, &[bits]));
        Self::new(oid::KEY_USAGE, true, value)
    }

    /// SubjectKeyIdentifier, not critical.
    #[must_use]
    pub fn subject_key_identifier() -> Self {
        let value = ExtensionValue::SubjectKeyIdentifier;
        Self { oid: oid::SUBJECT_KEY_IDENTIFIER, critical: false, value }
    }

    /// AuthorityKeyIdentifier with the key identifier alone, not critical.
    #[must_use]
    pub fn authority_key_identifier() -> Self {
        let value = ExtensionValue::AuthorityKeyIdentifier;
        Self { oid: oid::AUTHORITY_KEY_IDENTIFIER, critical: false, value }
    }

    /// CRLDistributionPoints with one point and its URI, not critical.
    #[must_use]
    pub fn crl_distribution_point(uri: &str) -> Self {
        let full_name = der::context(0, &der::context_primitive(6, uri.as_bytes()));
        let value = der::sequence([der::sequence([der::context(0, &full_name)])]);
        Self::new(oid::CRL_DISTRIBUTION_POINTS, false, value)
    }

    /// ExtendedKeyUsage with these purposes, not critical.
    #[must_use]
    pub fn extended_key_usage(purposes: &[Oid]) -> Self {
        let purposes = purposes.iter().map(|purpose| der::object_identifier(purpose));
        Self::new(oid::EXTENDED_KEY_USAGE, false, der::sequence(purposes))
    }

    /// CRLNumber, not critical.
    #[must_use]
    pub fn crl_number(number: u64) -> Self {
        Self::new(oid::CRL_NUMBER, false, der::small_integer(number))
    }

    /// The reason of a CRL entry (1 is keyCompromise), not critical.
    #[must_use]
    pub fn reason_code(reason: u8) -> Self {
        Self::new(oid::REASON_CODE, false, der::enumerated(reason))
    }

    /// The extension in DER; `subject` and `issuer` are the keys that identifiers name.
    pub(super) fn der(&self, subject: &Key, issuer: &Key) -> Vec<u8> {
        let value = match &self.value {
            ExtensionValue::Der(value) => value.clone(),
            ExtensionValue::SubjectKeyIdentifier => der::octet_string(&identifier(subject)),
            ExtensionValue::AuthorityKeyIdentifier => der::sequence([der::context_primitive(0, &identifier(issuer))]),
        };
        let critical = self.critical.then(|| der::boolean(true));
        der::sequence([der::object_identifier(self.oid)].into_iter().chain(critical).chain([der::octet_string(&value)]))
    }
}

/// Extensions in DER; none where there are none, since the SEQUENCE must not be empty.
pub(super) fn extensions(extensions: &[Extension], subject: &Key, issuer: &Key) -> Option<Vec<u8>> {
    let der = || der::sequence(extensions.iter().map(|extension| extension.der(subject, issuer)));
    (!extensions.is_empty()).then(der)
}

/// The leftmost 160 bits of the SHA-256 of the public key (RFC 7093, section 2, method 1).
fn identifier(key: &Key) -> Vec<u8> {
    Sha256::digest(key.public_point()).into_iter().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the bytes of genuine AWS certificates.
    #[test]
    fn values_are_those_of_genuine_certificates() {
        use KeyUsage::{ContentCommitment, CrlSign, DigitalSignature, KeyCertSign};
        let table = [
            (Extension::basic_constraints(true, None), "30030101ff"),
            (Extension::basic_constraints(true, Some(2)), "30060101ff020102"),
            (Extension::basic_constraints(false, None), "3000"),
            (Extension::key_usage(&[DigitalSignature, KeyCertSign, CrlSign]), "03020186"),
            (Extension::key_usage(&[KeyCertSign]), "03020204"),
            (Extension::key_usage(&[DigitalSignature, ContentCommitment]), "030206c0"),
            (Extension::key_usage(&[]), "030100"),
            (Extension::crl_distribution_point("http://a"), "3010300ea00ca00a8608687474703a2f2f61"),
        ];
        for (extension, expected) in table {
            assert_eq!(extension.value, ExtensionValue::Der(hex::decode(expected).unwrap()));
        }
    }
}
