//! The bits of POLICY and PLATFORM_INFO (AMD 56860, tables 10 and 24), each with its claim.

use prooftrail_result::claims::{ClaimId, Claims, snp};

/// POLICY. Each says what the guest's owner allows, or demands of the platform.
const POLICY: &[(u32, ClaimId)] = &[
    (16, snp::POLICY_SMT_ALLOWED),
    (18, snp::POLICY_MIGRATE_MA_ALLOWED),
    (19, snp::POLICY_DEBUG_ALLOWED),
    (20, snp::POLICY_SINGLE_SOCKET_REQUIRED),
    (21, snp::POLICY_CXL_ALLOWED),
    (22, snp::POLICY_MEM_AES256_XTS_REQUIRED),
    (23, snp::POLICY_RAPL_DISABLED_REQUIRED),
    (24, snp::POLICY_CIPHERTEXT_HIDING_REQUIRED),
    (25, snp::POLICY_PAGE_SWAP_DISABLED_REQUIRED),
];

/// The bit of POLICY that lets the host read the guest's memory.
pub(super) const POLICY_DEBUG: u32 = 19;

/// PLATFORM_INFO, each with the first report version whose firmware surely knows it. Earlier, a bit that is clear says
/// nothing; one that is set always says what it says.
const PLATFORM_INFO: &[(u32, u32, ClaimId)] = &[
    (0, 2, snp::PLATFORM_SMT_ENABLED),
    (1, 2, snp::PLATFORM_TSME_ENABLED),
    (2, 3, snp::PLATFORM_ECC_ENABLED),
    (3, 3, snp::PLATFORM_RAPL_DISABLED),
    (4, 3, snp::PLATFORM_CIPHERTEXT_HIDING_ENABLED),
    (5, 3, snp::PLATFORM_ALIAS_CHECK_COMPLETE),
    (6, 5, snp::PLATFORM_IOMMU_WRITE_SAFE),
    (7, 5, snp::PLATFORM_SEV_TIO_ENABLED),
];

/// Whether a bit is set.
pub(super) const fn is_set(mask: u64, bit: u32) -> bool {
    mask >> bit & 1 == 1
}

/// Claims the bits of POLICY.
pub(super) fn claim_policy(claims: &mut Claims, policy: u64) {
    for &(bit, claim) in POLICY {
        claims.insert(claim, is_set(policy, bit));
    }
}

/// Claims the bits of PLATFORM_INFO that a report of that version defines.
pub(super) fn claim_platform_info(claims: &mut Claims, platform_info: u64, version: u32) {
    for &(bit, since, claim) in PLATFORM_INFO {
        let value = is_set(platform_info, bit);
        if value || version >= since {
            claims.insert(claim, value);
        }
    }
}
