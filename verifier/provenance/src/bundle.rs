//! Bundles: a provenance as one JSON file that verifies offline. In: a file of at most 8 MiB; out: its parts, none of which
//! is to be believed before [`crate::verify_bundle`]. docs/provenance.md, section "The file".
//!
//! Parts may be missing: withheld by whoever hands the bundle on, or erased at the source. What needs them is then not
//! shown. Roots, keys and times of trust never come from here.

use prooftrail_protocol::{
    Fault, Malformed,
    wire::{Bytes, Digest32, PieceOfEvidence, from_json},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The largest bundle, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 8 << 20;
/// The most revocations that a bundle carries.
pub const MAX_REVOCATIONS: usize = 64;

/// What a bundle calls itself.
const FORMAT: &str = "prooftrail/bundle/v1";

/// The member `format`: there is one value.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BundleFormat;

impl Serialize for BundleFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(FORMAT)
    }
}

impl<'de> Deserialize<'de> for BundleFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if String::deserialize(deserializer)? == FORMAT {
            Ok(Self)
        } else {
            Err(D::Error::custom("the format is not prooftrail/bundle/v1"))
        }
    }
}

/// A bundle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// `prooftrail/bundle/v1`.
    pub format: BundleFormat,
    /// The entry of the proof, whose record is a [`crate::ProofEntry`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<LedgerPart>,
    /// The entry of the decision, whose record is a [`crate::DecisionRecord`].
    pub decision: LedgerPart,
    /// The checkpoint that the challenge commits to: a signed note, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The encoded statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Bytes>,
    /// The pieces of evidence, in the order of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Vec<PieceOfEvidence>>,
    /// The endorsements, in the order of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorsements: Option<Vec<Bytes>>,
    /// The policy's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The appraisal's result as archived: JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// What the proof was made of and for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<ProofDocuments>,
    /// Entries of revocations, made since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocations: Vec<LedgerPart>,
}

/// An entry of the ledger, with its proof of inclusion.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerPart {
    /// The entry's bytes.
    pub leaf: Bytes,
    /// That it stands in the log: a C2SP tlog-proof, with cosignatures.
    pub tlog_proof: String,
    /// What the entry commits to; absent where it is withheld or erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
}

/// What opens a commitment.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The salt.
    pub salt: Digest32,
    /// The encoded record.
    pub record: Bytes,
}

/// The documents of a proof, each where it is disclosed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProofDocuments {
    /// The proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Bytes>,
    /// The verifying key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk: Option<Bytes>,
    /// The public inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<Bytes>,
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(file: &[u8]) -> Result<Self, Malformed> {
        let bundle: Self = from_json(file, "bundle", MAX_BUNDLE_BYTES)?;
        if bundle.revocations.len() > MAX_REVOCATIONS {
            return Err(Malformed::new("bundle", Fault::Field("revocations")));
        }
        Ok(bundle)
    }

    /// The file, with a line feed at its end.
    ///
    /// # Errors
    /// [`Malformed`] where it would be larger than [`MAX_BUNDLE_BYTES`].
    pub fn to_file(&self) -> Result<Vec<u8>, Malformed> {
        let json = |error: serde_json::Error| Malformed::new("bundle", Fault::Json(error.to_string()));
        let mut file = serde_json::to_vec(self).map_err(json)?;
        file.push(b'\n');
        if file.len() > MAX_BUNDLE_BYTES {
            let fault = Fault::TooLarge { have: file.len(), max: MAX_BUNDLE_BYTES };
            return Err(Malformed::new("bundle", fault));
        }
        Ok(file)
    }
}
