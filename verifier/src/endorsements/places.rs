//! Where vendors have what. In: base URLs, and what is wanted; out: the questions to ask, in order. AMD 57230 (KDS);
//! Intel SGX and TDX Provisioning Certification Service API, version 4, which caches inside data centres (PCCS) speak as
//! well; Azure's THIM; NVIDIA's RIM service and its OCSP responder (RFC 6960, appendix A); the key sets of token issuers.

use std::collections::BTreeMap;

use prooftrail_evidence::{AmdTcb, Tee, TokenIssuer, Wanted};
use serde::Deserialize;

/// AMD's key distribution service.
pub const AMD: &str = "https://kdsintf.amd.com";
/// Intel's provisioning certification service.
pub const INTEL: &str = "https://api.trustedservices.intel.com";
/// The list of Intel's root, where its certificates point to.
pub const INTEL_ROOT_CRL: &str = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

/// NVIDIA's RIM service.
pub const NVIDIA_RIM: &str = "https://rim.attestation.nvidia.com";
/// NVIDIA's OCSP responder.
pub const NVIDIA_OCSP: &str = "https://ocsp.ndis.nvidia.com";

/// No certificate, and no chain of them, has more bytes.
const MAX_CERTIFICATES: usize = 64 << 10;
/// No document of Intel's has more bytes; they have some kilobytes.
const MAX_DOCUMENT: usize = 512 << 10;
/// No answer of NVIDIA's RIM service has more bytes; they have some 30 kilobytes.
const MAX_RIM: usize = 2 << 20;
/// No answer of a responder has more bytes; they have some two kilobytes.
const MAX_STATUS: usize = 64 << 10;
/// No key set has more bytes, with what is added to say whose it is; the largest has some 80 kilobytes.
const MAX_KEY_SET: usize = 255 << 10;
/// No list has more bytes: with 40 bytes an entry, some 50,000 of them.
const MAX_LIST: usize = 2 << 20;

/// Which of Intel's rounds of evaluation is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Update {
    /// The one that Intel has all platforms meet: it may lag a recovery event by more than a year.
    #[default]
    Standard,
    /// The newest.
    Early,
}

impl Update {
    /// As Intel's service spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Early => "early",
        }
    }
}

/// Where vendors are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Places {
    /// AMD's service, or one that speaks like it.
    pub amd: String,
    /// Intel's service, or a cache of it.
    pub intel: String,
    /// The whole URL of the list of Intel's root.
    pub intel_root_crl: String,
    /// Which round of evaluation.
    pub intel_update: Update,
    /// Azure's cache of certificates of the machine that this runs on: asked first, where there is one.
    pub azure_thim: Option<String>,
    /// NVIDIA's RIM service, or one that speaks like it.
    pub nvidia_rim: String,
    /// The whole URL of NVIDIA's responder.
    pub nvidia_ocsp: String,
    /// Where token issuers have their keys, if elsewhere than where they publish them.
    pub key_sets: KeySets,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            amd: AMD.to_owned(),
            intel: INTEL.to_owned(),
            intel_root_crl: INTEL_ROOT_CRL.to_owned(),
            intel_update: Update::default(),
            azure_thim: None,
            nvidia_rim: NVIDIA_RIM.to_owned(),
            nvidia_ocsp: NVIDIA_OCSP.to_owned(),
            key_sets: KeySets::default(),
        }
    }
}

/// Where token issuers have their keys that have them elsewhere than where they publish them: whole URLs by names such as
/// `nvidia-nras-keys`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct KeySets(BTreeMap<TokenIssuer, String>);

impl KeySets {
    /// The URL of an issuer's keys.
    fn url(&self, issuer: &TokenIssuer) -> String {
        self.0.get(issuer).cloned().unwrap_or_else(|| issuer.key_set_url())
    }

    /// Every URL that is named here.
    pub fn urls(&self) -> impl Iterator<Item = &String> {
        self.0.values()
    }
}

impl TryFrom<BTreeMap<String, String>> for KeySets {
    type Error = String;

    fn try_from(named: BTreeMap<String, String>) -> Result<Self, String> {
        named.into_iter().collect::<Vec<_>>().try_into()
    }
}

impl TryFrom<Vec<(String, String)>> for KeySets {
    type Error = String;

    fn try_from(named: Vec<(String, String)>) -> Result<Self, String> {
        let read = named.into_iter().map(|(name, url)| match name.parse() {
            Ok(Wanted::KeySet { issuer }) => Ok((issuer, url)),
            _ => Err(format!("{name}: no name of a token issuer's keys, such as nvidia-nras-keys")),
        });
        read.collect::<Result<_, _>>().map(Self)
    }
}

/// What an answer looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// A certificate, or several in PEM.
    Certificates,
    /// A list.
    List,
    /// A list, with its issuer in a header.
    ListWithIssuer,
    /// A document, with its signer in a header.
    Document,
    /// Azure's JSON, of which the chip's certificate is wanted.
    ThimLeaf,
    /// Azure's JSON, of which the CAs are wanted.
    ThimChain,
    /// NVIDIA's JSON around a RIM.
    Rim,
    /// An OCSP response, to a question that is posted.
    Status,
    /// The keys of a token issuer.
    KeySet,
}

/// A question to a vendor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// Where.
    pub url: String,
    /// What the answer looks like.
    pub form: Form,
    /// The most bytes that the answer may have.
    pub max: usize,
}

impl Places {
    /// The questions for something, the first that is answered being enough.
    #[must_use]
    pub fn questions(&self, wanted: &Wanted) -> Vec<Question> {
        let amd = self.amd.trim_end_matches('/');
        let pcs = |tee: Tee| format!("{}/{}/certification/v4", self.intel.trim_end_matches('/'), tee_path(tee));
        let update = self.intel_update.as_str();
        let (url, form, max) = match wanted {
            Wanted::AmdVcek { product, chip_id, tcb } => {
                let (line, chip, levels) = (product.as_str(), hex::encode(chip_id), levels(tcb));
                (format!("{amd}/vcek/v1/{line}/{chip}?{levels}"), Form::Certificates, MAX_CERTIFICATES)
            }
            Wanted::AmdCaChain { product, key } => {
                let line = product.as_str();
                (format!("{amd}/{key}/v1/{line}/cert_chain"), Form::Certificates, MAX_CERTIFICATES)
            }
            Wanted::AmdCrl { product, key } => {
                (format!("{amd}/{key}/v1/{}/crl", product.as_str()), Form::List, MAX_LIST)
            }
            Wanted::IntelTcbInfo { tee, fmspc } => {
                let (base, fmspc) = (pcs(*tee), hex::encode_upper(fmspc));
                (format!("{base}/tcb?fmspc={fmspc}&update={update}"), Form::Document, MAX_DOCUMENT)
            }
            Wanted::IntelQeIdentity { tee } => {
                (format!("{}/qe/identity?update={update}", pcs(*tee)), Form::Document, MAX_DOCUMENT)
            }
            Wanted::IntelPckCrl { ca } => {
                (format!("{}/pckcrl?ca={ca}&encoding=der", pcs(Tee::Sgx)), Form::ListWithIssuer, MAX_LIST)
            }
            Wanted::IntelRootCrl => (self.intel_root_crl.clone(), Form::List, MAX_LIST),
            Wanted::NvidiaRim { id } => {
                (format!("{}/v1/rim/{id}", self.nvidia_rim.trim_end_matches('/')), Form::Rim, MAX_RIM)
            }
            Wanted::NvidiaStatus { .. } => (self.nvidia_ocsp.clone(), Form::Status, MAX_STATUS),
            Wanted::KeySet { issuer } => (self.key_sets.url(issuer), Form::KeySet, MAX_KEY_SET),
            // A kind of endorsement that this program does not know how to ask for.
            _ => return Vec::new(),
        };
        let thim = match wanted {
            Wanted::AmdVcek { .. } => Some(Form::ThimLeaf),
            Wanted::AmdCaChain { .. } => Some(Form::ThimChain),
            _ => None,
        };
        let thim = thim.and_then(|form| {
            let url = format!("{}/metadata/THIM/amd/certification", self.azure_thim.as_ref()?.trim_end_matches('/'));
            Some(Question { url, form, max: MAX_CERTIFICATES })
        });
        thim.into_iter().chain([Question { url, form, max }]).collect()
    }
}

const fn tee_path(tee: Tee) -> &'static str {
    match tee {
        Tee::Sgx => "sgx",
        Tee::Tdx => "tdx",
    }
}

/// The TCB version as the service's parameters, decimal, with two digits at least.
fn levels(tcb: &AmdTcb) -> String {
    let parameter = |(name, level): (&str, u8)| {
        let name = match name {
            "bootloader" => "bl",
            "microcode" => "ucode",
            other => other,
        };
        format!("{name}SPL={level:02}")
    };
    tcb.levels().map(parameter).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::{Form, KeySets, Places, Update};

    fn urls(places: &Places, name: &str) -> Vec<String> {
        let questions = places.questions(&name.parse().unwrap());
        questions.into_iter().map(|question| question.url).collect()
    }

    #[test]
    fn vendors_are_asked_as_their_documents_say() {
        let places = Places::default();
        let chip = "0f".repeat(64);
        for (name, url) in [
            (
                format!("amd-milan-vcek-{chip}-3.0.8.115"),
                format!("https://kdsintf.amd.com/vcek/v1/Milan/{chip}?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115"),
            ),
            (
                "amd-turin-vcek-0102030405060708-1.3.2.5.97".to_owned(),
                "https://kdsintf.amd.com/vcek/v1/Turin/0102030405060708?fmcSPL=01&blSPL=03&teeSPL=02&snpSPL=05&ucodeSPL=97"
                    .to_owned(),
            ),
            ("amd-genoa-vlek-chain".to_owned(), "https://kdsintf.amd.com/vlek/v1/Genoa/cert_chain".to_owned()),
            ("amd-genoa-vcek-crl".to_owned(), "https://kdsintf.amd.com/vcek/v1/Genoa/crl".to_owned()),
            (
                "intel-tdx-tcb-info-90c06f000000".to_owned(),
                "https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=90C06F000000&update=standard"
                    .to_owned(),
            ),
            (
                "intel-sgx-qe-identity".to_owned(),
                "https://api.trustedservices.intel.com/sgx/certification/v4/qe/identity?update=standard".to_owned(),
            ),
            (
                "intel-pck-platform-crl".to_owned(),
                "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=platform&encoding=der".to_owned(),
            ),
            (
                "intel-root-crl".to_owned(),
                "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der".to_owned(),
            ),
            (
                "nvidia-rim-NV_GPU_DRIVER_GH100_550.144.03".to_owned(),
                "https://rim.attestation.nvidia.com/v1/rim/NV_GPU_DRIVER_GH100_550.144.03".to_owned(),
            ),
            (
                format!("nvidia-status-{}-{}-01ab", "A".repeat(64), "A".repeat(64)),
                "https://ocsp.ndis.nvidia.com".to_owned(),
            ),
            (
                "google-confidential-space-keys".to_owned(),
                "https://www.googleapis.com/service_accounts/v1/metadata/jwk/\
                 signer@confidentialspace-sign.iam.gserviceaccount.com"
                    .to_owned(),
            ),
            ("azure-maa-keys-sharedweu.weu".to_owned(), "https://sharedweu.weu.attest.azure.net/certs".to_owned()),
            (
                "nvidia-nras-keys".to_owned(),
                "https://nras.attestation.nvidia.com/.well-known/jwks.json".to_owned(),
            ),
            (
                "intel-trust-authority-eu-keys".to_owned(),
                "https://portal.eu.trustauthority.intel.com/certs".to_owned(),
            ),
        ] {
            assert_eq!(urls(&places, &name), [url]);
        }
    }

    #[test]
    fn places_can_be_others() {
        let places = Places {
            intel: "https://pccs.example:8081/".to_owned(),
            intel_update: Update::Early,
            azure_thim: Some("http://169.254.169.254".to_owned()),
            ..Places::default()
        };
        assert_eq!(
            urls(&places, "intel-tdx-qe-identity"),
            ["https://pccs.example:8081/tdx/certification/v4/qe/identity?update=early"]
        );
        let questions = places.questions(&"amd-milan-vcek-chain".parse().unwrap());
        let asked: Vec<_> = questions.iter().map(|question| (question.url.as_str(), question.form)).collect();
        assert_eq!(
            asked,
            [
                ("http://169.254.169.254/metadata/THIM/amd/certification", Form::ThimChain),
                ("https://kdsintf.amd.com/vcek/v1/Milan/cert_chain", Form::Certificates),
            ]
        );
        assert_eq!(urls(&places, "amd-milan-vcek-crl").len(), 1, "Azure has no lists");
        let named = |name: &str| KeySets::try_from(vec![(name.to_owned(), "https://mirror.example/keys".to_owned())]);
        let places = Places { key_sets: named("azure-maa-keys-shared.weu").unwrap(), ..Places::default() };
        assert_eq!(urls(&places, "azure-maa-keys-shared.weu"), ["https://mirror.example/keys"]);
        assert_eq!(urls(&places, "azure-maa-keys-other.weu"), ["https://other.weu.attest.azure.net/certs"]);
        assert!(named("intel-root-crl").is_err() && named("google").is_err());
    }
}
