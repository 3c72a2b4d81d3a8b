//! What every vendor's evidence can establish, under one name.

super::claims! {
    CrossVendor;
    PLATFORM = "platform", Text, "the TEE: nitro-enclave, nitro-tpm, sev-snp, tdx, sgx, sev, shielded-vm (the last is no TEE); absent for device evidence alone", "kind; tokens: gcs.hwmodel, maa.attestation_type, ita.attester_type";
    VENDOR = "vendor", Text, "whose root vouches: amazon, amd, intel, nvidia, google, microsoft", "pinned root or token issuer";
    DEBUG = "debug", Bool, "the operator of the host, or a debugger, may read the memory", "PCR0–2 all zero · snp.policy_debug_allowed · tdx.td_attributes_debug · sgx.attributes_debug · gcs.dbgstat · maa.{sevsnpvm,sgx,tdx}.is_debuggable · ita.dbgstat · NRAS dbgstat";
    MEASUREMENT = "measurement", HexOrText, "the launch identity, repeated verbatim", "nitro.pcr0 · nitrotpm.pcr4 · snp.measurement · tdx.mrtd · sgx.mrenclave · gcs.container.image_digest · maa.sevsnpvm.launchmeasurement · maa.sgx.mrenclave · ita.{tdx.mrtd,sgx.mrenclave}. On Azure it is the paravisor: pin azure_vtpm.pcr<i> for the guest";
    INSTANCE = "instance", HexOrText, "this run of the guest", "nitro.module_id · nitrotpm.module_id · snp.report_id · tdx.td_id · azure_vtpm.vm_unique_id · gcs.gce.instance_id · maa.azurevm.vmid";
    HARDWARE_ID = "hardware_id", HexOrText, "the chip or platform", "snp.chip_id (absent if masked or VLEK) · {tdx,sgx}.ppid · gpu.0.pdi where there is one device";
    TCB_STATUS = "tcb.status", Text, "the vendor's signed judgement of the platform's patch level, in Intel's spelling (UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded, TDRelaunchAdvised, TDRelaunchAdvisedConfigurationNeeded); absent for AMD, which signs none", "{tdx,sgx}.tcb.status · gcs.tdx.gcp_attester_tcb_status · {maa.tdx,ita}.attester_tcb_status";
    TCB_DATE = "tcb.date", Time, "oldest TCB date among platform, QE, module", "{tdx,sgx}.tcb.date and the tokens' like";
    ADVISORIES = "advisories", ListText, "open advisories that the vendor names (INTEL-SA-…), and AMD-SB-… that our advisory table finds not mitigated", "TCB info, QE identity, module identity; advisories.toml";
    NONCE = "nonce", Hex(0), "the caller's value that the evidence carries verbatim; --nonce must equal it", "Nitro nonce · TPM quote extraData · SPDM request nonce · NRAS eat_nonce · GCS eat_nonce, MAA client payload, ITA verifier_nonce.val once matched";
    BINDING = "binding", Hex(48), "the binding of keys, nonce and devices, once found equal", "the primary binding";
    ISSUED_AT = "issued_at", Time, "when the evidence says it was made; absent where it carries no time", "nitro.timestamp, nitrotpm.timestamp, token iat";
    REVOCATION = "revocation", Text, "good: every certificate for which the vendor publishes revocation was checked with data valid at the instant; not_published: the vendor publishes none for this chain; else not_checked", "CRLs, OCSP responses";
    REVOCATION_AS_OF = "revocation_as_of", Time, "oldest thisUpdate among the data used", "CRLs, OCSP responses";
    REVOCATION_SCOPE = "revocation_scope", Text, "what that covered: chain, intermediates (AMD: every VCEK has serial 0), deny_list (NVIDIA: unknown serials answer good)", "CRLs, OCSP responses";
    TRUST_ANCHOR = "trust_anchor", Text, "pinned: the root stands in trust-roots; configured: the operator, or --root, named it", "root set";
    ROOT_SHA256 = "root_sha256", ListHex(32), "the roots that the evidence rests on", "root set";
    BINDING_PROFILE = "binding_profile", Text, "which construction bound the keys: prooftrail/v1, or a façade's", "the primary binding";
    SECURE_BOOT = "secure_boot", Bool, "the guest firmware enforced Secure Boot", "azure_vtpm.secure_boot, gcs.secboot, maa.secureboot";
    GPU_COUNT = "gpu.count", Int, "authentic GPUs, each a different device", "device certificates' serials; NRAS submods";
    GPU_CC_MODE = "gpu.cc_mode", Text, "on, devtools, off; absent for a bare GPU report, which does not say", "gcs.nvidia_gpu.cc_mode; measured guest code's statement under the CPU's binding";
    GPU_MEASRES = "gpu.measres", Text, "success if it is success for every GPU, fail if for any it is fail; else absent", "gpu.<n>.measres";
    GPU_TOPOLOGY = "gpu.topology", Bool, "every GPU names exactly the set's switches and every switch exactly the set's GPUs, tied to certificates; absent without both halves", "PDI lists ↔ certificate serials";
    GPU_COLOCATION = "gpu.colocation", Text, "always software-bound when CPU and GPU evidence are bound together", "the primary binding";
    SWITCH_COUNT = "switch.count", Int, "authentic NVSwitches, each a different device", "as gpu.count";
    SIMULATED = "simulated", Bool, "a root was used whose manifest says that it is a simulator's; a bare --root counts as one", "root set";
}
