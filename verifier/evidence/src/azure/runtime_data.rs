//! The runtime data of Azure's paravisor: JSON whose hash the hardware signs, with the virtual TPM's keys and what the virtual
//! machine was configured with.
//!
//! In: the verbatim bytes. Out: [`RuntimeData`]. Keys that are not known here are signed and not read, since the paravisor
//! gains new ones; those that are known have their type, and none stands twice.

use prooftrail_result::{Reason, ReasonCode};
use serde::Deserialize;

use super::attestation_key::AttestationKey;
use crate::json::{self, JsonError};

/// The id of the key that signs quotes (TPM handle 0x81000003).
const ATTESTATION_KEY_ID: &str = "HCLAkPub";
/// What the guest may put into the report, by the NV index 0x01400002.
const USER_DATA_BYTES: usize = 64;
/// More characters than any text has that is claimed.
const MAX_TEXT_CHARS: usize = 128;

/// What is read of them.
#[derive(Clone, Debug)]
pub(super) struct RuntimeData {
    pub(super) attestation_key: AttestationKey,
    pub(super) vm: VmConfiguration,
    /// What the guest put there; older paravisors have no place for it.
    pub(super) user_data: Option<[u8; USER_DATA_BYTES]>,
}

/// What the virtual machine was configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct VmConfiguration {
    pub(super) console_enabled: Option<bool>,
    pub(super) root_cert_thumbprint: Option<String>,
    pub(super) secure_boot: Option<bool>,
    pub(super) tpm_enabled: Option<bool>,
    pub(super) tpm_persisted: Option<bool>,
    #[serde(rename = "vmUniqueId")]
    pub(super) vm_unique_id: Option<String>,
}

#[derive(Deserialize)]
struct Text {
    keys: Vec<Key>,
    #[serde(rename = "vm-configuration")]
    vm_configuration: VmConfiguration,
    #[serde(rename = "user-data")]
    user_data: Option<String>,
}

/// A JSON Web Key (RFC 7517), as far as it is read.
#[derive(Deserialize)]
struct Key {
    kid: String,
    kty: String,
    n: Option<String>,
    e: Option<String>,
}

impl RuntimeData {
    /// Reads runtime data.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Reason> {
        let Text { keys, vm_configuration: vm, user_data } = json::read(bytes).map_err(|error| match error {
            JsonError::DuplicateKey(why) | JsonError::Malformed(why) | JsonError::Shape(why) => malformed(&why),
        })?;
        let texts = [&vm.root_cert_thumbprint, &vm.vm_unique_id];
        if texts.into_iter().flatten().any(|text| text.is_empty() || text.chars().count() > MAX_TEXT_CHARS) {
            return Err(malformed("a text of the configuration is empty or too long"));
        }
        let user_data = user_data.map(|text| {
            let mut bytes = [0; USER_DATA_BYTES];
            match hex::decode_to_slice(text, &mut bytes) {
                Ok(()) => Ok(bytes),
                Err(_) => Err(malformed("the user data are not 64 bytes in hex")),
            }
        });
        let mut named = keys.iter().filter(|key| key.kid == ATTESTATION_KEY_ID);
        let attestation_key = match (named.next(), named.next()) {
            (Some(Key { kty, n: Some(n), e: Some(e), .. }), None) if kty == "RSA" => AttestationKey::read(n, e)?,
            _ => return Err(ReasonCode::AzureAttestationKey.into()),
        };
        Ok(Self { attestation_key, vm, user_data: user_data.transpose()? })
    }
}

fn malformed(why: &str) -> Reason {
    Reason::new(ReasonCode::AzureRuntimeData, format!("the runtime data cannot be read: {why}"))
}
