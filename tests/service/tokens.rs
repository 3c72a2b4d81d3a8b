//! Releases for tokens whose issuer publishes keys that change: the service asks the issuer, never the attester, and asks again
//! for a key that it does not know; but not for every token that anybody makes up.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use prooftrail::{
    endorsements::places::KeySets,
    log::{Clock, SystemClock},
};
use prooftrail_protocol::{KindValue, Purpose, sha256, wire::PieceOfEvidence};
use prooftrail_provenance::verification::NEVER_SHOWN_BY_TOKENS;
use prooftrail_result::Kind;
use prooftrail_simulator::{
    azure::Machine,
    google::Verifier,
    jose::KeySet,
    maa::Provider,
    vendors::{Conduct, Vendors},
};
use serde_json::json;

use crate::{
    agent::{EXECUTABLE, Job, Site, root_file},
    http::Reply,
    proofs::{Proof, SYSTEM, pinned},
    provenance::{get, trust, verified_under},
    running::Service,
    scratch::Scratch,
};

const KIND: Kind = Kind::GcpConfidentialSpace;
const GOOGLE: &str = "google-confidential-space-keys";

/// The machine's clock, so many milliseconds ahead.
#[derive(Default)]
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> u64 {
        SystemClock.now().saturating_add_signed(self.0.load(Ordering::Relaxed))
    }
}

impl Ahead {
    fn by(&self, seconds: i64) {
        self.0.store(seconds * 1000, Ordering::Relaxed);
    }
}

/// Google's verifier, whose keys are those of the day.
fn google(day: &str) -> Verifier {
    Verifier::new(day, i64::try_from(SystemClock.now() / 1000).unwrap())
}

/// Google, publishing the keys of these days.
fn publish(vendors: &Vendors, days: &[&str]) {
    let keys = days.iter().flat_map(|day| google(day).key_set().keys).collect();
    vendors.publish_keys(GOOGLE, KeySet::new(keys));
}

fn start(directory: &Path, vendors: &Vendors, clock: Arc<Ahead>) -> Service {
    let urls = vec![(GOOGLE.to_owned(), format!("{}/keys/{GOOGLE}", vendors.url()))];
    Service::start_by(clock, |config| {
        config.data = directory.join("data");
        config.roots.files = vec![root_file(directory)];
        config.endorsements.keys_urls = KeySets::try_from(urls).unwrap();
        config.endorsements.insecure_http = true;
        config.endorsements.timeout_seconds = 1;
    })
}

fn policy(more: &str) -> String {
    format!(
        "prooftrail_policy = 1\nname = 'proofs'\nrationale = 'for tests'\nrequire_binding = true\n{more}\
         [[platform]]\nname = 'google'\nprimary = '{KIND}'\n\
         [[rule]]\nid = 'executable'\nclaim = 'job.executable_sha384'\noperator = 'equals'\nvalue = '{}'\n\
         rationale = 'what runs'\n[[rule]]\nid = 'container'\nclaim = 'measurement'\noperator = 'equals'\n\
         value = 'sha256:{}'\nrationale = 'which container'\n",
        hex::encode(EXECUTABLE),
        "ab".repeat(32)
    )
}

const ALLOWING: &str = "allow_issuer_keys = true\n";

/// A token with the value of a job, by the key of that day.
fn token(job: &Job, day: &str) -> Vec<u8> {
    let value = KindValue::primary(KIND, &job.context(), &job.statement.sha384(), []);
    let Some(KindValue::TokenNonce { audience, nonce }) = value else { unreachable!() };
    let mut token = google(day).oidc_token();
    token.payload.set("aud", audience.as_str()).set("eat_nonce", nonce.as_str());
    token.payload.set("submods/container/image_digest", format!("sha256:{}", "ab".repeat(32)));
    token.build().into_bytes()
}

fn ask_for(site: &Site, job: &Job, day: &str, endorsements: &[Vec<u8>]) -> Reply {
    let mut request = job.request();
    request.evidence = vec![PieceOfEvidence { kind: KIND, evidence: token(job, day).into() }];
    request.endorsements = endorsements.iter().map(|bytes| bytes.clone().into()).collect();
    site.post("/v1/releases", &json!(request))
}

fn ask(site: &Site, day: &str) -> Reply {
    ask_for(site, &site.job(Purpose::Release), day, &[])
}

/// The codes of a refusal's reasons.
fn reasons(reply: &Reply) -> Vec<String> {
    let reasons = reply.json()["reasons"].as_array().cloned().unwrap_or_default();
    reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

/// A service with Google beside it, and a site with the policy in force.
fn scene(scratch: &Scratch, policy: &str) -> (Vendors, Arc<Ahead>, Service, Site) {
    let vendors = Vendors::start(Vec::new(), "tokens", 0);
    publish(&vendors, &["monday"]);
    let clock = Arc::<Ahead>::default();
    let service = start(scratch.path(), &vendors, clock.clone());
    let site = Site::prepare(service.address, &service.token);
    site.put_in_force(policy);
    (vendors, clock, service, site)
}

#[test]
fn a_key_that_is_not_known_is_asked_for_once_in_half_a_minute() {
    let scratch = Scratch::new();
    let (vendors, clock, service, site) = scene(&scratch, &policy(ALLOWING));
    assert_eq!(ask(&site, "monday").status, 200);
    assert_eq!(ask(&site, "monday").status, 200);
    assert_eq!(vendors.asked("/keys/"), 1, "the second token is by a key that is known");
    // Google changes its key. Whoever asks at once is refused: the set is as young as it can be asked for.
    publish(&vendors, &["monday", "tuesday"]);
    let refused = ask(&site, "tuesday");
    assert_eq!((refused.status, reasons(&refused).as_slice()), (422, ["token.key_unknown".to_owned()].as_slice()));
    assert_eq!(vendors.asked("/keys/"), 1);
    clock.by(31);
    assert_eq!(ask(&site, "tuesday").status, 200);
    assert_eq!(ask(&site, "monday").status, 200);
    assert_eq!(vendors.asked("/keys/"), 2);
    // Keys that nobody has do not have Google asked for each.
    clock.by(62);
    for _ in 0..3 {
        assert_eq!(ask(&site, "never").status, 422);
    }
    assert_eq!(vendors.asked("/keys/"), 3);
    // What Google withdraws is believed for a quarter of an hour at most.
    publish(&vendors, &["tuesday"]);
    clock.by(62 + 15 * 60 + 1);
    let withdrawn = ask(&site, "monday");
    assert_eq!((withdrawn.status, reasons(&withdrawn).as_slice()), (422, ["token.key_unknown".to_owned()].as_slice()));
    assert_eq!(ask(&site, "tuesday").status, 200);
    drop(service);
}

#[test]
fn an_issuer_that_is_not_there_is_a_dependency_and_the_challenge_stays_good() {
    let scratch = Scratch::new();
    let (vendors, _, _service, site) = scene(&scratch, &policy(ALLOWING));
    vendors.conduct(Conduct::Failing);
    let job = site.job(Purpose::Release);
    let reply = ask_for(&site, &job, "monday", &[]);
    assert_eq!((reply.status, reply.problem().as_str()), (503, "endorsements.status"), "{reply:?}");
    assert!(reply.header("retry-after").is_some());
    vendors.conduct(Conduct::Honest);
    // The host is left alone for a moment.
    let released = std::iter::repeat_with(|| {
        std::thread::sleep(std::time::Duration::from_millis(500));
        ask_for(&site, &job, "monday", &[])
    });
    let released = released.take(20).find(|reply| reply.status != 503).unwrap();
    assert_eq!(released.status, 200, "{released:?}");
}

#[test]
fn an_attester_s_word_on_keys_counts_for_nothing() {
    let scratch = Scratch::new();
    let (vendors, _, _service, site) = scene(&scratch, &policy(ALLOWING));
    let mut own = google("forger").key_set();
    for issuer in [None, Some("https://confidentialcomputing.googleapis.com".to_owned())] {
        own.issuer = issuer;
        let reply = ask_for(&site, &site.job(Purpose::Release), "forger", &[own.build()]);
        assert_eq!(reasons(&reply), ["endorsement.key_set_from_attester"], "{reply:?}");
    }
    assert_eq!(vendors.asked("/keys/"), 0);
    assert_eq!(reasons(&ask(&site, "forger")), ["token.key_unknown"]);
}

#[test]
fn a_policy_says_whether_keys_that_an_issuer_publishes_count() {
    let scratch = Scratch::new();
    let (_vendors, _, service, site) = scene(&scratch, &policy(""));
    let refused = ask(&site, "monday");
    assert_eq!(
        (refused.status, reasons(&refused).as_slice()),
        (403, ["policy.root_not_allowed".to_owned()].as_slice())
    );
    site.put_in_force(&policy(ALLOWING));
    assert_eq!(ask(&site, "monday").status, 200);
    drop(service);
}

#[test]
fn a_bundle_shows_the_key_and_whoever_relies_on_it_decides() {
    let scratch = Scratch::new();
    let proof = Proof::of_two();
    let (_vendors, _, _service, site) = scene(&scratch, &(policy(ALLOWING) + &pinned(SYSTEM, &proof.key)));
    let job = site.job(Purpose::Release);
    let released = ask_for(&site, &job, "monday", &[]);
    assert_eq!(released.status, 200, "{released:?}");
    let opened = serde_json::from_slice(&released.body).unwrap();
    let registered = site.post("/v1/proofs", &json!(proof.registration(&job, &proof.record(&job, &opened, 0))));
    assert_eq!(registered.status, 200, "{registered:?}");
    let id = hex::encode(sha256(&[&proof.proof]));
    let bundle = get(&site, &format!("/v1/proofs/{id}/bundle"), "*/*").body;
    let trusted = trust(&site, std::slice::from_ref(&proof.key));
    let codes = |trust: &str| {
        let verification = verified_under(trust, &bundle);
        verification.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>()
    };
    // The set is in the bundle, and for what stands in a bundle nobody vouches.
    let key = hex::encode(sha256(&[&google("monday").key.subject_public_key_info()]));
    assert_eq!(codes(&trusted), ["bundle.root_untrusted"]);
    assert_eq!(codes(&format!("{trusted}roots = ['{}']\n", "ab".repeat(32))), ["bundle.root_untrusted"]);
    let listed = format!("{trusted}roots = ['{key}']\n");
    assert_eq!(codes(&listed), [""; 0]);
    // No page and no program says of a token that hardware signed it.
    assert!(verified_under(&listed, &bundle).never_shown().contains(&NEVER_SHOWN_BY_TOKENS));
    let page = String::from_utf8(get(&site, &format!("/p/{id}"), "text/html").body).unwrap();
    assert!(page.contains("Everything that can be shown is shown."), "the service vouched for the key: {page}");
    assert!(page.contains("signed by a service") && page.contains("What hardware ran this"), "{page}");
    assert!(!page.contains("signed by hardware") && !page.contains("Silicon roots"), "{page}");
}

#[test]
fn machines_without_a_network_have_sets_that_were_carried_there() {
    let (scratch, folder) = (Scratch::new(), Scratch::new());
    let mut set = google("monday").key_set();
    std::fs::write(folder.path().join("google.json"), set.build()).unwrap();
    let service = Service::start(|config| {
        config.data = scratch.path().join("data");
        config.roots.files = vec![root_file(scratch.path())];
        config.endorsements.fetch = false;
        config.endorsements.folder = Some(folder.path().to_owned());
    });
    let site = Site::prepare(service.address, &service.token);
    site.put_in_force(&policy(ALLOWING));
    // A set that does not say whose it is verifies the token, and no policy takes it for the issuer's.
    assert_eq!(reasons(&ask(&site, "monday")), ["policy.root_not_allowed"]);
    set.issuer = Some("https://confidentialcomputing.googleapis.com".to_owned());
    std::fs::write(folder.path().join("google.json"), set.build()).unwrap();
    service.reloader.reload();
    assert_eq!(ask(&site, "monday").status, 200);
}

#[test]
fn only_providers_whose_word_the_policy_takes_are_asked() {
    let at = i64::try_from(SystemClock.now() / 1000).unwrap();
    let (machine, provider) = (Machine::snp("tokens", at), Provider::new("tokens", at));
    let name = "azure-maa-keys-simulated.sim";
    for (pinned, asked) in [(provider.issuer.as_str(), 1), ("https://other.weu.attest.azure.net", 0)] {
        let (scratch, vendors) = (Scratch::new(), Vendors::start(Vec::new(), "tokens", at));
        vendors.publish_keys(name, provider.key_set());
        let urls = vec![(name.to_owned(), format!("{}/keys/{name}", vendors.url()))];
        let service = Service::start(|config| {
            config.data = scratch.path().join("data");
            config.roots.files = vec![root_file(scratch.path())];
            config.endorsements.keys_urls = KeySets::try_from(urls).unwrap();
            config.endorsements.insecure_http = true;
        });
        let site = Site::prepare(service.address, &service.token);
        let rule = |claim: &str, value: &str| {
            let id = claim.replace(['.', '_'], "-");
            format!(
                "[[rule]]\nid = '{id}'\nclaim = '{claim}'\noperator = 'equals'\nvalue = '{value}'\n\
                 rationale = 'pinned'\n"
            )
        };
        site.put_in_force(&format!(
            "prooftrail_policy = 1\nname = 'proofs'\nrationale = 'for tests'\nrequire_binding = true\n\
             [[platform]]\nname = 'azure'\nprimary = 'azure-snp-vtpm'\n\
             attached = [{{ kind = 'azure-maa' }}]\n{}{}{}{}",
            rule("job.executable_sha384", &hex::encode(EXECUTABLE)),
            rule("snp.measurement", &hex::encode(machine.measurement())),
            rule("azure_vtpm.pcr4", &hex::encode(machine.quote.pcrs[4])),
            rule("maa.issuer", pinned)
        ));
        // The token comes first, so that its key is what is missing.
        let mut request = site.job(Purpose::Release).request();
        let token = provider.guest_token(&machine).build().into_bytes();
        request.evidence = vec![
            PieceOfEvidence { kind: Kind::AzureMaa, evidence: token.into() },
            PieceOfEvidence { kind: Kind::AzureSnpVtpm, evidence: machine.evidence().into() },
        ];
        let refused = site.post("/v1/releases", &json!(request));
        assert!(refused.status >= 400, "{refused:?}");
        assert_eq!(vendors.asked("/keys/"), asked, "{pinned}: {refused:?}");
        drop(service);
    }
}
