//! Policies on quotes through the binary, as simulated platforms make them: what the preset demands of a trust domain, what
//! revocation data a policy demands by default, and what stays visible of a platform that is too old.

use std::{fs, path::PathBuf};

use prooftrail_simulator::intel::{Collateral, Quote, Vendor};
use serde_json::Value;

use crate::vectors::{json, prooftrail, reasons, run};

/// 2026-06-01T12:00:00Z.
const AT_SECONDS: i64 = 1_780_315_200;
const AT: &str = "2026-06-01T12:00:00Z";
const BINDING: [u8; 48] = [7; 48];

/// A folder of its own with the root and its manifest.
struct Scene {
    vendor: Vendor,
    folder: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let vendor = Vendor::new("acceptance", AT_SECONDS);
        fs::write(folder.join("simulated-intel-root.der"), vendor.root_der()).unwrap();
        fs::write(folder.join("manifest.toml"), vendor.root_manifest()).unwrap();
        Self { vendor, folder }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A policy with the preset and the guest's initial contents.
    fn policy(&self, quote: &mut Quote) -> PathBuf {
        let mrtd = hex::encode(quote.td_mut().mrtd);
        let text = format!(
            r#"prooftrail_policy = 1
name = "acceptance"
rationale = "a test"
presets = ["intel-tdx"]
allow_simulated = true
require_binding = true

[[platform]]
name = "tdx"
primary = "intel-tdx"

[[rule]]
id = "contents"
claim = "tdx.mrtd"
operator = "in"
value = ["{mrtd}"]
rationale = "the firmware"
"#
        );
        self.write("policy.toml", text)
    }

    /// Appraises a quote that carries the binding, changed, with collateral, changed.
    fn appraise(&self, change: impl FnOnce(&mut Quote, &mut Collateral)) -> (i32, Value) {
        let (mut quote, mut collateral) = (self.vendor.td_quote(), self.vendor.tdx_collateral());
        quote.td_mut().report_data[..48].copy_from_slice(&BINDING);
        let policy = self.policy(&mut quote);
        change(&mut quote, &mut collateral);
        let (quote, collateral) = (self.write("quote.bin", quote.build()), self.write("c.json", collateral.build()));
        let mut command = prooftrail();
        command.args(["appraise", "--kind", "intel-tdx", "--json", "--at", AT, "--binding", &hex::encode(BINDING)]);
        command.arg(quote).arg("--endorsement").arg(collateral).arg("--policy").arg(policy);
        json(&run(command.arg("--root").arg(self.folder.join("manifest.toml"))))
    }

    fn reasons(&self, change: impl FnOnce(&mut Quote, &mut Collateral)) -> Vec<String> {
        let (status, result) = self.appraise(change);
        assert_eq!(status == 0, result["reasons"] == Value::Array(Vec::new()), "{result}");
        reasons(&result)
    }
}

#[test]
fn the_preset_holds_for_a_sound_guest_and_names_what_is_wrong_with_others() {
    let scene = Scene::new("intel-preset");
    let (status, result) = scene.appraise(|_, _| {});
    assert_eq!((status, &result["verdict"]), (0, &"affirming".into()), "{result}");
    assert_eq!(result["claims"]["revocation"], "good");
    assert_eq!(result["valid_until"], "2026-06-21T11:59:59Z", "the TCB info is due first");

    let attributes = |attributes: [u8; 8]| scene.reasons(|quote, _| quote.td_mut().td_attributes = attributes);
    assert_eq!(attributes([0; 8]), [""; 0], "Azure's guests");
    assert_eq!(attributes([0, 0, 0, 0x50, 0, 0, 0, 0x80]), [""; 0], "protection keys and performance counters");
    assert_eq!(attributes([0x10, 0, 0, 0x10, 0, 0, 0, 0]), ["policy.rule_violated:intel-tdx/no-profiling"]);
    assert_eq!(attributes([0, 0, 0, 0x30, 0, 0, 0, 0]), ["policy.rule_violated:intel-tdx/no-migration"]);
    assert_eq!(attributes([1, 0, 0, 0x10, 0, 0, 0, 0]), ["policy.debug", "policy.rule_violated:intel-tdx/no-debug"]);
    assert_eq!(scene.reasons(|quote, _| quote.qe_report.isvsvn = 6), ["policy.rule_violated:intel-tdx/patched"]);
    assert_eq!(scene.reasons(|quote, _| quote.td_mut().mrtd[0] ^= 1), ["policy.rule_violated:contents"]);
    assert_eq!(scene.reasons(|quote, _| quote.td_mut().report_data[0] ^= 1), ["binding.value_mismatch"]);
}

#[test]
fn revocation_is_required_of_intel_unless_a_policy_says_otherwise() {
    let scene = Scene::new("intel-revocation");
    assert_eq!(scene.reasons(|_, collateral| collateral.pck_crl = None), ["revocation.not_checked"]);
    let serial = scene.vendor.pck().serial;
    let revoked = |_: &mut Quote, collateral: &mut Collateral| {
        collateral.pck_crl = Some(scene.vendor.crl_of_platform_ca(&[&serial]));
    };
    assert_eq!(scene.reasons(revoked), ["revocation.revoked"]);
    let other = Vendor::new("somebody else", AT_SECONDS);
    let foreign = |_: &mut Quote, collateral: &mut Collateral| {
        collateral.pck_crl = Some(other.crl_of_platform_ca(&[]));
    };
    assert_eq!(scene.reasons(foreign), ["revocation.signature"]);
}

#[test]
fn what_is_below_every_level_is_refused_version_by_version_with_its_claims() {
    let mut scene = Scene::new("intel-levels");
    scene.vendor.platform.components[7] = 2;
    scene.vendor.platform.pce_svn = 4;
    let (status, result) = scene.appraise(|_, _| {});
    assert_eq!((status, &result["authentic"]), (1, &true.into()), "{result}");
    assert_eq!(result["claims"]["tdx.pce_svn"], 4);
    let reasons: Vec<_> = result["reasons"].as_array().unwrap().iter().collect();
    let short = reasons.iter().filter(|reason| reason["code"] == "tcb.no_level");
    let short: Vec<_> =
        short.map(|reason| (reason["have"].as_str().unwrap(), reason["need"].as_str().unwrap())).collect();
    assert_eq!(short, [("2", "3"), ("4", "5")]);
    assert!(reasons.iter().any(|reason| reason["rule"] == "intel-tdx/patched"), "an absent status satisfies no rule");
}

#[test]
fn explain_recognises_quotes_and_says_what_is_missing() {
    let scene = Scene::new("intel-explain");
    for (quote, kind) in [(scene.vendor.td_quote(), "intel-tdx"), (scene.vendor.enclave_quote(), "intel-sgx")] {
        let file = scene.write(&format!("{kind}.bin"), quote.build());
        let mut command = prooftrail();
        command.args(["explain", "--json", "--at", AT]).arg(file);
        let (status, explained) = json(&run(command.arg("--root").arg(scene.folder.join("manifest.toml"))));
        assert_eq!((status, &explained["kind"]), (0, &kind.into()));
        assert_eq!(explained["result"]["reasons"][0]["code"], "collateral.missing");
    }
}
