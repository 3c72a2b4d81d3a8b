//! AWS Nitro Enclaves (`aws-nitro`).

super::claims! {
    Nitro;
    MODULE_ID = "nitro.module_id", Text, "enclave id i-…-enc…", "payload module_id";
    TIMESTAMP = "nitro.timestamp", Time, "creation, milliseconds", "timestamp";
    DIGEST = "nitro.digest", Text, "PCR bank, SHA384", "digest";
    PCR = "nitro.pcr<i>", Hex(48), "PCR 0–31, each one present, also when zero", "pcrs. 0 image · 1 kernel+boot ramdisk · 2 application · 3 IAM role · 4 parent instance id · 8 signing certificate · 16–31 application";
    PUBLIC_KEY = "nitro.public_key", Hex(0), "recipient key as the enclave gave it", "public_key; absent if null or missing";
    USER_DATA = "nitro.user_data", Hex(0), "up to 1,024 bytes; zero length is the empty string, null is absent", "user_data";
    REGION = "nitro.region", Text, "AWS region, certified", "leaf subject CN <module_id>.<region>.aws; absent if the CN has another form";
    PARTITION = "nitro.partition", Text, "aws, aws-cn, aws-us-gov", "which root was met";
    INSTANCE_ID = "nitro.instance_id", Text, "parent EC2 instance, certified", "as nitro.region, first part of the CN";
    ENCLAVE_ID = "nitro.enclave_id", Text, "enc… part", "as nitro.region";
    PCR4_MATCHES_INSTANCE = "nitro.pcr4_matches_instance", Bool, "PCR4 = SHA-384(48 zero bytes ‖ instance id)", "computed; absent without PCR4 or instance id";
    CERTIFICATE_NOT_BEFORE = "nitro.certificate_not_before", Time, "window of the enclave's certificate", "leaf";
    CERTIFICATE_NOT_AFTER = "nitro.certificate_not_after", Time, "window of the enclave's certificate", "leaf";
    CERTIFICATE_SERIAL = "nitro.certificate_serial", Hex(0), "its serial (not unique by itself)", "leaf";
    UNKNOWN_FIELDS = "nitro.unknown_fields", ListText, "payload keys we do not know; absent if none", "payload";
}
