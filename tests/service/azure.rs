//! Releases over HTTP to Azure's confidential virtual machines: the paravisor's report, the virtual TPM's quote with the
//! binding, and what vouches for the hardware, on both vendors' hardware.

use prooftrail_protocol::{KindValue, Purpose, sha256, wire::PieceOfEvidence};
use prooftrail_result::{Kind, Verdict};
use prooftrail_simulator::azure::{Hardware, Machine};
use serde_json::json;

use crate::{
    agent::{EXECUTABLE, Job, PLAINTEXT, Site, now_ms},
    http::Reply,
    release::decisions,
    running::Service,
    scratch::Scratch,
};

const KINDS: [Kind; 2] = [Kind::AzureSnpVtpm, Kind::AzureTdxVtpm];

/// A machine on the hardware of that kind, whose certificates and lists are in force now.
fn machine(kind: Kind) -> Machine {
    // Since yesterday: a machine is the same for as long as its time is.
    let at = i64::try_from(now_ms() / 86_400_000 * 86_400).unwrap();
    match kind {
        Kind::AzureSnpVtpm => Machine::snp("service-tests", at),
        _ => Machine::tdx("service-tests", at),
    }
}

/// What the agent sends beside the evidence: the chain and the list of the hardware's vendor.
fn endorsements(machine: &Machine) -> Vec<Vec<u8>> {
    let mut files = machine.endorsements();
    if let Hardware::Snp { platform, .. } = &machine.hardware {
        files.push(platform.crl(i64::try_from(now_ms() / 1000).unwrap() - 60, &[]).build());
    }
    files
}

/// A policy for the machine: which paravisor, which guest, and what it runs. Revocation must have been checked, which is the
/// default.
fn policy(kind: Kind, machine: &Machine) -> String {
    let (measurement, paravisor) = match &machine.hardware {
        Hardware::Snp { report, .. } => ("snp.measurement", report.measurement),
        Hardware::Tdx { quote, .. } => ("tdx.mrtd", quote.clone().td_mut().mrtd),
    };
    let rule = |claim: &str, value: &[u8]| {
        let id = claim.replace(['.', '_'], "-");
        format!(
            "[[rule]]\nid = '{id}'\nclaim = '{claim}'\noperator = 'equals'\nvalue = '{}'\nrationale = 'pinned'\n",
            hex::encode(value)
        )
    };
    [
        "prooftrail_policy = 1\nname = 'proofs'\nrationale = 'for tests'\nallow_simulated = true\n\
         require_binding = true\n"
            .to_owned(),
        format!("[[platform]]\nname = 'azure'\nprimary = '{kind}'\n"),
        rule("job.executable_sha384", &EXECUTABLE),
        rule(measurement, &paravisor),
        rule("azure_vtpm.pcr4", &machine.quote.pcrs[4]),
    ]
    .concat()
}

/// A service that knows the machine's root and asks no vendor, with the policy in force.
fn prepare(scratch: &Scratch, kind: Kind) -> (Service, Site) {
    let machine = machine(kind);
    let root = scratch.path().join("root.der");
    std::fs::write(&root, machine.root_der()).unwrap();
    let service = Service::start(|config| {
        config.data = scratch.path().join("data");
        config.roots.files = vec![root];
        config.endorsements.fetch = false;
    });
    let site = Site::prepare(service.address, &service.token);
    site.put_in_force(&policy(kind, &machine));
    (service, site)
}

/// The value that the TPM is to quote for a job.
fn value(kind: Kind, job: &Job) -> Vec<u8> {
    match KindValue::primary(kind, &job.context(), &job.statement.sha384(), []) {
        Some(KindValue::QualifyingData(data)) => data.to_vec(),
        other => unreachable!("{other:?} for {kind}"),
    }
}

/// Asks with a machine's evidence, sent as that kind's, and with what vouches for it.
fn ask(site: &Site, kind: Kind, job: &Job, machine: &Machine, endorsements: &[Vec<u8>]) -> Reply {
    let mut request = job.request();
    request.evidence = vec![PieceOfEvidence { kind, evidence: machine.evidence().into() }];
    request.endorsements = endorsements.iter().map(|file| file.clone().into()).collect();
    site.post("/v1/releases", &json!(request))
}

#[test]
fn a_machine_whose_quote_carries_the_binding_gets_the_key_of_its_witness() {
    for kind in KINDS {
        let scratch = Scratch::new();
        let (_service, site) = prepare(&scratch, kind);
        let (job, mut machine) = (site.job(Purpose::Release), machine(kind));
        machine.quote.extra_data = value(kind, &job);
        let files = endorsements(&machine);
        let reply = ask(&site, kind, &job, &machine, &files);
        assert_eq!(reply.status, 200, "{kind}: {reply:?}");
        let response = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(job.open_from(kind, &site, &response, &site.file), PLAINTEXT);

        let url = format!("sqlite:{}", scratch.path().join("data/prooftrail.db").display());
        let (decided, _) = decisions(&url, site.origin.as_str());
        let [(_, decision)] = decided.as_slice() else { panic!("one decision") };
        assert_eq!((decision.verdict, decision.release_id), (Verdict::Affirming, response.release_id));
        assert_eq!(decision.evidence.iter().map(|piece| piece.id.kind).collect::<Vec<_>>(), [kind]);
        // What vouched for the hardware is kept with the decision.
        let digests: Vec<_> = files.iter().map(|file| sha256(&[file])).collect();
        assert!(decision.endorsements.iter().all(|digest| digests.contains(digest)), "{kind}");
        assert_eq!(decision.endorsements.len(), digests.len());
    }
}

#[test]
fn whatever_is_changed_is_refused_with_its_reason() {
    type Change = fn(&mut Machine);
    let cases: &[(&str, Change, u16, &str)] = &[
        ("another guest", |machine| machine.quote.pcrs[4][0] ^= 1, 403, "policy.rule_violated"),
        ("another request's quote", |machine| machine.quote.extra_data[0] ^= 1, 422, "binding.value_mismatch"),
        ("a padded value", |machine| machine.quote.extra_data.extend([0; 16]), 422, "binding.value_mismatch"),
        ("no value", |machine| machine.quote.extra_data.clear(), 422, "binding.value_absent"),
        ("registers not quoted", |machine| machine.quote.sent = Some(vec![[7; 32]; 24]), 422, "tpm.pcr_digest"),
        ("another paravisor's runtime data", |machine| machine.report_data = Some([9; 64]), 422, "azure.report_data"),
        (
            "a key that the hardware does not vouch for",
            |machine| machine.quote.key = Some(prooftrail_simulator::azure::AttestationKey::of("elsewhere")),
            422,
            "tpm.quote_signature",
        ),
    ];
    for kind in KINDS {
        let scratch = Scratch::new();
        let (_service, site) = prepare(&scratch, kind);
        let made = |change: &dyn Fn(&mut Machine)| {
            let (job, mut machine) = (site.job(Purpose::Release), machine(kind));
            machine.quote.extra_data = value(kind, &job);
            change(&mut machine);
            (job, machine)
        };
        for (name, change, status, code) in cases {
            let (job, machine) = made(change);
            let reply = ask(&site, kind, &job, &machine, &endorsements(&machine));
            assert_eq!((reply.status, reply.problem().as_str()), (*status, *code), "{kind}, {name}");
        }
        // The same bytes as the other kind, and without what vouches for the hardware.
        let [snp, tdx] = KINDS;
        let other = if kind == snp { tdx } else { snp };
        let (job, machine) = made(&|_| {});
        let reply = ask(&site, other, &job, &machine, &endorsements(&machine));
        assert_eq!((reply.status, reply.problem().as_str()), (400, "azure.report_kind"), "{kind}");
        let reply = ask(&site, kind, &job, &machine, &[]);
        // Of Intel's collateral the lists are missed first: the quote brings its chain.
        let missing = if kind == snp { "snp.certificate_missing" } else { "revocation.not_checked" };
        assert_eq!((reply.status, reply.problem().as_str()), (422, missing), "{kind}");
    }
}
