//! Certificate revocation lists (RFC 5280, section 5.1): a specification comes in, DER goes out.

use super::{
    certificate::CertificateSpec,
    extension::{self, Extension},
    name::Name,
    signing::Signing,
};
use crate::{der, key::Key};

/// A revocation list before it is signed.
#[derive(Clone, Debug)]
pub struct CrlSpec {
    /// The version as X.509 counts it (1 means v2); `None` leaves it out, which means v1.
    pub version: Option<u64>,
    /// The issuer's name.
    pub issuer: Name,
    /// The issuer's key, which signs unless `signing` says otherwise.
    pub key: Key,
    /// When it was issued, in seconds since the Unix epoch.
    pub this_update: i64,
    /// When the next one is due, in seconds since the Unix epoch; `None` leaves the field out.
    pub next_update: Option<i64>,
    /// The entries in order; the field is left out when there are none.
    pub revoked: Vec<RevokedCertificate>,
    /// The extensions in order; the field is left out when there are none.
    pub extensions: Vec<Extension>,
    /// How it is signed.
    pub signing: Signing,
}

/// One entry of a revocation list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokedCertificate {
    /// The content octets of the serial number's INTEGER, as in [`CertificateSpec::serial`].
    pub serial: Vec<u8>,
    /// When it was revoked, in seconds since the Unix epoch.
    pub revoked_at: i64,
    /// The entry's extensions, such as [`Extension::reason_code`]; the field is left out when there are none.
    pub extensions: Vec<Extension>,
}

impl CrlSpec {
    /// How long a list is current by default, in seconds: seven days.
    pub const LIFE: i64 = 7 * 24 * 3600;

    /// A v2 list by `issuer` at `this_update`, current for [`CrlSpec::LIFE`], with an AuthorityKeyIdentifier and a
    /// CRLNumber. Certificates with the serial numbers of `revoked` were revoked as it was issued, for no given reason.
    #[must_use]
    pub fn issued_by(issuer: &CertificateSpec, this_update: i64, revoked: &[&[u8]]) -> Self {
        let revoked = revoked.iter().map(|serial| RevokedCertificate {
            serial: serial.to_vec(),
            revoked_at: this_update,
            extensions: Vec::new(),
        });
        Self {
            version: Some(1),
            issuer: issuer.subject.clone(),
            key: issuer.key.clone(),
            this_update,
            next_update: Some(this_update.saturating_add(Self::LIFE)),
            revoked: revoked.collect(),
            extensions: vec![Extension::authority_key_identifier(), Extension::crl_number(1)],
            signing: Signing::default(),
        }
    }

    /// The list in DER.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        self.signing.sign(&self.key, |algorithm| {
            let version = self.version.map(der::small_integer);
            let entries = || der::sequence(self.revoked.iter().map(|entry| self.entry(entry)));
            let extensions = extension::extensions(&self.extensions, &self.key, &self.key);
            let optional = [
                self.next_update.map(der::time),
                (!self.revoked.is_empty()).then(entries),
                extensions.map(|extensions| der::context(0, &extensions)),
            ];
            let mandatory = [algorithm, self.issuer.der(), der::time(self.this_update)];
            der::sequence(version.into_iter().chain(mandatory).chain(optional.into_iter().flatten()))
        })
    }

    fn entry(&self, entry: &RevokedCertificate) -> Vec<u8> {
        let extensions = extension::extensions(&entry.extensions, &self.key, &self.key);
        der::sequence([der::integer(&entry.serial), der::time(entry.revoked_at)].into_iter().chain(extensions))
    }
}
