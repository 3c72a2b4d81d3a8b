//! SEV-SNP through the binary, on reports as simulated platforms make them: the preset, required revocation, and what is
//! authentic and refused all the same.

use std::{fs, path::PathBuf};

use prooftrail_simulator::snp::{Entry, Line, Platform, Report, certificate_table};
use serde_json::Value;

use crate::vectors::{json, prooftrail, reasons, run, shared};

/// 2026-06-01T12:00:00Z.
const AT: &str = "2026-06-01T12:00:00Z";
const AT_SECONDS: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;
const NONCE: [u8; 32] = [0x5A; 32];

/// A platform, with a folder that has its root's manifest, its certificates and its CRL.
struct Scene {
    platform: Platform,
    folder: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let platform = Platform::new(name, Line::Genoa);
        fs::write(folder.join("simulated-amd-root.der"), platform.root_der()).unwrap();
        fs::write(folder.join("manifest.toml"), platform.root_manifest()).unwrap();
        fs::write(folder.join("root.crl"), platform.crl(AT_SECONDS - DAY, &[]).build()).unwrap();
        let measurement = hex::encode(platform.report().measurement);
        let policy = format!(
            r#"prooftrail_policy = 1
name = "snp"
rationale = "a test"
presets = ["amd-sev-snp"]
allow_simulated = true

[[platform]]
name = "snp"
primary = "amd-sev-snp"

[[rule]]
id = "image"
claim = "measurement"
operator = "in"
value = ["{measurement}"]
rationale = "the image"

[[rule]]
id = "patched"
claim = "snp.tcb.launch.microcode"
operator = "at-least"
value = 86
rationale = "launched on patched microcode"
"#
        );
        fs::write(folder.join("policy.toml"), policy).unwrap();
        Self { platform, folder }
    }

    /// Appraises a report with its certificates behind it.
    fn appraise(&self, change: impl FnOnce(&mut Report), with_crl: bool) -> (i32, Value) {
        let mut report = self.platform.report();
        report.report_data[..NONCE.len()].copy_from_slice(&NONCE);
        change(&mut report);
        let vcek = self.platform.vcek(&report, AT_SECONDS - DAY);
        let [leaf, ask] = self.platform.vcek_chain(&vcek);
        let table = certificate_table(&[(Entry::Vcek, &leaf), (Entry::Ask, &ask)]);
        let evidence = self.folder.join("report.bin");
        fs::write(&evidence, [report.build(&vcek.key), table].concat()).unwrap();
        let mut command = prooftrail();
        command.args(["appraise", "--kind", "amd-sev-snp", "--json", "--at", AT, "--nonce", &hex::encode(NONCE)]);
        command.arg("--policy");
        command.arg(self.folder.join("policy.toml")).arg("--root").arg(self.folder.join("manifest.toml"));
        if with_crl {
            command.arg("--endorsement").arg(self.folder.join("root.crl"));
        }
        json(&run(command.arg(evidence)))
    }
}

#[test]
fn the_preset_holds_for_a_sound_guest_and_names_what_is_unsound() {
    let scene = Scene::new("snp-preset");
    let (status, result) = scene.appraise(|_| {}, true);
    assert_eq!((status, result["verdict"].as_str(), result["scope"].as_str()), (0, Some("affirming"), Some("policy")));
    assert_eq!(result["claims"]["revocation"], "good");

    let refused = |change: fn(&mut Report)| {
        let (status, result) = scene.appraise(change, true);
        assert_eq!((status, result["authentic"].as_bool()), (1, Some(true)), "{result}");
        reasons(&result)
    };
    assert_eq!(refused(|report| report.measurement[0] ^= 1), ["policy.rule_violated:image"]);
    assert_eq!(
        refused(|report| report.policy |= 1 << 19),
        ["policy.debug", "policy.rule_violated:amd-sev-snp/no-debug"]
    );
    assert_eq!(refused(|report| report.policy |= 1 << 18), ["policy.rule_violated:amd-sev-snp/no-migration-agent"]);
    assert_eq!(
        refused(|report| report.committed_tcb.snp -= 1),
        ["policy.rule_violated:amd-sev-snp/firmware-committed"]
    );
    assert_eq!(refused(|report| report.launch_tcb.microcode = 85), ["policy.rule_violated:patched"]);
}

#[test]
fn what_no_policy_can_allow_is_listed_whole() {
    let scene = Scene::new("snp-objections");
    let change = |report: &mut Report| {
        report.current_tcb.bootloader = 9;
        report.vmpl = u32::MAX;
    };
    let (status, result) = scene.appraise(change, true);
    assert_eq!((status, result["authentic"].as_bool()), (1, Some(true)), "{result}");
    assert_eq!(
        reasons(&result),
        [
            "snp.reported_above_current",
            "snp.committed_above_current",
            "snp.host_requested",
            "policy.rule_violated:amd-sev-snp/firmware-committed"
        ]
    );
    assert!(!result["claims"].as_object().unwrap().is_empty(), "declined evidence keeps its claims");
}

#[test]
fn a_policy_requires_the_root_s_list_unless_it_says_otherwise() {
    let scene = Scene::new("snp-revocation");
    let (status, result) = scene.appraise(|_| {}, false);
    assert_eq!((status, reasons(&result)), (1, vec!["revocation.not_checked".to_owned()]));
    let revoked = scene.platform.crl(AT_SECONDS - DAY, &[&scene.platform.ask.serial]).build();
    fs::write(scene.folder.join("root.crl"), revoked).unwrap();
    let (status, result) = scene.appraise(|_| {}, true);
    assert_eq!((status, reasons(&result)), (1, vec!["revocation.revoked".to_owned()]));
}

#[test]
fn a_report_is_recognised() {
    let folder = crate::vectors::own().join("snp");
    let mut command = prooftrail();
    command
        .args(["explain", "--at", "2024-01-01T00:00:00Z", "--endorsement"])
        .arg(folder.join("milan/sev_v2_vcek.der"));
    command.arg("--endorsement").arg(folder.join("roots/ask_milan.pem")).arg(folder.join("milan/sev_v2_report.bin"));
    let explained = run(&mut command);
    assert!(explained.status.success());
    let words = String::from_utf8(explained.stdout).unwrap();
    for part in ["An AMD SEV-SNP attestation report", "(amd-sev-snp), 1184 bytes", "Milan", "amd-ark-milan"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

/// Genuine machines: what their reports show of AMD's bulletins, worked out by hand from the table's levels.
#[test]
fn genuine_machines_stand_to_the_bulletins_as_their_levels_say() {
    let Some(vectors) = shared("bulletins of genuine machines") else { return };
    let tsm = ["tsm/cert_63da758d-e664-4564-adc5-f4b93be8accd", "tsm/cert_4ab7b379-bbac-4fe4-a02f-05aef327c782"];
    for (report, certificates, mitigated, open, not_attestable, exposed) in [
        (
            "turin/ms_report.bin",
            ["turin/ms_vcek.pem", "turin/ms_ask.pem"],
            "3016 3020 3027",
            "3021 7055",
            "3019 3030 3034",
            false,
        ),
        (
            "siena/report.bin",
            ["siena/vcek.der", "roots/ask_genoa.pem"],
            "3015 3019",
            "3020 3021 3023",
            "3016 3027 3030 3034",
            false,
        ),
        ("tsm/outblob.bin", tsm, "3015 3019", "3020 3021 3023 3027", "3016 3030 3034", false),
        (
            "milan/ms_report.bin",
            ["milan/ms_vcek.pem", "milan/ms_ask.pem"],
            "3005 3015 3019",
            "3021 3023 3027 3030 3045",
            "3016 3020 3034",
            true,
        ),
        // Of version 2: it does not say which Milan, and so not whether its microcode is old.
        (
            "milan/sev_v2_report.bin",
            ["milan/sev_v2_vcek.der", "roots/ask_milan.pem"],
            "",
            "3015 3019 3021 3023 3030 3045",
            "3005 3016 3020 3027 3034",
            true,
        ),
    ] {
        let folder = vectors.join("snp");
        let appraise = |at: &str| {
            let mut command = prooftrail();
            command.args(["appraise", "--kind", "amd-sev-snp", "--json", "--at", at]).arg(folder.join(report));
            certificates.iter().for_each(|name| _ = command.arg("--endorsement").arg(folder.join(name)));
            json(&run(&mut command)).1["claims"].clone()
        };
        let claims = appraise("2026-11-23T00:00:00Z");
        let list = |numbers: &str| -> Value {
            numbers.split_whitespace().map(|number| format!("AMD-SB-{number}")).collect::<Vec<_>>().into()
        };
        assert_eq!(claims["snp.bulletins.mitigated"], list(mitigated), "{report}");
        assert_eq!(claims["snp.bulletins.open"], list(open), "{report}");
        assert_eq!(claims["advisories"], list(open), "{report}");
        assert_eq!(claims["snp.bulletins.not_attestable"], list(not_attestable), "{report}");
        assert_eq!(claims["snp.root_seed_exposed"], exposed, "{report}");
        // Before the table begins, nothing is said.
        let before = appraise("2026-09-30T23:59:59Z");
        assert!(before["snp.product"].is_string(), "{report}");
        for name in ["snp.bulletins.open", "snp.root_seed_exposed", "advisories"] {
            assert!(before.get(name).is_none(), "{report}: {name}");
        }
    }
}
