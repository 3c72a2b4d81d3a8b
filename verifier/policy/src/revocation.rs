//! What a policy demands of revocation data, per vendor that publishes any: its defaults, its spelling, and which vendor
//! stands behind which kind of evidence. The modes themselves are the evidence crate's, so that a policy tells the
//! authentication directly what it demands.

use prooftrail_evidence::{Revocation, RevocationMode};
use prooftrail_result::Kind;

/// Required of the vendors that publish revocation for every chain. Amazon asks verifiers not to check its lists
/// (AWS Nitro Enclaves user guide, "Verifying the root of trust"), so they count where they are at hand.
pub(crate) const DEFAULT: Revocation = Revocation {
    amazon: RevocationMode::BestEffort,
    amd: RevocationMode::Required,
    intel: RevocationMode::Required,
    nvidia: RevocationMode::Required,
};

/// The spelling of a mode in policies.
pub(crate) const fn as_str(mode: RevocationMode) -> &'static str {
    match mode {
        RevocationMode::Required => "required",
        RevocationMode::BestEffort => "best-effort",
        RevocationMode::Off => "off",
    }
}

/// Every vendor by its key in policies, with its mode.
pub(crate) const fn by_vendor(revocation: Revocation) -> [(&'static str, RevocationMode); 4] {
    let Revocation { amazon, amd, intel, nvidia } = revocation;
    [("amazon", amazon), ("amd", amd), ("intel", intel), ("nvidia", nvidia)]
}

/// What is demanded for a kind of evidence. Google and Microsoft sign tokens with keys and publish no revocation;
/// a kind that this build does not know gets the strictest.
pub(crate) const fn for_kind(revocation: Revocation, kind: Kind) -> RevocationMode {
    match kind {
        Kind::AwsNitro | Kind::AwsNitroTpm => revocation.amazon,
        Kind::AmdSevSnp | Kind::AzureSnpVtpm => revocation.amd,
        Kind::IntelTdx | Kind::IntelSgx | Kind::AzureTdxVtpm | Kind::IntelTrustAuthority => revocation.intel,
        Kind::NvidiaGpu | Kind::NvidiaSwitch | Kind::NvidiaNras => revocation.nvidia,
        Kind::GcpConfidentialSpace | Kind::AzureMaa => RevocationMode::BestEffort,
        _ => RevocationMode::Required,
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_evidence::RevocationMode::{BestEffort, Required};
    use prooftrail_result::Kind;

    use super::{DEFAULT, for_kind};

    #[test]
    fn every_kind_has_its_vendor_s_mode() {
        for (kind, mode) in [
            (Kind::AwsNitro, BestEffort),
            (Kind::AwsNitroTpm, BestEffort),
            (Kind::AmdSevSnp, Required),
            (Kind::IntelTdx, Required),
            (Kind::IntelSgx, Required),
            (Kind::AzureSnpVtpm, Required),
            (Kind::AzureTdxVtpm, Required),
            (Kind::NvidiaGpu, Required),
            (Kind::NvidiaSwitch, Required),
            (Kind::GcpConfidentialSpace, BestEffort),
            (Kind::AzureMaa, BestEffort),
            (Kind::NvidiaNras, Required),
            (Kind::IntelTrustAuthority, Required),
        ] {
            assert_eq!(for_kind(DEFAULT, kind), mode, "{kind}");
        }
    }
}
