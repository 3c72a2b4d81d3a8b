//! Azure's vTPM-rooted evidence (`azure-snp-vtpm`, `azure-tdx-vtpm`).

super::claims! {
    AzureVtpm;
    PCR = "azure_vtpm.pcr<i>", Hex(32), "SHA-256 PCRs that the quote selects and whose digest it signs; others absent", "TPM quote";
    VM_UNIQUE_ID = "azure_vtpm.vm_unique_id", Text, "VM id", "runtime data vm-configuration.vmUniqueId";
    SECURE_BOOT = "azure_vtpm.secure_boot", Bool, "VM configuration", "vm-configuration";
    TPM_ENABLED = "azure_vtpm.tpm_enabled", Bool, "VM configuration", "vm-configuration";
    TPM_PERSISTED = "azure_vtpm.tpm_persisted", Bool, "VM configuration", "vm-configuration";
    CONSOLE_ENABLED = "azure_vtpm.console_enabled", Bool, "VM configuration", "vm-configuration";
    ROOT_CERT_THUMBPRINT = "azure_vtpm.root_cert_thumbprint", Text, "base64url", "vm-configuration";
    USER_DATA = "azure_vtpm.user_data", Hex(64), "guest-settable data in the report", "runtime data user-data";
    HCL_VERSION = "azure_vtpm.hcl_version", Int, "1 or 2", "HCL header";
    AK_SHA256 = "azure_vtpm.ak_sha256", Hex(32), "SHA-256 of the attestation key's SPKI", "runtime data HCLAkPub";
    FIRMWARE_VERSION = "azure_vtpm.firmware_version", Mask, "vTPM firmware", "TPMS_ATTEST";
    CLOCK = "azure_vtpm.clock", Int, "TPM clock in ms and counters", "TPMS_ATTEST clockInfo";
    RESET_COUNT = "azure_vtpm.reset_count", Int, "TPM clock in ms and counters", "TPMS_ATTEST clockInfo";
    RESTART_COUNT = "azure_vtpm.restart_count", Int, "TPM clock in ms and counters", "TPMS_ATTEST clockInfo";
    CLOCK_SAFE = "azure_vtpm.clock_safe", Bool, "the clock never ran ahead", "TPMS_ATTEST clockInfo";
    EVENT_LOG_MATCHES = "azure_vtpm.event_log_matches", Bool, "the log supplied replays to the quoted PCRs", "TCG log";
}
