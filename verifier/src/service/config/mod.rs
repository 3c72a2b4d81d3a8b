//! The configuration of the service. In: a TOML file, variables `PROOFTRAIL_…` and flags; out: a [`Config`], or what is
//! wrong with it and where. Unknown keys are errors; options that give up protection are spelled `insecure_…`. Every
//! default stands here and nowhere else. docs/operator.md, section "Configuration".

mod load;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use jsonwebtoken::Algorithm;
use serde::Deserialize;

pub use self::load::{ConfigError, Overrides, load};
use super::auth::Role;
use crate::endorsements::{
    Places,
    places::{KeySets, Update},
};

/// Everything that can be configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where keys, the guard file and, unless `database` says otherwise, the database are. Created on the first start.
    pub data: PathBuf,
    /// `sqlite:PATH` or `postgres://…` \[default: a file in `data`\].
    pub database: Option<Secret>,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The log's origin: one line, unique in the world, never used twice \[default: made at random on the first start\].
    pub origin: Option<String>,
    /// The URL under which strangers reach the service, if it is another than what it listens on.
    pub public_url: Option<String>,
    /// Creates the log although the log key is not new. Only for an origin under which nothing was ever signed.
    pub create_log: bool,
    /// Lets an address that is not loopback be bound without TLS.
    pub insecure_plaintext: bool,
    /// Checkpoints of this log as cosigners, mirrors or other replicas have them, for a start without a guard file.
    pub seen_checkpoints: Vec<PathBuf>,
    /// TLS.
    pub tls: Option<Tls>,
    /// Logging.
    pub log: Log,
    /// Where the keys are.
    pub keys: KeyFiles,
    /// Silicon roots beside the pinned ones.
    pub roots: Roots,
    /// Endorsements.
    pub endorsements: Endorsements,
    /// What a client may use up.
    pub limits: Limits,
    /// Who may issue tokens for people and machines.
    pub oidc: Vec<Issuer>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("prooftrail-data"),
            database: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8437)),
            origin: None,
            public_url: None,
            create_log: false,
            insecure_plaintext: false,
            seen_checkpoints: Vec::new(),
            tls: None,
            log: Log::default(),
            keys: KeyFiles::default(),
            roots: Roots::default(),
            endorsements: Endorsements::default(),
            limits: Limits::default(),
            oidc: Vec::new(),
        }
    }
}

/// A value that is not shown: a database's URL has its password.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Certificate and key, PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain, the service's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How the log is written, to standard error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// What is logged: a level, or directives such as `info,prooftrail=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// The form of a line of the log.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Files of keys \[default: in `data`, where they are made on the first start\]. A file that is named here must exist.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyFiles {
    /// The log's key.
    pub log: Option<PathBuf>,
    /// The key that signs releases.
    pub release: Option<PathBuf>,
    /// The key of challenge tokens, which all replicas share.
    pub fleet: Option<PathBuf>,
    /// The key-encryption key, under which witness keys are stored.
    pub encryption: Option<PathBuf>,
}

/// Silicon roots beside the pinned ones.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roots {
    /// Certificates or manifests, as `--root` takes them.
    pub files: Vec<PathBuf>,
    /// Drops the pinned roots, so that only `files` count.
    pub without_pinned: bool,
}

/// Endorsements.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endorsements {
    /// A directory of files that vouch for evidence.
    pub folder: Option<PathBuf>,
    /// Whether vendors are asked for what neither agents nor the folder bring.
    pub fetch: bool,
    /// AMD's key distribution service.
    pub amd_url: String,
    /// Intel's provisioning certification service, or a cache that speaks like it.
    pub intel_url: String,
    /// The whole URL of the list of Intel's root.
    pub intel_root_crl_url: String,
    /// Which round of evaluation Intel is asked for: `standard` or `early`.
    pub intel_update: Update,
    /// The metadata service of an Azure guest that this runs in, which has that guest's own certificates.
    pub azure_thim_url: Option<String>,
    /// NVIDIA's RIM service, or one that speaks like it.
    pub nvidia_rim_url: String,
    /// The whole URL of NVIDIA's OCSP responder.
    pub nvidia_ocsp_url: String,
    /// Where token issuers have their keys, if elsewhere than where they publish them: whole URLs by name.
    pub keys_urls: KeySets,
    /// How long a vendor may take for one answer.
    pub timeout_seconds: u64,
    /// Lets vendors be asked without TLS.
    pub insecure_http: bool,
}

impl Default for Endorsements {
    fn default() -> Self {
        let Places { amd, intel, intel_root_crl, intel_update, azure_thim, nvidia_rim, nvidia_ocsp, key_sets } =
            Places::default();
        Self {
            folder: None,
            fetch: true,
            amd_url: amd,
            intel_url: intel,
            intel_root_crl_url: intel_root_crl,
            intel_update,
            azure_thim_url: azure_thim,
            nvidia_rim_url: nvidia_rim,
            nvidia_ocsp_url: nvidia_ocsp,
            keys_urls: key_sets,
            timeout_seconds: 8,
            insecure_http: false,
        }
    }
}

impl Endorsements {
    /// Where vendors are.
    #[must_use]
    pub fn places(&self) -> Places {
        Places {
            amd: self.amd_url.clone(),
            intel: self.intel_url.clone(),
            intel_root_crl: self.intel_root_crl_url.clone(),
            intel_update: self.intel_update,
            azure_thim: self.azure_thim_url.clone(),
            nvidia_rim: self.nvidia_rim_url.clone(),
            nvidia_ocsp: self.nvidia_ocsp_url.clone(),
            key_sets: self.keys_urls.clone(),
        }
    }

    /// Refuses what makes no sense together. Azure's metadata service speaks no TLS, and is reached over no network.
    fn check(&self) -> Result<(), &'static str> {
        let is_safe = |url: &String| url.starts_with("https://") || (self.insecure_http && url.starts_with("http://"));
        let vendors =
            [&self.amd_url, &self.intel_url, &self.intel_root_crl_url, &self.nvidia_rim_url, &self.nvidia_ocsp_url];
        if !vendors.into_iter().chain(self.keys_urls.urls()).all(is_safe) {
            return Err("endorsements: URLs of vendors are https, or insecure_http = true");
        }
        let is_local = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if self.azure_thim_url.as_ref().is_some_and(|url| !is_local(url)) {
            return Err("endorsements.azure_thim_url: http://169.254.169.254, or what stands in its place");
        }
        if self.timeout_seconds == 0 {
            return Err("endorsements.timeout_seconds: at least 1");
        }
        Ok(())
    }
}

/// What a client may use up. Times are in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// For the head of a request.
    pub head_seconds: u64,
    /// For the body of a request.
    pub body_seconds: u64,
    /// For the answer to be made.
    pub answer_seconds: u64,
    /// How long an idle connection is kept.
    pub keep_alive_seconds: u64,
    /// Requests a second from one address (one /64 of IPv6), on average; 0 turns the limit off.
    pub rate_per_second: u32,
    /// Requests from one address at once.
    pub rate_burst: u32,
    /// How long requests in flight are waited for when the service stops.
    pub shutdown_seconds: u64,
    /// Threads that serve; 0 is one for each core.
    pub workers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_seconds: 5,
            body_seconds: 30,
            answer_seconds: 30,
            keep_alive_seconds: 15,
            rate_per_second: 200,
            rate_burst: 1000,
            shutdown_seconds: 20,
            workers: 0,
        }
    }
}

/// An issuer of OpenID Connect tokens, and what its tokens allow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// `iss`, exactly.
    pub issuer: String,
    /// `aud`, which must be or contain this.
    pub audience: String,
    /// Where its keys are.
    pub jwks_url: String,
    /// Lets the keys be fetched without TLS.
    #[serde(default)]
    pub insecure_jwks_http: bool,
    /// The signature algorithms that are accepted; none with a shared secret.
    pub algorithms: Vec<Algorithm>,
    /// The project that its tokens are for; `*` for all.
    pub project: String,
    /// The claim whose values are mapped to roles: a string, or an array of strings.
    pub roles_claim: String,
    /// Value of that claim → role. Other values mean nothing.
    pub roles: std::collections::BTreeMap<String, Role>,
}

impl Config {
    /// Where `name` is in the data directory.
    #[must_use]
    pub fn data_file(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// The database's URL.
    #[must_use]
    pub fn database_url(&self) -> Secret {
        let default = || Secret(format!("sqlite:{}", self.data_file("prooftrail.db").display()));
        self.database.clone().unwrap_or_else(default)
    }

    /// Whether a fresh start may make what is missing at `path`: only what is in its default place.
    #[must_use]
    pub fn key_file(&self, configured: Option<&Path>, name: &str) -> (PathBuf, bool) {
        configured.map_or_else(|| (self.data_file(name), true), |path| (path.to_owned(), false))
    }

    /// Refuses what fits its types and makes no sense together.
    fn check(&self) -> Result<(), &'static str> {
        if self.tls.is_none() && !self.insecure_plaintext && !self.listen.ip().is_loopback() {
            return Err(
                "listen: without TLS only a loopback address is bound; set [tls], or insecure_plaintext = true",
            );
        }
        let Limits { connections, head_seconds, body_seconds, answer_seconds, rate_per_second, rate_burst, .. } =
            self.limits;
        if [head_seconds, body_seconds, answer_seconds].contains(&0) || connections == 0 {
            return Err("limits: connections and timeouts are at least 1");
        }
        if rate_per_second > 0 && rate_burst == 0 {
            return Err("limits.rate_burst: at least 1");
        }
        self.endorsements.check()?;
        for issuer in &self.oidc {
            let is_shared = |one: &Algorithm| matches!(one, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
            if issuer.algorithms.is_empty() || issuer.algorithms.iter().any(is_shared) {
                return Err("oidc.algorithms: at least one, and none with a shared secret (HS…)");
            }
            if !issuer.jwks_url.starts_with("https://") && !issuer.insecure_jwks_http {
                return Err("oidc.jwks_url: https, or insecure_jwks_http = true");
            }
            if issuer.issuer.is_empty() || issuer.audience.is_empty() {
                return Err("oidc: issuer and audience say who is believed; neither may be empty");
            }
        }
        Ok(())
    }
}

impl Limits {
    /// [`Limits::body_seconds`].
    #[must_use]
    pub const fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    /// [`Limits::answer_seconds`].
    #[must_use]
    pub const fn answer_timeout(&self) -> Duration {
        Duration::from_secs(self.answer_seconds)
    }
}
