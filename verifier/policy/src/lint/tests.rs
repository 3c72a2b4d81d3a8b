//! A policy without a finding, and for every code a policy that has it.

use std::collections::BTreeSet;

use super::{Concern, LintCode, Severity};
use crate::{
    Policy,
    testing::{HEAD, NITRO, PCR0, at, policy},
};

const NOW: &str = "2026-02-01T00:00:00Z";

/// The end of every rule here.
const WHY: &str = "rationale = 'r'\ncontrols = ['SOC2 CC6.1']\n";

/// A policy that leaves nothing open.
fn clean() -> String {
    format!(
        "{HEAD}allow_unknown_fields = false\n[freshness]\nmax_age = '5m'\n{NITRO}\
         [[rule]]\nid = 'image'\nclaim = 'nitro.pcr0'\noperator = 'in'\nreference = 'images'\n{WHY}\
         [[rule]]\nid = 'role'\nclaim = 'nitro.pcr3'\noperator = 'equals'\nvalue = '{PCR0}'\n{WHY}\
         [[reference]]\nname = 'images'\n[[reference.value]]\nvalue = '{PCR0}'\nnote = 'v1'\n"
    )
}

/// The clean policy, with one passage changed.
fn with(from: &str, to: &str) -> Policy {
    let text = clean();
    assert!(text.contains(from), "{from}");
    policy(&text.replacen(from, to, 1))
}

/// The clean policy, with more tables.
fn and(more: &str) -> Policy {
    policy(&(clean() + more))
}

/// A policy about other evidence.
fn about(platform: &str, rules: &str) -> Policy {
    policy(&format!("{HEAD}[freshness]\nmax_age = '5m'\n[[platform]]\nname = 'p'\n{platform}\n{rules}"))
}

fn rule(id: &str, claim: &str, operator: &str, value: &str) -> String {
    format!("[[rule]]\nid = '{id}'\nclaim = '{claim}'\noperator = '{operator}'\nvalue = {value}\n{WHY}")
}

fn codes(policy: &Policy) -> Vec<LintCode> {
    policy.lint(at(NOW)).into_iter().map(|finding| finding.code).collect()
}

#[test]
fn a_careful_policy_has_no_finding() {
    assert_eq!(policy(&clean()).lint(at(NOW)), []);
}

#[test]
fn every_code_has_a_policy_that_has_it() {
    use LintCode::{
        ControlsMissing, DebugAllowed, ExecutableUnpinned, ExposedSeedAccepted, ImageUnpinned, InstancePinned,
        IssuerKeysNotAllowed, NonceNotRequired, ParavisorUnpinned, PatchLevelOpen, ProofUnpinned,
        ProviderPolicyUnpinned, ProviderUnpinned, RationaleEmpty, ReferenceEnding, ReferenceNotBegun, ReferenceRetired,
        ReferenceRetiring, ReferenceUnused, Replayable, RevocationOff, RoleUnpinned, RuleDuplicate,
        RuleOnUnknownFields, RuleUnreachable, SampleNonceAllowed, SimulatedAllowed, UnknownFieldsAllowed,
        ValueNeverActive, ZeroPcr,
    };
    let zero = "00".repeat(48);
    let other = "ab".repeat(48);
    let rule_of = |id: &str| Some(Concern::Rule(id.into()));
    let images = || Some(Concern::Reference("images".into()));
    let nitro = || Some(Concern::Platform("nitro".into()));
    let p = || Some(Concern::Platform("p".into()));
    let value = |window: &str| with("note = 'v1'", &format!("note = 'v1'\n{window}"));
    let another = |window: &str| format!("note = 'v1'\n{window}\n[[reference.value]]\nvalue = '{other}'\n");
    let gpu = |rules: &str| about("devices = [{ kind = 'nvidia-gpu' }]", rules);
    let cases = [
        (with("claim = 'nitro.pcr0'", "claim = 'nitro.pcr16'"), ImageUnpinned, nitro()),
        (with("operator = 'in'", "operator = 'not-in'"), ImageUnpinned, nitro()),
        (about("primary = 'azure-tdx-vtpm'", ""), ParavisorUnpinned, p()),
        (about("primary = 'azure-maa'", ""), ProviderUnpinned, p()),
        (about("primary = 'azure-maa'", ""), ProviderPolicyUnpinned, p()),
        (with(&format!("value = '{PCR0}'\nnote"), &format!("value = '{zero}'\nnote")), ZeroPcr, rule_of("image")),
        (with("note = 'v1'", &another("").replace(&other, &zero)), ZeroPcr, rule_of("image")),
        (and(&rule("m", "measurement", "equals", &format!("'{zero}'"))), ZeroPcr, rule_of("m")),
        (and(&rule("m", "nitro.pcr8", "in", &format!("['{zero}']"))), ZeroPcr, rule_of("m")),
        (with("allow_unknown", "allow_debug = true\nallow_unknown"), DebugAllowed, None),
        (with("allow_unknown", "allow_simulated = true\nallow_unknown"), SimulatedAllowed, None),
        (with("[freshness]\nmax_age = '5m'", "require_nonce = false"), Replayable, None),
        (with("[freshness]", "require_nonce = false\n[freshness]"), NonceNotRequired, None),
        (value("not_before = '2026-03-01T00:00:00Z'\nretire_at = '2026-03-01T00:00:00Z'"), ValueNeverActive, images()),
        (value("retire_at = '2026-02-01T00:00:00Z'"), ReferenceRetired, images()),
        (value("not_before = '2026-02-01T00:00:00.001Z'"), ReferenceNotBegun, images()),
        (value("retire_at = '2026-02-15T00:00:00Z'"), ReferenceEnding, images()),
        (with("note = 'v1'", &another("retire_at = '2026-02-15T00:00:00Z'")), ReferenceRetiring, images()),
        (with("claim = 'nitro.pcr0'", "claim = 'nitro.pcr8'"), ExecutableUnpinned, nitro()),
        (with("allow_unknown", "require_binding = true\nallow_unknown"), ProofUnpinned, None),
        (with("[[platform]]", "[revocation]\namazon = 'off'\n[[platform]]"), RevocationOff, None),
        (
            and("[[reference]]\nname = 'spare'\nvalue = [{ value = 1 }]\n"),
            ReferenceUnused,
            Some(Concern::Reference("spare".into())),
        ),
        (and(&rule("role-again", "nitro.pcr3", "equals", &format!("'{PCR0}'"))), RuleDuplicate, rule_of("role-again")),
        (and(&rule("vmpl", "snp.vmpl", "equals", "0")), RuleUnreachable, rule_of("vmpl")),
        (and(&rule("fields", "nitro.unknown_fields", "subset-of", "[]")), RuleOnUnknownFields, rule_of("fields")),
        (gpu(""), SampleNonceAllowed, p()),
        (about("primary = 'amd-sev-snp'", ""), PatchLevelOpen, p()),
        (about("primary = 'intel-tdx'", ""), PatchLevelOpen, p()),
        (about("primary = 'azure-snp-vtpm'", ""), ExposedSeedAccepted, p()),
        (with("rationale = \"r\"", "rationale = \" \""), RationaleEmpty, None),
        (with("rationale = 'r'", "rationale = ''"), RationaleEmpty, rule_of("image")),
        (with("controls = ['SOC2 CC6.1']", ""), ControlsMissing, rule_of("image")),
        (with("claim = 'nitro.pcr3'", "claim = 'nitro.pcr16'"), RoleUnpinned, nitro()),
        (and(&rule("parent", "nitro.pcr4", "equals", &format!("'{PCR0}'"))), InstancePinned, rule_of("parent")),
        (about("primary = 'azure-maa'", ""), IssuerKeysNotAllowed, p()),
        (about("primary = 'gcp-confidential-space'", ""), IssuerKeysNotAllowed, p()),
        (with("allow_unknown_fields = false\n", ""), UnknownFieldsAllowed, None),
    ];
    for (policy, code, concerns) in &cases {
        let findings = policy.lint(at(NOW));
        let found = findings.iter().find(|finding| finding.code == *code);
        let found = found.unwrap_or_else(|| panic!("{code} is not among {findings:?}"));
        assert_eq!(found.concerns, *concerns, "{code}");
        assert_eq!((found.severity, found.remedy), (code.severity(), code.remedy()));
        assert!(findings.is_sorted_by_key(|finding| finding.severity), "{findings:?}");
    }
    let covered: BTreeSet<_> = cases.iter().map(|(_, code, _)| *code).collect();
    assert_eq!(covered, LintCode::ALL.iter().copied().collect(), "every code is in the table");
}

#[test]
fn images_are_pinned_in_each_kind_s_way() {
    use LintCode::{ExecutableUnpinned, ImageUnpinned, ParavisorUnpinned, RoleUnpinned, UnknownFieldsAllowed};
    let value = |bytes: usize| format!("'{}'", "ab".repeat(bytes));
    let pcr = |family: &str, register: u8| {
        rule(&format!("r{register}"), &format!("{family}.pcr{register}"), "equals", &value(48))
    };
    let job = || rule("job", "job.executable_sha384", "equals", &value(48));
    let any =
        |claim: &str, bytes: usize| rule(&claim.replace(['.', '_'], "-"), claim, "in", &format!("[{}]", value(bytes)));
    for (kind, rules, expected) in [
        ("aws-nitro", pcr("nitro", 0), &[][..]),
        ("aws-nitro", pcr("nitro", 1) + &pcr("nitro", 2), &[]),
        ("aws-nitro", pcr("nitro", 1), &[ImageUnpinned, ExecutableUnpinned]),
        ("aws-nitro", pcr("nitro", 1) + &job(), &[ImageUnpinned]),
        ("aws-nitro", pcr("nitro", 8), &[ExecutableUnpinned]),
        ("aws-nitro", pcr("nitro", 8) + &job(), &[]),
        ("aws-nitro", rule("m", "measurement", "equals", &value(48)), &[]),
        ("aws-nitrotpm", pcr("nitrotpm", 4) + &pcr("nitrotpm", 12), &[]),
        ("aws-nitrotpm", pcr("nitrotpm", 4), &[ImageUnpinned, ExecutableUnpinned]),
        ("aws-nitrotpm", pcr("nitrotpm", 7), &[ExecutableUnpinned]),
        ("aws-nitrotpm", any("measurement", 48) + &pcr("nitrotpm", 12), &[]),
        ("amd-sev-snp", any("snp.measurement", 48), &[ExecutableUnpinned]),
        ("amd-sev-snp", any("measurement", 48) + &job(), &[]),
        ("amd-sev-snp", String::new(), &[ImageUnpinned, ExecutableUnpinned]),
        ("intel-tdx", any("tdx.mrtd", 48) + &job(), &[]),
        ("intel-sgx", any("sgx.mrenclave", 32), &[]),
        ("intel-sgx", any("sgx.mrsigner", 32), &[ImageUnpinned, ExecutableUnpinned]),
        ("intel-sgx", any("sgx.mrsigner", 32) + &rule("prod", "sgx.isvprodid", "equals", "1"), &[ExecutableUnpinned]),
        ("azure-snp-vtpm", any("measurement", 48), &[ImageUnpinned, ExecutableUnpinned]),
        ("azure-snp-vtpm", any("azure_vtpm.pcr4", 32) + &job(), &[ParavisorUnpinned]),
        ("azure-snp-vtpm", any("azure_vtpm.pcr4", 32) + &job() + &any("snp.id_key_digest", 48), &[]),
        ("azure-snp-vtpm", any("azure_vtpm.pcr4", 32) + &job() + &any("measurement", 48), &[]),
        ("azure-tdx-vtpm", any("azure_vtpm.pcr11", 32), &[ParavisorUnpinned, ExecutableUnpinned]),
        ("azure-tdx-vtpm", any("azure_vtpm.pcr11", 32) + &any("tdx.mrtd", 48), &[ExecutableUnpinned]),
        ("gcp-confidential-space", any("gcs.container.image_digest", 32), &[ExecutableUnpinned]),
        (
            "gcp-confidential-space",
            any("gcs.container.image_digest", 32) + &rule("cmd", "gcs.container.cmd_override", "equals", "[]"),
            &[],
        ),
        ("azure-maa", any("maa.sgx.mrenclave", 32), &[]),
        ("azure-maa", any("maa.sevsnpvm.launchmeasurement", 48), &[ExecutableUnpinned]),
        ("intel-trust-authority", any("ita.sgx.mrenclave", 32), &[]),
        ("intel-trust-authority", any("ita.tdx.mrtd", 48), &[ExecutableUnpinned]),
    ] {
        let policy = about(&format!("primary = '{kind}'"), &rules);
        let mut found = codes(&policy);
        let elsewhere = [
            LintCode::PatchLevelOpen,
            LintCode::ExposedSeedAccepted,
            LintCode::ProviderUnpinned,
            LintCode::ProviderPolicyUnpinned,
            LintCode::IssuerKeysNotAllowed,
        ];
        found.retain(|code| ![RoleUnpinned, UnknownFieldsAllowed].contains(code) && !elsewhere.contains(code));
        assert_eq!(found, expected, "{kind}:\n{rules}");
    }
}

#[test]
fn groups_may_pin_what_the_policy_does_not() {
    let group = |name: &str, when: &str, claim: &str| {
        let rule =
            format!("id = 'image'\nclaim = '{claim}'\noperator = 'equals'\nvalue = '{}'\n{WHY}", "ab".repeat(48));
        format!("[[group]]\nname = '{name}'\nwhen = [{when}]\n[[group.rule]]\n{rule}")
    };
    let is = |platform: &str| format!("{{ claim = 'platform', operator = 'equals', value = '{platform}' }}");
    let model = |model: u8| format!("{{ claim = 'snp.cpuid.model', operator = 'equals', value = {model} }}");
    let snp = || group("snp", &is("sev-snp"), "snp.measurement");
    let unpinned = |groups: String| {
        let platforms = "primary = 'amd-sev-snp'\n[[platform]]\nname = 'q'\nprimary = 'intel-tdx'";
        let findings = about(platforms, &groups).lint(at(NOW));
        let images = findings.into_iter().filter(|finding| finding.code == LintCode::ImageUnpinned);
        images.map(|finding| finding.concerns.unwrap()).collect::<Vec<_>>()
    };
    let of = |name: &str| Concern::Platform(name.into());
    assert_eq!(unpinned(snp() + &group("tdx", &is("tdx"), "tdx.mrtd")), []);
    assert_eq!(unpinned(snp()), [of("q")], "a trust domain belongs to no group, and is told of all the same");
    assert_eq!(unpinned(snp() + &group("tdx", &is("tdx"), "tdx.mrowner")), [of("q")]);
    // Each group that a machine may belong to must have one.
    let genoa = || group("genoa", &model(17), "snp.measurement");
    assert_eq!(unpinned(genoa() + &group("milan", &model(1), "snp.measurement")), [of("q")]);
    assert_eq!(unpinned(genoa() + &group("milan", &model(1), "snp.author_key_digest")), [of("p"), of("q")]);
}

#[test]
fn zeros_are_bad_where_they_mean_debug_and_only_there() {
    let zero = format!("['{}']", "00".repeat(48));
    for (platform, rules) in [
        ("primary = 'aws-nitro'", rule("role", "nitro.pcr3", "in", &zero)),
        ("primary = 'aws-nitro'", rule("spare", "nitro.pcr16", "in", &zero)),
        ("primary = 'aws-nitro'", rule("image", "nitro.pcr0", "not-in", &zero)),
        ("primary = 'aws-nitrotpm'", rule("cmdline", "nitrotpm.pcr12", "in", &zero)),
        ("primary = 'intel-tdx'", rule("m", "measurement", "in", &zero)),
    ] {
        assert!(!codes(&about(platform, &rules)).contains(&LintCode::ZeroPcr), "{rules}");
    }
    let retired = with(
        "note = 'v1'",
        &format!("[[reference.value]]\nvalue = '{}'\nretire_at = '2026-01-01T00:00:00Z'\n", "00".repeat(48)),
    );
    assert_eq!(codes(&retired), [], "a retired value is accepted no more");
}

#[test]
fn any_rule_that_refuses_sample_nonces_will_do() {
    let gpu = |rules: &str| codes(&about("devices = [{ kind = 'nvidia-gpu' }]", rules));
    for (claim, operator, value, refuses) in [
        ("gpu.*.sample_nonce", "equals", "false", true),
        ("gpu.*.sample_nonce", "in", "[false]", true),
        ("gpu.*.sample_nonce", "not-in", "[true]", true),
        ("gpu.*.sample_nonce", "equals", "true", false),
        ("gpu.*.sample_nonce", "in", "[false, true]", false),
        ("gpu.*.sample_nonce", "not-in", "[false]", false),
        ("gpu.0.sample_nonce", "equals", "false", false),
    ] {
        let found = gpu(&rule("r", claim, operator, value));
        assert_eq!(!found.contains(&LintCode::SampleNonceAllowed), refuses, "{claim} {operator} {value}");
    }
    let preset = policy(&format!(
        "{HEAD}presets = ['nvidia-gpu']\n[[platform]]\nname = 'p'\ndevices = [{{ kind = 'nvidia-gpu' }}]\n"
    ));
    assert!(!codes(&preset).contains(&LintCode::SampleNonceAllowed));
}

#[test]
fn rules_of_different_platforms_are_no_duplicates_and_those_of_all_reach_all() {
    let platform = |name: &str, rules: &str| format!("[[platform]]\nname = '{name}'\nprimary = 'aws-nitro'\n{rules}");
    let own =
        |id: &str| rule(id, "nitro.pcr0", "equals", &format!("'{PCR0}'")).replace("[[rule]]", "[[platform.rule]]");
    let apart = policy(&format!("{HEAD}{}{}", platform("a", &own("a")), platform("b", &own("b"))));
    assert!(!codes(&apart).contains(&LintCode::RuleDuplicate));
    let shared = policy(&format!(
        "{HEAD}{}{}",
        platform("a", &own("a")),
        rule("c", "nitro.pcr0", "equals", &format!("'{PCR0}'"))
    ));
    assert!(codes(&shared).contains(&LintCode::RuleDuplicate));
    let two_kinds = policy(&format!(
        "{HEAD}{NITRO}[[platform]]\nname = 's'\nprimary = 'amd-sev-snp'\n{}",
        rule("c", "nitro.pcr0", "equals", &format!("'{PCR0}'"))
    ));
    let unreachable = two_kinds.lint(at(NOW)).into_iter().find(|finding| finding.code == LintCode::RuleUnreachable);
    assert_eq!(
        unreachable.expect("found").message,
        "No piece of the platform `s` establishes `nitro.pcr0`, so it never satisfies the rule `c`."
    );
}

#[test]
fn codes_are_unique_and_stand_in_order_of_severity() {
    let codes: BTreeSet<_> = LintCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), LintCode::ALL.len());
    assert!(codes.iter().all(|code| code.starts_with("lint.")));
    assert!(LintCode::ALL.is_sorted_by_key(|code| code.severity()));
    assert!(Severity::Error < Severity::Warning && Severity::Warning < Severity::Note);
}

#[test]
fn hardware_that_a_rule_speaks_of_is_not_left_open() {
    use LintCode::{ExposedSeedAccepted, PatchLevelOpen};
    let group = "[[group]]\nname = 'g'\nwhen = [{ claim = 'snp.cpuid.model', operator = 'equals', value = 17 }]\n\
                 [[group.rule]]\nid = 'l'\nclaim = 'snp.tcb.launch.snp'\noperator = 'at-least'\nvalue = 1\nrationale = 'r'\n";
    for (kind, rules, expected) in [
        ("amd-sev-snp", String::new(), &[PatchLevelOpen, ExposedSeedAccepted][..]),
        ("azure-snp-vtpm", String::new(), &[PatchLevelOpen, ExposedSeedAccepted]),
        ("amd-sev-snp", rule("l", "snp.tcb.launch.microcode", "at-least", "84"), &[ExposedSeedAccepted]),
        ("amd-sev-snp", rule("l", "snp.bulletins.open", "subset-of", "[]"), &[ExposedSeedAccepted]),
        ("amd-sev-snp", rule("l", "snp.root_seed_exposed", "equals", "false"), &[PatchLevelOpen]),
        ("amd-sev-snp", rule("l", "snp.product", "in", "['Turin']"), &[PatchLevelOpen]),
        ("amd-sev-snp", group.to_owned(), &[]),
        ("intel-tdx", String::new(), &[PatchLevelOpen]),
        ("intel-sgx", rule("l", "tcb.status", "in", "['UpToDate']"), &[]),
        ("intel-tdx", rule("l", "tdx.tcb.evaluation_data_number", "at-least", "20"), &[]),
        ("aws-nitro", String::new(), &[]),
    ] {
        let mut found = codes(&about(&format!("primary = '{kind}'"), &rules));
        found.retain(|code| [PatchLevelOpen, ExposedSeedAccepted].contains(code));
        assert_eq!(found, expected, "{kind}: {rules}");
    }
    for preset in ["amd-sev-snp-2026-10-strict", "amd-sev-snp-sb-3019"] {
        let text = format!("{HEAD}presets = ['{preset}']\n[[platform]]\nname = 'p'\nprimary = 'amd-sev-snp'\n");
        let found = codes(&policy(&text));
        assert!(!found.contains(&PatchLevelOpen) && !found.contains(&ExposedSeedAccepted), "{preset}: {found:?}");
        assert!(!found.contains(&LintCode::RuleDuplicate) && !found.contains(&LintCode::RuleUnreachable), "{found:?}");
    }
}

#[test]
fn of_tokens_only_those_of_providers_need_a_rule_on_whose_word_counts() {
    use LintCode::{ProviderPolicyUnpinned, ProviderUnpinned};
    let issuer = |operator: &str, value: &str| rule("whose", "maa.issuer", operator, value);
    let url = "https://p.weu.attest.azure.net";
    let policy_hash = || rule("under", "maa.policy_hash", "equals", "'o97mZ5NzpI'");
    let beside = "primary = 'azure-snp-vtpm'\nattached = [{ kind = 'azure-maa', min = 0, max = 1 }]";
    let own = |rules: String| rules.replace("[[rule]]", "[[platform.rule]]");
    for (platform, rules, expected) in [
        ("primary = 'azure-maa'", String::new(), &[ProviderUnpinned, ProviderPolicyUnpinned][..]),
        ("primary = 'azure-maa'", issuer("equals", &format!("'{url}'")), &[ProviderPolicyUnpinned]),
        ("primary = 'azure-maa'", issuer("in", &format!("['{url}']")) + &policy_hash(), &[]),
        ("primary = 'azure-maa'", own(issuer("equals", &format!("'{url}'")) + &policy_hash()), &[]),
        ("primary = 'azure-maa'", issuer("not-in", &format!("['{url}']")) + &policy_hash(), &[ProviderUnpinned]),
        (
            "primary = 'azure-snp-vtpm'\nattached = [{ kind = 'azure-maa' }]",
            String::new(),
            &[ProviderUnpinned, ProviderPolicyUnpinned],
        ),
        // What may be left out and is read by no rule decides nothing.
        (beside, String::new(), &[]),
        (
            beside,
            rule("status", "maa.compliance_status", "equals", "'azure-compliant-cvm'"),
            &[ProviderUnpinned, ProviderPolicyUnpinned],
        ),
        (beside, policy_hash(), &[ProviderUnpinned]),
        (beside, issuer("equals", &format!("'{url}'")) + &policy_hash(), &[]),
        ("primary = 'azure-snp-vtpm'", String::new(), &[]),
        ("primary = 'gcp-confidential-space'", String::new(), &[]),
        ("primary = 'intel-trust-authority'", String::new(), &[]),
        ("primary = 'intel-tdx'\nattached = [{ kind = 'intel-trust-authority' }]", String::new(), &[]),
        ("primary = 'amd-sev-snp'\ndevices = [{ kind = 'nvidia-nras' }]", String::new(), &[]),
    ] {
        let mut found = codes(&about(platform, &rules));
        found.retain(|code| [ProviderUnpinned, ProviderPolicyUnpinned].contains(code));
        assert_eq!(found, expected, "{platform}\n{rules}");
    }
}

#[test]
fn keys_that_issuers_publish_are_spoken_of_where_no_chain_certifies_them() {
    let found = |policy: &Policy| codes(policy).contains(&LintCode::IssuerKeysNotAllowed);
    let allowing =
        |platform: &str| policy(&format!("{HEAD}allow_issuer_keys = true\n[[platform]]\nname = 'p'\n{platform}\n"));
    for (platform, expected) in [
        ("primary = 'azure-maa'", true),
        ("primary = 'azure-snp-vtpm'\nattached = [{ kind = 'azure-maa', min = 0, max = 1 }]", true),
        ("primary = 'gcp-confidential-space'", true),
        ("primary = 'intel-trust-authority'", false),
        ("primary = 'amd-sev-snp'\ndevices = [{ kind = 'nvidia-nras' }]", false),
        ("primary = 'intel-tdx'", false),
    ] {
        assert_eq!(found(&about(platform, "")), expected, "{platform}");
        assert!(!found(&allowing(platform)), "{platform}");
    }
}
