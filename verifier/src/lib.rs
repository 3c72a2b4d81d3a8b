//! The service and the command line: all I/O of Prooftrail lives here, around the pure crates.
//!
//! [`cli`] is the way in; [`pin`] measures build artefacts; [`issuers`] is the bounded cache that verifications share;
//! [`store`] keeps what the service remembers, [`secrets`] encrypts what of it must not be read there; [`log`] is the
//! ledger, [`archive`] keeps what its entries commit to; [`service`] is HTTP in front of them. [`endorsements`] fetches what evidence does
//! not bring.

pub mod archive;
pub mod cli;
pub mod endorsements;
pub mod issuers;
pub mod log;
pub mod pin;
pub mod secrets;
pub mod service;
pub mod store;
