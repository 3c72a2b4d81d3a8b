//! A simulated Intel: its certification authorities, platforms with a quoting enclave, and the provisioning service that
//! signs collateral, in the formats that Intel publishes (SGX PCK Certificate and CRL Profile Specification, sgx_quote_3.h
//! to sgx_quote_5.h, PCS API v4) and with the details of genuine files (certificate serials of 20 bytes, a chain in PEM
//! with a NUL behind it, CRLs with CRLNumber 1, zero padding).
//!
//! A seed and a time come in; quotes and collateral, which belong together, go out:
//!
//! ```
//! use prooftrail_simulator::intel::Vendor;
//!
//! let vendor = Vendor::new("example", 1_780_315_200);
//! let mut quote = vendor.td_quote();
//! quote.td_mut().report_data = [7; 64];
//! let (quote, collateral) = (quote.build(), vendor.tdx_collateral().build());
//! assert!(quote.len() > 4_000 && collateral.starts_with(b"{"));
//! ```

mod collateral;
mod documents;
mod pck;
mod quote;
mod report;
mod vendor;

pub use collateral::{Collateral, DocumentSigning};
pub use documents::{ModuleSpec, QeIdentitySpec, SvnLevelSpec, TcbInfoSpec, TcbLevelSpec};
pub use pck::{EXTENSION, PckExtensionSpec};
pub(crate) use quote::pem;
pub use quote::{Body, Quote};
pub use report::{EnclaveReport, ExtendedTd, Td, Td15};
pub use vendor::Vendor;
