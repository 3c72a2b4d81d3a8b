//! Which evidence a run collects, where the machine's own is not all: a file of settings, TOML.
//!
//! In: the file's text. Out: [`Settings`]. Secrets stand in files of their own, which the settings name: neither an argument
//! nor the environment has one.

use std::path::{Path, PathBuf};

use prooftrail_result::Kind;
use serde::{Deserialize, Deserializer, de::Error};

use super::{launcher, trust_authority};

/// A file of settings beyond this is none.
const MAX_BYTES: u64 = 64 * 1024;

/// The settings. Without a file, all of them are the defaults.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The kind of the primary piece; without one it is what the machine has.
    #[serde(deserialize_with = "kind")]
    pub(super) primary: Option<Kind>,
    /// The kinds of the attached pieces, in the order in which they are collected and sent.
    #[serde(deserialize_with = "kinds")]
    pub(super) attach: Vec<Kind>,
    pub(super) confidential_space: ConfidentialSpace,
    pub(super) intel_trust_authority: IntelTrustAuthority,
    pub(super) azure_attestation: AzureAttestation,
    pub(super) nvidia_gpu: NvidiaGpu,
}

/// Google Confidential Space.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ConfidentialSpace {
    /// `PKI` or `OIDC`.
    pub(super) token_type: launcher::TokenType,
    /// Where the launcher listens.
    pub(super) socket: PathBuf,
}

impl Default for ConfidentialSpace {
    fn default() -> Self {
        Self { token_type: launcher::TokenType::default(), socket: launcher::SOCKET.into() }
    }
}

/// Intel Trust Authority.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct IntelTrustAuthority {
    /// The service of the region.
    pub(super) url: String,
    /// The file that holds the API key.
    pub(super) api_key_file: Option<PathBuf>,
    /// The authority (PEM) of the service's certificate, where it is not one of Mozilla's.
    pub(super) ca_file: Option<PathBuf>,
    /// `PS384` or `RS256`.
    pub(super) token_signing_alg: trust_authority::SigningAlgorithm,
    /// Ids of policies that the service applies.
    pub(super) policy_ids: Vec<String>,
    /// No token where one of them is not met.
    pub(super) policy_must_match: bool,
    /// A URL without TLS is good enough: for stand-ins.
    pub(super) insecure_http: bool,
}

impl Default for IntelTrustAuthority {
    fn default() -> Self {
        Self {
            url: trust_authority::URL.to_owned(),
            api_key_file: None,
            ca_file: None,
            token_signing_alg: trust_authority::SigningAlgorithm::default(),
            policy_ids: Vec::new(),
            policy_must_match: false,
            insecure_http: false,
        }
    }
}

/// Microsoft Azure Attestation.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AzureAttestation {
    /// The provider.
    pub(super) url: Option<String>,
    /// The authority (PEM) of its certificate, where it is not one of Mozilla's.
    pub(super) ca_file: Option<PathBuf>,
    /// A URL without TLS is good enough: for stand-ins.
    pub(super) insecure_http: bool,
}

/// NVIDIA GPUs.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NvidiaGpu {
    /// The driver's management library.
    pub(super) library: PathBuf,
}

impl Default for NvidiaGpu {
    fn default() -> Self {
        Self { library: prooftrail_devices::nvml::LIBRARY.into() }
    }
}

impl Settings {
    /// Whether they say nothing that is not so without them.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// In words.
    pub fn read(path: &Path) -> Result<Self, String> {
        let words = |error: String| format!("{}: {error}", path.display());
        let length = path.metadata().map_err(|error| words(error.to_string()))?.len();
        if length > MAX_BYTES {
            return Err(words("too large for settings".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| words(error.to_string()))?;
        Self::parse(&text).map_err(words)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let twice = settings.attach.iter().enumerate().find(|(place, kind)| {
            settings.attach.iter().take(*place).any(|other| other == *kind) || settings.primary == Some(**kind)
        });
        match twice {
            Some((_, kind)) => Err(format!("{kind} is to be collected twice")),
            None => Ok(settings),
        }
    }
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(D::Error::custom)
}

fn kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Kind>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use prooftrail_result::Kind;

    use super::Settings;
    use crate::collect::launcher::TokenType;

    #[test]
    fn settings_are_read_strictly() {
        let settings = Settings::parse("").unwrap();
        assert_eq!((settings.primary, settings.attach.len()), (None, 0));
        assert_eq!(settings.confidential_space.token_type, TokenType::Pki);
        assert_eq!(settings.intel_trust_authority.url, "https://api.trustauthority.intel.com");
        let text = "primary = 'gcp-confidential-space'\nattach = ['nvidia-gpu']\n\
                    [confidential_space]\ntoken_type = 'OIDC'\n[nvidia_gpu]\nlibrary = '/opt/nvml.so'\n";
        let settings = Settings::parse(text).unwrap();
        assert_eq!(settings.primary, Some(Kind::GcpConfidentialSpace));
        assert_eq!(settings.attach, [Kind::NvidiaGpu]);
        assert_eq!(settings.confidential_space.token_type, TokenType::Oidc);
        for bad in [
            "primary = 'aws'",
            "attach = ['gpu']",
            "attach = 'nvidia-gpu'",
            "attach = ['nvidia-gpu', 'nvidia-gpu']",
            "primary = 'intel-tdx'\nattach = ['intel-tdx']",
            "collect = true",
            "[confidential_space]\ntoken_type = 'LIMITED_AWS'",
            "[intel_trust_authority]\napi_key = 'secret'",
            "[intel_trust_authority]\ntoken_signing_alg = 'none'",
            "[azure_attestation]\nregion = 'weu'",
        ] {
            assert!(Settings::parse(bad).is_err(), "{bad}");
        }
    }
}
