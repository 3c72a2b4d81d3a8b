//! What is derived, and that neither order nor pages matter.

use prooftrail_reports::{PinState, Section, render_csv, render_html, render_json};

use crate::fixture::{NEW, OLD, at, build, digest, rows};

#[test]
fn the_numbers() {
    let report = build(rows());
    let summary = report.summary;
    let seen = [
        ("releases", summary.releases, 4),
        ("revoked", summary.releases_revoked, 1),
        ("without a proof", summary.releases_without_proof, 1),
        ("denials", summary.denials, 4),
        ("proofs", summary.proofs, 4),
        ("verified, and not under a weak key", summary.proofs_verified, 1),
        ("unsupported", summary.proofs_unsupported, 1),
        ("failed or weak", summary.proofs_other, 2),
        ("witnesses", summary.witnesses_opened, 3),
        ("findings", summary.findings, 2),
    ];
    for (name, count, expected) in seen {
        assert_eq!(count, expected, "{name}");
    }
    assert!(!summary.simulated);
}

#[test]
fn denials_are_counted_by_decision_and_reason() {
    let report = build(rows());
    let reasons: Vec<_> = report
        .denials_by_reason
        .iter()
        .map(|reason| (reason.code.as_str(), reason.rule.as_deref(), reason.have.as_deref(), reason.decisions))
        .collect();
    let image = digest(5);
    assert_eq!(
        reasons,
        [
            ("policy.rule_violated", Some("image"), Some(image.as_str()), 3),
            ("policy.not_fresh", None, Some("6m"), 1),
            ("policy.rule_violated", Some("region"), Some("us-east-1"), 1),
        ]
    );
    let most = &report.denials_by_reason[0];
    assert_eq!((most.first, most.last), (at("2026-07-30T01:00:00Z"), at("2026-07-30T01:00:04Z")));
    assert_eq!(most.meaning, Some("A claim does not satisfy a rule of the policy."));
}

#[test]
fn controls_count_what_their_rules_decided() {
    let report = build(rows());
    let (old, new) = (digest(OLD), digest(NEW));
    let mut seen = Vec::new();
    for control in &report.controls {
        for rule in &control.rules {
            seen.push((
                control.control.as_str(),
                rule.policy_digest.as_str(),
                rule.rule.as_str(),
                rule.passed,
                rule.refused,
            ));
        }
    }
    let expected = [
        ("GDPR Art. 44", old.as_str(), "region", 2, 1),
        ("GDPR Art. 44", new.as_str(), "region", 2, 0),
        // A rule of another platform decided nothing.
        ("SOC2 CC6.1", old.as_str(), "chip", 0, 0),
        ("SOC2 CC6.1", old.as_str(), "image", 2, 3),
        ("SOC2 CC6.1", new.as_str(), "chip", 0, 0),
        ("SOC2 CC6.1", new.as_str(), "image", 2, 0),
        ("SOC2 CC8.1", old.as_str(), "image", 2, 3),
        ("SOC2 CC8.1", new.as_str(), "image", 2, 0),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn rotations_say_how_many_values_count_afterwards() {
    let report = build(rows());
    let seen: Vec<_> = report
        .rotations
        .iter()
        .map(|change| (change.time, change.change, change.note.as_deref(), change.active_after))
        .collect();
    assert_eq!(
        seen,
        [
            (at("2026-08-15T00:00:00Z"), "activated", Some("v1.2.0"), 2),
            (at("2026-08-31T00:00:00Z"), "retired", Some("v1.1.0"), 1),
        ]
    );
    let states: Vec<_> = report.pins.iter().map(|pin| pin.state_before(report.scope.to)).collect();
    assert_eq!(
        states,
        [PinState::Retired, PinState::Active, PinState::Scheduled],
        "the value of both versions is one row"
    );
}

#[test]
fn limitations_stand_where_they_apply() {
    let ids = |report: &prooftrail_reports::ComplianceReport| -> Vec<&'static str> {
        report.limitations.iter().map(|limitation| limitation.id).collect()
    };
    let always = ["operators-copy", "unauthentic-requests", "copies-of-witnesses", "commands", "control-mapping"];
    assert_eq!(ids(&build([])), always);

    let mut checkpoint = crate::fixture::checkpoint();
    checkpoint.cosigners.clear();
    let mut builder = prooftrail_reports::Builder::new(crate::fixture::scope(), checkpoint).unwrap();
    for row in rows() {
        let row = match row {
            crate::fixture::Row::Release(row) => {
                crate::fixture::Row::Release(prooftrail_reports::Release { simulated: true, ..row })
            }
            other => other,
        };
        crate::fixture::add(&mut builder, row).unwrap();
    }
    builder.erased(3);
    let report = builder.finish().unwrap();
    for id in ["simulated", "operators-time", "unsupported-proofs", "weak-keys", "erased-records"] {
        assert!(ids(&report).contains(&id), "{id}");
    }
    assert_eq!(report.summary.erased_records, 3);
    assert!(render_html(&report).unwrap().contains("Simulated hardware."));
    assert!(!render_html(&build(rows())).unwrap().contains("Simulated hardware."));
}

#[test]
fn the_same_rows_give_the_same_bytes_in_any_order() {
    let forward = build(rows());
    let mut reversed = rows();
    reversed.reverse();
    let mut turned = rows();
    turned.rotate_left(7);
    for other in [reversed, turned] {
        let other = build(other);
        assert_eq!(render_json(&forward).unwrap(), render_json(&other).unwrap());
        assert_eq!(render_html(&forward).unwrap(), render_html(&other).unwrap());
        for section in Section::ALL {
            assert_eq!(render_csv(&forward, section), render_csv(&other, section), "{}", section.name());
        }
    }
}
