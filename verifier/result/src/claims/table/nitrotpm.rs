//! AWS NitroTPM (`aws-nitrotpm`).

super::claims! {
    NitroTpm;
    MODULE_ID = "nitrotpm.module_id", Text, "i-…-tpm0000000000000000", "payload";
    PCR = "nitrotpm.pcr<i>", Hex(48), "TPM PCR 0–23: 4 boot image, 7 Secure Boot policy, 12 command line (zero is its good value)", "nitrotpm_pcrs";
    TIMESTAMP = "nitrotpm.timestamp", Time, "creation, milliseconds", "timestamp";
    DIGEST = "nitrotpm.digest", Text, "PCR bank, SHA384", "digest";
    PUBLIC_KEY = "nitrotpm.public_key", Hex(0), "recipient key as the enclave gave it", "public_key; absent if null or missing";
    USER_DATA = "nitrotpm.user_data", Hex(0), "up to 1,024 bytes; zero length is the empty string, null is absent", "user_data";
    REGION = "nitrotpm.region", Text, "AWS region, certified", "leaf subject CN <module_id>.<region>.aws; absent if the CN has another form";
    PARTITION = "nitrotpm.partition", Text, "aws, aws-cn, aws-us-gov", "which root was met";
    INSTANCE_ID = "nitrotpm.instance_id", Text, "parent EC2 instance, certified", "as nitro.region, first part of the CN";
    CERTIFICATE_NOT_BEFORE = "nitrotpm.certificate_not_before", Time, "window of the enclave's certificate", "leaf";
    CERTIFICATE_NOT_AFTER = "nitrotpm.certificate_not_after", Time, "window of the enclave's certificate", "leaf";
    CERTIFICATE_SERIAL = "nitrotpm.certificate_serial", Hex(0), "its serial (not unique by itself)", "leaf";
    UNKNOWN_FIELDS = "nitrotpm.unknown_fields", ListText, "payload keys we do not know; absent if none", "payload";
}
