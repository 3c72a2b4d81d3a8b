//! NVIDIA's Remote Attestation Service: its key, with or without a certificate of its authority, and its answers about GPUs and
//! switches, with the members of genuine ones.
//!
//! ```
//! use prooftrail_simulator::nras::Service;
//!
//! let service = Service::new("example", 1_780_315_200);
//! let mut answer = service.answer(&[7; 32], &["GPU-0", "GPU-1"]);
//! answer.devices[1].token.payload.set("measres", "fail");
//! assert!(answer.build().starts_with(b"[[\"JWT\","));
//! ```

mod answer;
mod service;

pub use answer::{Answer, Device};
pub use service::{ClaimsVersion, Service};
