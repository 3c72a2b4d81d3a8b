//! The names of Intel's certificates (Intel SGX PCK Certificate and CRL Profile Specification, section 1.3; PCS API v4).
//! One root issues certificates for several purposes under one profile: what each is for stands in its common name.

use prooftrail_result::{Reason, ReasonCode};

use x509_cert::name::Name;

use crate::x509::common_name;

/// The CA for platforms with several processors.
pub(super) const PLATFORM_CA: &str = "Intel SGX PCK Platform CA";
/// The CA for single processors.
pub(super) const PROCESSOR_CA: &str = "Intel SGX PCK Processor CA";
/// The certificate of a platform's key.
pub(super) const PCK: &str = "Intel SGX PCK Certificate";
/// The signer of collateral.
pub(super) const TCB_SIGNING: &str = "Intel SGX TCB Signing";

/// Checks that a certificate is for a purpose, and says for which.
pub(super) fn check<'n>(subject: &Name, position: &str, allowed: &[&'n str]) -> Result<&'n str, Reason> {
    let name = common_name(subject);
    allowed.iter().copied().find(|allowed| name.as_deref() == Some(*allowed)).ok_or_else(|| {
        Reason::new(ReasonCode::ChainName, format!("{position} is a certificate for another purpose"))
            .have(name.as_deref().unwrap_or("no common name"))
            .need(allowed.join(" or "))
    })
}
