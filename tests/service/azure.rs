//! Releases over HTTP to Azure's confidential virtual machines: the paravisor's report, the virtual TPM's quote with the
//! binding, and what vouches for the hardware, on both vendors' hardware; with a token of Azure Attestation about the hardware
//! beside them, and without.

use prooftrail_protocol::{KindValue, OtherPiece, Purpose, sha256, wire::PieceOfEvidence};
use prooftrail_result::{Kind, Verdict};
use prooftrail_simulator::{
    azure::{Hardware, Machine},
    maa::Provider,
};
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

/// The value that the TPM is to quote for a job, with these pieces beside it.
fn value(kind: Kind, job: &Job, others: impl IntoIterator<Item = OtherPiece>) -> Vec<u8> {
    match KindValue::primary(kind, &job.context(), &job.statement.sha384(), others) {
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
        machine.quote.extra_data = value(kind, &job, []);
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
            machine.quote.extra_data = value(kind, &job, []);
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

/// Microsoft's service, which issues tokens today.
fn provider() -> Provider {
    Provider::new("service-tests", i64::try_from(now_ms() / 86_400_000 * 86_400).unwrap())
}

/// A service that also knows the provider's keys, with a policy that wants its word beside the quote.
fn prepare_with_provider(scratch: &Scratch, kind: Kind) -> (Service, Site) {
    let (machine, provider) = (machine(kind), provider());
    let write = |name: &str, bytes: Vec<u8>| {
        let path = scratch.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    };
    write("simulated-maa.jwks", provider.key_set().build());
    write("endorsements/maa.jwks", provider.key_set().build());
    let roots =
        vec![write("root.der", machine.root_der()), write("simulated-maa.toml", provider.root_manifest().into_bytes())];
    let folder = scratch.path().join("endorsements");
    let service = Service::start(|config| {
        config.data = scratch.path().join("data");
        config.roots.files = roots;
        config.endorsements.fetch = false;
        config.endorsements.folder = Some(folder);
    });
    let site = Site::prepare(service.address, &service.token);
    let primary = format!("primary = '{kind}'\n");
    let attached = format!("{primary}attached = [{{ kind = 'azure-maa' }}]\n");
    let rule = format!(
        "[[rule]]\nid = 'provider'\nclaim = 'maa.issuer'\noperator = 'equals'\nvalue = '{}'\nrationale = 'pinned'\n",
        provider.issuer
    );
    site.put_in_force(&(policy(kind, &machine).replace(&primary, &attached) + &rule));
    (service, site)
}

/// Asks with a token about `about`, for a request with that nonce, beside the machine's own evidence.
fn ask_with_token(site: &Site, kind: Kind, job: &Job, about: &Machine, nonce: &str) -> Reply {
    let mut token = provider().platform_token(about, nonce);
    let now = i64::try_from(now_ms() / 1000).unwrap();
    token.payload.set("iat", now).set("nbf", now).set("exp", now + 8 * 3600);
    let token = token.build().into_bytes();
    let mut machine = machine(kind);
    machine.quote.extra_data = value(kind, job, [OtherPiece::of(Kind::AzureMaa, &token)]);
    let mut request = job.request();
    request.evidence = [(Kind::AzureMaa, token), (kind, machine.evidence())]
        .map(|(kind, evidence)| PieceOfEvidence { kind, evidence: evidence.into() })
        .into();
    request.endorsements = endorsements(&machine).into_iter().map(Into::into).collect();
    site.post("/v1/releases", &json!(request))
}

/// The nonce of a job's request to the provider.
fn nonce(job: &Job) -> String {
    match KindValue::attached(Kind::AzureMaa, &job.context()) {
        Some(KindValue::TokenNonce { nonce, .. }) => nonce,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_token_about_the_machine_s_hardware_counts_beside_its_quote() {
    for kind in KINDS {
        let scratch = Scratch::new();
        let (_service, site) = prepare_with_provider(&scratch, kind);
        let job = site.job(Purpose::Release);
        let reply = ask_with_token(&site, kind, &job, &machine(kind), &nonce(&job));
        assert_eq!(reply.status, 200, "{kind}: {reply:?}");
        let url = format!("sqlite:{}", scratch.path().join("data/prooftrail.db").display());
        let (decided, _) = decisions(&url, site.origin.as_str());
        let [(_, decision)] = decided.as_slice() else { panic!("one decision") };
        let kinds: Vec<_> = decision.evidence.iter().map(|piece| piece.id.kind).collect();
        assert_eq!((decision.verdict, kinds), (Verdict::Affirming, vec![Kind::AzureMaa, kind]));

        // The token of an earlier request; one about another machine, which is just as genuine; and none.
        let other = site.job(Purpose::Release);
        let reply = ask_with_token(&site, kind, &other, &machine(kind), &nonce(&job));
        assert_eq!((reply.status, reply.problem().as_str()), (422, "binding.nonce_mismatch"), "{kind}");
        let stranger = match kind {
            Kind::AzureSnpVtpm => Machine::snp("another", 0),
            _ => Machine::tdx("another", 0),
        };
        let job = site.job(Purpose::Release);
        let reply = ask_with_token(&site, kind, &job, &stranger, &nonce(&job));
        assert_eq!((reply.status, reply.problem().as_str()), (422, "binding.unlinked"), "{kind}: {reply:?}");
        let (job, mut alone) = (site.job(Purpose::Release), machine(kind));
        alone.quote.extra_data = value(kind, &job, []);
        let reply = ask(&site, kind, &job, &alone, &endorsements(&alone));
        assert_eq!((reply.status, reply.problem().as_str()), (403, "policy.set_shape"), "{kind}: {reply:?}");
    }
}
