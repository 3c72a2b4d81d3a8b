//! Simulated TEEs that make evidence in the real wire formats, under roots of their own, for tests and the demo.
//!
//! What comes in is a seed and a time; what goes out are the bytes that hardware would have made. The same calls give
//! the same bytes: keys come from the seed, signatures are RFC 6979, and nothing reads a clock or asks for chance.
//! Nothing here parses, and no offset, type or constant is shared with the verifier: the writers below are a second
//! opinion on the formats.
//!
//! [`nitro::Hypervisor`] issues a [`nitro::Document`], whose public fields say everything about it before it is built.
//! Untouched, it has the shape of a genuine document; a test turns the one knob that it is about:
//!
//! ```
//! use prooftrail_simulator::{cbor::Item, nitro::Hypervisor, x509::{Extension, oid}};
//!
//! let hypervisor = Hypervisor::new("example").region("eu-west-1");
//! let genuine = hypervisor.document(1_780_315_200_000).nonce(b"fresh").build();
//!
//! let mut document = hypervisor.document(1_780_315_200_000);
//! document.payload.set("digest", Item::from("SHA256"));                           // a field of another value
//! document.chain[3].set_extension(Extension::basic_constraints(false, None));     // an issuer that is no CA
//! document.chain[1].extension_mut(oid::KEY_USAGE).critical = false;
//! document.envelope.tag = Some(18);
//! assert_ne!(document.build(), genuine);
//! ```
//!
//! [`snp::Platform`] does the same for SEV-SNP: it makes a [`snp::Report`], the certificates of the key that signs it, and
//! the revocation list of its root. [`azure::Machine`] is a virtual machine on either vendor's hardware, with a paravisor and
//! a virtual TPM. [`nvidia::Device`] is a GPU or an NVSwitch, and [`nvidia::Machine`] a whole machine of them;
//! [`nvidia_rim::Authority`] signs reference values as NVIDIA does, and [`ocsp::ResponseSpec`] is what a responder says of a
//! certificate. [`gce::Signer`] endorses builds of a cloud's firmware. [`maa::Provider`] and
//! [`nras::Service`] issue tokens, with key sets of their own, [`google::Verifier`] and
//! [`trust_authority::Service`] under roots of their own. [`vendors::Vendors`] serves
//! certificates, lists and collateral over HTTP, as AMD's key server and Intel's
//! provisioning service do.

pub mod azure;
pub mod cbor;
pub mod der;
pub mod edit;
pub mod gce;
pub mod google;
pub mod intel;
pub mod jose;
pub mod key;
pub mod maa;
pub mod nitro;
pub mod nras;
pub mod nvidia;
pub mod nvidia_rim;
pub mod ocsp;
pub mod snp;
pub mod trust_authority;
pub mod vendors;
pub mod x509;

mod base64;
mod derive;
mod manifest;
mod rsa;
