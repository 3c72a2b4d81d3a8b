//! Every way in which a document is refused, with its place; and what a document resolves to.

use prooftrail_evidence::{Revocation, RevocationMode};
use prooftrail_result::Kind;

use crate::{
    DeviceRange, MAX_RULES, MAX_TEXT_BYTES, MAX_VALUES, NameOf, Operator, PolicyDocument, PolicyError, Position,
    Problem, presets,
    testing::{HEAD, NITRO, ROOT, nitro_policy, policy, rule, rule_with_reference},
};

/// What is wrong with a text, and where.
fn error(text: &str) -> PolicyError {
    let compiled = PolicyDocument::parse(text).and_then(|document| document.compile(&[ROOT]));
    compiled.err().unwrap_or_else(|| panic!("compiles: {text}"))
}

/// What is wrong, and in which line of what follows [`HEAD`], as its third line.
fn error_after_head(rest: &str) -> (Option<usize>, Problem) {
    let PolicyError { position, problem } = error(&format!("{HEAD}{rest}"));
    (position.map(|position| position.line - 3), problem)
}

#[test]
fn formats_come_first() {
    for (text, problem) in [
        ("", Problem::VersionMissing),
        ("name = 'p'\nfuture = true", Problem::VersionMissing),
        ("prooftrail_policy = 2\nfuture = true", Problem::VersionUnsupported("2".into())),
        ("prooftrail_policy = '1'", Problem::VersionUnsupported("a string".into())),
        ("prooftrail_policy = 1.0", Problem::VersionUnsupported("a float".into())),
    ] {
        assert_eq!(error(text).problem, problem, "{text}");
    }
    assert_eq!(error("\n  prooftrail_policy = 2").position, Some(Position { line: 2, column: 23 }));
}

#[test]
fn toml_that_does_not_fit_the_form_is_placed() {
    for (rest, line, words) in [
        ("name = 'again'", Some(1), "duplicate key"),
        ("allow_debug = 'yes'", Some(1), "expected a boolean"),
        ("alow_debug = true", Some(1), "unknown field `alow_debug`"),
        ("[freshness]\nmax_age = '5m'\nmaximum = 1", Some(3), "unknown field `maximum`"),
        ("[freshness]", Some(1), "missing field `max_age`"),
        ("[revocation]\namazon = 'sometimes'", Some(2), "unknown variant `sometimes`"),
        ("[revocation]\ngoogle = 'off'", Some(2), "unknown field `google`"),
        ("[[platform]]\nname = 'p'\ncpu = 'aws-nitro'", Some(3), "unknown field `cpu`"),
        ("[[platform]]\nname = 'p'\ndevices = [{ kind = 'nvidia-gpu', count = 1 }]", Some(3), "unknown field `count`"),
        ("[[platform]]\nname = 'p'\ndevices = [{ kind = 'nvidia-gpu', max = 65536 }]", Some(3), "65536"),
        ("[[rule]]\nid = 'r'", Some(1), "missing field `claim`"),
        (
            "[[rule]]\nid = 'r'\nclaim = 'debug'\noperator = 'equals'\nvalue = false",
            Some(1),
            "missing field `rationale`",
        ),
        ("[[rule]]\nid = 'r'\nseverity = 1", Some(3), "unknown field `severity`"),
        ("[[reference]]\nname = 'n'\n[[reference.value]]\nvalue = 1\nuntil = 2", Some(5), "unknown field `until`"),
        ("key = ", Some(1), ""),
    ] {
        let (found, problem) = error_after_head(rest);
        assert!(matches!(problem, Problem::Syntax(_)), "{rest}: {problem:?}");
        assert!(problem.to_string().contains(words), "{rest}: {problem}");
        assert_eq!(found, line, "{rest}: {problem}");
    }
    let unnamed = error("prooftrail_policy = 1\nrationale = 'r'");
    assert!(unnamed.to_string().contains("missing field `name`"), "{unnamed}");
}

#[test]
fn caps_hold() {
    let text = "#".repeat(MAX_TEXT_BYTES + 1);
    assert_eq!(error(&text).problem, Problem::TooLarge { bytes: MAX_TEXT_BYTES + 1, max: MAX_TEXT_BYTES });

    let rules =
        |count: usize| (0..count).map(|n| rule(&format!("r{n}"), "debug", "equals", "false")).collect::<String>();
    assert_eq!(nitro_policy("", &rules(MAX_RULES)).rules().len(), MAX_RULES);
    let too_many = Problem::TooManyRules { found: MAX_RULES + 1, max: MAX_RULES };
    assert_eq!(error(&format!("{HEAD}{NITRO}{}", rules(MAX_RULES + 1))).problem, too_many);
    let with_preset = format!("{HEAD}presets = ['nvidia-gpu']\n{NITRO}{}", rules(MAX_RULES - 2));
    assert_eq!(error(&with_preset).problem, too_many, "presets count");

    let values = |count: usize| vec!["{value=1}"; count].join(",");
    let reference = |count| format!("{HEAD}{NITRO}[[reference]]\nname = 'n'\nvalue = [{}]\n", values(count));
    policy(&reference(MAX_VALUES));
    let too_many = Problem::TooManyValues { found: MAX_VALUES + 1, max: MAX_VALUES };
    assert_eq!(error(&reference(MAX_VALUES + 1)).problem, too_many);
    let inline = rule("r", "snp.vmpl", "in", "[0]");
    assert_eq!(error(&(reference(MAX_VALUES) + &inline)).problem, too_many, "inline values count");
}

#[test]
fn names_are_checked_and_unique() {
    for name in ["", "Prover", "a b", "a_b", "ä", &"x".repeat(65)] {
        let text = format!("prooftrail_policy = 1\nrationale = 'r'\nname = \"{name}\"\n{NITRO}");
        assert_eq!(error(&text).problem, Problem::InvalidName { of: NameOf::Policy, name: name.into() }, "{name}");
    }
    let invalid = |of, name: &str| Problem::InvalidName { of, name: name.into() };
    let twice = |of, name: &str| Problem::Duplicate { of, name: name.into() };
    let r = rule("r", "debug", "equals", "false");
    let platform_rule = r.replace("[[rule]]", "[[platform.rule]]");
    let values = "value = [{ value = 'x' }]\n";
    for (rest, line, problem) in [
        ("[[platform]]\nname = 'P'\nprimary = 'aws-nitro'".to_owned(), 2, invalid(NameOf::Platform, "P")),
        (format!("{NITRO}{}", rule("R", "debug", "equals", "false")), 5, invalid(NameOf::Rule, "R")),
        (format!("{NITRO}[[reference]]\nname = 'N'\n{values}"), 5, invalid(NameOf::Reference, "N")),
        (NITRO.repeat(2), 5, twice(NameOf::Platform, "nitro")),
        (format!("{NITRO}{r}{r}"), 11, twice(NameOf::Rule, "r")),
        (format!("{NITRO}{platform_rule}{r}"), 5, twice(NameOf::Rule, "r")),
        (
            format!("{NITRO}{}", format!("[[reference]]\nname = 'n'\n{values}").repeat(2)),
            8,
            twice(NameOf::Reference, "n"),
        ),
        (format!("presets = ['nvidia-gpu', 'nvidia-gpu']\n{NITRO}"), 1, twice(NameOf::Preset, "nvidia-gpu")),
        (
            "[[platform]]\nname = 'p'\ndevices = [{ kind = 'nvidia-gpu' },\n{ kind = 'nvidia-gpu' }]\n".to_owned(),
            4,
            twice(NameOf::Devices, "nvidia-gpu"),
        ),
        (format!("presets = ['aws']\n{NITRO}"), 1, Problem::UnknownPreset { name: "aws".into() }),
    ] {
        assert_eq!(error_after_head(&rest), (Some(line), problem), "{rest}");
    }
}

#[test]
fn a_preset_s_rules_do_not_collide_with_one_s_own() {
    let policy = nitro_policy("presets = ['nvidia-gpu']\n", &rule("firmware", "debug", "equals", "false"));
    let ids: Vec<_> = policy.rules().iter().map(crate::Rule::id).collect();
    assert_eq!(ids, ["firmware", "nvidia-gpu/firmware", "nvidia-gpu/firmware-id", "nvidia-gpu/fresh-nonce"]);
}

#[test]
fn every_preset_compiles() {
    for name in presets::names() {
        let policy = nitro_policy(&format!("presets = ['{name}']\n"), "");
        assert!(!policy.rules().is_empty(), "{name}");
        assert!(
            policy
                .rules()
                .iter()
                .all(|rule| rule.id().starts_with(&format!("{name}/")) && !rule.rationale().is_empty())
        );
    }
    assert_eq!(presets::names().collect::<Vec<_>>().len(), 8);
    assert!(presets::names().is_sorted());
    assert_eq!(presets::text("aws"), None);
}

#[test]
fn shapes_must_be_possible() {
    let platform = |body: &str| format!("[[platform]]\nname = 'p'\n{body}\n");
    for (rest, line, problem) in [
        (String::new(), None, Problem::NoPlatform),
        (platform(""), Some(2), Problem::PlatformEmpty),
        (platform("primary = 'nvidia-gpu'"), Some(3), Problem::PrimaryIsDevice(Kind::NvidiaGpu)),
        (platform("devices = [{ kind = 'aws-nitro' }]"), Some(3), Problem::DeviceIsCpu(Kind::AwsNitro)),
        (
            platform("devices = [{ kind = 'nvidia-gpu', min = 2, max = 1 }]"),
            Some(3),
            Problem::DeviceRange { min: 2, max: 1 },
        ),
        (platform("devices = [{ kind = 'nvidia-gpu', min = 0 }]"), Some(3), Problem::DeviceRange { min: 0, max: 0 }),
        (platform("devices = [{ kind = 'nvidia-gpu', max = 0 }]"), Some(3), Problem::DeviceRange { min: 1, max: 0 }),
    ] {
        assert_eq!(error_after_head(&rest), (line, problem), "{rest}");
    }
    let (line, problem) = error_after_head(&platform("primary = 'nitro'"));
    assert!(matches!((line, &problem), (Some(3), Problem::UnknownKind(_))), "{problem}");
    let (line, problem) = error_after_head(&platform("devices = [{ kind = 'h100' }]"));
    assert!(matches!((line, &problem), (Some(3), Problem::UnknownKind(_))), "{problem}");
}

#[test]
fn device_ranges_are_exact_unless_they_say_otherwise() {
    let range = |members: &str| {
        let policy =
            policy(&format!("{HEAD}[[platform]]\nname = 'p'\ndevices = [{{ kind = 'nvidia-gpu'{members} }}]\n"));
        let DeviceRange { min, max, .. } = policy.platforms()[0].devices()[0];
        (min, max)
    };
    assert_eq!(range(""), (1, 1));
    assert_eq!(range(", min = 8"), (8, 8));
    assert_eq!(range(", max = 8"), (1, 8));
    assert_eq!(range(", min = 0, max = 8"), (0, 8));
}

#[test]
fn roots_ages_and_instants_are_read() {
    for (keys, line, problem) in [
        ("roots = ['ab']", Some(1), Problem::InvalidRoot("ab".into())),
        ("roots = []", None, Problem::NoRoots),
        ("[freshness]\nmax_age = 'soon'", Some(2), Problem::InvalidDuration("soon".into())),
    ] {
        assert_eq!(error_after_head(&format!("{keys}\n{NITRO}")), (line, problem), "{keys}");
    }
    let without_roots = PolicyDocument::parse(&format!("{HEAD}{NITRO}")).unwrap().compile(&[]).unwrap_err();
    assert_eq!(without_roots.problem, Problem::NoRoots);
    let reference =
        |body: &str| format!("{NITRO}[[reference]]\nname = 'n'\n[[reference.value]]\nvalue = 'x'\n{body}\n");
    for body in ["not_before = 'soon'", "retire_at = 2026-01-01", "not_before = 1"] {
        let (line, problem) = error_after_head(&reference(body));
        assert!(matches!((line, &problem), (Some(8), Problem::InvalidTime(_))), "{body}: {problem}");
    }
}

#[test]
fn claims_must_exist() {
    let of_claim = |claim: &str| error_after_head(&format!("{NITRO}{}", rule("r", claim, "equals", "'x'")));
    let (line, problem) = of_claim("nitro.prc0");
    assert!(matches!((line, &problem), (Some(6), Problem::UnknownClaim(_))), "{problem}");
    assert_eq!(of_claim("nitro.*.pcr0"), (Some(6), Problem::NotPerDevice("nitro.*.pcr0".into())));
}

#[test]
fn operators_must_exist_and_apply() {
    let problem = |claim: &str, operator: &str, value: &str| {
        let (line, problem) = error_after_head(&format!("{NITRO}{}", rule("r", claim, operator, value)));
        assert_eq!(line, Some(7), "{operator}");
        problem
    };
    for (operator, hint) in [("not-equals", "use `not-in`"), (">=", "use `at-least`"), ("matches", "operators: equals")]
    {
        let found = problem("debug", operator, "true");
        assert_eq!(found, Problem::UnknownOperator(operator.into()));
        assert!(found.to_string().contains(hint), "{found}");
    }
    // A claim of each type, and the operators that say something about it.
    for (claim, operators) in [
        ("debug", &["equals", "in", "not-in"][..]),
        ("snp.vmpl", &["equals", "in", "not-in", "at-least", "at-most"]),
        ("nitro.region", &["equals", "in", "not-in"]),
        ("nitro.pcr0", &["equals", "in", "not-in"]),
        ("measurement", &["equals", "in", "not-in"]),
        ("snp.policy", &["equals", "in", "not-in", "has-bits", "lacks-bits"]),
        ("tcb.date", &["equals", "in", "not-in", "at-least", "at-most"]),
        ("gpu.0.mismatched_indices", &["equals", "contains-all", "contains-none", "subset-of"]),
        ("advisories", &["equals", "contains-all", "contains-none", "subset-of"]),
        ("root_sha256", &["equals", "contains-all", "contains-none", "subset-of"]),
    ] {
        for operator in Operator::ALL {
            let (_, found) = error_after_head(&format!("{NITRO}{}", rule("r", claim, operator.as_str(), "{}")));
            let refused = matches!(found, Problem::OperatorType { .. });
            assert_eq!(refused, !operators.contains(&operator.as_str()), "{claim} {operator}: {found}");
        }
    }
    let shown = problem("nitro.region", "has-bits", "1").to_string();
    assert_eq!(shown, "`has-bits` does not apply to `nitro.region`, which is text; it applies to mask");
}

#[test]
fn values_must_be_of_the_claim_s_type() {
    for (claim, operator, value, problem) in [
        ("snp.vmpl", "equals", "[0]", Problem::ValueIsList(Operator::Equals)),
        ("snp.vmpl", "at-least", "[0]", Problem::ValueIsList(Operator::AtLeast)),
        ("snp.vmpl", "in", "0", Problem::ValueNotList(Operator::In)),
        ("advisories", "subset-of", "'A'", Problem::ValueNotList(Operator::SubsetOf)),
        ("snp.vmpl", "in", "[]", Problem::ValueEmpty(Operator::In)),
        ("snp.vmpl", "not-in", "[]", Problem::ValueEmpty(Operator::NotIn)),
        ("advisories", "contains-all", "[]", Problem::ValueEmpty(Operator::ContainsAll)),
        ("advisories", "contains-none", "[]", Problem::ValueEmpty(Operator::ContainsNone)),
        ("snp.policy", "has-bits", "0", Problem::NoBits(Operator::HasBits)),
        ("snp.policy", "lacks-bits", "'0000000000000000'", Problem::NoBits(Operator::LacksBits)),
    ] {
        let found = error_after_head(&format!("{NITRO}{}", rule("r", claim, operator, value)));
        assert_eq!(found, (Some(8), problem), "{claim} {operator} {value}");
    }
    for (claim, operator, value, words) in [
        ("debug", "equals", "'false'", "`debug` is bool, not a TOML string"),
        ("advisories", "equals", "'A'", "`advisories` is list text, not a TOML string"),
        ("advisories", "contains-all", "[1]", "`advisories` is text, not a TOML integer"),
        ("nitro.pcr0", "in", "['00']", "`nitro.pcr0`: `00` is not of type hex (48)"),
        ("snp.vmpl", "at-least", "-1", "`snp.vmpl`: `-1` is not of type int"),
        ("tcb.date", "at-least", "'2025'", "`tcb.date`: `2025` is not of type time"),
    ] {
        let (line, problem) = error_after_head(&format!("{NITRO}{}", rule("r", claim, operator, value)));
        assert_eq!((line, problem.to_string().as_str()), (Some(8), words), "{claim} {operator} {value}");
    }
}

#[test]
fn a_rule_compares_with_values_or_with_a_reference() {
    let set = "[[reference]]\nname = 'set'\nvalue = [{ value = '00' },\n{ value = 1 }]\n";
    let both = rule_with_reference("r", "nitro.pcr0", "in", "set") + "value = ['x']\n";
    let neither = rule("r", "debug", "equals", "true").replace("value = true\n", "");
    for (rest, line, problem) in [
        (neither, 5, Problem::ValueMissing),
        (both, 8, Problem::ValueAndReference),
        (rule_with_reference("r", "debug", "equals", "set"), 8, Problem::ReferenceNotAllowed(Operator::Equals)),
        (rule_with_reference("r", "nitro.pcr0", "in", "sets"), 8, Problem::UnknownReference("sets".into())),
        ("[[reference]]\nname = 'n'\n".to_owned(), 5, Problem::ReferenceEmpty("n".into())),
        ("[[reference]]\nname = 'n'\nvalue = [{ value = ['x'] }]\n".to_owned(), 6, Problem::ReferenceValueType),
        ("[[reference]]\nname = 'n'\nvalue = [{ value = 1.5 }]\n".to_owned(), 6, Problem::ReferenceValueType),
    ] {
        assert_eq!(error_after_head(&format!("{NITRO}{rest}{set}")), (Some(line), problem), "{rest}");
    }
    // The first value that is not of the claim's type is named at its own place.
    for (claim, line) in [("nitro.pcr0", 12), ("snp.vmpl", 12), ("nitro.region", 13)] {
        let text = format!("{NITRO}{}{set}", rule_with_reference("r", claim, "in", "set"));
        let (found, problem) = error_after_head(&text);
        assert_eq!(found, Some(line), "{claim}: {problem}");
    }
}

#[test]
fn a_reference_serves_claims_of_several_types() {
    let image = "ab".repeat(48);
    let policy = nitro_policy(
        "",
        &(rule_with_reference("a", "nitro.pcr0", "in", "images")
            + &rule_with_reference("b", "measurement", "in", "images")
            + &rule_with_reference("c", "nitro.pcr1", "not-in", "images")
            + &format!("[[reference]]\nname = 'images'\nvalue = [{{ value = '{image}' }}]\n")),
    );
    assert_eq!(policy.rules().iter().map(crate::Rule::reference).collect::<Vec<_>>(), [Some("images"); 3]);
}

#[test]
fn defaults_are_the_documented_ones() {
    let policy = nitro_policy("", "");
    assert!(!policy.allows_debug() && !policy.allows_simulated() && !policy.requires_binding());
    assert!(policy.requires_nonce());
    assert_eq!((policy.max_age_seconds(), policy.roots()), (None, &[ROOT][..]));
    assert_eq!(
        policy.revocation(),
        Revocation {
            amazon: RevocationMode::BestEffort,
            amd: RevocationMode::Required,
            intel: RevocationMode::Required,
            nvidia: RevocationMode::Required
        }
    );
}

#[test]
fn no_text_makes_the_compiler_stop() {
    let example = include_str!("../../../../docs/examples/nitro-prover.policy.toml");
    let compiles = |text: &str| PolicyDocument::parse(text).and_then(|document| document.compile(&[ROOT])).is_ok();
    assert!(compiles(example));
    let ends = (0..example.len()).filter(|end| example.is_char_boundary(*end));
    assert!(ends.clone().any(|end| !compiles(&example[..end])));
    for (place, _) in example.char_indices().step_by(3) {
        for change in ["", "\"", "[", "{", "\n", "9999999999999999999", "\u{fffd}"] {
            let mut text = example.to_owned();
            text.replace_range(place..place + example[place..].chars().next().unwrap().len_utf8(), change);
            compiles(&text);
        }
    }
    for deep in
        ["v = ".to_owned() + &"[".repeat(100_000), "[a".to_owned() + &".a".repeat(100_000) + "]", "{".repeat(100_000)]
    {
        assert!(!compiles(&format!("{HEAD}{deep}")));
    }
}

#[test]
fn circuits_are_named_by_system_and_key_each_once() {
    let pin = |system: &str, vk: &str| format!("[[proof]]\nsystem = '{system}'\nvk_sha256 = '{vk}'\n");
    let (ab, cd) = ("ab".repeat(32), "cd".repeat(32));
    let policy = nitro_policy("", &(pin("groth16-bn254", &ab) + &pin("groth16-bn254", &cd.to_uppercase())));
    let allows = |system, vk: u8| policy.allows_proof(system, Some(&[vk; 32]));
    assert!(allows(Some("groth16-bn254"), 0xAB) && allows(Some("groth16-bn254"), 0xCD));
    assert!(!allows(Some("groth16-bn254"), 0xEF) && !allows(Some("groth16-bls12-381"), 0xAB) && !allows(None, 0xAB));
    assert!(!policy.allows_proof(Some("groth16-bn254"), None));
    assert_eq!(policy.proofs().len(), 2);
    let any = nitro_policy("", "");
    assert!(any.allows_proof(None, None) && any.allows_proof(Some("plonk"), Some(&[1; 32])));

    let problem = |tables: &str| {
        let text = format!("{HEAD}{NITRO}{tables}");
        PolicyDocument::parse(&text).and_then(|document| document.compile(&[ROOT])).unwrap_err().problem
    };
    let twice = problem(&(pin("groth16-bn254", &ab) + &pin("groth16-bn254", &ab)));
    assert_eq!(twice, Problem::Duplicate { of: NameOf::VerifyingKey, name: ab.clone() });
    assert_eq!(problem(&pin("groth16-bn254", "ab")), Problem::InvalidVerifyingKey("ab".into()));
    let named = problem(&pin("Groth16", &ab));
    assert_eq!(named, Problem::InvalidName { of: NameOf::ProofSystem, name: "Groth16".into() });
    assert!(matches!(problem("[[proof]]\nsystem = 'a'\n"), Problem::Syntax(_)));
}

/// A group, as TOML.
fn group(name: &str, when: &str, rules: &str) -> String {
    format!("[[group]]\nname = \"{name}\"\nwhen = [{when}]\n{}", rules.replace("[[rule]]", "[[group.rule]]"))
}

const DEBUG: &str = "{ claim = 'debug', operator = 'equals', value = false }";

#[test]
fn groups_resolve_and_what_makes_them_say_less_is_an_error() {
    let rules = rule("b", "debug", "equals", "false") + &rule("a", "snp.vmpl", "at-most", "1");
    let policy = nitro_policy("", &(rule("c", "debug", "equals", "false") + &group("g", DEBUG, &rules)));
    let ids: Vec<_> = policy.rules().iter().map(|rule| (rule.id(), rule.group())).collect();
    assert_eq!(ids, [("c", None), ("g/a", Some("g")), ("g/b", Some("g"))]);
    assert_eq!(policy.groups().iter().map(crate::Group::name).collect::<Vec<_>>(), ["g"]);

    let twice = |of, name: &str| Problem::Duplicate { of, name: name.into() };
    for (rest, line, problem) in [
        (group("g", "", ""), Some(2), Problem::GroupWithoutCondition("g".into())),
        (group("G", DEBUG, ""), Some(2), Problem::InvalidName { of: NameOf::Group, name: "G".into() }),
        (format!("{}{}", group("g", DEBUG, ""), group("g", DEBUG, "")), Some(5), twice(NameOf::Group, "g")),
        (
            group("g", DEBUG, &(rule("a", "debug", "equals", "false") + &rule("a", "snp.vmpl", "equals", "1"))),
            Some(11),
            twice(NameOf::Rule, "a"),
        ),
        (
            group("g", DEBUG, &rule_with_reference("a", "snp.chip_id", "in", "chips")),
            Some(8),
            Problem::UnknownReference("chips".into()),
        ),
        (
            group("g", "{ claim = 'snp.vmpl', operator = 'equals', value = [1] }", ""),
            Some(3),
            Problem::ValueIsList(Operator::Equals),
        ),
        (
            group("g", "{ claim = 'debug', operator = 'at-least', value = 1 }", ""),
            Some(3),
            Problem::OperatorType {
                operator: Operator::AtLeast,
                claim: "debug".into(),
                claim_type: prooftrail_result::claims::ClaimType::Bool,
            },
        ),
    ] {
        assert_eq!(error_after_head(&format!("{rest}\n{NITRO}")), (line, problem), "{rest}");
    }
    let named_as_a_preset = format!("presets = ['nvidia-gpu']\n{NITRO}{}", group("nvidia-gpu", DEBUG, ""));
    assert_eq!(error_after_head(&named_as_a_preset).1, twice(NameOf::Group, "nvidia-gpu"));
    let (_, problem) = error_after_head(&group("g", "{ claim = 'debug', operator = 'in', reference = 'r' }", ""));
    assert!(problem.to_string().contains("unknown field `reference`"), "{problem}");
}

#[test]
fn conditions_and_rules_of_groups_count_against_the_caps() {
    let rules: String = (0..MAX_RULES - 1).map(|n| rule(&format!("r{n}"), "debug", "equals", "false")).collect();
    let full = |rest: &str| format!("{HEAD}{NITRO}{rest}");
    assert!(PolicyDocument::parse(&full(&group("g", DEBUG, &rules))).unwrap().compile(&[ROOT]).is_ok());
    let found = MAX_RULES + 1;
    let over = group("g", &format!("{DEBUG}, {DEBUG}"), &rules);
    assert_eq!(error(&full(&over)).problem, Problem::TooManyRules { found, max: MAX_RULES });
    let values = "1,".repeat(MAX_VALUES + 1);
    let over = group("g", &format!("{{ claim = 'snp.vmpl', operator = 'in', value = [{values}] }}"), "");
    assert_eq!(error(&full(&over)).problem, Problem::TooManyValues { found: MAX_VALUES + 1, max: MAX_VALUES });
}

#[test]
fn a_preset_s_content_is_part_of_the_policy_that_names_it() {
    let document = PolicyDocument::parse(&format!("{HEAD}presets = ['amd-sev-snp-2026-10-strict']\n{NITRO}")).unwrap();
    let text = presets::text("amd-sev-snp-2026-10-strict").unwrap();
    let digest = |text: &str| {
        let text: &'static str = Box::leak(text.to_owned().into());
        document.compile_with(&[ROOT], &|_| Some(text)).unwrap().digest()
    };
    let own = document.compile(&[ROOT]).unwrap().digest();
    assert_eq!(digest(text), own);
    assert_eq!(digest(&format!("# the same, with a comment\n{text}")), own);
    for (from, to) in [
        ("value = 0x56", "value = 0x57"),
        ("value = 0x1B", "value = 0x1A"),
        ("name = \"genoa\"", "name = \"genoas\""),
        ("operator = \"equals\", value = 0xA0", "operator = \"equals\", value = 0xA1"),
        ("operator = \"equals\", value = 0x11", "operator = \"at-least\", value = 0x11"),
        ("StackWarp", "Stackwarp"),
        ("claim = \"snp.tcb.launch.snp\"", "claim = \"snp.tcb.current.snp\""),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert_ne!(digest(&changed), own, "{from}");
    }
}
