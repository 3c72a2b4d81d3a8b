//! Google Confidential Space tokens (`gcp-confidential-space`).

super::claims! {
    Gcs;
    TOKEN_TYPE = "gcs.token_type", Text, "oidc, pki", "header: x5c or not";
    AUD = "gcs.aud", Text, "audience; instance link", "same name";
    SUB = "gcs.sub", Text, "audience; instance link", "same name";
    EXP = "gcs.exp", Time, "", "same name";
    EAT_NONCE = "gcs.eat_nonce", ListText, "one string becomes a list of one", "eat_nonce";
    HWMODEL = "gcs.hwmodel", Text, "", "same name";
    SWNAME = "gcs.swname", Text, "", "same name";
    DBGSTAT = "gcs.dbgstat", Text, "", "same name";
    SWVERSION = "gcs.swversion", ListText, "", "swversion";
    SECBOOT = "gcs.secboot", Bool, "", "secboot";
    OEMID = "gcs.oemid", Int, "11129 is Google", "oemid";
    ATTESTER_TCB = "gcs.attester_tcb", ListText, "INTEL", "attester_tcb";
    TDX_GCP_ATTESTER_TCB_STATUS = "gcs.tdx.gcp_attester_tcb_status", Text, "state at rollout, not live", "tdx";
    TDX_GCP_ATTESTER_TCB_DATE = "gcs.tdx.gcp_attester_tcb_date", Time, "", "tdx";
    SERVICE_ACCOUNTS = "gcs.service_accounts", ListText, "", "google_service_accounts";
    SUPPORT_ATTRIBUTES = "gcs.support_attributes", ListText, "LATEST, STABLE, USABLE, EXPERIMENTAL; absent on debug images", "submods.confidential_space";
    MONITORING_MEMORY = "gcs.monitoring_memory", Bool, "", "submods.confidential_space.monitoring_enabled.memory";
    CONTAINER_IMAGE_REFERENCE = "gcs.container.image_reference", Text, "digests with their sha256:", "submods.container";
    CONTAINER_IMAGE_DIGEST = "gcs.container.image_digest", Text, "digests with their sha256:", "submods.container";
    CONTAINER_IMAGE_ID = "gcs.container.image_id", Text, "digests with their sha256:", "submods.container";
    CONTAINER_RESTART_POLICY = "gcs.container.restart_policy", Text, "digests with their sha256:", "submods.container";
    CONTAINER_ARGS = "gcs.container.args", ListText, "", "submods.container";
    CONTAINER_CMD_OVERRIDE = "gcs.container.cmd_override", ListText, "", "submods.container";
    CONTAINER_ENV = "gcs.container.env", ListText, "NAME=value, sorted", "submods.container";
    CONTAINER_ENV_OVERRIDE = "gcs.container.env_override", ListText, "NAME=value, sorted", "submods.container";
    CONTAINER_SIGNATURE_KEY_IDS = "gcs.container.signature_key_ids", ListHex(0), "keys whose image signatures Google verified", "submods.container.image_signatures";
    GCE_ZONE = "gcs.gce.zone", Text, "", "submods.gce";
    GCE_PROJECT_ID = "gcs.gce.project_id", Text, "", "submods.gce";
    GCE_PROJECT_NUMBER = "gcs.gce.project_number", Text, "", "submods.gce";
    GCE_INSTANCE_NAME = "gcs.gce.instance_name", Text, "", "submods.gce";
    GCE_INSTANCE_ID = "gcs.gce.instance_id", Text, "", "submods.gce";
    NVIDIA_GPU_CC_MODE = "gcs.nvidia_gpu.cc_mode", Text, "devices appear as gpu.<n>.", "submods.nvidia_gpu";
    NVIDIA_GPU_CC_FEATURE = "gcs.nvidia_gpu.cc_feature", Text, "devices appear as gpu.<n>.", "submods.nvidia_gpu";
}
