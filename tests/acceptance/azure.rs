//! Azure's virtual machines through the binary: genuine evidence with parts exchanged, each refused for its own reason, and a
//! policy on a simulated machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use prooftrail_simulator::{
    azure::{Hardware, Machine},
    jose::Token,
    maa::Provider,
};
use serde_json::{Value, json};

use crate::vectors::{json as result_of, prooftrail, reasons, run, shared};

/// 2026-06-01T12:00:00Z.
const AT: &str = "2026-06-01T12:00:00Z";
const AT_SECONDS: i64 = 1_780_315_200;

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn read(file: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn parts_of_genuine_evidence_do_not_pass_for_each_other_s() {
    let Some(vectors) = shared("parts of genuine Azure evidence exchanged") else { return };
    let folder = folder("azure-parts");
    let snp = read(vectors.join("snp/azure/evidence-v2.json"));
    let genoa = read(vectors.join("snp/azure/evidence-genoa.json"));
    let tdx = read(vectors.join("tdx/azure/az-tdx-evidence-v1.json"));
    let appraise = |kind: &str, evidence: &Value, endorsement: &str| {
        let file = folder.join("evidence.json");
        fs::write(&file, evidence.to_string()).unwrap();
        let at = if kind == "azure-tdx-vtpm" { "2025-07-15T00:00:00Z" } else { "2026-01-01T00:00:00Z" };
        let mut command = prooftrail();
        command
            .args(["appraise", "--json", "--kind", kind, "--at", at, "--endorsement"])
            .arg(vectors.join(endorsement));
        let (_, result) = result_of(&run(command.arg(&file)));
        reasons(&result)
    };
    let on_snp = |change: &dyn Fn(&mut Value)| {
        let mut evidence = snp.clone();
        change(&mut evidence);
        appraise("azure-snp-vtpm", &evidence, "snp/roots/ask_milan.pem")
    };
    let on_tdx = |change: &dyn Fn(&mut Value)| {
        let mut evidence = tdx.clone();
        change(&mut evidence);
        appraise("azure-tdx-vtpm", &evidence, "tdx/collateral/s202507-00806f.json")
    };
    assert_eq!(on_snp(&|_| {}), [""; 0]);
    assert_eq!(on_tdx(&|_| {}), [""; 0]);

    // The quote of another machine; its values alone; its message alone; its signature alone.
    assert_eq!(on_snp(&|evidence| evidence["tpm_quote"] = genoa["quote"].clone()), ["tpm.quote_signature"]);
    assert_eq!(on_snp(&|evidence| evidence["tpm_quote"] = tdx["tpm_quote"].clone()), ["tpm.quote_signature"]);
    for (part, code) in
        [("pcrs", "tpm.pcr_digest"), ("message", "tpm.quote_signature"), ("signature", "tpm.quote_signature")]
    {
        let exchanged = on_snp(&|evidence| evidence["tpm_quote"][part] = genoa["quote"][part].clone());
        assert_eq!(exchanged, [code], "{part}");
    }
    // The certificate of another product; of a report, the one of another machine.
    assert_eq!(on_snp(&|evidence| evidence["vcek"] = genoa["vcek"].clone()), ["snp.certificate_missing"]);
    assert_eq!(on_snp(&|evidence| evidence["hcl_report"] = genoa["report"].clone()), ["snp.product_mismatch"]);
    assert_eq!(on_snp(&|evidence| evidence["hcl_report"] = tdx["hcl_report"].clone()), ["azure.report_kind"]);
    assert_eq!(on_tdx(&|evidence| evidence["hcl_report"] = snp["hcl_report"].clone()), ["azure.report_kind"]);
    // The paravisor's report of another trust domain, whose quote the genuine one is not.
    let other = fs::read(vectors.join("tdx/azure/az-tdx-vtpm-0.8.2_hcl-report-tdx.bin")).unwrap();
    assert_eq!(on_tdx(&|evidence| evidence["hcl_report"] = json!(other)), ["azure.report_data"]);
    // A value more, a value less, and two in each other's place.
    type Change = fn(&mut Vec<Value>);
    let changes: [(Change, &str); 4] = [
        (|pcrs| pcrs.push(json!("00".repeat(32))), "tpm.quote_malformed"),
        (|pcrs| _ = pcrs.pop(), "tpm.pcr_values"),
        (|pcrs| pcrs.swap(0, 1), "tpm.pcr_digest"),
        (|pcrs| pcrs[16] = json!("11".repeat(32)), "tpm.pcr_digest"),
    ];
    for (change, code) in changes {
        assert_eq!(on_tdx(&|evidence| change(evidence["tpm_quote"]["pcrs"].as_array_mut().unwrap())), [code]);
    }
}

/// A machine's evidence, appraised by a policy that pins one register.
fn appraise(name: &str, pcr: &str, change: impl FnOnce(&mut Machine)) -> (i32, Value) {
    let folder = folder(name);
    let mut machine = Machine::snp("acceptance", AT_SECONDS);
    let pinned = hex::encode(machine.quote.pcrs[11]);
    machine.quote.extra_data = vec![0x5A; 32];
    change(&mut machine);
    let policy = format!(
        r#"prooftrail_policy = 1
name = "azure"
rationale = "a test"
presets = ["amd-sev-snp"]
allow_simulated = true

[[platform]]
name = "azure"
primary = "azure-snp-vtpm"

[[rule]]
id = "image"
claim = "{pcr}"
operator = "in"
value = ["{pinned}"]
rationale = "the unified kernel image"
"#
    );
    let Hardware::Snp { platform, .. } = &machine.hardware else { unreachable!("a machine of AMD's") };
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("policy.toml", policy.as_bytes());
    write("evidence.json", &machine.evidence());
    write("manifest.toml", machine.root_manifest().as_bytes());
    write("simulated-amd-root.der", &machine.root_der());
    write("ask.der", &machine.endorsements()[0]);
    write("root.crl", &platform.crl(AT_SECONDS - 24 * 3600, &[]).build());
    let mut command = prooftrail();
    command.args(["appraise", "--kind", "azure-snp-vtpm", "--json", "--at", AT, "--nonce", &"5a".repeat(32)]);
    let path = |name: &str| Path::new(&folder).join(name);
    command.arg("--policy").arg(path("policy.toml")).arg("--root").arg(path("manifest.toml"));
    command.arg("--endorsement").arg(path("ask.der")).arg("--endorsement").arg(path("root.crl"));
    result_of(&run(command.arg(path("evidence.json"))))
}

#[test]
fn a_policy_pins_the_guest_by_its_registers_and_the_hardware_by_its_preset() {
    let (status, result) = appraise("azure-policy", "azure_vtpm.pcr11", |_| {});
    assert_eq!((status, result["scope"].as_str()), (0, Some("policy")), "{result}");
    assert_eq!((&result["claims"]["revocation"], &result["claims"]["secure_boot"]), (&json!("good"), &json!(true)));
    let refused = |pcr: &str, change: fn(&mut Machine)| {
        let (status, result) = appraise("azure-policy-refused", pcr, change);
        assert_eq!((status, result["authentic"].as_bool()), (1, Some(true)), "{result}");
        reasons(&result)
    };
    let other_guest: fn(&mut Machine) = |machine| machine.quote.pcrs[11][0] ^= 1;
    assert_eq!(refused("azure_vtpm.pcr11", other_guest), ["policy.rule_violated:image"]);
    // A register that is not quoted is absent, and absent satisfies nothing.
    let unquoted: fn(&mut Machine) = |machine| machine.quote.selection[0].1 = vec![0xFF, 0, 0];
    assert_eq!(refused("azure_vtpm.pcr11", unquoted), ["policy.claim_absent:image"]);
    let migratable: fn(&mut Machine) = |machine| {
        if let Hardware::Snp { report, .. } = &mut machine.hardware {
            report.policy |= 1 << 18;
        }
    };
    assert_eq!(refused("azure_vtpm.pcr11", migratable), ["policy.rule_violated:amd-sev-snp/no-migration-agent"]);
}

#[test]
fn evidence_of_azure_is_recognised() {
    let folder = folder("azure-explain");
    let machine = Machine::snp("acceptance", AT_SECONDS);
    let file = folder.join("evidence.json");
    fs::write(&file, machine.evidence()).unwrap();
    fs::write(folder.join("manifest.toml"), machine.root_manifest()).unwrap();
    fs::write(folder.join("simulated-amd-root.der"), machine.root_der()).unwrap();
    fs::write(folder.join("ask.der"), &machine.endorsements()[0]).unwrap();
    let mut command = prooftrail();
    command.args(["explain", "--at", AT, "--root"]).arg(folder.join("manifest.toml"));
    let explained = run(command.arg("--endorsement").arg(folder.join("ask.der")).arg(&file));
    let words = String::from_utf8(explained.stdout).unwrap();
    for part in [
        "A TPM quote of an Azure confidential VM on AMD SEV-SNP",
        "azure-snp-vtpm",
        "the TPM quote is signed by that key",
        "azure_vtpm.pcr4",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(explained.status.success());
}

#[test]
fn a_token_beside_a_quote_must_be_about_the_same_machine() {
    let folder = folder("azure-maa-set");
    let provider = Provider::new("acceptance", AT_SECONDS);
    let mut machine = Machine::snp("acceptance", AT_SECONDS);
    machine.quote.extra_data = vec![0x5A; 32];
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).unwrap();
        folder.join(name)
    };
    write("simulated-amd-root.der", &machine.root_der());
    let roots = write("manifest.toml", machine.root_manifest().as_bytes());
    let files = [write("ask.der", &machine.endorsements()[0]), write("certs.json", &provider.key_set().build())];
    let quote = write("evidence.json", &machine.evidence());
    let appraise = |token: &Token| {
        let token = write("token.jwt", token.build().as_bytes());
        let mut command = prooftrail();
        command.args(["appraise", "--json", "--at", AT]).arg("--root").arg(&roots);
        files.iter().for_each(|file| _ = command.arg("--endorsement").arg(file));
        command.arg(format!("azure-snp-vtpm={}", quote.display())).arg(format!("azure-maa={}", token.display()));
        result_of(&run(&mut command))
    };
    let (status, result) = appraise(&provider.guest_token(&machine));
    assert_eq!(status, 0, "{result}");
    assert_eq!(result["claims"]["vendor"], "amd", "the hardware speaks");
    assert_eq!(result["claims"]["maa.issuer"], provider.issuer.as_str());
    assert_eq!(result["claims"]["maa.enclave.key_bound"], Value::Null, "Intel's root is none of these");

    // The token of another machine; and of this machine's key beside another report, or this report beside another key.
    let other = Machine::snp("another", AT_SECONDS);
    let refused = |token: &Token| {
        let (status, result) = appraise(token);
        assert_eq!(status, 1, "{result}");
        reasons(&result)
    };
    assert_eq!(refused(&provider.guest_token(&other)), ["binding.unlinked"]);
    for path in ["x-ms-isolation-tee/x-ms-sevsnpvm-reportid", "x-ms-isolation-tee/x-ms-runtime/keys"] {
        let mut token = provider.guest_token(&machine);
        token.payload.set(path, provider.guest_token(&other).payload.get(path).cloned().unwrap());
        assert_eq!(refused(&token), ["binding.unlinked"], "{path}");
    }
}
