//! docs/policy.md and the examples say what the code does.

#![expect(clippy::panic, reason = "a helper that fails fails its test")]

use prooftrail_policy::{
    CaseFile, CaseInput, LintCode, MAX_RULES, MAX_VALUES, Operator, Policy, PolicyDocument, check, presets,
};
use prooftrail_result::Verdict;

const DOCUMENT: &str = include_str!("../../../docs/policy.md");
const POLICY: &str = include_str!("../../../docs/examples/nitro-prover.policy.toml");
const CASES: &str = include_str!("../../../docs/examples/nitro-prover.cases.toml");

fn policy() -> Policy {
    let document = PolicyDocument::parse(POLICY).unwrap_or_else(|error| panic!("{error}"));
    document.compile(&[]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_example_in_the_text_is_the_example() {
    assert!(DOCUMENT.contains(&format!("```toml\n{POLICY}```")), "docs/policy.md quotes the example verbatim");
}

#[test]
fn the_example_leaves_nothing_open() {
    let at = "2025-01-06T16:08:00Z".parse().unwrap();
    assert_eq!(policy().lint(at), []);
}

#[test]
fn the_example_decides_its_cases() {
    let file = CaseFile::parse(CASES).unwrap_or_else(|error| panic!("{error}"));
    let policy = policy();
    for case in &file.cases {
        let result = case.run(&policy).expect("a case of claims");
        assert!(result.passed, "{result:#?}");
    }
    let demands = |verdict| file.cases.iter().filter(|case| case.expect == verdict).count();
    assert!(demands(Verdict::Affirming) >= 2 && demands(Verdict::Refused) >= 10);
    // Every rule of the example has a case in which it fails.
    for rule in policy.rules().iter().filter(|rule| !rule.id().contains('/')) {
        let names = |case: &prooftrail_policy::Case| case.failing.iter().flatten().any(|failing| failing == rule.id());
        assert!(file.cases.iter().any(names), "{}", rule.id());
    }
}

#[test]
fn the_example_s_digest_is_that_of_the_canonical_form() {
    // Computed by another program, from the specification in docs/policy.md alone.
    assert_eq!(
        hex::encode(policy().digest()),
        "389a924c5a22b382ad566184b4321887f580ce7c570f2b61a1e3ec1819d6c888ae2aeb126bffa1feff02283e82dde86f"
    );
}

#[test]
fn the_quoted_case_reads() {
    let quoted = DOCUMENT.split("```toml\n").find(|block| block.starts_with("[[case]]")).expect("a quoted case");
    let quoted = quoted.split("```").next().expect("a block ends");
    let file = CaseFile::parse(quoted).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(file.cases[0].input, CaseInput::Evidence(_)));
}

#[test]
fn the_tables_are_the_code_s() {
    for operator in Operator::ALL {
        let row = format!("\n| `{operator}` | {} | ", operator.domain());
        assert_eq!(DOCUMENT.matches(&row).count(), 1, "{row}");
        let compares_with = if operator.takes_many() { "list or reference" } else { "one value" };
        let line = DOCUMENT.lines().find(|line| line.starts_with(row.trim_start())).expect("counted above");
        assert!(line.ends_with(&format!("| {compares_with} |")), "{line}");
    }
    let rows: Vec<_> = DOCUMENT.lines().filter(|line| line.starts_with("| `lint.")).collect();
    let expected: Vec<_> = LintCode::ALL
        .iter()
        .map(|code| format!("| `{code}` | {} | {} | {} |", code.severity().as_str(), code.meaning(), code.remedy()))
        .collect();
    assert_eq!(rows, expected);
    for preset in presets::names() {
        assert_eq!(DOCUMENT.matches(&format!("\n| `{preset}` | ")).count(), 1, "{preset}");
    }
    for name in [
        check::SHAPE,
        check::VALIDITY,
        check::ROOTS,
        check::DEBUG,
        check::SIMULATED,
        check::REVOCATION,
        check::FRESHNESS,
        check::NONCE,
        check::BINDING,
        check::UNKNOWN_FIELDS,
        check::RULES,
    ] {
        assert!(DOCUMENT.contains(&format!("`{name}`")), "{name}");
    }
    assert_eq!((MAX_RULES, MAX_VALUES), (1_000, 100_000), "docs/policy.md states the caps");
}
