//! Rows of a quarter: two policy versions with a rotation between them, releases, denials, proofs, findings.

use prooftrail_reports::{
    Builder, Checkpoint, ComplianceReport, Denial, Evidence, Finding, KeyVersion, Pin, PolicyRule, PolicyVersion,
    Proof, ProofOutcome, ReasonLine, Release, Scope, Severity, VerifiedProof,
};
use prooftrail_result::Timestamp;

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// A digest that is easy to tell from others.
pub(crate) fn digest(seed: u64) -> String {
    format!("{:016x}", seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(6)
}

pub(crate) fn scope() -> Scope {
    Scope {
        project: "treasury".to_owned(),
        origin: "ledger.example/treasury".to_owned(),
        from: at("2026-07-01T00:00:00Z"),
        to: at("2026-10-01T00:00:00Z"),
        made_at: None,
        first_index: Some(1000),
        last_index: Some(9999),
    }
}

pub(crate) fn checkpoint() -> Checkpoint {
    Checkpoint {
        size: 10_000,
        root: digest(99)[..64].to_owned(),
        note: "ledger.example/treasury\n10000\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— ledger.example/treasury Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n".to_owned(),
        cosigners: vec!["witness.example/b".to_owned(), "witness.example/a".to_owned()],
    }
}

pub(crate) fn nitro(seed: u64) -> Vec<Evidence> {
    vec![Evidence { kind: "aws-nitro".to_owned(), id: digest(seed) }]
}

pub(crate) fn release(index: u64, time: &str, policy: u64) -> Release {
    Release {
        index,
        time: at(time),
        release_id: digest(index)[..32].to_owned(),
        key: "balances".to_owned(),
        key_version: 2,
        policy_digest: digest(policy),
        platform: Some("nitro".to_owned()),
        evidence: nitro(index),
        witness_header: digest(index % 3)[..64].to_owned(),
        statement: digest(index + 1),
        simulated: false,
        revoked_at: None,
    }
}

pub(crate) fn reason(code: &str, rule: Option<&str>, have: &str, need: &str) -> ReasonLine {
    ReasonLine {
        code: code.to_owned(),
        stage: "policy".to_owned(),
        detail: format!("the policy needs {need}"),
        have: Some(have.to_owned()),
        need: Some(need.to_owned()),
        rule: rule.map(str::to_owned),
    }
}

pub(crate) fn denial(index: u64, time: &str, policy: u64, reasons: Vec<ReasonLine>) -> Denial {
    Denial {
        index,
        time: at(time),
        release_id: digest(index)[..32].to_owned(),
        key: Some("balances".to_owned()),
        key_version: Some(2),
        policy_digest: digest(policy),
        platform: Some("nitro".to_owned()),
        evidence: nitro(index),
        reasons,
        simulated: false,
    }
}

pub(crate) fn proof(index: u64, time: &str, of: &Release, outcome: ProofOutcome) -> Proof {
    let verified = (outcome == ProofOutcome::Verified).then(|| VerifiedProof {
        statement_id: digest(index + 2)[..64].to_owned(),
        verifying_key: digest(7)[..64].to_owned(),
        weakness: None,
    });
    let some = outcome != ProofOutcome::Failed;
    Proof {
        index,
        time: at(time),
        provenance_id: some.then(|| digest(index + 3)[..64].to_owned()),
        release_id: of.release_id.clone(),
        sequence: 0,
        system: some.then(|| "groth16-bn254".to_owned()),
        outcome,
        verified,
        exit_status: if some { 0 } else { -9 },
        release_revoked: of.revoked_at.is_some(),
    }
}

pub(crate) fn policy(name: &str, seed: u64, index: u64, from: &str, until: Option<&str>) -> PolicyVersion {
    let rule = |id: &str, platform: Option<&str>, claim: &str, rationale: &str, controls: &[&str]| PolicyRule {
        id: id.to_owned(),
        platform: platform.map(str::to_owned),
        claim: claim.to_owned(),
        rationale: rationale.to_owned(),
        controls: controls.iter().map(|control| (*control).to_owned()).collect(),
    };
    PolicyVersion {
        name: name.to_owned(),
        digest: digest(seed),
        index,
        in_force_from: at(from),
        in_force_until: until.map(at),
        approved_by: vec!["lin@example.org".to_owned(), "ada@example.org".to_owned()],
        allows_debug: false,
        allows_simulated: false,
        rules: vec![
            rule("image", None, "nitro.pcr0", "Only an audited build opens the ledger.", &["SOC2 CC8.1", "SOC2 CC6.1"]),
            rule(
                "region",
                Some("nitro"),
                "nitro.region",
                "Customers' data stays in the European Union.",
                &["GDPR Art. 44"],
            ),
            rule("chip", Some("snp"), "snp.chip_id", "Only our own machines.", &["SOC2 CC6.1"]),
            rule("no-control", None, "debug", "No debugger.", &[]),
        ],
    }
}

pub(crate) fn pin(value: u64, note: &str, from: Option<&str>, until: Option<&str>) -> Pin {
    Pin {
        policy: "solvency-prover".to_owned(),
        reference: "prover-images".to_owned(),
        value: digest(value),
        note: Some(note.to_owned()),
        active_from: from.map(at),
        active_until: until.map(at),
    }
}

pub(crate) fn key() -> KeyVersion {
    KeyVersion {
        name: "balances".to_owned(),
        version: 2,
        policy: "solvency-prover".to_owned(),
        recipient: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".to_owned(),
        state: "active".to_owned(),
        created_at: at("2026-05-04T09:30:00Z"),
        ended_at: None,
    }
}

pub(crate) fn finding(severity: Severity, code: &str, time: &str) -> Finding {
    Finding {
        code: code.to_owned(),
        severity,
        time: at(time),
        index: Some(4321),
        subject: "release of 2026-08-11".to_owned(),
        detail: "A witness was opened and no proof followed within its session.".to_owned(),
    }
}

/// A row of any kind, so that a test can feed them in any order.
#[derive(Clone)]
pub(crate) enum Row {
    Release(Release),
    Denial(Denial),
    Proof(Proof),
    Policy(PolicyVersion),
    Pin(Pin),
    Key(KeyVersion),
    Finding(Finding),
}

pub(crate) const OLD: u64 = 41;
pub(crate) const NEW: u64 = 42;

pub(crate) fn rows() -> Vec<Row> {
    let early = release(1010, "2026-07-02T10:00:00Z", OLD);
    let mut revoked = release(1500, "2026-07-20T10:00:00.250Z", OLD);
    revoked.revoked_at = Some(at("2026-08-01T00:00:00Z"));
    let late = release(7000, "2026-09-12T16:45:00Z", NEW);
    let unused = release(7100, "2026-09-13T08:00:00Z", NEW);
    let image = |have: u64| reason("policy.rule_violated", Some("image"), &digest(have)[..96], "one of prover-images");
    let region = reason("policy.rule_violated", Some("region"), "us-east-1", "one of eu-central-1, eu-west-1");
    let nonce = ReasonLine { rule: None, ..reason("policy.not_fresh", None, "6m", "at most 5m") };
    let mut weak = proof(7010, "2026-09-12T17:01:00Z", &late, ProofOutcome::Verified);
    weak.sequence = 1;
    weak.verified.as_mut().unwrap().weakness = Some("proof.key_forgeable".to_owned());
    vec![
        Row::Proof(proof(1011, "2026-07-02T10:05:00Z", &early, ProofOutcome::Verified)),
        Row::Proof(proof(1501, "2026-07-20T10:09:00Z", &revoked, ProofOutcome::Failed)),
        Row::Proof(Proof {
            system: Some("plonky3".to_owned()),
            ..proof(7001, "2026-09-12T17:00:00Z", &late, ProofOutcome::Unsupported)
        }),
        Row::Proof(weak),
        Row::Release(early),
        Row::Release(revoked),
        Row::Release(late),
        Row::Release(unused),
        Row::Denial(denial(2000, "2026-07-30T01:00:00Z", OLD, vec![image(5), region.clone()])),
        Row::Denial(denial(2001, "2026-07-30T01:00:02Z", OLD, vec![image(5)])),
        Row::Denial(denial(2002, "2026-07-30T01:00:04Z", OLD, vec![image(5), image(5)])),
        Row::Denial(denial(6000, "2026-09-01T00:00:00Z", NEW, vec![nonce])),
        Row::Policy(policy("solvency-prover", NEW, 5000, "2026-08-15T12:00:00Z", None)),
        Row::Policy(policy("solvency-prover", OLD, 12, "2026-03-01T12:00:00Z", Some("2026-08-15T12:00:00Z"))),
        Row::Pin(pin(1, "v1.1.0", None, Some("2026-08-31T00:00:00Z"))),
        Row::Pin(pin(2, "v1.2.0", Some("2026-08-15T00:00:00Z"), None)),
        Row::Pin(pin(3, "v1.3.0", Some("2026-11-01T00:00:00Z"), None)),
        Row::Pin(pin(2, "v1.2.0", Some("2026-08-15T00:00:00Z"), None)),
        Row::Key(key()),
        Row::Finding(finding(Severity::Note, "policy.rotated", "2026-08-15T12:00:00Z")),
        Row::Finding(finding(Severity::Critical, "release.no_proof", "2026-09-14T08:00:00Z")),
    ]
}

pub(crate) fn build(rows: impl IntoIterator<Item = Row>) -> ComplianceReport {
    let mut builder = Builder::new(scope(), checkpoint()).unwrap();
    for row in rows {
        add(&mut builder, row).unwrap();
    }
    builder.finish().unwrap()
}

pub(crate) fn add(builder: &mut Builder, row: Row) -> Result<(), prooftrail_reports::ReportError> {
    match row {
        Row::Release(row) => builder.release(row),
        Row::Denial(row) => builder.denial(row),
        Row::Proof(row) => builder.proof(row),
        Row::Policy(row) => builder.policy(row),
        Row::Pin(row) => builder.pin(row),
        Row::Key(row) => builder.key(row),
        Row::Finding(row) => builder.finding(row),
    }
}
