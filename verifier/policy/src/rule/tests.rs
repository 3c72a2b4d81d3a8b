//! Every operator: satisfied, violated, and on an absent claim; quantifiers; reference values over time.

use prooftrail_result::{Timestamp, claims::Claims};

use super::{Missing, RuleOutcome};
use crate::{
    claim_pattern::DeviceCounts,
    testing::{at, claims, nitro_policy, rule, rule_with_reference},
};

const NOW: &str = "2026-02-01T00:00:00Z";

/// How the only rule of a policy ends.
fn outcome(tables: &str, claims: &Claims, instant: &str) -> RuleOutcome {
    let policy = nitro_policy("", tables);
    let [rule] = policy.rules() else { panic!("one rule: {tables}") };
    rule.evaluate(claims, DeviceCounts::of(claims), at(instant))
}

fn satisfied() -> RuleOutcome {
    RuleOutcome::Satisfied { until: Timestamp::MAX }
}

fn violated(have: &str, need: &str) -> RuleOutcome {
    RuleOutcome::Violated { have: have.into(), need: need.into() }
}

/// Claim, operator, value, a claim that satisfies it, one that violates it, and what that needs.
const TABLE: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("debug", "equals", "false", "false", "true", "false"),
    ("snp.vmpl", "equals", "0", "0", "1", "0"),
    ("nitro.region", "equals", "'eu-central-1'", "'eu-central-1'", "'us-east-1'", "eu-central-1"),
    ("snp.cpuid.family", "in", "[25, 26]", "26", "23", "one of 25, 26"),
    ("tcb.status", "in", "['UpToDate']", "'UpToDate'", "'OutOfDate'", "one of UpToDate"),
    ("sgx.pce_id", "in", "['0000', '00FF']", "'00ff'", "'ff00'", "one of 0000, 00ff"),
    ("measurement", "in", "['AB01']", "'AB01'", "'ab01'", "one of AB01"),
    ("debug", "in", "[false]", "false", "true", "one of false"),
    ("snp.platform_info", "in", "[0x25]", "0x25", "0x24", "one of 0000000000000025"),
    ("nitro.partition", "not-in", "['aws-cn']", "'aws'", "'aws-cn'", "none of aws-cn"),
    ("snp.guest_svn", "not-in", "[0, 1]", "2", "1", "none of 0, 1"),
    ("snp.tcb.reported.snp", "at-least", "23", "23", "22", "at least 23"),
    (
        "tcb.date",
        "at-least",
        "'2025-08-13T00:00:00Z'",
        "'2025-08-13T00:00:00Z'",
        "'2025-08-12T23:59:59Z'",
        "at least 2025-08-13T00:00:00Z",
    ),
    ("snp.vmpl", "at-most", "1", "1", "2", "at most 1"),
    (
        "tcb.date",
        "at-most",
        "2025-08-13T00:00:00Z",
        "'2025-08-13T00:00:00Z'",
        "'2025-08-13T00:00:01Z'",
        "at most 2025-08-13T00:00:00Z",
    ),
    (
        "job.sandbox",
        "contains-all",
        "['no_network', 'no_core']",
        "['no_core', 'no_devices', 'no_network']",
        "['no_core']",
        "all of no_core, no_network",
    ),
    (
        "advisories",
        "contains-none",
        "['INTEL-SA-01']",
        "['INTEL-SA-02']",
        "['INTEL-SA-01', 'INTEL-SA-02']",
        "none of INTEL-SA-01",
    ),
    (
        "advisories",
        "subset-of",
        "['INTEL-SA-01']",
        "['INTEL-SA-01']",
        "['INTEL-SA-01', 'INTEL-SA-02']",
        "nothing but INTEL-SA-01",
    ),
    ("advisories", "subset-of", "['INTEL-SA-01']", "[]", "['INTEL-SA-02']", "nothing but INTEL-SA-01"),
    ("advisories", "subset-of", "[]", "[]", "['INTEL-SA-02']", "nothing but"),
    ("job.argv", "equals", "['prove', '--fast']", "['prove', '--fast']", "['--fast', 'prove']", "prove,--fast"),
    ("gpu.0.mismatched_indices", "contains-none", "[9]", "[8]", "[9]", "none of 9"),
    ("snp.platform_info", "has-bits", "0x5", "0x25", "0x24", "every bit of 0000000000000005 set"),
    ("snp.platform_info", "lacks-bits", "'0000000000000003'", "0x24", "0x25", "no bit of 0000000000000003 set"),
];

#[test]
fn every_operator_is_satisfied_violated_or_indeterminate() {
    for &(claim, operator, value, good, bad, need) in TABLE {
        let text = rule("r", claim, operator, value);
        let have = claims(&[(claim, bad)]);
        let shown = have.iter().next().unwrap().1.to_string();
        assert_eq!(outcome(&text, &claims(&[(claim, good)]), NOW), satisfied(), "{claim} {operator} {value}: {good}");
        assert_eq!(outcome(&text, &have, NOW), violated(&shown, need), "{claim} {operator} {value}: {bad}");
        let missing = Missing::Claim(claim.parse().unwrap());
        assert_eq!(
            outcome(&text, &Claims::default(), NOW),
            RuleOutcome::Indeterminate { missing },
            "{claim} {operator} {value}, absent"
        );
    }
}

#[test]
fn every_operator_stands_in_the_table() {
    for operator in crate::Operator::ALL {
        assert!(TABLE.iter().any(|row| row.1 == operator.as_str()), "{operator}");
    }
}

#[test]
fn bytes_and_their_spelling_are_one_measurement() {
    let mut have = Claims::default();
    have.insert(prooftrail_result::claims::cross_vendor::MEASUREMENT, [0xab_u8, 1].as_slice());
    for (operator, value) in [("equals", "'AB01'"), ("equals", "'ab01'"), ("in", "['00', 'Ab01']")] {
        assert_eq!(outcome(&rule("r", "measurement", operator, value), &have, NOW), satisfied(), "{operator} {value}");
    }
    assert_eq!(outcome(&rule("r", "measurement", "not-in", "['AB01']"), &have, NOW), violated("ab01", "none of AB01"));
}

#[test]
fn every_device_must_satisfy_a_quantified_rule() {
    let text = rule("r", "gpu.*.measres", "equals", "'success'");
    let pattern = "gpu.*.measres".parse().unwrap();
    let lacks = |name: &str| RuleOutcome::Indeterminate { missing: Missing::Claim(name.parse().unwrap()) };
    for (entries, expected) in [
        (&[][..], RuleOutcome::Indeterminate { missing: Missing::Devices(pattern) }),
        (&[("switch.0.measres", "'success'")], RuleOutcome::Indeterminate { missing: Missing::Devices(pattern) }),
        (&[("gpu.0.measres", "'success'")], satisfied()),
        (&[("gpu.0.measres", "'success'"), ("gpu.1.measres", "'success'")], satisfied()),
        (&[("gpu.0.measres", "'success'"), ("gpu.1.measres", "'fail'")], violated("gpu.1.measres = fail", "success")),
        (&[("gpu.0.measres", "'success'"), ("gpu.1.arch", "'HOPPER'")], lacks("gpu.1.measres")),
        (&[("gpu.0.arch", "'HOPPER'"), ("gpu.1.measres", "'success'")], lacks("gpu.0.measres")),
        (&[("gpu.0.arch", "'HOPPER'"), ("gpu.1.measres", "'fail'")], violated("gpu.1.measres = fail", "success")),
        (&[("gpu.0.measres", "'success'"), ("gpu.count", "2")], lacks("gpu.1.measres")),
        (&[("gpu.count", "2")], lacks("gpu.0.measres")),
        (&[("gpu.count", "0")], RuleOutcome::Indeterminate { missing: Missing::Devices(pattern) }),
    ] {
        assert_eq!(outcome(&text, &claims(entries), NOW), expected, "{entries:?}");
    }
}

#[test]
fn one_device_by_its_index_needs_no_other() {
    let text = rule("r", "gpu.1.arch", "equals", "'HOPPER'");
    assert_eq!(outcome(&text, &claims(&[("gpu.1.arch", "'HOPPER'")]), NOW), satisfied());
}

/// A set with `old` until February's end, `new` from mid-January, `next` from April.
const ROTATION: &str = "
[[reference]]
name = 'set'
[[reference.value]]
value = 'old'
retire_at = '2026-03-01T00:00:00Z'
[[reference.value]]
value = 'new'
not_before = 2026-01-15T00:00:00Z
[[reference.value]]
value = 'next'
not_before = '2026-04-01T00:00:00Z'
";

#[test]
fn reference_values_come_and_go_by_themselves() {
    const BEFORE_JANUARY_15: &str = "2026-01-14T23:59:59.999Z";
    const BEFORE_MARCH: &str = "2026-02-28T23:59:59.999Z";
    const BEFORE_APRIL: &str = "2026-03-31T23:59:59.999Z";
    let until = |text: &str| RuleOutcome::Satisfied { until: at(text) };
    let in_ = rule_with_reference("r", "nitro.region", "in", "set") + ROTATION;
    let not_in = rule_with_reference("r", "nitro.region", "not-in", "set") + ROTATION;
    for (text, have, instant, expected) in [
        (&in_, "old", BEFORE_JANUARY_15, until(BEFORE_MARCH)),
        (&in_, "new", BEFORE_JANUARY_15, violated("new", "one of `set`: old")),
        (&in_, "new", "2026-01-15T00:00:00Z", satisfied()),
        (&in_, "old", BEFORE_MARCH, until(BEFORE_MARCH)),
        (&in_, "old", "2026-03-01T00:00:00Z", violated("old", "one of `set`: new")),
        (&in_, "next", BEFORE_APRIL, violated("next", "one of `set`: new")),
        (&in_, "next", "2026-04-01T00:00:00Z", satisfied()),
        (&in_, "other", NOW, violated("other", "one of `set`: new, old")),
        (&not_in, "other", NOW, satisfied()),
        (&not_in, "old", NOW, violated("old", "none of `set`: new, old")),
        (&not_in, "old", "2026-03-01T00:00:00Z", satisfied()),
        (&not_in, "next", NOW, until(BEFORE_APRIL)),
    ] {
        let have_claims = claims(&[("nitro.region", &format!("'{have}'"))]);
        assert_eq!(outcome(text, &have_claims, instant), expected, "{have} at {instant}");
    }
}

#[test]
fn lists_are_compared_with_what_counts_at_the_instant() {
    const BEFORE_MARCH: &str = "2026-02-28T23:59:59.999Z";
    const BEFORE_APRIL: &str = "2026-03-31T23:59:59.999Z";
    let until = |text: &str| RuleOutcome::Satisfied { until: at(text) };
    for (operator, have, instant, expected) in [
        ("subset-of", "['new', 'old']", NOW, until(BEFORE_MARCH)),
        ("subset-of", "['new', 'old']", "2026-03-01T00:00:00Z", violated("new,old", "nothing but `set`: new")),
        ("contains-all", "['new', 'old']", NOW, until(BEFORE_APRIL)),
        ("contains-all", "['new']", NOW, violated("new", "all of `set`: new, old")),
        ("contains-all", "['new', 'next']", "2026-03-01T00:00:00Z", satisfied()),
        ("contains-none", "['next']", NOW, until(BEFORE_APRIL)),
        ("contains-none", "['next', 'old']", NOW, violated("next,old", "none of `set`: new, old")),
    ] {
        let text = rule_with_reference("r", "gcs.swversion", operator, "set") + ROTATION;
        assert_eq!(outcome(&text, &claims(&[("gcs.swversion", have)]), instant), expected, "{operator} {have}");
    }
}

#[test]
fn nothing_is_contained_where_nothing_counts() {
    let retired = "[[reference]]\nname = 'set'\nvalue = [{ value = 'old', retire_at = '2026-01-01T00:00:00Z' }]\n";
    for (operator, expected) in [
        ("contains-all", RuleOutcome::Indeterminate { missing: Missing::ActiveValues }),
        ("subset-of", violated("old", "nothing but `set`:")),
        ("contains-none", satisfied()),
    ] {
        let text = rule_with_reference("r", "gcs.swversion", operator, "set") + retired;
        assert_eq!(outcome(&text, &claims(&[("gcs.swversion", "['old']")]), NOW), expected, "{operator}");
    }
}

#[test]
fn of_many_values_the_first_few_are_shown() {
    let values: Vec<_> = (10..30).map(|value| value.to_string()).collect();
    let text = rule("r", "snp.vmpl", "in", &format!("[{}]", values.join(", ")));
    let expected = violated("0", "one of 10, 11, 12, 13, 14, 15, 16, 17, …");
    assert_eq!(outcome(&text, &claims(&[("snp.vmpl", "0")]), NOW), expected);
}

#[test]
fn reasons_name_the_rule() {
    use prooftrail_result::ReasonCode::{PolicyClaimAbsent, PolicyRuleViolated};
    let policy = nitro_policy("", &rule("image", "nitro.region", "equals", "'eu-central-1'"));
    let rule = &policy.rules()[0];
    let reason = |entries: &[(&str, &str)]| {
        let claims = claims(entries);
        rule.reason(rule.evaluate(&claims, DeviceCounts::of(&claims), at(NOW)))
    };
    assert_eq!(reason(&[("nitro.region", "'eu-central-1'")]), None);
    let violated = reason(&[("nitro.region", "'us-east-1'")]).unwrap();
    assert_eq!(
        (violated.code, violated.have.as_deref(), violated.need.as_deref(), violated.rule.as_deref()),
        (PolicyRuleViolated, Some("us-east-1"), Some("eu-central-1"), Some("image"))
    );
    let absent = reason(&[]).unwrap();
    assert_eq!(
        (absent.code, absent.have.as_deref(), absent.need.as_deref(), absent.rule.as_deref()),
        (PolicyClaimAbsent, None, Some("`nitro.region`"), Some("image"))
    );
    assert!(absent.detail.contains("`nitro.region` was not established"), "{}", absent.detail);
}
