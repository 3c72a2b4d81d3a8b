//! AWS Nitro enclaves: the Nitro Secure Module signs all three values.

use prooftrail_devices::nsm;
use prooftrail_protocol::KindValue;
use prooftrail_result::Kind;

use super::{CollectError, Collector, device_error};

/// The Nitro Secure Module of an enclave.
pub(super) struct Nitro;

impl Collector for Nitro {
    fn kind(&self) -> Kind {
        Kind::AwsNitro
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::NitroFields { nonce, public_key, user_data } = value else {
            return Err(CollectError::Value(self.kind()));
        };
        nsm::attest(&nonce.0, public_key, user_data).map_err(device_error(self.kind()))
    }
}
