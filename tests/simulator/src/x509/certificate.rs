//! Certificates (RFC 5280, section 4.1): a specification and its issuer come in, DER goes out.

use super::{
    extension::{self, Extension},
    name::Name,
    signing::Signing,
};
use crate::{
    der::{self, Oid},
    key::Key,
};

/// A certificate before it is issued. Its issuer is given when it is: the certificate before it in a chain.
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    /// The version as X.509 counts it (2 means v3); `None` leaves it out, which means v1.
    pub version: Option<u64>,
    /// The content octets of the serial number's INTEGER, as they are ([`der::unsigned`] makes positive ones).
    pub serial: Vec<u8>,
    /// The issuer's name; `None` is the subject of the issuing certificate.
    pub issuer: Option<Name>,
    /// The first second of validity, since the Unix epoch.
    pub not_before: i64,
    /// The last second of validity, since the Unix epoch.
    pub not_after: i64,
    /// The subject's name.
    pub subject: Name,
    /// The subject's key, which also signs what this certificate issues.
    pub key: Key,
    /// The SubjectPublicKeyInfo in DER; `None` is that of `key`.
    pub subject_public_key_info: Option<Vec<u8>>,
    /// The extensions in order; the field is left out when there are none. Push one twice to have a duplicate.
    pub extensions: Vec<Extension>,
    /// How it is signed.
    pub signing: Signing,
}

impl CertificateSpec {
    /// An X.509 v3 certificate without extensions.
    #[must_use]
    pub fn new(subject: Name, key: Key, serial: Vec<u8>, not_before: i64, not_after: i64) -> Self {
        Self {
            version: Some(2),
            serial,
            issuer: None,
            not_before,
            not_after,
            subject,
            key,
            subject_public_key_info: None,
            extensions: Vec::new(),
            signing: Signing::default(),
        }
    }

    /// The first extension with this identifier, to change it.
    ///
    /// # Panics
    /// When there is none.
    #[expect(clippy::expect_used, reason = "a test that changes nothing would test nothing")]
    pub fn extension_mut(&mut self, oid: Oid) -> &mut Extension {
        self.extensions.iter_mut().find(|extension| extension.oid == oid).expect("the certificate has that extension")
    }

    /// Puts `extension` where one with the same identifier stands, or at the end.
    pub fn set_extension(&mut self, extension: Extension) {
        match self.extensions.iter_mut().find(|present| present.oid == extension.oid) {
            Some(present) => *present = extension,
            None => self.extensions.push(extension),
        }
    }

    /// Takes away every extension with this identifier.
    ///
    /// # Panics
    /// When there is none.
    pub fn remove_extension(&mut self, oid: Oid) {
        let before = self.extensions.len();
        self.extensions.retain(|extension| extension.oid != oid);
        assert_ne!(self.extensions.len(), before, "the certificate has that extension");
    }

    /// The certificate in DER, issued by `issuer`.
    #[must_use]
    pub fn issued_by(&self, issuer: &Self) -> Vec<u8> {
        self.signing.sign(&issuer.key, |algorithm| {
            let version = self.version.map(|version| der::context(0, &der::small_integer(version)));
            let public_key = self.subject_public_key_info.clone();
            let extensions = extension::extensions(&self.extensions, &self.key, &issuer.key);
            let fields = [
                der::integer(&self.serial),
                algorithm,
                self.issuer.as_ref().unwrap_or(&issuer.subject).der(),
                der::sequence([der::time(self.not_before), der::time(self.not_after)]),
                self.subject.der(),
                public_key.unwrap_or_else(|| self.key.subject_public_key_info()),
            ];
            let extensions = extensions.map(|extensions| der::context(3, &extensions));
            der::sequence(version.into_iter().chain(fields).chain(extensions))
        })
    }

    /// The certificate in DER, issued by itself.
    #[must_use]
    pub fn self_issued(&self) -> Vec<u8> {
        self.issued_by(self)
    }
}
