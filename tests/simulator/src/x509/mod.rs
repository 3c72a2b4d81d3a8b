//! Builds X.509 certificates and CRLs (RFC 5280), right or wrong. A specification with public fields comes in, DER goes
//! out. What a field leaves at `None` follows from the key, the issuer or the rest of the specification.

mod certificate;
mod crl;
mod extension;
mod name;
pub mod oid;
mod signing;

pub use certificate::CertificateSpec;
pub use crl::{CrlSpec, RevokedCertificate};
pub use extension::{Extension, ExtensionValue, KeyUsage};
pub use name::{Attribute, AttributeString, Name};
pub use signing::{Algorithm, Signing};
