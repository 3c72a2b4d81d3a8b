//! What Google's tokens say of a workload. A seed and a time come in; claims go out, with the members of genuine tokens.

use crate::{derive, jose::Json};

/// How long a token is good.
const LIFETIME: i64 = 3600;

/// A hardened workload in a trust domain with one GPU.
pub(super) fn workload(seed: &str, at: i64) -> Json {
    let number = |name: &str| u64::from_be_bytes(derive::bytes(&format!("{seed}/google/{name}")));
    let digest = |name: &str| format!("sha256:{}", hex::encode(derive::bytes::<32>(&format!("{seed}/google/{name}"))));
    let texts = |texts: &[&str]| Json::from(texts.iter().map(|text| Json::from(*text)).collect::<Vec<_>>());
    let instance = format!("{:019}", number("instance") >> 4);
    Json::object([
        ("aud", "https://relying.party.example".into()),
        ("exp", (at + LIFETIME).into()),
        ("iat", at.into()),
        ("iss", "https://confidentialcomputing.googleapis.com".into()),
        ("nbf", at.into()),
        ("sub", "https://www.googleapis.com/compute/v1/projects/prover/zones/us-central1-a/instances/prover-1".into()),
        (
            "eat_profile",
            "https://cloud.google.com/confidential-computing/confidential-space/docs/reference/token-claims".into(),
        ),
        ("secboot", true.into()),
        ("oemid", 11129.into()),
        ("hwmodel", "GCP_INTEL_TDX".into()),
        ("swname", "CONFIDENTIAL_SPACE".into()),
        ("swversion", texts(&["260501"])),
        ("attester_tcb", texts(&["INTEL"])),
        ("dbgstat", "disabled-since-boot".into()),
        (
            "submods",
            Json::object([
                (
                    "confidential_space",
                    Json::object([
                        ("support_attributes", texts(&["LATEST", "STABLE", "USABLE"])),
                        ("monitoring_enabled", Json::object([("memory", false.into())])),
                    ]),
                ),
                (
                    "container",
                    Json::object([
                        ("image_reference", "us-docker.pkg.dev/prover/images/prover:1".into()),
                        ("image_digest", digest("digest").into()),
                        ("restart_policy", "Never".into()),
                        ("image_id", digest("id").into()),
                        ("env", Json::object([("PATH", "/bin".into()), ("HOSTNAME", "prover-1".into())])),
                        ("env_override", Json::object([("LEVEL", "info".into())])),
                        ("args", texts(&["/prover", "--once"])),
                        ("cmd_override", texts(&["--once"])),
                        (
                            "image_signatures",
                            vec![Json::object([
                                ("key_id", hex::encode(derive::bytes::<32>(&format!("{seed}/google/key"))).into()),
                                ("signature", "c2lnbmF0dXJl".into()),
                                ("signature_algorithm", "ECDSA_P256_SHA256".into()),
                            ])]
                            .into(),
                        ),
                    ]),
                ),
                (
                    "gce",
                    Json::object([
                        ("zone", "us-central1-a".into()),
                        ("project_id", "prover".into()),
                        ("project_number", "297985297894".into()),
                        ("instance_name", "prover-1".into()),
                        ("instance_id", instance.into()),
                    ]),
                ),
                (
                    "nvidia_gpu",
                    Json::object([
                        ("cc_mode", "ON".into()),
                        ("cc_feature", "SPT".into()),
                        (
                            "gpus",
                            vec![Json::object([
                                ("hwmodel", "GCP_NVIDIA_H100".into()),
                                ("driver_version", "550.90.07".into()),
                                ("vbios_version", "96.00.9F.00.01".into()),
                                ("ueid", number("gpu").to_string().into()),
                            ])]
                            .into(),
                        ),
                    ]),
                ),
            ]),
        ),
        (
            "tdx",
            Json::object([
                ("gcp_attester_tcb_status", "UpToDate".into()),
                ("gcp_attester_tcb_date", "2024-03-13T00:00:00Z".into()),
            ]),
        ),
        ("google_service_accounts", texts(&["prover@prover.iam.gserviceaccount.com"])),
    ])
}
