//! Microsoft Azure Attestation: a provider that runs in an enclave, its key set, and its tokens about guests and enclaves, with
//! the members of genuine ones.
//!
//! ```
//! use prooftrail_simulator::{azure::Machine, maa::Provider};
//!
//! let provider = Provider::new("example", 1_780_315_200);
//! let mut token = provider.guest_token(&Machine::snp("example", 1_780_315_200));
//! token.payload.set("x-ms-isolation-tee/x-ms-sevsnpvm-is-debuggable", true);
//! assert_eq!(token.build().split('.').count(), 3);
//! ```

mod claims;
mod provider;

pub use provider::Provider;
