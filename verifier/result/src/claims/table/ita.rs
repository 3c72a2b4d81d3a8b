//! Intel Trust Authority tokens (`intel-trust-authority`).

super::claims! {
    Ita;
    ISSUER = "ita.issuer", Text, "", "iss";
    VER = "ita.ver", Text, "attester_type: TDX, SGX, NVGPU; version 2 tokens from their sections", "same name";
    JTI = "ita.jti", Text, "attester_type: TDX, SGX, NVGPU; version 2 tokens from their sections", "same name";
    EAT_PROFILE = "ita.eat_profile", Text, "attester_type: TDX, SGX, NVGPU; version 2 tokens from their sections", "same name";
    INTUSE = "ita.intuse", Text, "attester_type: TDX, SGX, NVGPU; version 2 tokens from their sections", "same name";
    DBGSTAT = "ita.dbgstat", Text, "attester_type: TDX, SGX, NVGPU; version 2 tokens from their sections", "same name";
    ATTESTER_TYPE = "ita.attester_type", Text, "attester_type: TDX, SGX, NVGPU; version 2 tokens from their sections", "same name";
    EXP = "ita.exp", Time, "", "same name";
    ATTESTER_TCB_STATUS = "ita.attester_tcb_status", Text, "spelt as under tcb.status (older tokens: OK, OUT_OF_DATE)", "same name";
    ATTESTER_TCB_DATE = "ita.attester_tcb_date", Time, "", "same name";
    ATTESTER_ADVISORY_IDS = "ita.attester_advisory_ids", ListText, "", "same name";
    ATTESTER_HELD_DATA_SHA256 = "ita.attester_held_data_sha256", Hex(32), "of the decoded held or runtime data, once found in the report data", "attester_held_data, attester_runtime_data";
    POLICY_IDS_MATCHED = "ita.policy_ids_matched", ListText, "ids", "same name";
    POLICY_IDS_UNMATCHED = "ita.policy_ids_unmatched", ListText, "ids", "same name";
    QUOTE_SHA256 = "ita.quote_sha256", Hex(32), "links the token to a raw quote", "{tdx,sgx}_collateral.quotehash";
    TDX_MRSEAM = "ita.tdx.mrseam", Hex(48), "as tdx.mrseam", "tdx_…";
    TDX_MRSIGNERSEAM = "ita.tdx.mrsignerseam", Hex(48), "as tdx.mrsignerseam", "tdx_…";
    TDX_MRTD = "ita.tdx.mrtd", Hex(48), "as tdx.mrtd", "tdx_…";
    TDX_RTMR = "ita.tdx.rtmr<i>", Hex(48), "as tdx.rtmr<i>", "tdx_…";
    TDX_MRCONFIGID = "ita.tdx.mrconfigid", Hex(48), "as tdx.mrconfigid", "tdx_…";
    TDX_MROWNER = "ita.tdx.mrowner", Hex(48), "as tdx.mrowner", "tdx_…";
    TDX_MROWNERCONFIG = "ita.tdx.mrownerconfig", Hex(48), "as tdx.mrownerconfig", "tdx_…";
    TDX_REPORT_DATA = "ita.tdx.report_data", Hex(64), "as tdx.report_data", "tdx_…";
    TDX_SEAM_ATTRIBUTES = "ita.tdx.seam_attributes", Hex(8), "as tdx.seam_attributes", "tdx_…";
    TDX_TEE_TCB_SVN = "ita.tdx.tee_tcb_svn", Hex(16), "as tdx.tee_tcb_svn", "tdx_…";
    TDX_TD_ATTRIBUTES = "ita.tdx.td_attributes", Hex(8), "as tdx.td_attributes", "tdx_…";
    TDX_XFAM = "ita.tdx.xfam", Hex(8), "as tdx.xfam", "tdx_…";
    TDX_IS_DEBUGGABLE = "ita.tdx.is_debuggable", Bool, "", "tdx_…";
    TDX_IS_MIGRATABLE = "ita.tdx.is_migratable", Bool, "", "tdx_…";
    TDX_TD_ATTRIBUTES_DEBUG = "ita.tdx.td_attributes_debug", Bool, "", "tdx_…";
    TDX_TD_ATTRIBUTES_SEPTVE_DISABLE = "ita.tdx.td_attributes_septve_disable", Bool, "", "tdx_…";
    TDX_TD_ATTRIBUTES_PROTECTION_KEYS = "ita.tdx.td_attributes_protection_keys", Bool, "", "tdx_…";
    TDX_TD_ATTRIBUTES_KEY_LOCKER = "ita.tdx.td_attributes_key_locker", Bool, "", "tdx_…";
    TDX_TD_ATTRIBUTES_PERFMON = "ita.tdx.td_attributes_perfmon", Bool, "", "tdx_…";
    TDX_SEAMSVN = "ita.tdx.seamsvn", Int, "", "tdx_seamsvn";
    SGX_MRENCLAVE = "ita.sgx.mrenclave", Hex(32), "", "sgx_…";
    SGX_MRSIGNER = "ita.sgx.mrsigner", Hex(32), "", "sgx_…";
    SGX_REPORT_DATA = "ita.sgx.report_data", Hex(64), "", "sgx_report_data";
    SGX_ISVPRODID = "ita.sgx.isvprodid", Int, "", "sgx_…";
    SGX_ISVSVN = "ita.sgx.isvsvn", Int, "", "sgx_…";
    SGX_IS_DEBUGGABLE = "ita.sgx.is_debuggable", Bool, "", "sgx_is_debuggable";
}
