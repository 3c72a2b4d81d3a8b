//! What changes the digest, what does not, and the digests that must never change.

use std::collections::BTreeSet;

use crate::{Policy, PolicyDocument, presets, testing::nitro_policy};

/// A policy in which every field of the format is set.
const FULL: &str = r#"prooftrail_policy = 1
name = "solvency-prover"
rationale = "Only the audited prover may read the ledger."
presets = ["aws-nitro-enclave"]
allow_debug = false
allow_simulated = false
allow_unknown_fields = false
require_nonce = true
require_binding = false
roots = [
    "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b",
    "0101010101010101010101010101010101010101010101010101010101010101",
]

[freshness]
max_age = "5m"

[revocation]
amazon = "best-effort"
amd = "required"
intel = "required"
nvidia = "required"

[[platform]]
name = "nitro"
primary = "aws-nitro"

[[platform.rule]]
id = "image"
claim = "nitro.pcr0"
operator = "in"
reference = "images"
rationale = "Only audited images."
controls = ["SOC2 CC6.1", "ISO 27001 A.8.24"]

[[platform]]
name = "gpu"
primary = "amd-sev-snp"
devices = [
    { kind = "nvidia-gpu", min = 1, max = 8 },
    { kind = "nvidia-switch", min = 0, max = 4 },
]

[[rule]]
id = "vmpl"
claim = "snp.vmpl"
operator = "at-most"
value = 1
rationale = "The guest's own level."

[[rule]]
id = "gpus"
claim = "gpu.*.measres"
operator = "in"
value = ["success", "Success"]
rationale = "Every device."

[[rule]]
id = "argv"
claim = "job.argv"
operator = "equals"
value = ["prove", "--fast"]
rationale = "This command."

[[rule]]
id = "bits"
claim = "snp.platform_info"
operator = "has-bits"
value = 0x20
rationale = "Alias check complete."

[[rule]]
id = "age"
claim = "tcb.date"
operator = "at-least"
value = "2025-08-13T00:00:00Z"
rationale = "The last recovery."

[[reference]]
name = "images"
[[reference.value]]
value = "8bb159f202bb95d6d4d98e0e103918246cea734f1d57cd263e4fd56075ed53f6fa8c68854817a32749a241e11874c26b"
not_before = "2026-01-01T00:00:00Z"
retire_at = "2026-03-01T00:00:00Z"
note = "v1.2.0"
[[reference.value]]
value = "3b4a7e1b5f13c5a1000b3ed32ef8995ee13e9876329f9bc72650b918329ef9cf4e2e4d1e1e37375dab0ba56ba0974d03"

[[reference]]
name = "unused"
[[reference.value]]
value = 1
"#;

fn compile(text: &str, trusted: &[[u8; 32]]) -> Policy {
    let document = PolicyDocument::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    document.compile(trusted).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn digest(text: &str) -> [u8; 48] {
    compile(text, &[[2; 32]]).digest()
}

/// FULL with one passage changed; the passage must stand there exactly once.
fn with(from: &str, to: &str) -> String {
    assert_eq!(FULL.matches(from).count(), 1, "{from}");
    FULL.replacen(from, to, 1)
}

#[test]
fn every_change_of_meaning_is_another_policy() {
    let changes = [
        ("\"solvency-prover\"", "\"other\""),
        ("Only the audited prover may", "The audited prover may"),
        ("presets = [\"aws-nitro-enclave\"]", "presets = []"),
        ("presets = [\"aws-nitro-enclave\"]", "presets = [\"aws-nitrotpm\"]"),
        ("presets = [\"aws-nitro-enclave\"]", "presets = [\"aws-nitro-enclave\", \"aws-nitrotpm\"]"),
        ("allow_debug = false", "allow_debug = true"),
        ("allow_simulated = false", "allow_simulated = true"),
        ("allow_unknown_fields = false", "allow_unknown_fields = true"),
        ("require_nonce = true", "require_nonce = false"),
        ("require_binding = false", "require_binding = true"),
        ("641a", "641b"),
        ("    \"0101010101010101010101010101010101010101010101010101010101010101\",\n", ""),
        ("[freshness]\nmax_age = \"5m\"", ""),
        ("\"5m\"", "\"301s\""),
        ("amazon = \"best-effort\"", "amazon = \"off\""),
        ("amd = \"required\"", "amd = \"best-effort\""),
        ("intel = \"required\"", "intel = \"off\""),
        ("nvidia = \"required\"", "nvidia = \"off\""),
        ("name = \"nitro\"", "name = \"nitros\""),
        ("primary = \"aws-nitro\"", "primary = \"aws-nitrotpm\""),
        ("primary = \"amd-sev-snp\"\n", ""),
        ("min = 1, max = 8", "min = 2, max = 8"),
        ("min = 1, max = 8", "min = 1, max = 7"),
        ("    { kind = \"nvidia-switch\", min = 0, max = 4 },\n", ""),
        ("kind = \"nvidia-switch\"", "kind = \"nvidia-nras\""),
        ("[[platform.rule]]", "[[rule]]"),
        ("id = \"vmpl\"", "id = \"level\""),
        ("\"snp.vmpl\"", "\"snp.guest_svn\""),
        ("\"at-most\"", "\"at-least\""),
        ("value = 1\nrationale", "value = 0\nrationale"),
        ("The guest's own level.", ""),
        ("gpu.*.measres", "gpu.0.measres"),
        ("gpu.*.measres", "switch.*.measres"),
        ("[\"success\", \"Success\"]", "[\"success\"]"),
        ("[\"success\", \"Success\"]", "[\"success\", \"SUCCESS\"]"),
        ("[\"prove\", \"--fast\"]", "[\"--fast\", \"prove\"]"),
        ("0x20", "0x24"),
        ("has-bits", "lacks-bits"),
        ("2025-08-13T00:00:00Z", "2025-08-13T00:00:01Z"),
        (
            "reference = \"images\"",
            "value = [\"8bb159f202bb95d6d4d98e0e103918246cea734f1d57cd263e4fd56075ed53f6fa8c68854817a32749a241e11874c26b\"]",
        ),
        ("controls = [\"SOC2 CC6.1\", \"ISO 27001 A.8.24\"]", "controls = [\"SOC2 CC6.1\"]"),
        ("8bb159", "8bb158"),
        ("not_before = \"2026-01-01T00:00:00Z\"\n", ""),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z"),
        ("retire_at = \"2026-03-01T00:00:00Z\"\n", ""),
        ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"),
        ("note = \"v1.2.0\"\n", ""),
        ("v1.2.0", "v1.2.1"),
        ("name = \"unused\"", "name = \"spare\""),
    ];
    let mut seen = BTreeSet::from([digest(FULL)]);
    for (from, to) in changes {
        assert!(
            seen.insert(digest(&with(from, to))),
            "{from} → {to} leaves the digest, or gives that of another change"
        );
    }
    let pin = |system: &str, vk: &str| format!("[[proof]]\nsystem = '{system}'\nvk_sha256 = '{}'\n", vk.repeat(32));
    let (one, other) = (pin("groth16-bn254", "ab"), pin("groth16-bn254", "cd"));
    for proofs in [one.clone(), other.clone(), pin("groth16-bls12-381", "ab"), format!("{one}{other}")] {
        assert!(seen.insert(digest(&format!("{FULL}\n{proofs}"))), "{proofs}");
    }
    let issuer_keys = with("require_nonce = true", "require_nonce = true\nallow_issuer_keys = true");
    assert!(seen.insert(digest(&issuer_keys)) && seen.insert(digest(&format!("{issuer_keys}\n{one}"))));
    assert_eq!(digest(&issuer_keys.replace("keys = true", "keys = false")), digest(FULL), "as if it were not there");
    let reordered =
        [format!("{one}{other}"), format!("{other}{one}")].map(|proofs| digest(&format!("{FULL}\n{proofs}")));
    assert_eq!(reordered[0], reordered[1], "circuits are a set");
    assert!(seen.insert(digest(&FULL.replace("\"images\"", "\"prover-images\""))), "a reference's name");
    assert!(
        seen.insert(digest(&FULL.replace("value = 1\n", "value = \"1\"\n").replacen("\"1\"", "1", 1))),
        "TOML types"
    );
}

#[test]
fn form_is_not_meaning() {
    let reordered = {
        // Rules, platforms and references are sets: the tables may stand in any order.
        let (head, tables) = FULL.split_once("[[platform]]").unwrap();
        let tables = format!("[[platform]]{tables}");
        let rules_at = tables.find("[[rule]]").unwrap();
        let references_at = tables.find("[[reference]]").unwrap();
        let gpu_at = tables.rfind("[[platform]]").unwrap();
        let mut rules: Vec<_> = tables[rules_at..references_at].split("[[rule]]").skip(1).collect();
        rules.reverse();
        let unused_at = tables.rfind("[[reference]]").unwrap();
        format!(
            "{head}{}{}{}[[rule]]{}{}",
            &tables[unused_at..],
            &tables[references_at..unused_at],
            &tables[gpu_at..rules_at],
            rules.join("[[rule]]"),
            &tables[..gpu_at],
        )
    };
    for (what, text) in [
        ("a comment", format!("# reviewed\n{FULL}")),
        ("white space", FULL.replace(" = ", "   =  ").replace('\n', "\n\n")),
        ("line ends", FULL.replace('\n', "\r\n")),
        ("another unit", with("\"5m\"", "\"300s\"")),
        ("hex digits' case", with("8bb159f202bb95d6", "8BB159F202BB95D6")),
        ("a root's case", with("641a0321a3e244efe4", "641A0321A3E244EFE4")),
        ("another offset", with("\"2026-01-01T00:00:00Z\"", "\"2026-01-01T01:00:00+01:00\"")),
        ("a TOML time", with("\"2026-03-01T00:00:00Z\"", "2026-03-01T00:00:00Z")),
        ("a number's base", with("0x20", "32")),
        ("a mask's digits", with("0x20", "\"0000000000000020\"")),
        ("the order of roots", {
            let text = with("    \"0101010101010101010101010101010101010101010101010101010101010101\",\n", "");
            text.replace(
                "roots = [\n",
                "roots = [\n    \"0101010101010101010101010101010101010101010101010101010101010101\",\n",
            )
        }),
        ("the order of controls", with("\"SOC2 CC6.1\", \"ISO 27001 A.8.24\"", "\"ISO 27001 A.8.24\", \"SOC2 CC6.1\"")),
        ("the order of values", with("\"success\", \"Success\"", "\"Success\", \"success\"")),
        ("a value twice", with("\"success\", \"Success\"", "\"Success\", \"success\", \"success\"")),
        ("a default left out", with("require_nonce = true\nrequire_binding = false\n", "")),
        ("revocation's defaults left out", {
            with(
                "[revocation]\namazon = \"best-effort\"\namd = \"required\"\nintel = \"required\"\nnvidia = \"required\"\n",
                "",
            )
        }),
        ("the order of tables", reordered),
    ] {
        assert_ne!(text, FULL, "{what}");
        assert_eq!(digest(&text), digest(FULL), "{what}:\n{text}");
    }
}

#[test]
fn the_verifier_s_roots_count_only_where_the_policy_lists_none() {
    let own = compile(FULL, &[[2; 32]]);
    assert_eq!(own.digest(), compile(FULL, &[[3; 32]]).digest());
    let start = FULL.find("roots = [").unwrap();
    let end = FULL.find("[freshness]").unwrap();
    let without = format!("{}{}", &FULL[..start], &FULL[end..]);
    let trusting = |roots: &[[u8; 32]]| compile(&without, roots).digest();
    assert_ne!(trusting(&[[2; 32]]), trusting(&[[3; 32]]));
    assert_eq!(trusting(&[[2; 32], [3; 32]]), trusting(&[[3; 32], [2; 32], [3; 32]]));
    assert_eq!(compile(&without, own.roots()).digest(), own.digest(), "listed or handed over, roots are roots");
}

/// Approvers have signed digests; a change of the canonical form, or of a preset, voids what they signed. So these lines
/// change only with the format's version, and a better preset gets a new name.
#[test]
fn digests_never_change() {
    let hex = |digest: [u8; 48]| hex::encode(digest);
    assert_eq!(
        hex(digest(FULL)),
        "7adf24d4b57edd97080a3e57b060c2d9f369e0f8558440496cc17cc8dc2924c6009dcd42d3ddfb2cbd35102ae50c8b65"
    );
    let preset = |name: &str| hex(nitro_policy(&format!("presets = ['{name}']\n"), "").digest());
    let presets: Vec<_> = presets::names().map(|name| (name, preset(name))).collect();
    let pinned = [
        (
            "amd-sev-snp",
            "d48e5841c7685051916a3328e1da311627b05a2db53e2668bc50537a8533093c158229c16d544a757d2affd29b2d6036",
        ),
        (
            "amd-sev-snp-2026-10-strict",
            "bf93224717cc30c8461e0f4e64cf5edd4e2263634d61eec94fb56eafc7a135a84df3a3af610f3f91a3f5ff2701fdf899",
        ),
        (
            "amd-sev-snp-sb-3019",
            "269f6b27257efd69368a5f75486d02d3cab1d6e373ab63cfa7486449caa82c04d8695f41dea48550c3b6740f3c04d01b",
        ),
        (
            "aws-nitro-enclave",
            "4dd467e1d131b454d09d4262352c8bf4b59db441b95bb00f4941739ffe06e830dc88ab6bc58af75532422db83b55f235",
        ),
        (
            "aws-nitrotpm",
            "af1a245f90827e6170db0d5649afc2288bffb5bf7345a3a907e6ca74accd63871f60e40c3c3d447d64fb661e37ec0dad",
        ),
        (
            "intel-tdx",
            "d8886b0241bfb19f9deda67ff6357dcf64d8af8adfbbd0c633d25485aef657164480bea607bc1f22353a6a2022d508c7",
        ),
        (
            "intel-tdx-2026-10-strict",
            "5cad82e4d223f49ad3b8198ac6a85551a713a745ce5ca9c540f68f7d1fe320d7226a4530e64159a72ab03cd1375a7e43",
        ),
        (
            "nvidia-gpu",
            "5dbcb0274a7c17ac583543b24340cde1b3dbad133e1e9e30e8e005c36be3470c187cdb6ced5ed27a25bdf0adc84295de",
        ),
    ];
    assert_eq!(presets, pinned.map(|(name, digest)| (name, digest.to_owned())));
}

/// What a group says is part of the policy, and whose it is; in which order it says it is not.
#[test]
fn groups_are_covered_and_their_order_is_not() {
    let group = |name: &str, model: u8, operator: &str, level: u8| {
        format!(
            "[[group]]\nname = '{name}'\nwhen = [{{ claim = 'snp.cpuid.model', operator = 'equals', value = {model} }}, \
             {{ claim = 'snp.vmpl', operator = '{operator}', value = 1 }}]\n\
             [[group.rule]]\nid = 'level'\nclaim = 'snp.tcb.launch.snp'\noperator = 'at-least'\nvalue = {level}\nrationale = 'r'\n"
        )
    };
    let of = |groups: &[String]| nitro_policy("", &groups.concat()).digest();
    let (a, b) = (group("a", 1, "at-most", 1), group("b", 2, "at-most", 1));
    assert_eq!(of(&[a.clone(), b.clone()]), of(&[b.clone(), a.clone()]));
    let variants = [
        of(&[]),
        of(std::slice::from_ref(&a)),
        of(&[a.clone(), b]),
        of(&[group("c", 1, "at-most", 1)]),
        of(&[group("a", 2, "at-most", 1)]),
        of(&[group("a", 1, "at-least", 1)]),
        of(&[group("a", 1, "at-most", 2)]),
    ];
    assert_eq!(variants.iter().collect::<BTreeSet<_>>().len(), variants.len());
    // A policy that names circuits besides keeps them apart from groups.
    let proof = format!("[[proof]]\nsystem = 's'\nvk_sha256 = '{}'\n", "01".repeat(32));
    assert_ne!(of(&[a.clone(), proof]), of(&[a]));
}
