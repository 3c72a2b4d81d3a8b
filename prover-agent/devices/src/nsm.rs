//! The Nitro Secure Module: `/dev/nsm` inside an AWS Nitro enclave, through AWS's own crate.
//!
//! Needs the real device (or QEMU's emulation of it): docs/not-run.md.

use std::path::Path;

use aws_nitro_enclaves_nsm_api::{
    api::{Request, Response},
    driver,
};
use thiserror::Error;

/// Where the driver puts the device.
pub const DEVICE: &str = "/dev/nsm";

/// Why the module gave no document.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum NsmError {
    /// No device, or no right to open it.
    #[error("{DEVICE} cannot be opened")]
    NoDevice,
    /// The module refused.
    #[error("the Nitro Secure Module answered {0}")]
    Refused(String),
    /// The module answered something else than a document.
    #[error("the Nitro Secure Module answered something else than a document")]
    Unexpected,
}

/// The open device, closed when dropped.
struct Session(i32);

impl Drop for Session {
    fn drop(&mut self) {
        driver::nsm_exit(self.0);
    }
}

/// Is there such a device?
#[must_use]
pub fn is_present() -> bool {
    Path::new(DEVICE).exists()
}

/// An attestation document (COSE_Sign1) over the three values.
///
/// # Errors
/// No device; the module refused.
pub fn attest(nonce: &[u8], public_key: &[u8], user_data: &[u8]) -> Result<Vec<u8>, NsmError> {
    let session = Session(driver::nsm_init());
    if session.0 < 0 {
        return Err(NsmError::NoDevice);
    }
    let request = Request::Attestation {
        user_data: Some(user_data.to_vec().into()),
        nonce: Some(nonce.to_vec().into()),
        public_key: Some(public_key.to_vec().into()),
    };
    match driver::nsm_process_request(session.0, request) {
        Response::Attestation { document } => Ok(document),
        Response::Error(code) => Err(NsmError::Refused(format!("{code:?}"))),
        _ => Err(NsmError::Unexpected),
    }
}

#[cfg(test)]
mod tests {
    use super::{NsmError, attest, is_present};

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that cannot run says so")]
    fn a_machine_without_the_module_says_so() {
        if is_present() {
            println!("skipped: this machine has a Nitro Secure Module");
            return;
        }
        assert_eq!(attest(b"nonce", b"key", b"data"), Err(NsmError::NoDevice));
    }
}
