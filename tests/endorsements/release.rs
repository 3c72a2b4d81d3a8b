//! The service against vendors of every conduct: a release rests on what they publish, and none is made without it where the
//! policy demands it; what was decided is decided again from the archive when everything it rested on has ended.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prooftrail::{
    archive::{Archive, BlobId, Found, OpenedRecord},
    log::database::LogDatabase,
    service::config::Config,
    store::{Access, Store},
};
use prooftrail_evidence::{AwsLc, Expected, NoIssuers};
use prooftrail_policy::{Answer, Demand, PolicyDocument, Request};
use prooftrail_protocol::{
    KindValue, Purpose, Statement, primary,
    wire::{PieceOfEvidence, ReleaseRequest},
};
use prooftrail_provenance::DecisionRecord;
use prooftrail_result::{Kind, Timestamp, Verdict, claims::job};
use prooftrail_simulator::{
    intel::{Body, Vendor},
    vendors::{Conduct, Vendors},
};
use serde_json::{Value, json};

use crate::{
    agent::{EXECUTABLE, Job, PLAINTEXT, Site, hypervisor},
    http::Reply,
    running::Service,
    scene::{DAY, SEED, failing, platform, roots, vendors},
    scratch::Scratch,
};

const KINDS: [Kind; 2] = [Kind::AmdSevSnp, Kind::IntelTdx];

pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A service in `directory` that trusts the simulated vendors' roots and asks them.
pub(crate) fn start(directory: &Path, vendors: &Vendors, change: impl FnOnce(&mut Config)) -> Service {
    let write = |name: &str, der: Vec<u8>| {
        let path = directory.join(name);
        std::fs::write(&path, der).unwrap();
        path
    };
    let roots = vec![
        write("amd.der", platform().root_der()),
        write("intel.der", Vendor::new(SEED, now()).root_der()),
        write("nitro.der", hypervisor().root_der()),
    ];
    let url = vendors.url();
    Service::start(|config| {
        config.data = directory.join("data");
        config.roots.files = roots;
        let endorsements = &mut config.endorsements;
        endorsements.amd_url.clone_from(&url);
        endorsements.intel_url.clone_from(&url);
        endorsements.intel_root_crl_url = format!("{url}/IntelSGXRootCA.der");
        endorsements.insecure_http = true;
        endorsements.timeout_seconds = 1;
        change(config);
    })
}

/// A policy for guests of both vendors. Revocation is required unless `more` says otherwise.
fn policy(rationale: &str, more: &str) -> String {
    let executable = hex::encode(EXECUTABLE);
    let Body::Td(td) = Vendor::new(SEED, now()).td_quote().body else { unreachable!() };
    let images = [platform().report().measurement, td.mrtd].map(hex::encode);
    let [amd, intel] = images.map(|value| format!("[[reference.value]]\nvalue = '{value}'\n"));
    format!(
        "prooftrail_policy = 1\nname = 'proofs'\nrationale = '{rationale}'\nallow_simulated = true\n\
         require_binding = true\n[[platform]]\nname = 'amd'\nprimary = 'amd-sev-snp'\n\
         [[platform]]\nname = 'intel'\nprimary = 'intel-tdx'\n\
         [[rule]]\nid = 'executable'\nclaim = 'job.executable_sha384'\noperator = 'equals'\nvalue = '{executable}'\n\
         rationale = 'what runs'\n[[rule]]\nid = 'image'\nclaim = 'measurement'\noperator = 'in'\n\
         reference = 'images'\nrationale = 'which image'\n{more}[[reference]]\nname = 'images'\n{amd}{intel}"
    )
}

fn site(service: &Service, text: &str) -> Site {
    let site = Site::prepare(service.address, &service.token);
    site.put_in_force(text);
    site
}

/// A request of a guest that sends its evidence and nothing that vouches for it.
fn request(job: &Job, kind: Kind) -> ReleaseRequest {
    let value = KindValue::primary(kind, &job.context(), &job.statement.sha384(), []);
    let Some(KindValue::ReportData(data)) = value else { unreachable!() };
    let evidence = match kind {
        Kind::AmdSevSnp => {
            let platform = platform();
            let mut report = platform.report();
            report.report_data = data;
            report.build(&platform.vcek(&report, now()).key)
        }
        _ => {
            let mut quote = Vendor::new(SEED, now()).td_quote();
            let Body::Td(td) = &mut quote.body else { unreachable!() };
            td.report_data = data;
            quote.build()
        }
    };
    ReleaseRequest { evidence: vec![PieceOfEvidence { kind, evidence: evidence.into() }], ..job.request() }
}

fn ask(site: &Site, kind: Kind, endorsements: &[Vec<u8>]) -> Reply {
    let mut request = request(&site.job(Purpose::Release), kind);
    request.endorsements = endorsements.iter().map(|bytes| bytes.clone().into()).collect();
    site.post("/v1/releases", &json!(request))
}

/// The decisions of a service's log, each with all that it rested on.
pub(crate) fn decisions(directory: &Path, origin: &str) -> Vec<Decided> {
    let url = format!("sqlite:{}", directory.join("data/prooftrail.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Store::open(&url, Access::Inspect).await.unwrap());
        let log = LogDatabase::open(store.clone(), origin).await.unwrap().unwrap();
        let archive = Archive::of(&log);
        let count = u64::try_from(log.entries(0, u64::MAX).await.unwrap().len()).unwrap();
        let mut decided = Vec::new();
        for index in 0..count {
            let Some(OpenedRecord::Present { record, blobs, .. }) = archive.open("default", index).await.unwrap()
            else {
                continue;
            };
            let Ok(record) = DecisionRecord::decode(&record.bytes) else { continue };
            let mut contents = Vec::new();
            for id in blobs {
                let Some(Found::Present { content, .. }) = archive.blob("default", id).await.unwrap() else {
                    panic!("{id} is archived")
                };
                contents.push((id, content));
            }
            decided.push(Decided { record, contents });
        }
        store.close().await;
        decided
    })
}

pub(crate) struct Decided {
    pub(crate) record: DecisionRecord,
    contents: Vec<(BlobId, Vec<u8>)>,
}

impl Decided {
    pub(crate) fn content(&self, sha256: &[u8; 32]) -> &[u8] {
        let found = self.contents.iter().find(|(id, _)| id.as_bytes() == sha256);
        &found.unwrap_or_else(|| panic!("{} is archived", hex::encode(sha256))).1
    }

    /// The appraisal, made again at an instant from what is archived and nothing else.
    fn appraise(&self, at: Timestamp) -> Value {
        let record = &self.record;
        let text = std::str::from_utf8(self.content(&record.policy.text_sha256)).unwrap();
        let policy = PolicyDocument::parse(text).unwrap().compile(&record.trusted_roots).unwrap();
        assert_eq!(policy.digest(), record.policy.digest);
        let mut statements = self.contents.iter().filter_map(|(_, content)| Statement::decode(content).ok());
        let statement = statements.find(|statement| statement.sha384() == record.statement_sha384).unwrap();
        let evidence: Vec<_> =
            record.evidence.iter().map(|piece| (piece.id.kind, self.content(&piece.sha256))).collect();
        let endorsements: Vec<_> = record.endorsements.iter().map(|digest| self.content(digest).into()).collect();
        let binding = primary(evidence[0].0, &record.context.sha384(), &record.statement_sha384, []);
        let mut trusted = roots();
        trusted.extend(prooftrail_trust_roots::RootSet::from_certificate(hypervisor().root_der()));
        let request = Request {
            evidence: &evidence,
            endorsements: &endorsements,
            roots: &trusted,
            at,
            expected: Expected { nonce: Some(&record.context.nonce.0), binding: Some(&binding), ..Expected::default() },
            demand: Demand::Policy(&policy),
            crypto: &AwsLc,
            issuers: &NoIssuers,
        };
        let answer: Answer = request.answer_stating(&statement.claims(policy.asks_for(job::ARGV)));
        json!(answer.result())
    }
}

#[test]
fn a_verdict_is_made_again_when_all_that_it_rested_on_has_ended() {
    let (scratch, vendors) = (Scratch::new(), vendors(now()));
    let service = start(scratch.path(), &vendors, |_| {});
    let site = site(&service, &policy("both", ""));
    for kind in KINDS {
        let job = site.job(Purpose::Release);
        let reply = site.post("/v1/releases", &json!(request(&job, kind)));
        assert_eq!(reply.status, 200, "{kind}: {reply:?}");
        let response = serde_json::from_slice(&reply.body).unwrap();
        if kind == Kind::AmdSevSnp {
            let mut opening = job;
            opening.hypervisor = hypervisor();
            assert_eq!(opening_of(&opening, &site, &response, kind), PLAINTEXT);
        }
    }
    let metrics = site.call("GET", "/metrics", None);
    let metrics = String::from_utf8(metrics.body).unwrap();
    for part in
        ["prooftrail_endorsement_fetches_total{publisher=\"amd\",outcome=\"ok\"}", "prooftrail_endorsements_total"]
    {
        assert!(metrics.contains(part), "{part} in {metrics}");
    }
    drop(service);
    let decided = decisions(scratch.path(), site.origin.as_str());
    assert_eq!(decided.len(), 2);
    for (decided, files) in decided.iter().zip([3, 5]) {
        let record = &decided.record;
        assert_eq!((record.verdict, record.endorsements.len()), (Verdict::Affirming, files));
        let archived: Value = serde_json::from_slice(decided.content(&record.result_sha256)).unwrap();
        assert_eq!(archived["claims"]["revocation"], "good");
        assert_eq!(decided.appraise(record.at), archived);
        // Everything that vouched for it ends in a year at the latest, and then the same says no.
        let later = decided.appraise(record.at.saturating_add_seconds(400 * DAY));
        assert_eq!((&later["verdict"], &later["authentic"]), (&json!("refused"), &json!(false)));
        assert_eq!(later["reasons"][0]["stage"], "time", "{later}");
    }
}

/// Opens a release of evidence of that kind, as its agent does.
fn opening_of(job: &Job, site: &Site, response: &prooftrail_protocol::wire::ReleaseResponse, kind: Kind) -> Vec<u8> {
    use prooftrail_protocol::{Ask, Offer, sha384};
    let header_sha384 = sha384(&[crate::agent::header_of(&site.file)]);
    let ask = Ask { context: job.context(), header_sha384, kinds: vec![kind], policy_digest: None };
    let offer = Offer { terms: &response.terms.0, sealed: &response.sealed.0, signature: response.signature };
    let file_key =
        ask.check(offer, &site.release_key, crate::agent::timestamp()).unwrap().open(&job.recipient).unwrap();
    let decryptor = age::Decryptor::new_buffered(site.file.as_slice()).unwrap();
    let identity: &dyn age::Identity = &file_key;
    let mut plaintext = Vec::new();
    let mut reader = decryptor.decrypt(std::iter::once(identity)).unwrap();
    std::io::Read::read_to_end(&mut reader, &mut plaintext).unwrap();
    plaintext
}

#[test]
fn a_vendor_that_fails_is_a_dependency_and_never_an_accept() {
    for (conduct, code) in failing() {
        let (scratch, vendors) = (Scratch::new(), vendors(now()));
        vendors.conduct(conduct);
        let service = start(scratch.path(), &vendors, |_| {});
        let site = site(&service, &policy("both", ""));
        for kind in KINDS {
            let reply = ask(&site, kind, &[]);
            assert_eq!((reply.status, reply.problem().as_str()), (503, code), "{conduct:?}, {kind}: {reply:?}");
            let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert_eq!(wait > 2900, matches!(conduct, Conduct::Throttling(_)), "{wait}");
            let reasons = reply.json()["reasons"].as_array().unwrap().clone();
            assert!(!reasons.is_empty() && reasons.iter().all(|reason| reason["code"] == code), "{reply:?}");
        }
        drop(service);
        assert_eq!(decisions(scratch.path(), site.origin.as_str()).len(), 0, "{conduct:?}");
    }
}

#[test]
fn a_restart_releases_without_a_vendor() {
    let (scratch, vendors) = (Scratch::new(), vendors(now()));
    let service = start(scratch.path(), &vendors, |_| {});
    let site = site(&service, &policy("both", ""));
    for kind in KINDS {
        assert_eq!(ask(&site, kind, &[]).status, 200, "{kind}");
    }
    drop(service);
    let asked = vendors.asked("/");
    vendors.conduct(Conduct::Down);
    let service = start(scratch.path(), &vendors, |_| {});
    let again = Site { address: service.address, ..site };
    for kind in KINDS {
        assert_eq!(ask(&again, kind, &[]).status, 200, "{kind}");
    }
    assert_eq!(vendors.asked("/"), asked);
}

#[test]
fn the_policy_s_revocation_decides_what_a_vendor_s_silence_means() {
    let (scratch, vendors) = (Scratch::new(), vendors(now()));
    let service = start(scratch.path(), &vendors, |_| {});
    let platform = platform();
    let vcek = platform.vcek(&platform.report(), now() - DAY);
    let [vcek, ask_certificate] = platform.vcek_chain(&vcek);
    let list = platform.crl(now() - 2 * DAY, &[]).build();
    let site = site(&service, &policy("off", "[revocation]\namd = 'off'\n"));

    // Off: lists are nobody's business, and certificates that the agent brings need nobody.
    let sent = [vcek, ask_certificate];
    assert_eq!(ask(&site, Kind::AmdSevSnp, &sent).status, 200);
    assert_eq!(vendors.asked("/"), 0);
    // Best effort: asked for, and done without.
    vendors.conduct(Conduct::Failing);
    site.put_in_force(&policy("best", "[revocation]\namd = 'best-effort'\n"));
    let reply = ask(&site, Kind::AmdSevSnp, &sent);
    assert_eq!((reply.status, vendors.asked("/crl")), (200, 1), "{reply:?}");
    // Required: not without one, but the agent's own is one.
    site.put_in_force(&policy("required", ""));
    let reply = ask(&site, Kind::AmdSevSnp, &sent);
    assert_eq!((reply.status, reply.problem().as_str()), (503, "endorsements.status"), "{reply:?}");
    let with_list = [sent.as_slice(), &[list]].concat();
    assert_eq!(ask(&site, Kind::AmdSevSnp, &with_list).status, 200);
    // What the vendor says since counts before what the agent brings.
    vendors.conduct(Conduct::Revoking);
    std::thread::sleep(Duration::from_secs(5));
    let reply = ask(&site, Kind::AmdSevSnp, &with_list);
    assert_eq!((reply.status, reply.problem().as_str()), (422, "revocation.revoked"), "{reply:?}");
    // Evidence whose certificates Intel did not sign has nobody asked.
    let asked = vendors.asked("/");
    let mut stranger = request(&site.job(Purpose::Release), Kind::IntelTdx);
    stranger.evidence[0].evidence = Vendor::new("nobody", now()).td_quote().build().into();
    let reply = site.post("/v1/releases", &json!(stranger));
    assert_eq!((reply.status, reply.problem().as_str()), (422, "chain.root_not_pinned"), "{reply:?}");
    assert_eq!(vendors.asked("/"), asked);
}

#[test]
fn a_service_without_a_network_takes_what_its_folder_has() {
    let (scratch, vendors) = (Scratch::new(), vendors(now()));
    let folder = scratch.path().join("carried");
    let (platform, vendor) = (platform(), Vendor::new(SEED, now()));
    std::fs::create_dir(&folder).unwrap();
    let vcek = platform.vcek(&platform.report(), now() - DAY);
    let [vcek, ask_certificate] = platform.vcek_chain(&vcek);
    for (name, bytes) in [
        ("vcek", vcek),
        ("ask", ask_certificate),
        ("amd.crl", platform.crl(now() - DAY, &[]).build()),
        ("collateral.json", vendor.tdx_collateral().build()),
        // Lists of others, which no evidence here has a use for.
        (
            "genoa.crl",
            prooftrail_simulator::snp::Platform::new("g", prooftrail_simulator::snp::Line::Genoa)
                .crl(now(), &[])
                .build(),
        ),
    ] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let service = start(scratch.path(), &vendors, |config| {
        config.endorsements.fetch = false;
        config.endorsements.folder = Some(folder);
    });
    let site = site(&service, &policy("both", ""));
    for kind in KINDS {
        let reply = ask(&site, kind, &[]);
        assert_eq!(reply.status, 200, "{kind}: {reply:?}");
    }
    assert_eq!(vendors.asked("/"), 0);
    drop(service);
    let decided = decisions(scratch.path(), site.origin.as_str());
    let counts: Vec<_> = decided.iter().map(|decided| decided.record.endorsements.len()).collect();
    assert_eq!(counts, [3, 1], "each takes what is of use to it");
}
