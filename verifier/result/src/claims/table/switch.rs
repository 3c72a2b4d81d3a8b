//! NVIDIA NVSwitches (`nvidia-switch`), one set of names per device.

super::claims! {
    Switch;
    BIOS_VERSION = "switch.<n>.bios_version", Text, "", "opaque 6";
    GPU_PDIS = "switch.<n>.gpu_pdis", ListHex(0), "GPUs this switch sees", "opaque 26";
    RIM_BIOS_STATUS = "switch.<n>.rim.bios.status", Text, "valid, expired, hold, revoked; absent if none was supplied", "RIM";
    RIM_BIOS_SHA256 = "switch.<n>.rim.bios.sha256", Hex(32), "the file used (ids are not immutable)", "RIM";
    RIM_BIOS_ID = "switch.<n>.rim.bios.id", Text, "tag id, colloquial version", "RIM";
    RIM_BIOS_VERSION = "switch.<n>.rim.bios.version", Text, "tag id, colloquial version", "RIM";
    RIM_BIOS_NOT_AFTER = "switch.<n>.rim.bios.not_after", Time, "end of the signer's certificate", "RIM";
    VERIFIED_BY = "switch.<n>.verified_by", Text, "report, nras, ita, gcs", "";
    ARCH = "switch.<n>.arch", Text, "LS10", "certificate names; token";
    HWMODEL = "switch.<n>.hwmodel", Text, "GH100 A01 GSP BROM; older tokens GH100", "CN of the second certificate";
    UEID = "switch.<n>.ueid", Text, "device id, decimal", "serial of the leaf certificate";
    OEMID = "switch.<n>.oemid", Text, "5703 is NVIDIA", "RIM; token";
    PDI = "switch.<n>.pdi", Hex(8), "per-device identifier", "subject serialNumber of the second certificate, without its first byte";
    FWID = "switch.<n>.fwid", Hex(48), "firmware id of report and leaf certificate; absent where the driver reports none", "opaque 20, DICE extension";
    FWID_MATCH = "switch.<n>.fwid_match", Bool, "the two are equal (a difference refuses); absent where the driver reports none", "compared; token";
    MEASUREMENT = "switch.<n>.measurement.<i>", Hex(48), "SPDM measurement, index 1–64", "measurement blocks";
    MEASRES = "switch.<n>.measres", Text, "success if driver and VBIOS RIM were both supplied, valid and met; fail if any valid one is contradicted; else absent", "comparison; token";
    MISMATCHED_INDICES = "switch.<n>.mismatched_indices", ListInt, "RIM indices (SPDM index − 1) that differ", "comparison";
    OCSP_STATUS = "switch.<n>.ocsp_status", Text, "good, revoked, unknown; absent if not asked", "OCSP, certificates 2–4; token";
    OCSP_REASON = "switch.<n>.ocsp_reason", Text, "e.g. certificateHold", "OCSP; token";
    SECBOOT = "switch.<n>.secboot", Bool, "as NVIDIA's service states it", "token only";
    DBGSTAT = "switch.<n>.dbgstat", Text, "disabled, enabled", "token only";
    ERROR_CODE = "switch.<n>.error_code", Int, "the service's refusal for this device, e.g. 4010 nonce", "token only";
}
