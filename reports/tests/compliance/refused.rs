//! Rows that do not make a report.

use prooftrail_reports::{Builder, Checkpoint, ReportError, Scope, Section};

use crate::fixture::{OLD, Row, add, at, checkpoint, denial, digest, key, policy, proof, reason, release, scope};

fn build(rows: Vec<Row>) -> Result<(), ReportError> {
    let mut builder = Builder::new(scope(), checkpoint())?;
    for row in rows {
        add(&mut builder, row)?;
    }
    builder.finish().map(drop)
}

#[test]
fn each_rule_has_a_row_that_breaks_it() {
    use prooftrail_reports::ProofOutcome::Verified;
    let old = || Row::Policy(policy("p", OLD, 12, "2026-03-01T00:00:00Z", None));
    let good = |index| release(index, "2026-07-02T00:00:00Z", OLD);
    let no = |code| vec![reason(code, None, "a", "b")];
    let outside = |section, index| Err(ReportError::OutsideRange { section, index });
    let twice = |section, what: &str| Err(ReportError::Duplicate { section, what: what.to_owned() });
    let before = "2026-06-30T23:59:59.999Z";
    let end = "2026-10-01T00:00:00Z";
    let cases: Vec<(&str, Vec<Row>, Result<(), ReportError>)> = vec![
        ("nothing is a report", vec![], Ok(())),
        ("the first instant", vec![old(), Row::Release(release(1000, "2026-07-01T00:00:00Z", OLD))], Ok(())),
        ("the last instant", vec![old(), Row::Release(release(9999, "2026-09-30T23:59:59.999Z", OLD))], Ok(())),
        ("too early", vec![Row::Release(release(1000, before, OLD))], outside(Section::Releases, 1000)),
        ("too late", vec![Row::Denial(denial(1000, end, OLD, no("c")))], outside(Section::Denials, 1000)),
        ("an index below", vec![Row::Release(good(999))], outside(Section::Releases, 999)),
        (
            "an index above",
            vec![Row::Proof(proof(10_000, "2026-07-02T00:00:00Z", &good(1), Verified))],
            outside(Section::Proofs, 10_000),
        ),
        (
            "a policy that ended before",
            vec![Row::Policy(policy("p", 1, 3, "2026-01-01T00:00:00Z", Some("2026-07-01T00:00:00Z")))],
            outside(Section::Policies, 3),
        ),
        ("a policy that comes after", vec![Row::Policy(policy("p", 1, 3, end, None))], outside(Section::Policies, 3)),
        (
            "a release twice",
            vec![old(), Row::Release(good(1001)), Row::Release(good(1001))],
            twice(Section::Releases, "1001"),
        ),
        (
            "a denial twice",
            vec![
                old(),
                Row::Denial(denial(1002, "2026-07-02T00:00:00Z", OLD, no("c"))),
                Row::Denial(denial(1002, "2026-07-02T00:00:00Z", OLD, no("d"))),
            ],
            twice(Section::Denials, "1002"),
        ),
        (
            "a release that is a denial",
            vec![old(), Row::Release(good(1001)), Row::Denial(denial(1001, "2026-07-02T00:00:00Z", OLD, no("c")))],
            twice(Section::Denials, "1001"),
        ),
        ("a policy's entry twice", vec![old(), old()], twice(Section::Policies, "12")),
        ("a key's version twice", vec![Row::Key(key()), Row::Key(key())], twice(Section::Keys, "balances version 2")),
        (
            "a decision of no policy",
            vec![Row::Release(good(1001))],
            Err(ReportError::UnknownPolicy { index: 1001, digest: digest(OLD) }),
        ),
        (
            "a denial of no reason",
            vec![Row::Denial(denial(1003, "2026-07-02T00:00:00Z", OLD, vec![]))],
            Err(ReportError::NoReason { index: 1003 }),
        ),
    ];
    for (name, rows, expected) in cases {
        assert_eq!(build(rows), expected, "{name}");
    }
}

#[test]
fn ranges_that_are_none() {
    let (from, to) = (at("2026-07-01T00:00:00Z"), at("2026-10-01T00:00:00Z"));
    let cases = [
        ("empty", Scope { to: from, ..scope() }, Err(ReportError::Range)),
        ("reversed", Scope { from: to, to: from, ..scope() }, Err(ReportError::Range)),
        ("indices reversed", Scope { first_index: Some(10_000), ..scope() }, Err(ReportError::Range)),
        ("half of the indices", Scope { last_index: None, ..scope() }, Err(ReportError::Range)),
        ("no entries", Scope { first_index: None, last_index: None, ..scope() }, Ok(())),
    ];
    for (name, scope, expected) in cases {
        assert_eq!(Builder::new(scope, checkpoint()).map(drop), expected, "{name}");
    }
    let short = Checkpoint { size: 9999, ..checkpoint() };
    let refused = Builder::new(scope(), short).map(drop);
    assert_eq!(refused, Err(ReportError::Checkpoint { size: 9999, last_index: 9999 }));
}
