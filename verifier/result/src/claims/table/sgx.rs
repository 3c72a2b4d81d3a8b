//! Intel SGX (`intel-sgx`), offsets into the enclave report body.

super::claims! {
    Sgx;
    QUOTE_VERSION = "sgx.quote_version", Int, "3, 4 or 5", "header";
    MRENCLAVE = "sgx.mrenclave", Hex(32), "enclave and its signer", "enclave report 64, 128";
    MRSIGNER = "sgx.mrsigner", Hex(32), "enclave and its signer", "enclave report 64, 128";
    ISVPRODID = "sgx.isvprodid", Int, "product, SVN", "256, 258";
    ISVSVN = "sgx.isvsvn", Int, "product, SVN", "256, 258";
    ATTRIBUTES = "sgx.attributes", Hex(16), "flags and XFRM", "48";
    ATTRIBUTES_DEBUG = "sgx.attributes_debug", Bool, "bit 1", "48";
    MISCSELECT = "sgx.miscselect", Hex(4), "", "16";
    REPORT_DATA = "sgx.report_data", Hex(64), "the enclave's data", "320";
    TCB_STATUS = "sgx.tcb.status", Text, "converged status", "TCB level, QE, module";
    TCB_PLATFORM_STATUS = "sgx.tcb.platform_status", Text, "of the parts", "TCB info, QE identity";
    TCB_QE_STATUS = "sgx.tcb.qe_status", Text, "of the parts", "TCB info, QE identity";
    TCB_DATE = "sgx.tcb.date", Time, "oldest of the parts", "tcbDate";
    TCB_EVALUATION_DATA_NUMBER = "sgx.tcb.evaluation_data_number", Int, "the lower of TCB info's and QE identity's", "collateral";
    CPU_SVN = "sgx.cpu_svn", Hex(16), "platform SVN", "PCK extension .2.18";
    PCE_SVN = "sgx.pce_svn", Int, "", ".2.17";
    PCE_ID = "sgx.pce_id", Hex(2), "", ".3";
    FMSPC = "sgx.fmspc", Hex(6), "platform family", ".4";
    PPID = "sgx.ppid", Hex(16), "platform provisioning id", ".1";
    PLATFORM_INSTANCE_ID = "sgx.platform_instance_id", Hex(16), "Platform CA only", ".6";
    SGX_TYPE = "sgx.sgx_type", Text, "standard, scalable, scalable_with_integrity", ".5";
    DYNAMIC_PLATFORM = "sgx.dynamic_platform", Bool, "Platform CA only, else absent", ".7";
    CACHED_KEYS = "sgx.cached_keys", Bool, "Platform CA only, else absent", ".7";
    SMT_ENABLED = "sgx.smt_enabled", Bool, "Platform CA only, else absent", ".7";
    PCK_CA = "sgx.pck.ca", Text, "platform or processor", "issuer CN";
    PCK_SERIAL = "sgx.pck.serial", Hex(0), "", "PCK leaf";
    PCK_NOT_BEFORE = "sgx.pck.not_before", Time, "", "PCK leaf";
    PCK_NOT_AFTER = "sgx.pck.not_after", Time, "", "PCK leaf";
    QE_MRENCLAVE = "sgx.qe.mrenclave", Hex(32), "the quoting enclave", "QE report";
    QE_MRSIGNER = "sgx.qe.mrsigner", Hex(32), "the quoting enclave", "QE report";
    QE_ISVPRODID = "sgx.qe.isvprodid", Int, "", "QE report";
    QE_ISVSVN = "sgx.qe.isvsvn", Int, "", "QE report";
    QE_ID = "sgx.qe.id", Hex(16), "QE instance", "header user data, first 16 bytes";
    ATTESTATION_KEY_SHA256 = "sgx.attestation_key_sha256", Hex(32), "to see one key in two places", "attestation key x‖y";
    COLLATERAL_ISSUED = "sgx.collateral.issued", Time, "latest issue, earliest expiry over all parts", "TCB info, QE identity, CRLs, chains";
    COLLATERAL_EXPIRES = "sgx.collateral.expires", Time, "latest issue, earliest expiry over all parts", "TCB info, QE identity, CRLs, chains";
}
