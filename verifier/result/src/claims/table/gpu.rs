//! NVIDIA GPUs (`nvidia-gpu`), one set of names per device.

super::claims! {
    Gpu;
    VERIFIED_BY = "gpu.<n>.verified_by", Text, "report, nras, ita, gcs", "";
    SAMPLE_NONCE = "gpu.<n>.sample_nonce", Bool, "the nonce is one that vendors print in their samples (a replay that anyone can make); the default policy refuses it", "request nonce ↔ list of known ones";
    ARCH = "gpu.<n>.arch", Text, "HOPPER, BLACKWELL", "certificate names; token";
    HWMODEL = "gpu.<n>.hwmodel", Text, "GH100 A01 GSP BROM; older tokens GH100", "CN of the second certificate";
    UEID = "gpu.<n>.ueid", Text, "device id, decimal", "serial of the leaf certificate";
    OEMID = "gpu.<n>.oemid", Text, "5703 is NVIDIA", "RIM; token";
    PDI = "gpu.<n>.pdi", Hex(8), "per-device identifier", "subject serialNumber of the second certificate, without its first byte";
    DRIVER_VERSION = "gpu.<n>.driver_version", Text, "", "opaque 3";
    VBIOS_VERSION = "gpu.<n>.vbios_version", Text, "upper case, dotted", "opaque 6";
    PROJECT = "gpu.<n>.project", Text, "name the VBIOS RIM", "opaque 17, 18, 15";
    PROJECT_SKU = "gpu.<n>.project_sku", Text, "name the VBIOS RIM", "opaque 17, 18, 15";
    CHIP_SKU = "gpu.<n>.chip_sku", Text, "name the VBIOS RIM", "opaque 17, 18, 15";
    FWID = "gpu.<n>.fwid", Hex(48), "firmware id of report and leaf certificate; absent where the driver reports none", "opaque 20, DICE extension";
    FWID_MATCH = "gpu.<n>.fwid_match", Bool, "the two are equal (a difference refuses); absent where the driver reports none", "compared; token";
    FEATURE = "gpu.<n>.feature", Text, "spt, mpt, ppcie", "opaque 36";
    PROTECTED_PCIE = "gpu.<n>.protected_pcie", Bool, "Protected PCIe mode", "opaque 21";
    NVDEC0_ENABLED = "gpu.<n>.nvdec0_enabled", Bool, "decides whether index 35 is compared", "opaque 11";
    OPAQUE_DATA_VERSION = "gpu.<n>.opaque_data_version", Int, "", "opaque 34, or header of the versioned format";
    SWITCH_PDIS = "gpu.<n>.switch_pdis", ListHex(0), "switches this GPU sees", "opaque 22, each 8 bytes reversed";
    MIN_SVN = "gpu.<n>.min_svn.<i>", Int, "security version of numeric record type i", "versioned opaque data";
    MEASUREMENT = "gpu.<n>.measurement.<i>", Hex(48), "SPDM measurement, index 1–64", "measurement blocks";
    MEASRES = "gpu.<n>.measres", Text, "success if driver and VBIOS RIM were both supplied, valid and met; fail if any valid one is contradicted; else absent", "comparison; token";
    MISMATCHED_INDICES = "gpu.<n>.mismatched_indices", ListInt, "RIM indices (SPDM index − 1) that differ", "comparison";
    RIM_DRIVER_STATUS = "gpu.<n>.rim.driver.status", Text, "valid, expired, hold, revoked; absent if none was supplied", "RIM signature, chain, OCSP";
    RIM_VBIOS_STATUS = "gpu.<n>.rim.vbios.status", Text, "valid, expired, hold, revoked; absent if none was supplied", "RIM signature, chain, OCSP";
    RIM_DRIVER_SHA256 = "gpu.<n>.rim.driver.sha256", Hex(32), "the file used (ids are not immutable)", "RIM";
    RIM_VBIOS_SHA256 = "gpu.<n>.rim.vbios.sha256", Hex(32), "the file used (ids are not immutable)", "RIM";
    RIM_DRIVER_ID = "gpu.<n>.rim.driver.id", Text, "tag id, colloquial version", "RIM";
    RIM_DRIVER_VERSION = "gpu.<n>.rim.driver.version", Text, "tag id, colloquial version", "RIM";
    RIM_VBIOS_ID = "gpu.<n>.rim.vbios.id", Text, "tag id, colloquial version", "RIM";
    RIM_VBIOS_VERSION = "gpu.<n>.rim.vbios.version", Text, "tag id, colloquial version", "RIM";
    RIM_DRIVER_NOT_AFTER = "gpu.<n>.rim.driver.not_after", Time, "end of the signer's certificate", "RIM";
    RIM_VBIOS_NOT_AFTER = "gpu.<n>.rim.vbios.not_after", Time, "end of the signer's certificate", "RIM";
    OCSP_STATUS = "gpu.<n>.ocsp_status", Text, "good, revoked, unknown; absent if not asked", "OCSP, certificates 2–4; token";
    OCSP_REASON = "gpu.<n>.ocsp_reason", Text, "e.g. certificateHold", "OCSP; token";
    SECBOOT = "gpu.<n>.secboot", Bool, "as NVIDIA's service states it", "token only";
    DBGSTAT = "gpu.<n>.dbgstat", Text, "disabled, enabled", "token only";
    ERROR_CODE = "gpu.<n>.error_code", Int, "the service's refusal for this device, e.g. 4010 nonce", "token only";
}
