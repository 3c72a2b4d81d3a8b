//! Azure's confidential virtual machines: a paravisor with a virtual TPM on simulated hardware of AMD or Intel, and what a guest
//! reads there, in the layout of genuine reports and the JSON of Confidential Containers' Trustee.
//!
//! ```
//! use prooftrail_simulator::azure::Machine;
//!
//! let mut machine = Machine::snp("example", 1_780_315_200);
//! machine.quote.extra_data = b"challenge".to_vec();
//! let (evidence, endorsements) = (machine.evidence(), machine.endorsements());
//! assert!(evidence.starts_with(b"{") && endorsements.len() == 1);
//! ```

mod hcl_report;
mod key;
mod machine;
mod quote;
mod runtime_data;

pub use hcl_report::HclReport;
pub use key::AttestationKey;
pub use machine::{Hardware, Machine, Spelling};
pub use quote::{Quote, SignatureForm};
pub use runtime_data::{JsonWebKey, RuntimeData};
