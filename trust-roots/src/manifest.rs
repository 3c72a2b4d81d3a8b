//! The manifest: TOML with one `[[root]]` per root: a certificate in a `file`, one of which the digest alone is known, or the
//! keys of a `key_set`. In: the text and a way to read its files. Out: roots whose files have the digests that the manifest
//! names.

use prooftrail_result::{Kind, Timestamp, TrustAnchor};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{Description, Form, Purpose, Root};

/// A manifest is refused beyond this many bytes; ours has about 1,000 a root.
const MAX_MANIFEST_BYTES: usize = 256 * 1024;

/// Why a manifest was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The text is larger than any manifest.
    #[error("a manifest of roots has at most {MAX_MANIFEST_BYTES} bytes, this has {0}")]
    TooLarge(usize),
    /// The text is not TOML of this form.
    #[error("the manifest of roots cannot be read: {0}")]
    Syntax(String),
    /// A field does not hold what it should.
    #[error("root `{id}`: {field}: {problem}")]
    Field {
        /// The root's id.
        id: String,
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The file has other bytes than the manifest says.
    #[error("root `{id}`: the file has SHA-256 {have}, the manifest says {need}")]
    Digest {
        /// The root's id.
        id: String,
        /// Digest of the file.
        have: String,
        /// Digest in the manifest.
        need: String,
    },
}

/// The document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    root: Vec<Entry>,
}

/// One `[[root]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    file: Option<String>,
    key_set: Option<String>,
    sha256: String,
    subject: String,
    not_before: String,
    not_after: String,
    vendor: String,
    partition: Option<String>,
    kinds: Vec<String>,
    source: String,
    purpose: Option<String>,
    #[serde(default)]
    simulated: bool,
}

/// Reads a manifest and its files.
pub(crate) fn read<E: std::fmt::Display>(
    text: &str,
    trust_anchor: TrustAnchor,
    mut read_file: impl FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<Vec<Root>, ManifestError> {
    if text.len() > MAX_MANIFEST_BYTES {
        return Err(ManifestError::TooLarge(text.len()));
    }
    let manifest: Manifest = toml::from_str(text).map_err(|error| ManifestError::Syntax(error.to_string()))?;
    manifest.root.into_iter().map(|entry| entry.into_root(trust_anchor, &mut read_file)).collect()
}

impl Entry {
    fn into_root<E: std::fmt::Display>(
        self,
        trust_anchor: TrustAnchor,
        read_file: impl FnOnce(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Root, ManifestError> {
        let field = |field, problem: String| ManifestError::Field { id: self.id.clone(), field, problem };
        let instant = |name, text: &str| text.parse::<Timestamp>().map_err(|error| field(name, error.to_string()));
        let read = |name, path: &str| read_file(path).map_err(|error| field(name, format!("{path}: {error}")));
        let (form, der) = match (&self.file, &self.key_set) {
            (Some(file), None) => (Form::Certificate, read("file", file)?),
            (None, Some(key_set)) => (Form::KeySet, read("key_set", key_set)?),
            (None, None) => (Form::CertificateDigest, Vec::new()),
            (Some(_), Some(_)) => return Err(field("key_set", "stands beside a file".to_owned())),
        };
        let sha256: [u8; 32] = match form {
            Form::CertificateDigest => {
                let mut digest = [0; 32];
                hex::decode_to_slice(&self.sha256, &mut digest).map_err(|error| field("sha256", error.to_string()))?;
                digest
            }
            _ => Sha256::digest(&der).into(),
        };
        let kinds =
            self.kinds.iter().map(|name| name.parse::<Kind>().map_err(|error| field("kinds", error.to_string())));
        let (not_before, not_after) =
            (instant("not_before", &self.not_before)?, instant("not_after", &self.not_after)?);
        let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
        let purpose = match self.purpose.as_deref() {
            None => Purpose::default(),
            Some(name) => {
                let known = Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == name);
                known.ok_or_else(|| field("purpose", format!("`{name}` is no purpose")))?
            }
        };
        let have = hex::encode(sha256);
        if !have.eq_ignore_ascii_case(&self.sha256) {
            return Err(ManifestError::Digest { id: self.id, have, need: self.sha256 });
        }
        Ok(Root {
            id: self.id,
            form,
            der,
            sha256,
            vendor: Some(self.vendor),
            partition: self.partition,
            kinds: Some(kinds),
            purpose,
            simulated: self.simulated,
            trust_anchor,
            description: Some(Description { subject: self.subject, not_before, not_after, source: self.source }),
        })
    }
}
