//! Files of cases: what they say, what is wrong with them, and how a case compares with a verdict.

use prooftrail_result::{Kind, ReasonCode, Verdict};

use super::{CaseFile, CaseInput, EvidenceFile};
use crate::{
    Hypothesis, PolicyError, Problem,
    testing::{PCR0, at, claims, nitro_policy, rule},
};

fn parse(text: &str) -> CaseFile {
    CaseFile::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_case_of_claims_reads_into_a_hypothesis() {
    let file = parse(
        "[[case]]\nname = 'the audited image, with GPUs'\nprimary = 'amd-sev-snp'\ndevices = { nvidia-gpu = 2 }\n\
         nonce = true\nbinding = true\nat = 2025-01-06T16:08:00Z\nexpect = 'refused'\nfailing = ['image']\n\
         claims = { 'snp.vmpl' = 1, debug = false, 'snp.platform_info' = 0x5 }\n",
    );
    let [case] = &*file.cases else { panic!("one case") };
    assert_eq!((case.name.as_str(), case.expect), ("the audited image, with GPUs", Verdict::Refused));
    assert_eq!((case.at, case.failing.as_deref()), (at("2025-01-06T16:08:00Z"), Some(&["image".to_owned()][..])));
    let hypothesis = Hypothesis {
        claims: claims(&[("snp.vmpl", "1"), ("debug", "false"), ("snp.platform_info", "0x5")]),
        primary: Some(Kind::AmdSevSnp),
        devices: vec![(Kind::NvidiaGpu, 2)],
        nonce: true,
        binding: true,
    };
    assert_eq!(case.input, CaseInput::Claims(hypothesis));
}

#[test]
fn a_case_of_evidence_names_files_and_runs_elsewhere() {
    let file = parse(&format!(
        "[[case]]\nname = 'genuine'\nat = '2025-01-06T16:08:00Z'\nexpect = 'affirming'\n\
         evidence = [{{ kind = 'aws-nitro', file = 'a.cose', endorsements = ['a.crl'], nonce = '0A', binding = '{}' }}]\n",
        "0b".repeat(48)
    ));
    let [case] = &*file.cases else { panic!("one case") };
    let expected = EvidenceFile {
        kind: Kind::AwsNitro,
        file: "a.cose".into(),
        endorsements: vec!["a.crl".into()],
        nonce: Some(vec![10]),
        binding: Some([11; 48]),
    };
    assert_eq!(case.input, CaseInput::Evidence(vec![expected]));
    assert_eq!(case.run(&nitro_policy("", "")), None);
}

#[test]
fn cases_that_do_not_read_say_where_and_why() {
    const REST: &str = "at = '2025-01-06T16:08:00Z'\nexpect = 'refused'\n";
    let problem = |text: &str| {
        let PolicyError { position, problem } = CaseFile::parse(text).expect_err(text);
        (position.map(|position| position.line), problem)
    };
    let body = |body: &str| problem(&format!("[[case]]\nname = 'n'\n{REST}{body}\n"));
    for (text, expected) in [
        ("", (Some(2), Problem::CaseInput)),
        ("claims = {}\nevidence = []\nprimary = 'aws-nitro'", (Some(2), Problem::CaseInput)),
        ("claims = {}", (Some(2), Problem::CaseSet)),
        ("evidence = []\nprimary = 'aws-nitro'", (Some(6), Problem::CaseKey("primary"))),
        ("evidence = []\ndevices = {}", (Some(6), Problem::CaseKey("devices"))),
        ("evidence = []\nnonce = true", (Some(6), Problem::CaseKey("nonce"))),
        ("evidence = []\nbinding = true", (Some(6), Problem::CaseKey("binding"))),
        ("claims = {}\nprimary = 'nvidia-gpu'", (Some(6), Problem::PrimaryIsDevice(Kind::NvidiaGpu))),
        ("claims = {}\ndevices = { aws-nitro = 1 }", (Some(6), Problem::DeviceIsCpu(Kind::AwsNitro))),
        ("claims = { nitro.pcr0 = '00' }\nprimary = 'aws-nitro'", (Some(5), Problem::ClaimIsTable("nitro".into()))),
        ("evidence = [{ kind = 'aws-nitro', file = 'f', nonce = 'x' }]", (Some(5), Problem::InvalidHex("x".into()))),
        (
            "evidence = [{ kind = 'aws-nitro', file = 'f', binding = '00' }]",
            (Some(5), Problem::InvalidHex("00".into())),
        ),
    ] {
        assert_eq!(body(text), expected, "{text}");
    }
    for (text, words) in [
        ("claims = { 'nitro.pcr99999' = 'x' }\nprimary = 'aws-nitro'", "`nitro.pcr99999` is not a claim"),
        ("claims = { 'snp.vmpl' = '0' }\nprimary = 'aws-nitro'", "`snp.vmpl` is int, not a TOML string"),
        ("claims = {}\nprimary = 'aws'", "`aws` is not an evidence kind"),
        ("claims = {}\nprimary = 'aws-nitro'\nsurprise = 1", "unknown field `surprise`"),
        ("evidence = [{ kind = 'aws-nitro', file = 'f', path = 'g' }]", "unknown field `path`"),
    ] {
        let (line, problem) = body(text);
        assert!(line.is_some() && problem.to_string().contains(words), "{text}: {problem}");
    }
    let twice = format!("[[case]]\nname = 'n'\n{REST}evidence = []\n").repeat(2);
    assert!(matches!(problem(&twice), (Some(7), Problem::Duplicate { .. })));
    let soon = "[[case]]\nname = 'n'\nat = 'soon'\nexpect = 'refused'\nevidence = []\n";
    assert!(matches!(problem(soon), (Some(3), Problem::InvalidTime(_))));
    let (_, perhaps) = problem("[[case]]\nname = 'n'\nat = 'soon'\nexpect = 'perhaps'\nevidence = []\n");
    assert!(perhaps.to_string().contains("unknown variant `perhaps`"), "{perhaps}");
    assert!(matches!(problem(&" ".repeat((1 << 20) + 1)), (None, Problem::TooLarge { .. })));
}

#[test]
fn a_case_passes_only_where_verdict_and_failures_are_the_demanded_ones() {
    let policy = nitro_policy(
        "",
        &(rule("image", "nitro.pcr0", "in", &format!("['{PCR0}']")) + &rule("region", "nitro.region", "in", "['x']")),
    );
    let zero = "00".repeat(48);
    for (pcr0, region, nonce, demand, passed, not_failing, failing_too) in [
        (PCR0, "x", true, "expect = 'affirming'", true, &[][..], &[][..]),
        (PCR0, "x", true, "expect = 'affirming'\nfailing = []", true, &[], &[]),
        (PCR0, "x", true, "expect = 'refused'", false, &[], &[]),
        (&zero, "x", true, "expect = 'affirming'", false, &[], &[]),
        (&zero, "x", true, "expect = 'refused'", true, &[], &[]),
        (&zero, "x", true, "expect = 'refused'\nfailing = ['image']", true, &[], &[]),
        (&zero, "y", true, "expect = 'refused'\nfailing = ['region', 'image']", true, &[], &[]),
        (&zero, "y", true, "expect = 'refused'\nfailing = ['image']", false, &[], &["region"]),
        (&zero, "x", true, "expect = 'refused'\nfailing = ['region']", false, &["region"], &["image"]),
        (PCR0, "x", false, "expect = 'refused'\nfailing = ['policy.nonce_required']", true, &[], &[]),
        (&zero, "x", false, "expect = 'refused'\nfailing = ['image']", false, &[], &["policy.nonce_required"]),
    ] {
        let file = parse(&format!(
            "[[case]]\nname = 'n'\nat = '2025-01-06T16:08:00Z'\nprimary = 'aws-nitro'\nnonce = {nonce}\n{demand}\n\
             claims = {{ 'nitro.pcr0' = '{pcr0}', 'nitro.region' = '{region}', debug = false }}\n"
        ));
        let result = file.cases[0].run(&policy).expect("a case of claims");
        assert_eq!(result.passed, passed, "{demand}: {:?}", result.reasons);
        assert_eq!((&*result.not_failing, &*result.failing_too), (&owned(not_failing)[..], &owned(failing_too)[..]));
    }
}

#[test]
fn a_refusal_by_authentication_counts_under_its_code() {
    let file = parse(
        "[[case]]\nname = 'expired'\nat = '2025-01-06T19:07:06Z'\nexpect = 'refused'\nfailing = ['time.expired']\n\
         evidence = [{ kind = 'aws-nitro', file = 'a.cose' }]\n",
    );
    let result = file.cases[0].compare(Verdict::Refused, vec![ReasonCode::TimeExpired.into()]);
    assert!(result.passed, "{result:?}");
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
