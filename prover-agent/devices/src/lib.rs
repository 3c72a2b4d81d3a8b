//! What the agent asks of devices and of the kernel where the compiler cannot check it: the one crate with `unsafe`, a few
//! lines per leaf, so that all of it can be read at once. docs/not-run.md lists the leaves that need a real device, and
//! what would exercise them.

pub mod namespaces;
pub mod nsm;
pub mod nvml;
pub mod sev_guest;
pub mod tdx_guest;
pub mod tpm;
