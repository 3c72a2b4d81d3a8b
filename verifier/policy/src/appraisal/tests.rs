//! Sets of evidence made by hand against policies: every check alone, all together, and what may become `Affirming`.

use prooftrail_result::{
    AppraisalResult, Kind, Outcome, Reason, ReasonCode, Scope, Timestamp, TrustAnchor, Verdict,
    claims::{Claims, cross_vendor, job, maa, nitro},
};

use super::{Appraised, Hypothesis, authenticity_of_pieces, check};
use crate::{
    Policy, RuleOutcome,
    evidence_set::Piece,
    testing::{HEAD, MadeEvidence, NITRO, PCR0, ROOT, at, claims, nitro_policy, policy, rule, rule_with_reference},
};

const NOW: &str = "2025-01-06T16:08:00Z";

fn appraise(policy: &Policy, set: &[MadeEvidence]) -> Appraised {
    appraise_at(policy, set, at(NOW))
}

fn appraise_at(policy: &Policy, set: &[MadeEvidence], at: Timestamp) -> Appraised {
    let pieces: Vec<Piece<'_>> = set.iter().map(MadeEvidence::piece).collect();
    policy.appraise_pieces(&pieces, &Claims::default(), at)
}

fn codes(result: &AppraisalResult) -> Vec<ReasonCode> {
    result.reasons.iter().map(|reason| reason.code).collect()
}

fn failed(result: &AppraisalResult) -> Vec<&'static str> {
    let failed = result.checks.iter().filter(|check| check.outcome == Outcome::Failed);
    failed.map(|check| check.name).collect()
}

/// A policy that the document of 2025-01-06 satisfies, with every check asked for.
fn strict(tables: &str) -> Policy {
    let keys = "require_binding = true\nallow_unknown_fields = false\n[freshness]\nmax_age = \"5m\"\n";
    nitro_policy(keys, &(rule("image", "nitro.pcr0", "in", &format!("[\"{PCR0}\"]")) + tables))
}

fn bound() -> MadeEvidence {
    MadeEvidence { binding_matched: true, ..MadeEvidence::nitro() }
}

#[test]
fn evidence_that_satisfies_a_policy_affirms() {
    let policy = strict("");
    let appraised = appraise(&policy, &[bound()]);
    let result = appraised.result();
    assert_eq!(result.reasons, []);
    assert_eq!((result.verdict, result.scope, result.authentic), (Verdict::Affirming, Scope::Policy, true));
    assert_eq!(result.claims, bound().claims);
    assert_eq!(result.evidence_ids, [bound().evidence_id]);
    assert_eq!(result.trust_anchor, Some(TrustAnchor::Pinned));
    let checks: Vec<_> = result.checks.iter().map(|check| (check.name, check.outcome)).collect();
    assert_eq!(
        checks,
        [
            ("evidence.signature", Outcome::Passed),
            (check::SHAPE, Outcome::Passed),
            (check::VALIDITY, Outcome::Passed),
            (check::ROOTS, Outcome::Passed),
            (check::DEBUG, Outcome::Passed),
            (check::SIMULATED, Outcome::Passed),
            (check::REVOCATION, Outcome::Passed),
            (check::FRESHNESS, Outcome::Passed),
            (check::NONCE, Outcome::Passed),
            (check::BINDING, Outcome::Passed),
            (check::UNKNOWN_FIELDS, Outcome::Passed),
            (check::RULES, Outcome::Passed),
        ]
    );
    assert_eq!((appraised.policy_digest(), appraised.platform()), (policy.digest(), Some("nitro")));
    let affirming = appraised.affirming().expect("affirming");
    assert_eq!((affirming.policy_digest(), affirming.platform()), (policy.digest(), Some("nitro")));
    assert_eq!(affirming.valid_until(), at("2025-01-06T16:12:05.472Z"), "issued_at and five minutes");
}

#[test]
fn keys_that_issuers_publish_count_where_a_policy_allows_them() {
    let key = [1; 32];
    let published = |roots: &str| MadeEvidence { issuer_keys: vec![key], ..bound().with(&[("root_sha256", roots)]) };
    let allowing = nitro_policy("require_binding = true\nallow_issuer_keys = true\n", "");
    let found = |policy: &Policy, evidence| codes(appraise(policy, &[evidence]).result());
    let own = format!("['{}']", "01".repeat(32));
    let and_root = |root: &str| format!("['{}', '{root}']", "01".repeat(32));
    let refused = vec![ReasonCode::PolicyRootNotAllowed];
    assert_eq!(found(&allowing, published(&own)), []);
    assert_eq!(found(&allowing, published(&and_root(&hex::encode(ROOT)))), []);
    assert_eq!(found(&strict(""), published(&own)), refused, "nobody allowed it");
    // Whatever else stands behind it must be listed, and so must a key that its set does not say to be the issuer's.
    assert_eq!(found(&allowing, published(&and_root(&"02".repeat(32)))), refused);
    assert_eq!(found(&allowing, bound().with(&[("root_sha256", &own)])), refused);
}

#[test]
fn whom_a_policy_names_is_told_before_anything_is_appraised() {
    let issuer = |operator: &str, value: &str| rule("whose", "maa.issuer", operator, value);
    let own = |rules: &str| rules.replace("[[rule]]", "[[platform.rule]]");
    let platform = |name: &str| format!("[[platform]]\nname = '{name}'\nprimary = 'azure-maa'\n");
    for (tables, named) in [
        (NITRO.to_owned(), false),
        (NITRO.to_owned() + &issuer("equals", "'a'"), true),
        (NITRO.to_owned() + &issuer("in", "['b', 'a']"), true),
        (NITRO.to_owned() + &issuer("in", "['b']"), false),
        (NITRO.to_owned() + &issuer("not-in", "['b']"), false),
        (NITRO.to_owned() + &issuer("in", "['b', 'a']") + &rule("not", "maa.issuer", "not-in", "['b']"), true),
        (NITRO.to_owned() + &issuer("in", "['b', 'a']") + &rule("not", "maa.issuer", "not-in", "['a']"), false),
        // Rules of one platform are no rules of the other.
        (platform("one") + &own(&issuer("equals", "'b'")), false),
        (
            platform("one")
                + &own(&issuer("equals", "'b'"))
                + &platform("two")
                + &own(&issuer("equals", "'a'")).replace("whose", "other"),
            true,
        ),
    ] {
        let policy = policy(&format!("{HEAD}{tables}"));
        assert_eq!(policy.names(maa::ISSUER.into(), "a".into(), at(NOW)), named, "{tables}");
    }
}

#[test]
fn every_check_fails_by_itself() {
    use ReasonCode::{
        PolicyBindingRequired, PolicyClaimAbsent, PolicyDebug, PolicyFreshnessUnknown, PolicyNonceRequired,
        PolicyNotFresh, PolicyRootNotAllowed, PolicyRuleViolated, PolicySimulated, PolicyUnknownFields, TimeExpired,
    };
    let other_root = format!("['{}']", "01".repeat(32));
    let both_roots = format!("['{}', '{}']", "01".repeat(32), "64".repeat(32));
    for (name, evidence, code) in [
        (check::VALIDITY, MadeEvidence { valid_until: at("2025-01-06T16:07:59.999Z"), ..bound() }, TimeExpired),
        (check::ROOTS, bound().with(&[("root_sha256", &other_root)]), PolicyRootNotAllowed),
        (check::ROOTS, bound().with(&[("root_sha256", &both_roots)]), PolicyRootNotAllowed),
        (check::ROOTS, bound().with(&[("root_sha256", "[]")]), PolicyRootNotAllowed),
        (check::ROOTS, bound().without("root_sha256"), PolicyRootNotAllowed),
        (check::DEBUG, bound().with(&[("debug", "true")]), PolicyDebug),
        (check::DEBUG, bound().without("debug"), PolicyDebug),
        (check::SIMULATED, bound().with(&[("simulated", "true")]), PolicySimulated),
        (
            check::SIMULATED,
            MadeEvidence { trust_anchor: TrustAnchor::Configured, ..bound().without("simulated") },
            PolicySimulated,
        ),
        (check::FRESHNESS, bound().with(&[("issued_at", "'2025-01-06T16:02:59.999Z'")]), PolicyNotFresh),
        (check::FRESHNESS, bound().without("issued_at"), PolicyFreshnessUnknown),
        (check::NONCE, MadeEvidence { nonce_matched: false, ..bound() }, PolicyNonceRequired),
        (check::BINDING, MadeEvidence { binding_matched: false, ..bound() }, PolicyBindingRequired),
        (check::UNKNOWN_FIELDS, bound().with(&[("nitro.unknown_fields", "['x']")]), PolicyUnknownFields),
        (check::UNKNOWN_FIELDS, bound().with(&[("nitrotpm.unknown_fields", "['x']")]), PolicyUnknownFields),
        (check::RULES, bound().with(&[("nitro.pcr0", &format!("'{}'", "00".repeat(48)))]), PolicyRuleViolated),
        (check::RULES, bound().without("nitro.pcr0"), PolicyClaimAbsent),
    ] {
        let appraised = appraise(&strict(""), &[evidence]);
        let result = appraised.result();
        assert_eq!((codes(result), failed(result)), (vec![code], vec![name]), "{name}");
        assert_eq!(result.verdict, Verdict::Refused);
        assert_eq!(result.authentic, name != check::VALIDITY, "{name}");
        assert_eq!(result.claims.is_empty(), name == check::VALIDITY, "{name}: authentic evidence keeps its claims");
        let refused = appraised.clone().affirming().expect_err("refused");
        assert_eq!(&*refused, appraised.result());
    }
}

#[test]
fn what_authentication_objects_to_refuses_whatever_the_policy_says_and_keeps_its_claims() {
    let objections = vec![Reason::from(ReasonCode::ReleaseHeaderForeign), ReasonCode::ReleaseHeaderMac.into()];
    let made = MadeEvidence { objections: objections.clone(), ..bound() };
    let appraised = appraise(&strict(""), std::slice::from_ref(&made));
    let plain = authenticity_of_pieces(&[made.piece()], true, at(NOW));
    for result in [appraised.result(), &plain] {
        assert_eq!((result.verdict, result.authentic), (Verdict::Refused, true));
        assert_eq!(result.reasons, objections);
        assert!(!result.claims.is_empty());
    }
    appraised.affirming().expect_err("refused");
}

#[test]
fn edges_of_time_are_inside() {
    let policy = strict("");
    let last = bound().with(&[("issued_at", "'2025-01-06T16:03:00Z'")]);
    assert_eq!(codes(appraise(&policy, &[last]).result()), []);
    let ending = MadeEvidence { valid_until: at(NOW), ..bound() };
    let appraised = appraise(&policy, &[ending]);
    assert_eq!(appraised.result().verdict, Verdict::Affirming);
    assert_eq!(appraised.result().valid_until, Some(at(NOW)));
}

#[test]
fn every_failure_is_listed_and_reasons_carry_their_rules() {
    let tables = rule("absent", "nitro.pcr9", "equals", &format!("'{PCR0}'"))
        + &rule("region", "nitro.region", "in", "['us-east-1']")
        + "[[platform.rule]]\nid = 'partition'\nclaim = 'nitro.partition'\noperator = 'in'\nvalue = ['aws']\nrationale = 'r'\n";
    let bad = MadeEvidence { nonce_matched: false, binding_matched: false, ..MadeEvidence::nitro() }.with(&[
        ("debug", "true"),
        ("simulated", "true"),
        ("root_sha256", "[]"),
        ("issued_at", "'2025-01-01T00:00:00Z'"),
        ("nitro.unknown_fields", "['x']"),
    ]);
    let policy = strict(&tables);
    let appraised = appraise(&policy, &[bad]);
    let found: Vec<_> = appraised
        .result()
        .reasons
        .iter()
        .map(|reason| (reason.code.as_str(), reason.rule.as_deref(), reason.have.as_deref(), reason.need.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("policy.root_not_allowed", None, Some(""), None),
            ("policy.debug", None, Some("true"), Some("false")),
            ("policy.simulated", None, None, None),
            ("policy.not_fresh", None, Some("2025-01-01T00:00:00Z"), Some("2025-01-06T16:03:00Z")),
            ("policy.nonce_required", None, None, None),
            ("policy.binding_required", None, None, None),
            ("policy.unknown_fields", None, Some("x"), None),
            ("policy.claim_absent", Some("absent"), None, Some("`nitro.pcr9`")),
            ("policy.rule_violated", Some("region"), Some("eu-central-1"), Some("one of us-east-1")),
            ("policy.claim_absent", Some("partition"), None, Some("`nitro.partition`")),
        ]
    );
}

#[test]
fn what_a_policy_does_not_ask_for_is_not_performed() {
    let lax = nitro_policy("allow_debug = true\nallow_simulated = true\nrequire_nonce = false\n", "");
    let bad = MadeEvidence { nonce_matched: false, ..MadeEvidence::nitro() }.with(&[
        ("debug", "true"),
        ("simulated", "true"),
        ("nitro.unknown_fields", "['x']"),
    ]);
    let appraised = appraise(&lax, &[bad]);
    assert_eq!(appraised.result().verdict, Verdict::Affirming);
    let skipped = appraised.result().checks.iter().filter(|check| check.outcome == Outcome::NotPerformed);
    assert_eq!(
        skipped.map(|check| check.name).collect::<Vec<_>>(),
        [check::DEBUG, check::SIMULATED, check::FRESHNESS, check::NONCE, check::BINDING, check::UNKNOWN_FIELDS]
    );
}

#[test]
fn revocation_is_demanded_by_vendor() {
    let snp_platform = "[[platform]]\nname = 'snp'\nprimary = 'amd-sev-snp'\n";
    for (revocation, status, accepted) in [
        ("", Some("'good'"), true),
        ("", Some("'not_published'"), true),
        ("", Some("'not_checked'"), false),
        ("", Some("'something'"), false),
        ("", None, false),
        ("[revocation]\namd = 'required'\n", Some("'not_checked'"), false),
        ("[revocation]\namd = 'best-effort'\n", Some("'not_checked'"), true),
        ("[revocation]\namd = 'off'\nintel = 'required'\n", None, true),
    ] {
        let policy = policy(&format!("{HEAD}{revocation}{snp_platform}"));
        let snp = MadeEvidence::snp().without("revocation");
        let snp = match status {
            Some(status) => snp.with(&[("revocation", status)]),
            None => snp,
        };
        let appraised = appraise(&policy, &[snp]);
        let expected = if accepted { vec![] } else { vec![ReasonCode::RevocationNotChecked] };
        assert_eq!(codes(appraised.result()), expected, "{revocation} {status:?}");
        assert!(appraised.result().authentic, "the silicon vouches for it, whatever the policy says");
    }
}

#[test]
fn a_binding_is_a_nonce_where_the_hardware_has_no_field_for_one() {
    let snp = policy(&format!("{HEAD}[[platform]]\nname = 'snp'\nprimary = 'amd-sev-snp'\n"));
    assert_eq!(codes(appraise(&snp, &[MadeEvidence::snp()]).result()), []);
    let unbound = MadeEvidence { binding_matched: false, ..MadeEvidence::snp() };
    assert_eq!(codes(appraise(&snp, &[unbound]).result()), [ReasonCode::PolicyNonceRequired]);
    let nitro = nitro_policy("", "");
    let bound_only = MadeEvidence { nonce_matched: false, ..bound() };
    assert_eq!(codes(appraise(&nitro, &[bound_only]).result()), [ReasonCode::PolicyNonceRequired]);
}

/// A CPU with one or two GPUs.
const WITH_GPUS: &str = "[[platform]]
name = 'snp-gpu'
primary = 'amd-sev-snp'
devices = [{ kind = 'nvidia-gpu', min = 1, max = 2 }]
";

#[test]
fn the_set_must_have_the_shape_of_a_platform() {
    let policy = policy(&format!("{HEAD}{NITRO}{WITH_GPUS}"));
    let (nitro, snp, gpu) = (MadeEvidence::nitro, MadeEvidence::snp, MadeEvidence::gpu);
    for (set, platform) in [
        (vec![nitro()], Some("nitro")),
        (vec![snp(), gpu(3)], Some("snp-gpu")),
        (vec![gpu(3), snp(), gpu(4)], Some("snp-gpu")),
        (vec![snp()], None),
        (vec![gpu(3)], None),
        (vec![snp(), gpu(3), gpu(4), gpu(5)], None),
        (vec![snp(), gpu(3), MadeEvidence::switch(4)], None),
        (vec![nitro(), gpu(3)], None),
        (vec![nitro(), snp()], None),
        (vec![snp(), gpu(3), gpu(3)], None),
        (vec![], None),
    ] {
        let appraised = appraise(&policy, &set);
        let kinds: Vec<_> = set.iter().map(|piece| piece.evidence_id.kind).collect();
        assert_eq!(appraised.platform(), platform, "{kinds:?}");
        let expected = if platform.is_some() { vec![] } else { vec![ReasonCode::PolicySetShape] };
        assert_eq!(codes(appraised.result()), expected, "{kinds:?}");
        assert_eq!(appraised.result().authentic, !set.is_empty());
    }
    let lonely = appraise(&policy, &[snp()]);
    let reason = &lonely.result().reasons[0];
    assert_eq!(reason.have.as_deref(), Some("amd-sev-snp"));
    assert_eq!(reason.need.as_deref(), Some("nitro (aws-nitro), or snp-gpu (amd-sev-snp + 1–2 nvidia-gpu)"));
    let rules = lonely.result().checks.iter().find(|check| check.name == check::RULES).unwrap();
    assert_eq!(rules.outcome, Outcome::NotPerformed, "the platforms' rules were not compared");
}

#[test]
fn rules_are_compared_even_where_no_platform_fits() {
    let policy = policy(&format!("{HEAD}{NITRO}{}", rule("vendor", "vendor", "equals", "'amazon'")));
    let appraised = appraise(&policy, &[MadeEvidence::snp()]);
    assert_eq!(codes(appraised.result()), [ReasonCode::PolicySetShape, ReasonCode::PolicyRuleViolated]);
    assert_eq!(failed(appraised.result()), [check::SHAPE, check::RULES]);
}

#[test]
fn any_platform_that_is_satisfied_wins_and_else_the_first_one_s_failures_count() {
    let platform = |name: &str, region: &str| {
        format!(
            "[[platform]]\nname = '{name}'\nprimary = 'aws-nitro'\n[[platform.rule]]\nid = '{name}-region'\n\
             claim = 'nitro.region'\noperator = 'equals'\nvalue = '{region}'\nrationale = 'r'\n"
        )
    };
    for (first, second, platform_name, rules) in [
        ("eu-central-1", "us-east-1", "a", vec![]),
        ("us-east-1", "eu-central-1", "b", vec![]),
        ("us-east-1", "us-west-2", "a", vec!["a-region"]),
    ] {
        // Written in the other order: platforms are a set, compared by name.
        let policy = policy(&format!("{HEAD}{}{}", platform("b", second), platform("a", first)));
        let appraised = appraise(&policy, &[MadeEvidence::nitro()]);
        assert_eq!(appraised.platform(), Some(platform_name), "{first} {second}");
        let failed: Vec<_> = appraised.result().reasons.iter().filter_map(|reason| reason.rule.as_deref()).collect();
        assert_eq!(failed, rules, "{first} {second}");
    }
}

#[test]
fn a_verdict_holds_until_the_first_thing_it_rests_on_ends() {
    let reference = |retire_at: &str| {
        rule_with_reference("image", "nitro.pcr0", "in", "images")
            + &format!("[[reference]]\nname = 'images'\nvalue = [{{ value = '{PCR0}', retire_at = '{retire_at}' }}]\n")
    };
    for (max_age, retire_at, until) in [
        ("7d", "2026-01-01T00:00:00Z", "2025-01-06T19:07:05Z"),
        ("10m", "2026-01-01T00:00:00Z", "2025-01-06T16:17:05.472Z"),
        ("10m", "2025-01-06T16:10:00Z", "2025-01-06T16:09:59.999Z"),
    ] {
        let policy = nitro_policy(&format!("[freshness]\nmax_age = '{max_age}'\n"), &reference(retire_at));
        let affirming = appraise(&policy, &[MadeEvidence::nitro()]).affirming().expect("affirming");
        assert_eq!(affirming.valid_until(), at(until), "{max_age} {retire_at}");
        let last = appraise_at(&policy, &[MadeEvidence::nitro()], at(until));
        assert_eq!(last.result().verdict, Verdict::Affirming, "at the last instant");
        let after = Timestamp::from_unix_millis(at(until).unix_millis() + 1).unwrap();
        let after = appraise_at(&policy, &[MadeEvidence::nitro()], after);
        assert_eq!(after.result().verdict, Verdict::Refused, "just after it");
    }
}

#[test]
fn the_shortest_lived_piece_ends_the_verdict_and_every_time_must_be_fresh() {
    let policy = policy(&format!("{HEAD}[freshness]\nmax_age = '5m'\n{WITH_GPUS}"));
    let snp = || MadeEvidence::snp().with(&[("issued_at", "'2025-01-06T16:07:00Z'")]);
    let short = MadeEvidence { valid_until: at("2025-01-06T16:08:30Z"), ..MadeEvidence::gpu(3) };
    let appraised = appraise(&policy, &[snp(), short]);
    assert_eq!(codes(appraised.result()), [], "a device needs no time of its own");
    assert_eq!(appraised.result().valid_until, Some(at("2025-01-06T16:08:30Z")));
    let old = MadeEvidence::gpu(3).with(&[("issued_at", "'2025-01-06T15:00:00Z'")]);
    assert_eq!(codes(appraise(&policy, &[snp(), old]).result()), [ReasonCode::PolicyNotFresh]);
    let timeless = appraise(&policy, &[MadeEvidence::snp(), MadeEvidence::gpu(3)]);
    assert_eq!(codes(timeless.result()), [ReasonCode::PolicyFreshnessUnknown]);
}

#[test]
fn a_token_from_a_moment_ahead_is_fresh() {
    let policy = nitro_policy("[freshness]\nmax_age = '5m'\n", "");
    let ahead = MadeEvidence::nitro().with(&[("issued_at", "'2025-01-06T16:08:30Z'")]);
    assert_eq!(codes(appraise(&policy, &[ahead]).result()), []);
}

#[test]
fn devices_alone_have_no_binding() {
    let text =
        format!("{HEAD}require_binding = true\n[[platform]]\nname = 'gpu'\ndevices = [{{ kind = 'nvidia-gpu' }}]\n");
    let gpu = MadeEvidence { binding_matched: true, ..MadeEvidence::gpu(3) };
    assert_eq!(codes(appraise(&policy(&text), &[gpu]).result()), [ReasonCode::PolicyBindingRequired]);
}

#[test]
fn devices_that_name_others_than_those_of_the_set_are_refused_with_a_policy_and_without() {
    let gpu = MadeEvidence::gpu(1).with(&[("gpu.0.switch_pdis", "['0000000000000008']")]);
    let switch = |gpus: &str| MadeEvidence::switch(8).with(&[("switch.0.gpu_pdis", gpus)]);
    let policy = policy(&format!(
        "{HEAD}[[platform]]\nname = 'p'\ndevices = [{{ kind = 'nvidia-gpu' }}, {{ kind = 'nvidia-switch' }}]\n"
    ));
    for (gpus, expected) in [
        ("['0000000000000001']", &[][..]),
        ("['0000000000000001', '0000000000000002']", &[ReasonCode::NvidiaTopology]),
        ("['0000000000000002']", &[ReasonCode::NvidiaTopology]),
    ] {
        let set = [gpu.clone(), switch(gpus)];
        let appraised = appraise(&policy, &set);
        assert_eq!(codes(appraised.result()), expected, "{gpus}");
        let pieces: Vec<_> = set.iter().map(MadeEvidence::piece).collect();
        let plain = authenticity_of_pieces(&pieces, false, at(NOW));
        assert_eq!(codes(&plain), expected, "{gpus}");
        assert_eq!(
            plain.claims.bool(cross_vendor::GPU_TOPOLOGY),
            Some(expected.is_empty()),
            "it is shown all the same"
        );
    }
}

#[test]
fn presets_hold_for_good_evidence_and_refuse_a_zero_register_that_a_list_lets_in() {
    let zero = "00".repeat(48);
    let policy = nitro_policy(
        "presets = ['aws-nitro-enclave']\n",
        &rule("image", "nitro.pcr0", "in", &format!("['{PCR0}', '{zero}']")),
    );
    let good = MadeEvidence::nitro().with(&[
        ("nitro.pcr1", &format!("'{PCR0}'")),
        ("nitro.pcr2", &format!("'{PCR0}'")),
        ("nitro.pcr4_matches_instance", "true"),
    ]);
    assert_eq!(codes(appraise(&policy, std::slice::from_ref(&good)).result()), []);
    let zeroed = appraise(&policy, &[good.with(&[("nitro.pcr0", &format!("'{zero}'"))])]);
    assert_eq!(zeroed.result().reasons[0].rule.as_deref(), Some("aws-nitro-enclave/pcr0-measured"));
}

#[test]
fn without_a_policy_authentic_evidence_affirms_and_leads_nowhere() {
    let nitro = MadeEvidence { nonce_matched: false, ..MadeEvidence::nitro() }.with(&[("simulated", "true")]);
    let result = authenticity_of_pieces(&[nitro.piece()], false, at(NOW));
    assert_eq!((result.verdict, result.scope, result.authentic), (Verdict::Affirming, Scope::AuthenticityOnly, true));
    assert_eq!(result.valid_until, Some(nitro.valid_until));
    let policy_checks: Vec<_> = result.checks.iter().skip(1).map(|check| (check.name, check.outcome)).collect();
    assert_eq!(
        policy_checks,
        [(check::SHAPE, Outcome::Passed), (check::VALIDITY, Outcome::Passed), (check::DEBUG, Outcome::Passed)]
    );
}

#[test]
fn without_a_policy_debug_is_refused_unless_it_is_allowed_or_cannot_be() {
    let debug = MadeEvidence::nitro().with(&[("debug", "true")]);
    let unknown = MadeEvidence::nitro().without("debug");
    let without_debug_mode = MadeEvidence { debug_applies: false, ..unknown.clone() };
    for (evidence, allow_debug, expected) in [
        (&debug, false, vec![ReasonCode::PolicyDebug]),
        (&debug, true, vec![]),
        (&unknown, false, vec![ReasonCode::PolicyDebug]),
        (&unknown, true, vec![]),
        (&without_debug_mode, false, vec![]),
    ] {
        let result = authenticity_of_pieces(&[evidence.piece()], allow_debug, at(NOW));
        assert_eq!(codes(&result), expected);
        assert!(result.authentic);
        assert!(!result.claims.is_empty());
    }
}

#[test]
fn without_a_policy_a_set_is_still_a_set() {
    let (nitro, snp, gpu) = (MadeEvidence::nitro(), MadeEvidence::snp(), MadeEvidence::gpu(3));
    let pieces = |set: &[&MadeEvidence]| {
        authenticity_of_pieces(&set.iter().map(|piece| piece.piece()).collect::<Vec<_>>(), false, at(NOW))
    };
    assert_eq!(codes(&pieces(&[&nitro, &gpu])), []);
    assert_eq!(codes(&pieces(&[&gpu])), []);
    assert_eq!(codes(&pieces(&[&nitro, &snp])), [ReasonCode::PolicySetShape]);
    let empty = pieces(&[]);
    assert_eq!((codes(&empty), empty.authentic, empty.valid_until), (vec![ReasonCode::PolicySetShape], false, None));
    let late = authenticity_of_pieces(&[nitro.piece()], false, at("2025-01-06T19:07:05.001Z"));
    assert_eq!((codes(&late), late.authentic), (vec![ReasonCode::TimeExpired], false));
    assert!(late.claims.is_empty());
}

#[test]
fn typed_claims_are_judged_like_evidence_but_stay_words() {
    let policy = nitro_policy("", &rule("image", "nitro.pcr0", "in", &format!("[\"{PCR0}\"]")));
    let hypothesis = Hypothesis {
        claims: claims(&[("nitro.pcr0", &format!("'{PCR0}'")), ("debug", "false")]),
        primary: Some(Kind::AwsNitro),
        nonce: true,
        ..Hypothesis::default()
    };
    let evaluation = policy.evaluate(&hypothesis, at(NOW));
    assert_eq!((evaluation.verdict, evaluation.platform.as_deref()), (Verdict::Affirming, Some("nitro")));
    assert_eq!(evaluation.rules.len(), 1);
    assert_eq!(evaluation.rules[0].outcome, RuleOutcome::Satisfied { until: Timestamp::MAX });

    for (change, code) in [
        (Hypothesis { nonce: false, ..hypothesis.clone() }, ReasonCode::PolicyNonceRequired),
        (Hypothesis { primary: None, ..hypothesis.clone() }, ReasonCode::PolicySetShape),
        (Hypothesis { devices: vec![(Kind::NvidiaGpu, 1)], ..hypothesis.clone() }, ReasonCode::PolicySetShape),
    ] {
        assert!(policy.evaluate(&change, at(NOW)).reasons.iter().any(|reason| reason.code == code), "{code}");
    }
    for (name, value, code) in [
        ("debug", "true", ReasonCode::PolicyDebug),
        ("simulated", "true", ReasonCode::PolicySimulated),
        ("nitro.pcr0", &*format!("'{}'", "00".repeat(48)), ReasonCode::PolicyRuleViolated),
        ("root_sha256", &*format!("['{}']", "01".repeat(32)), ReasonCode::PolicyRootNotAllowed),
    ] {
        let mut changed = hypothesis.clone();
        changed.claims.insert(
            name.parse::<prooftrail_result::claims::ClaimName>().unwrap(),
            claims(&[(name, value)]).iter().next().unwrap().1.clone(),
        );
        let evaluation = policy.evaluate(&changed, at(NOW));
        assert_eq!(evaluation.reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), [code], "{name}");
    }
    assert_eq!(policy.roots(), [ROOT]);
}

#[test]
fn a_statement_counts_only_under_the_cpu_s_binding() {
    let digest = "66".repeat(48);
    let rules = rule("executable", "job.executable_sha384", "equals", &format!("'{digest}'"))
        + &rule("profile", "binding_profile", "equals", "'prooftrail/v1'");
    let policy = nitro_policy("", &rules);
    let statement = claims(&[("job.executable_sha384", &format!("'{digest}'")), ("nitro.region", "'eu-west-1'")]);
    let appraise = |binding_matched, statement: &Claims| {
        let nitro = MadeEvidence { binding_matched, ..MadeEvidence::nitro() };
        policy.appraise_pieces(&[nitro.piece()], statement, at(NOW))
    };
    let bound = appraise(true, &statement);
    assert_eq!(codes(bound.result()), []);
    assert_eq!(bound.result().claims.get(nitro::REGION), MadeEvidence::nitro().piece().claims.get(nitro::REGION));
    for (binding_matched, statement) in [(false, &statement), (true, &Claims::default())] {
        let refused = appraise(binding_matched, statement);
        assert_eq!(codes(refused.result()), [ReasonCode::PolicyClaimAbsent, ReasonCode::PolicyClaimAbsent]);
    }
    assert!(policy.asks_for(job::EXECUTABLE_SHA384) && !policy.asks_for(job::ARGV));
}
