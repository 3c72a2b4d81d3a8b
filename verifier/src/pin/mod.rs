//! Reference values from build artefacts: what evidence will say of a workload, computed before it runs and without its
//! hardware. Files come in, measurements go out, ready for a policy.
//!
//! [`eif`] measures enclave images of AWS Nitro, [`snp`] computes launch digests of SEV-SNP guests.

pub mod eif;
mod reference;
pub mod snp;
