//! Pinned silicon roots: the files, their manifest, and the sets that verification starts from. Beside them, what is known
//! to be wrong with the silicon ([`advisories`]).
//!
//! In: the embedded manifest ([`RootSet::pinned`]), an operator's manifest of the same form
//! ([`RootSet::from_manifest`]), or a bare certificate ([`RootSet::from_certificate`]) or key set
//! ([`RootSet::from_key_set`]). Out: a [`RootSet`]. A root never travels with evidence (of one that is known by its digest
//! alone the bytes do), and a bare one counts as a simulator's.

pub mod advisories;
mod manifest;

pub use manifest::ManifestError;

use std::borrow::Cow;

use prooftrail_result::{Kind, Timestamp, TrustAnchor};
use sha2::{Digest, Sha256};

/// What stands behind a root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// A certificate that is at hand.
    Certificate,
    /// A certificate of which the digest alone is known; chains bring it themselves.
    CertificateDigest,
    /// A set of public keys as a token issuer publishes it (RFC 7517), not yet read. It stands for nothing until it is.
    KeySet,
    /// A public key that signs tokens.
    Key,
}

impl Form {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::CertificateDigest => "certificate-digest",
            Self::KeySet => "key-set",
            Self::Key => "key",
        }
    }
}

/// A root certificate that chains may end in, or a key that tokens may be signed with.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// A stable name, such as `aws-nitro-g1`.
    pub id: String,
    /// What it is.
    pub form: Form,
    /// The certificate or the key's SubjectPublicKeyInfo, DER; the JSON of a key set; nothing where the digest alone is
    /// known.
    pub der: Vec<u8>,
    /// SHA-256 of those bytes.
    pub sha256: [u8; 32],
    /// Whose root it is, as in the claim `vendor`; unknown for a bare certificate.
    pub vendor: Option<String>,
    /// The cloud partition it serves, as in the claim `nitro.partition`.
    pub partition: Option<String>,
    /// The kinds of evidence that may rest on it; `None` for a bare certificate, which serves whatever is appraised.
    pub kinds: Option<Vec<Kind>>,
    /// What it vouches for.
    pub purpose: Purpose,
    /// Whether a simulator, and no hardware, stands behind it.
    pub simulated: bool,
    /// Who named it.
    pub trust_anchor: TrustAnchor,
    /// What the manifest says for people to read; a bare certificate has none.
    pub description: Option<Description>,
}

/// What a root vouches for. Vendors keep their devices and what they publish about them apart, and so must a verifier: a key
/// that signs reference values is no device.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Purpose {
    /// Evidence, and what belongs to its own chain.
    #[default]
    Evidence,
    /// Reference values that evidence is compared with (RIMs).
    ReferenceValues,
    /// Google's signed endorsements of the firmware that its machines launch.
    GceFirmware,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::Evidence, Self::ReferenceValues, Self::GceFirmware];

    /// The spelling in manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::ReferenceValues => "reference-values",
            Self::GceFirmware => "gce-firmware",
        }
    }
}

/// What a manifest says of a root for people to read. Verification reads the certificate itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Subject, as RFC 4514 writes it.
    pub subject: String,
    /// First instant of validity.
    pub not_before: Timestamp,
    /// Last instant of validity.
    pub not_after: Timestamp,
    /// Where the certificate comes from.
    pub source: String,
}

/// The roots of one appraisal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RootSet {
    roots: Vec<Root>,
    demands_listed_keys: bool,
}

/// What a set of roots says of a key that signs tokens and that no certificate vouches for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyStanding<'a> {
    /// It is one of the roots.
    Listed(&'a Root),
    /// The set has no keys for that kind: whoever supplied the key set vouches for it.
    Vouched,
    /// The set names keys for that kind, or demands that they are named, and this is none of them.
    Unlisted,
}

impl RootSet {
    /// The roots that Prooftrail pins.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the manifest is part of this crate, and a test reads it")]
    pub fn pinned() -> Self {
        Self::from_manifest(PINNED_MANIFEST, TrustAnchor::Pinned, |file| {
            PINNED_FILES.iter().find(|(name, _)| *name == file).map(|(_, der)| der.to_vec()).ok_or("no such file")
        })
        .expect("the embedded manifest fits its files")
    }

    /// Roots from a manifest: its text, who names them, and how to read a file that it mentions.
    ///
    /// # Errors
    /// [`ManifestError`] where the text is no manifest, a file cannot be read, or a digest differs.
    pub fn from_manifest<E: std::fmt::Display>(
        text: &str,
        trust_anchor: TrustAnchor,
        read: impl FnMut(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, ManifestError> {
        manifest::read(text, trust_anchor, read).map(|roots| Self { roots, demands_listed_keys: false })
    }

    /// A bare certificate in DER, without a manifest: configured, and counted as a simulator's.
    #[must_use]
    pub fn from_certificate(der: Vec<u8>) -> Self {
        Self { roots: vec![bare(Form::Certificate, der, None)], demands_listed_keys: false }
    }

    /// A bare key set (RFC 7517), without a manifest: configured, counted as a simulator's, and of use for tokens alone. Its
    /// keys count once it was read (`prooftrail_evidence::read_key_sets`).
    #[must_use]
    pub fn from_key_set(json: Vec<u8>) -> Self {
        Self { roots: vec![bare(Form::KeySet, json, Some(TOKENS.to_vec()))], demands_listed_keys: false }
    }

    /// Takes no token key on the word of whoever supplied its key set: only keys that are roots of this set count, or whose
    /// SubjectPublicKeyInfo has one of these digests.
    pub fn demand_listed_keys(&mut self, digests: impl IntoIterator<Item = [u8; 32]>) {
        self.demands_listed_keys = true;
        for sha256 in digests {
            if !self.roots.iter().any(|root| root.sha256 == sha256) {
                let root = bare(Form::Key, Vec::new(), Some(TOKENS.to_vec()));
                let id = format!("sha256:{}", hex::encode(sha256));
                self.roots.push(Root { id, sha256, simulated: false, ..root });
            }
        }
    }

    /// Adds another set's roots. A root that stands in both for one purpose is kept once, as it stood here first.
    pub fn extend(&mut self, other: Self) {
        self.demands_listed_keys |= other.demands_listed_keys;
        for root in other.roots {
            if !self.roots.iter().any(|known| known.sha256 == root.sha256 && known.purpose == root.purpose) {
                self.roots.push(root);
            }
        }
    }

    /// Keeps only the roots for which `keep` holds.
    pub fn retain(&mut self, keep: impl FnMut(&Root) -> bool) {
        self.roots.retain(keep);
    }

    /// The root with exactly these bytes, if evidence of that kind may rest on it.
    #[must_use]
    pub fn find(&self, kind: Kind, der: &[u8]) -> Option<&Root> {
        self.serving(kind).find(|root| root.der == der)
    }

    /// The root with exactly these bytes, if evidence of that kind may rest on it; also where only its digest is known, in
    /// which case the bytes become part of it.
    #[must_use]
    pub fn find_sent(&self, kind: Kind, der: &[u8]) -> Option<Cow<'_, Root>> {
        if let Some(root) = self.find(kind, der) {
            return Some(Cow::Borrowed(root));
        }
        let mut digests = self.of_form(Form::CertificateDigest, kind).peekable();
        digests.peek()?;
        let sha256: [u8; 32] = Sha256::digest(der).into();
        let root = digests.find(|root| root.sha256 == sha256)?;
        Some(Cow::Owned(Root { der: der.to_vec(), form: Form::Certificate, ..root.clone() }))
    }

    /// How a key stands that signs tokens of that kind, by the SHA-256 of its SubjectPublicKeyInfo.
    #[must_use]
    pub fn key(&self, kind: Kind, spki_sha256: &[u8; 32]) -> KeyStanding<'_> {
        let mut keys = self.of_form(Form::Key, kind).peekable();
        if keys.peek().is_none() && !self.demands_listed_keys {
            return KeyStanding::Vouched;
        }
        keys.find(|root| root.sha256 == *spki_sha256).map_or(KeyStanding::Unlisted, KeyStanding::Listed)
    }

    /// The certificates at hand that evidence of that kind may rest on.
    pub fn serving(&self, kind: Kind) -> impl Iterator<Item = &Root> {
        self.of_form(Form::Certificate, kind)
    }

    /// The certificates at hand that reference values for evidence of that kind may rest on.
    pub fn of_reference_values(&self, kind: Kind) -> impl Iterator<Item = &Root> {
        self.of_purpose(Purpose::ReferenceValues, Form::Certificate, kind)
    }

    /// The certificates at hand that Google's endorsements of firmware may rest on, where evidence of that kind is concerned. One
    /// that stands in no manifest serves nothing here: such endorsements come with evidence unasked.
    pub fn of_gce_firmware(&self, kind: Kind) -> impl Iterator<Item = &Root> {
        self.of_purpose(Purpose::GceFirmware, Form::Certificate, kind).filter(|root| root.kinds.is_some())
    }

    /// The roots of one form that evidence of that kind may rest on.
    fn of_form(&self, form: Form, kind: Kind) -> impl Iterator<Item = &Root> {
        self.of_purpose(Purpose::Evidence, form, kind)
    }

    /// The same of one purpose. What stands in no manifest says neither whose nor what for, and serves whatever is appraised.
    fn of_purpose(&self, purpose: Purpose, form: Form, kind: Kind) -> impl Iterator<Item = &Root> {
        let serves = move |root: &&Root| {
            root.kinds.as_ref().is_none_or(|kinds| root.purpose == purpose && kinds.contains(&kind))
        };
        self.roots.iter().filter(move |root| root.form == form).filter(serves)
    }

    /// Replaces each key set by what stands in it.
    ///
    /// # Errors
    /// The first failure of `read`.
    pub fn replace_key_sets<E>(self, read: impl Fn(&Root) -> Result<Vec<Root>, E>) -> Result<Self, E> {
        let mut replaced = Self { roots: Vec::new(), demands_listed_keys: self.demands_listed_keys };
        for root in self.roots {
            let roots = if root.form == Form::KeySet { read(&root)? } else { vec![root] };
            replaced.extend(Self { roots, demands_listed_keys: false });
        }
        Ok(replaced)
    }

    /// Every root, in the manifest's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Root> {
        self.roots.iter()
    }
}

/// The kinds of evidence that are tokens.
const TOKENS: &[Kind] = &[Kind::GcpConfidentialSpace, Kind::AzureMaa, Kind::NvidiaNras, Kind::IntelTrustAuthority];

/// A root of which nothing is known but its bytes.
fn bare(form: Form, der: Vec<u8>, kinds: Option<Vec<Kind>>) -> Root {
    let sha256 = Sha256::digest(&der).into();
    Root {
        id: format!("sha256:{}", hex::encode(sha256)),
        form,
        der,
        sha256,
        vendor: None,
        partition: None,
        kinds,
        purpose: Purpose::Evidence,
        simulated: true,
        trust_anchor: TrustAnchor::Configured,
        description: None,
    }
}

/// The manifest of the pinned roots.
const PINNED_MANIFEST: &str = include_str!("../roots/manifest.toml");

/// The files that the manifest names.
const PINNED_FILES: &[(&str, &[u8])] = &[
    ("amd-ark-genoa.der", include_bytes!("../roots/amd-ark-genoa.der")),
    ("amd-ark-milan.der", include_bytes!("../roots/amd-ark-milan.der")),
    ("amd-ark-turin.der", include_bytes!("../roots/amd-ark-turin.der")),
    ("aws-nitro-g1.der", include_bytes!("../roots/aws-nitro-g1.der")),
    ("intel-sgx-root-ca.der", include_bytes!("../roots/intel-sgx-root-ca.der")),
    ("nvidia-rim-root.der", include_bytes!("../roots/nvidia-rim-root.der")),
    ("nvidia-device-identity-ca.der", include_bytes!("../roots/nvidia-device-identity-ca.der")),
];
