//! The acceptance cases, run through the binary: every row of CASES.tsv, of the repository and of the folder that
//! `PROOFTRAIL_VECTORS` names, and every other file of that folder. docs/acceptance-cases.md describes the columns.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that fails fails its test"
)]

mod azure;
mod cases;
mod files;
mod intel;
mod peers;
mod policy;
mod snp;
mod vectors;
