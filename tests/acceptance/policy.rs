//! Policies through the binary, on evidence as simulated hardware makes it: the whole walk from bytes to an exit status.

use std::{fs, path::PathBuf};

use prooftrail_simulator::{
    cbor::Item,
    nitro::{Document, Hypervisor, extended},
};
use serde_json::Value;

use crate::vectors::{json, prooftrail, reasons, run};

/// 2026-06-01T12:00:00Z.
const AT_MS: u64 = 1_780_315_200_000;
const AT: &str = "2026-06-01T12:00:00Z";
const NONCE: &[u8] = b"fresh";

/// A folder of its own with the root's manifest in it.
struct Scene {
    hypervisor: Hypervisor,
    folder: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let hypervisor = Hypervisor::new("acceptance");
        fs::write(folder.join("simulated-nitro-root.der"), hypervisor.root_der()).unwrap();
        fs::write(folder.join("manifest.toml"), hypervisor.root_manifest()).unwrap();
        Self { hypervisor, folder }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A policy pinned to PCR0 of twenty-two bytes repeated, with more TOML at its top level.
    fn policy(&self, top: &str) -> PathBuf {
        let pcr0 = hex::encode([0x22; 48]);
        self.write(
            "policy.toml",
            format!(
                r#"prooftrail_policy = 1
name = "acceptance"
rationale = "a test"
{top}

[[platform]]
name = "nitro"
primary = "aws-nitro"

[[rule]]
id = "image"
claim = "nitro.pcr0"
operator = "in"
reference = "images"
rationale = "the image"
controls = ["SOC2 CC6.1"]

[[reference]]
name = "images"

[[reference.value]]
value = "{pcr0}"
retire_at = "2026-06-01T12:30:00Z"
"#
            ),
        )
    }

    fn appraise(&self, top: &str, at: &str, change: impl FnOnce(&mut Document)) -> (i32, Value) {
        let mut document = self.hypervisor.document(AT_MS);
        document.nonce(NONCE).pcr(0, &[0x22; 48]);
        change(&mut document);
        let evidence = self.write("document.cose", document.build());
        let mut command = prooftrail();
        command.args([
            "appraise",
            "--kind",
            "aws-nitro",
            "--json",
            "--at",
            at,
            "--nonce",
            &hex::encode(NONCE),
            "--policy",
        ]);
        command.arg(self.policy(top)).arg("--root").arg(self.folder.join("manifest.toml")).arg(evidence);
        json(&run(&mut command))
    }
}

#[test]
fn what_satisfies_the_policy_is_affirming_and_what_does_not_says_why() {
    let scene = Scene::new("policy-verdicts");
    let simulated = "allow_simulated = true";
    let (status, result) = scene.appraise(simulated, AT, |_| {});
    assert_eq!(
        (status, result["verdict"].as_str(), result["scope"].as_str()),
        (0, Some("affirming"), Some("policy")),
        "{result}"
    );
    assert_eq!(result["simulated"], true);
    assert_eq!(result["valid_until"], "2026-06-01T12:29:59Z", "the reference value retires first");

    let refused = |top: &str, at: &str, change: fn(&mut Document)| {
        let (status, result) = scene.appraise(top, at, change);
        assert_eq!(status, 1, "{result}");
        assert_eq!(result["authentic"], true, "{result}");
        assert!(!result["claims"].as_object().unwrap().is_empty(), "declined evidence keeps its claims");
        reasons(&result)
    };
    let other_image = |document: &mut Document| _ = document.pcr(0, &[0x33; 48]);
    assert_eq!(refused("", AT, |_| {}), ["policy.simulated"]);
    assert_eq!(refused(simulated, AT, other_image), ["policy.rule_violated:image"]);
    assert_eq!(refused(simulated, "2026-06-01T12:30:00Z", |_| {}), ["policy.rule_violated:image"], "retired");
    let debug = refused(simulated, AT, |document| _ = document.debug());
    assert_eq!(debug, ["policy.debug", "policy.rule_violated:image"], "every failed check is listed");
    let aged = format!("{simulated}\n[freshness]\nmax_age = \"5m\"");
    assert_eq!(refused(&aged, "2026-06-01T12:05:01Z", |_| {}), ["policy.not_fresh"]);
    assert_eq!(scene.appraise(&aged, "2026-06-01T12:05:00Z", |_| {}).0, 0);
    let no_pcr0 = |document: &mut Document| document.pcrs_mut().retain(|(index, _)| *index != Item::Unsigned(0));
    let absent = refused(simulated, AT, no_pcr0);
    assert_eq!(absent, ["policy.debug", "policy.claim_absent:image"], "absent satisfies nothing, debug included");
}

#[test]
fn a_required_revocation_list_that_is_missing_refuses() {
    let scene = Scene::new("policy-revocation");
    let top = "allow_simulated = true\n[revocation]\namazon = \"required\"";
    let (status, result) = scene.appraise(top, AT, |_| {});
    assert_eq!(
        (status, result["authentic"].as_bool(), reasons(&result)),
        (1, Some(false), vec!["revocation.not_checked".to_owned()])
    );
}

#[test]
fn a_revocation_list_of_nobody_in_the_chain_refuses() {
    let scene = Scene::new("foreign-crl");
    let now = i64::try_from(AT_MS / 1000).unwrap();
    let own = scene.write("own.crl", scene.hypervisor.crl_of_root(now - 60, &[]).build());
    let foreign = scene
        .write("foreign.crl", Hypervisor::new("elsewhere").region("eu-west-1").crl_of_regional(now - 60, &[]).build());
    let document = scene.write("document.cose", scene.hypervisor.document(AT_MS).build());
    let appraise = |crl: &PathBuf| {
        let mut command = prooftrail();
        command
            .args(["appraise", "--kind", "aws-nitro", "--json", "--at", AT, "--root"])
            .arg(scene.folder.join("manifest.toml"));
        json(&run(command.arg("--endorsement").arg(crl).arg(&document)))
    };
    let (status, result) = appraise(&own);
    assert_eq!((status, result["claims"]["revocation_as_of"].as_str()), (0, Some("2026-06-01T11:59:00Z")), "{result}");
    let (status, result) = appraise(&foreign);
    assert_eq!((status, reasons(&result)), (1, vec!["revocation.issuer".to_owned()]));
    let (status, result) = appraise(&document);
    assert_eq!((status, reasons(&result)), (1, vec!["endorsement.unrecognised".to_owned()]));
}

#[test]
fn two_cpus_are_no_set() {
    let scene = Scene::new("two-cpus");
    let enclave = scene.write("enclave.cose", scene.hypervisor.document(AT_MS).build());
    let tpm = scene.write("tpm.cose", scene.hypervisor.nitrotpm_document(AT_MS).build());
    let mut command = prooftrail();
    command.args(["appraise", "--json", "--at", AT, "--root"]).arg(scene.folder.join("manifest.toml"));
    command.arg(format!("aws-nitro={}", enclave.display())).arg(format!("aws-nitrotpm={}", tpm.display()));
    let (status, result) = json(&run(&mut command));
    assert_eq!((status, reasons(&result)), (1, vec!["policy.set_shape".to_owned()]));
    assert_eq!(result["kind"], serde_json::json!(["aws-nitro", "aws-nitrotpm"]));
}

#[test]
fn the_role_s_register_is_computed_as_the_hypervisor_does() {
    let arn = "arn:aws:iam::123456789012:role/service/prover";
    let (status, pinned) = json(&run(prooftrail().args(["pin", "role", "--json", arn])));
    assert_eq!((status, pinned["pcr3"].as_str()), (0, Some(hex::encode(extended(arn.as_bytes())).as_str())));
    for other in [
        "prover",
        "arn:aws:iam::12345:role/prover",
        "arn:aws:iam::123456789012:user/prover",
        "arn:aws:iam::123456789012:role/",
    ] {
        assert_eq!(run(prooftrail().args(["pin", "role", other])).status.code(), Some(2), "{other}");
    }
}

#[test]
fn mistakes_of_usage_end_with_2_and_print_nothing_on_standard_output() {
    let scene = Scene::new("usage");
    let document = scene.write("document.cose", scene.hypervisor.document(AT_MS).build());
    let document = document.to_str().unwrap();
    let broken = scene.write("broken.toml", "prooftrail_policy = 1\nname = 3\n");
    for arguments in [
        &["appraise", document][..],
        &["appraise", document, "--kind", "nvidia-dpu"],
        &["appraise", document, "--kind", "aws-nitro", "--at", "yesterday"],
        &["appraise", document, "--kind", "aws-nitro", "--nonce", "xyz"],
        &["appraise", document, "--kind", "aws-nitro", "--binding", "00"],
        &["appraise", document, "--kind", "aws-nitro", "--policy", broken.to_str().unwrap()],
        &["appraise", document, "--kind", "aws-nitro", "--policy", document, "--allow-debug"],
        &["appraise", document, "--kind", "aws-nitro", "--root", document],
        &["appraise", "/nonexistent", "--kind", "aws-nitro"],
        &["appraise", "/", "--kind", "aws-nitro"],
        &["frobnicate"],
    ] {
        let output = run(prooftrail().args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_examples_of_the_documentation_hold() {
    let examples = crate::vectors::own().join("../../docs/examples");
    let (policy, cases) = (examples.join("nitro-prover.policy.toml"), examples.join("nitro-prover.cases.toml"));
    let (status, lint) = json(&run(prooftrail().args(["policy", "lint", "--json", "--at", AT]).arg(&policy)));
    assert_eq!(status, 0, "{lint}");
    let (status, tested) = json(&run(prooftrail().args(["policy", "test", "--json"]).args([&policy, &cases])));
    assert_eq!((status, &tested["failed"]), (0, &0.into()), "{tested}");
}
