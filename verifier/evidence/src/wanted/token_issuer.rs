//! Issuers of tokens that publish the keys they sign with: under which names they issue, and where the keys are.
//!
//! In: a token, or a name. Out: [`TokenIssuer`]. The places are constants, or follow from a provider's name alone: what a token
//! says of where its keys are is compared with them and followed nowhere.

use super::Publisher;
use crate::{gcs, ita, jose::Algorithm, maa, nras};

/// An issuer that publishes its keys.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum TokenIssuer {
    /// Google, of Confidential Space's OIDC tokens. Its PKI tokens bring their chain.
    ConfidentialSpace,
    /// A provider of Microsoft Azure Attestation.
    AzureMaa {
        /// Its name and region, `sharedweu.weu`.
        provider: Box<str>,
    },
    /// NVIDIA's Remote Attestation Service.
    NvidiaNras,
    /// Intel Trust Authority.
    TrustAuthority,
    /// Intel Trust Authority in the European Union.
    TrustAuthorityEu,
}

impl TokenIssuer {
    /// Who publishes the keys.
    #[must_use]
    pub const fn publisher(&self) -> Publisher {
        match self {
            Self::ConfidentialSpace => Publisher::Google,
            Self::AzureMaa { .. } => Publisher::Microsoft,
            Self::NvidiaNras => Publisher::Nvidia,
            Self::TrustAuthority | Self::TrustAuthorityEu => Publisher::Intel,
        }
    }

    /// What its tokens call it: `iss`, for those of Azure Attestation without a slash at its end.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::ConfidentialSpace => vec![gcs::ISSUER.to_owned()],
            Self::AzureMaa { provider } => vec![maa::Issuer::url_of(provider)],
            Self::NvidiaNras => vec![nras::ISSUER_URL.to_owned()],
            Self::TrustAuthority => [ita::ISSUER, ita::PORTAL].map(str::to_owned).into(),
            Self::TrustAuthorityEu => [ita::ISSUER, ita::PORTAL_EU].map(str::to_owned).into(),
        }
    }

    /// Where it publishes its keys.
    #[must_use]
    pub fn key_set_url(&self) -> String {
        match self {
            Self::ConfidentialSpace => gcs::KEY_SET.to_owned(),
            Self::AzureMaa { provider } => maa::Issuer::key_source_of(&maa::Issuer::url_of(provider)),
            Self::NvidiaNras => nras::KEY_SOURCE.to_owned(),
            Self::TrustAuthority => ita::KEY_SET.to_owned(),
            Self::TrustAuthorityEu => ita::KEY_SET_EU.to_owned(),
        }
    }

    /// The algorithms that it signs with.
    pub(super) const fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::ConfidentialSpace => gcs::ALGORITHMS,
            Self::AzureMaa { .. } => maa::ALGORITHMS,
            Self::NvidiaNras => nras::ALGORITHMS,
            Self::TrustAuthority | Self::TrustAuthorityEu => ita::ALGORITHMS,
        }
    }
}
