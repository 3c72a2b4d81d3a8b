//! Pinned silicon roots: the files, their manifest, and the sets that verification starts from. Beside them, what is known
//! to be wrong with the silicon ([`advisories`]).
//!
//! In: the embedded manifest ([`RootSet::pinned`]), an operator's manifest of the same form
//! ([`RootSet::from_manifest`]), or a bare certificate ([`RootSet::from_certificate`]). Out: a [`RootSet`]. A root never
//! travels with evidence, and a bare certificate counts as a simulator's.

pub mod advisories;
mod manifest;

pub use manifest::ManifestError;

use prooftrail_result::{Kind, Timestamp, TrustAnchor};
use sha2::{Digest, Sha256};

/// A root certificate that chains may end in.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// A stable name, such as `aws-nitro-g1`.
    pub id: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// Whose root it is, as in the claim `vendor`; unknown for a bare certificate.
    pub vendor: Option<String>,
    /// The cloud partition it serves, as in the claim `nitro.partition`.
    pub partition: Option<String>,
    /// The kinds of evidence that may rest on it; `None` for a bare certificate, which serves whatever is appraised.
    pub kinds: Option<Vec<Kind>>,
    /// Whether a simulator, and no hardware, stands behind it.
    pub simulated: bool,
    /// Who named it.
    pub trust_anchor: TrustAnchor,
    /// What the manifest says for people to read; a bare certificate has none.
    pub description: Option<Description>,
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
        manifest::read(text, trust_anchor, read).map(|roots| Self { roots })
    }

    /// A bare certificate in DER, without a manifest: configured, and counted as a simulator's.
    #[must_use]
    pub fn from_certificate(der: Vec<u8>) -> Self {
        let sha256 = Sha256::digest(&der).into();
        let root = Root {
            id: format!("sha256:{}", hex::encode(sha256)),
            der,
            sha256,
            vendor: None,
            partition: None,
            kinds: None,
            simulated: true,
            trust_anchor: TrustAnchor::Configured,
            description: None,
        };
        Self { roots: vec![root] }
    }

    /// Adds another set's roots. A root that stands in both is kept once, as it stood here first.
    pub fn extend(&mut self, other: Self) {
        for root in other.roots {
            if !self.roots.iter().any(|known| known.sha256 == root.sha256) {
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

    /// The roots that evidence of that kind may rest on.
    pub fn serving(&self, kind: Kind) -> impl Iterator<Item = &Root> {
        self.roots.iter().filter(move |root| root.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind)))
    }

    /// Every root, in the manifest's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Root> {
        self.roots.iter()
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
];
