//! Simulated NVIDIA devices: GPUs and NVSwitches with their certificates, reports in both generations of the opaque data, and
//! whole machines in Protected PCIe mode.
//!
//! A seed and a number come in; a [`Device`] makes a [`Report`] for a nonce, whose public fields say everything about it
//! before it is built. Devices of one seed have one root.

mod certificates;
mod device;
mod envelope;
mod machine;
mod opaque;
mod report;

pub use certificates::{COMPOSITE_DEVICE_ID, TCB_INFO, composite_device_id, tcb_info};
pub use device::{Chip, Device, pem};
pub use envelope::{List, ListEntry};
pub use machine::Machine;
pub use opaque::{Header, Opaque, OpaqueEntry, entry, value_type};
pub use report::{Block, Report};
