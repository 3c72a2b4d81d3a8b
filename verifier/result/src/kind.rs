//! Evidence kinds: the names by which the CLI, the API, policies and the ledger tell formats apart.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// What a piece of evidence claims to be. A kind decides which parser reads the bytes; nothing is guessed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Kind {
    /// AWS Nitro Enclaves attestation document (COSE_Sign1 with `pcrs`).
    AwsNitro,
    /// AWS NitroTPM attestation document (COSE_Sign1 with `nitrotpm_pcrs`).
    AwsNitroTpm,
    /// AMD SEV-SNP attestation report.
    AmdSevSnp,
    /// Intel TDX quote, version 4 or 5.
    IntelTdx,
    /// Intel SGX quote, version 3 to 5.
    IntelSgx,
    /// Azure confidential VM on SEV-SNP: vTPM quote with its hardware report.
    AzureSnpVtpm,
    /// Azure confidential VM on TDX: vTPM quote with its hardware quote.
    AzureTdxVtpm,
    /// NVIDIA GPU attestation report (SPDM measurements).
    NvidiaGpu,
    /// NVIDIA NVSwitch attestation report (SPDM measurements).
    NvidiaSwitch,
    /// Google Cloud Confidential Space token.
    GcpConfidentialSpace,
    /// Microsoft Azure Attestation token.
    AzureMaa,
    /// NVIDIA Remote Attestation Service token set.
    NvidiaNras,
    /// Intel Trust Authority token.
    IntelTrustAuthority,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::AwsNitro,
        Self::AwsNitroTpm,
        Self::AmdSevSnp,
        Self::IntelTdx,
        Self::IntelSgx,
        Self::AzureSnpVtpm,
        Self::AzureTdxVtpm,
        Self::NvidiaGpu,
        Self::NvidiaSwitch,
        Self::GcpConfidentialSpace,
        Self::AzureMaa,
        Self::NvidiaNras,
        Self::IntelTrustAuthority,
    ];

    /// The stable spelling, as in `--kind aws-nitro`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwsNitro => "aws-nitro",
            Self::AwsNitroTpm => "aws-nitrotpm",
            Self::AmdSevSnp => "amd-sev-snp",
            Self::IntelTdx => "intel-tdx",
            Self::IntelSgx => "intel-sgx",
            Self::AzureSnpVtpm => "azure-snp-vtpm",
            Self::AzureTdxVtpm => "azure-tdx-vtpm",
            Self::NvidiaGpu => "nvidia-gpu",
            Self::NvidiaSwitch => "nvidia-switch",
            Self::GcpConfidentialSpace => "gcp-confidential-space",
            Self::AzureMaa => "azure-maa",
            Self::NvidiaNras => "nvidia-nras",
            Self::IntelTrustAuthority => "intel-trust-authority",
        }
    }

    /// Whether the evidence speaks of the CPU side of a TEE (a set has exactly one such piece as its primary) or of a
    /// device attached to it.
    #[must_use]
    pub const fn is_device(self) -> bool {
        matches!(self, Self::NvidiaGpu | Self::NvidiaSwitch | Self::NvidiaNras)
    }

    /// Whether the evidence is an issuer's word, signed by no hardware. Beside hardware's evidence of the same machine the
    /// hardware speaks, and the token counts only where a fact links the two.
    #[must_use]
    pub const fn is_token(self) -> bool {
        matches!(self, Self::GcpConfidentialSpace | Self::AzureMaa | Self::NvidiaNras | Self::IntelTrustAuthority)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A name that is no evidence kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownKind(String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an evidence kind; known kinds:", self.0)?;
        Kind::ALL.iter().try_for_each(|kind| write!(f, " {kind}"))
    }
}

impl std::error::Error for UnknownKind {}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_name_reads_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("aws_nitro".parse::<Kind>().is_err());
    }
}
