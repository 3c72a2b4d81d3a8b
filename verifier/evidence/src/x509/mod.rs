//! X.509 for every vendor: one chain engine, one profile per vendor.
//!
//! A chain is checked twice by parsers that share no code: a strict linear pre-check ([`certificate`], [`profile`])
//! decides shape, names, dates and the precise reason; then webpki ([`path`]) verifies signatures, dates and CRLs with
//! only the profile's algorithms, and must have walked exactly the path that was supplied.

pub(crate) mod alone;
mod certificate;
mod chain;
mod crl;
mod issuers;
mod outline;
mod path;
mod profile;
mod remembered;

pub(crate) use certificate::{Certificate, KeyType, PublicKey, common_name};
pub(crate) use chain::{Chain, Remembered, verify};
pub use crl::Crl;
pub use issuers::{NoIssuers, PathId, SignatureId, VerifiedCertificate, VerifiedIssuers};
pub(crate) use issuers::{Revocation, claim_revocation};
pub(crate) use outline::Outline;
pub(crate) use profile::Profile;
