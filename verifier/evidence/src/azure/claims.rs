//! What Azure evidence establishes beyond its hardware's report, by the names of docs/claims.md.

use prooftrail_result::claims::{Claims, Value, azure_vtpm, cross_vendor};

use super::{AzureEvidence, quote::Quote};
use crate::crypto::Crypto;

/// Claims what runtime data and quote say.
pub(super) fn claim(
    claims: &mut Claims,
    evidence: &AzureEvidence,
    quote: &Quote,
    registers: &[(u8, [u8; 32])],
    crypto: &dyn Crypto,
) {
    let vm = &evidence.runtime_data.vm;
    claims.insert_if(cross_vendor::INSTANCE, vm.vm_unique_id.as_deref());
    claims.insert_if(cross_vendor::SECURE_BOOT, vm.secure_boot);
    for (register, value) in registers {
        claims.insert(azure_vtpm::PCR.at(u16::from(*register)), value.as_slice());
    }
    claims.insert_if(azure_vtpm::VM_UNIQUE_ID, vm.vm_unique_id.as_deref());
    claims.insert_if(azure_vtpm::SECURE_BOOT, vm.secure_boot);
    claims.insert_if(azure_vtpm::TPM_ENABLED, vm.tpm_enabled);
    claims.insert_if(azure_vtpm::TPM_PERSISTED, vm.tpm_persisted);
    claims.insert_if(azure_vtpm::CONSOLE_ENABLED, vm.console_enabled);
    claims.insert_if(azure_vtpm::ROOT_CERT_THUMBPRINT, vm.root_cert_thumbprint.as_deref());
    claims.insert_if(azure_vtpm::USER_DATA, evidence.runtime_data.user_data.as_ref().map(<[u8; 64]>::as_slice));
    claims.insert(azure_vtpm::HCL_VERSION, u64::from(evidence.hcl_version));
    let key = crypto.sha256(&[&evidence.runtime_data.attestation_key.spki]);
    claims.insert(azure_vtpm::AK_SHA256, key.as_slice());
    claims.insert(azure_vtpm::FIRMWARE_VERSION, Value::Mask(quote.firmware_version));
    claims.insert(azure_vtpm::CLOCK, quote.clock.milliseconds);
    claims.insert(azure_vtpm::RESET_COUNT, u64::from(quote.clock.reset_count));
    claims.insert(azure_vtpm::RESTART_COUNT, u64::from(quote.clock.restart_count));
    claims.insert(azure_vtpm::CLOCK_SAFE, quote.clock.is_safe);
}
