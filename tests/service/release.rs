//! Releases, end to end: one good one, and whatever is changed, the reason for which it is refused; retries, replicas,
//! revocations, and policies that change while a decision is made.

use std::{collections::BTreeSet, path::Path, sync::Arc, thread};

use prooftrail::{
    archive::{Archive, OpenedRecord},
    log::{Clock, SystemClock, database::LogDatabase},
    service::config::Config,
    store::{Access, Store},
};
use prooftrail_protocol::{
    Purpose, RecipientKey, sha384,
    wire::{ProofOutcome, ProofResponse, ReleaseResponse},
};
use prooftrail_provenance::DecisionRecord;
use prooftrail_result::Verdict;
use serde_json::{Value, json};

use crate::{
    agent::{Chance, EXECUTABLE, Job, PLAINTEXT, Site, header_of, policy, root_file, sealed},
    postgres::Postgres,
    running::Service,
    scratch::Scratch,
};

/// A service in `directory` that knows the simulated root.
pub(crate) fn start(directory: &Path, database: Option<&str>, change: impl FnOnce(&mut Config)) -> Service {
    start_by(Arc::new(SystemClock), directory, database, change)
}

/// The same by a clock of the test's own.
pub(crate) fn start_by(
    clock: Arc<dyn Clock>,
    directory: &Path,
    database: Option<&str>,
    change: impl FnOnce(&mut Config),
) -> Service {
    Service::start_by(clock, |config| {
        config.data = directory.join("data");
        config.roots.files = vec![root_file(directory)];
        config.database = database.map(|url| url.to_owned().into());
        change(config);
    })
}

/// A service on each engine, each with a site.
pub(crate) fn on_each(test: impl Fn(&Service, &Site, &str)) {
    let scratch = Scratch::new();
    let url = format!("sqlite:{}", scratch.path().join("data/prooftrail.db").display());
    let service = start(scratch.path(), None, |_| {});
    test(&service, &Site::prepare(service.address, &service.token), &url);
    drop(service);
    let Some(postgres) = Postgres::start() else { return };
    let scratch = Scratch::new();
    let url = postgres.url("postgres");
    let service = start(scratch.path(), Some(&url), |_| {});
    test(&service, &Site::prepare(service.address, &service.token), &url);
}

/// The index of the entry with which a version of the policy came into force, and the version.
type Version = (u64, u64);

/// The decisions of the log, each with its index; and the versions of policies that came into force, likewise.
pub(crate) fn decisions(url: &str, origin: &str) -> (Vec<(u64, DecisionRecord)>, Vec<Version>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Store::open(url, Access::Inspect).await.unwrap());
        let log = LogDatabase::open(store.clone(), origin).await.unwrap().unwrap();
        let archive = Archive::of(&log);
        let entries = log.entries(0, u64::MAX).await.unwrap();
        let (mut decisions, mut versions) = (Vec::new(), Vec::new());
        for index in 0..u64::try_from(entries.len()).unwrap() {
            let Some(OpenedRecord::Present { record, .. }) = archive.open("default", index).await.unwrap() else {
                continue;
            };
            if let Ok(decision) = DecisionRecord::decode(&record.bytes) {
                decisions.push((index, decision));
            } else if let Ok(json) = serde_json::from_slice::<Value>(&record.bytes)
                && json["record"] == "prooftrail/policy/v1"
                && json["action"] == "activate"
            {
                versions.push((index, json["version"].as_u64().unwrap()));
            }
        }
        store.close().await;
        (decisions, versions)
    })
}

#[test]
fn attested_code_gets_the_key_of_its_witness_and_registers_what_came_of_it() {
    on_each(|_, site, url| {
        let job = site.job(Purpose::Release);
        let response = site.release(&job);
        assert_eq!(job.open(site, &response, &site.file), PLAINTEXT);

        let (decisions, _) = decisions(url, site.origin.as_str());
        let [(index, decision)] = decisions.as_slice() else { panic!("one decision") };
        assert_eq!(*index, response.ledger.leaf_index);
        assert_eq!((decision.verdict, decision.release_id), (Verdict::Affirming, response.release_id));
        let released = decision.release.as_ref().unwrap();
        assert_eq!(released.terms, response.terms.0);
        assert_eq!(released.signature, response.signature);
        assert_eq!(decision.context, job.context());

        // A command that failed, in the session's first turn; then the same again, and something else in its place.
        let session = response.release_id;
        let record = job.record(&response, session, 0);
        let registered = site.post("/v1/proofs", &json!(job.registration(&record)));
        assert_eq!(registered.status, 200, "{registered:?}");
        let first: ProofResponse = serde_json::from_slice(&registered.body).unwrap();
        assert_eq!((first.verified, first.proof_id), (ProofOutcome::NoProof, None));
        let again = site.post("/v1/proofs", &json!(job.registration(&record)));
        let again: ProofResponse = serde_json::from_slice(&again.body).unwrap();
        assert_eq!((again.ledger.leaf_index, again.ledger.leaf), (first.ledger.leaf_index, first.ledger.leaf));
        let mut other = record.clone();
        other.exit_status = 2;
        for (changed, code) in [
            (other, "proof.sequence"),
            (job.record(&response, session, 2), "proof.sequence"),
            (
                {
                    let mut it = job.record(&response, session, 1);
                    it.statement_sha384[0] ^= 1;
                    it
                },
                "proof.statement_mismatch",
            ),
            (
                {
                    let mut it = job.record(&response, session, 1);
                    it.release_leaf_hash[0] ^= 1;
                    it
                },
                "proof.statement_mismatch",
            ),
            (
                {
                    let mut it = job.record(&response, session, 1);
                    it.witness_header_sha384[0] ^= 1;
                    it
                },
                "proof.statement_mismatch",
            ),
        ] {
            assert_eq!(site.post("/v1/proofs", &json!(job.registration(&changed))).problem(), code);
        }
        let mut forged = job.registration(&job.record(&response, session, 1));
        forged.signature.0[0] ^= 1;
        assert_eq!(site.post("/v1/proofs", &json!(forged)).problem(), "proof.record_signature");

        // A proof of a system that this build does not know is recorded, and nothing is claimed of it.
        let mut proved = job.record(&response, session, 1);
        (proved.system, proved.proof_sha256, proved.exit_status) = (Some("plonk".to_owned()), Some([9; 32]), 0);
        let reply = site.post("/v1/proofs", &json!(job.registration(&proved)));
        let reply: ProofResponse = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.verified, reply.proof_id.unwrap().0), (ProofOutcome::Unsupported, [9; 32]));

        // Revoked, the session registers nothing more.
        let path = format!("/v1/releases/{session}/revoke");
        assert_eq!(site.call("POST", &path, Some(&json!({ "why": "" }))).problem(), "release.why");
        let revoked = site.call("POST", &path, Some(&json!({ "why": "the host was stolen" })));
        assert_eq!(revoked.status, 200, "{revoked:?}");
        assert_eq!(site.call("POST", &path, Some(&json!({ "why": "again" }))).problem(), "release.revoked");
        let late = job.record(&response, session, 2);
        assert_eq!(site.post("/v1/proofs", &json!(job.registration(&late))).problem(), "release.session_ended");
        let found = site.call("GET", "/v1/releases?verdict=revoked", None).json();
        assert_eq!(found["releases"][0]["release_id"], session.to_string());
        assert_eq!(site.call("GET", "/v1/releases?key=other", None).json()["releases"], json!([]));
    });
}

#[test]
fn whatever_is_changed_is_refused_with_its_reason() {
    on_each(|_, site, _| {
        let base = || site.job(Purpose::Release);
        let other = || RecipientKey::generate(&mut Chance::new()).public();
        let foreign = sealed(&age::x25519::Identity::generate().to_public().to_string(), PLAINTEXT);
        // Made before the evidence: authentic, and declined.
        let made = |change: &dyn Fn(&mut Job)| {
            let mut job = base();
            change(&mut job);
            json!(job.request())
        };
        // Changed after the evidence was made.
        let sent = |change: &dyn Fn(&mut Value)| {
            let mut request = json!(base().request());
            change(&mut request);
            request
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let cases: Vec<(&str, Value, u16, &str)> = vec![
            ("executable", made(&|job| job.statement.executable_sha384 = [0x67; 48]), 403, "policy.rule_violated"),
            ("key version", made(&|job| job.key.as_mut().unwrap().version = 2), 403, "release.key_refused"),
            ("key name", made(&|job| job.key.as_mut().unwrap().name = "absent".parse().unwrap()), 404, "not_found"),
            (
                "foreign witness",
                made(&|job| {
                    job.header = header_of(&foreign).to_vec();
                    job.statement.witness_header_sha384 = Some(sha384(&[&job.header]));
                }),
                403,
                "release.header_foreign",
            ),
            (
                "another witness than stated",
                made(&|job| job.header = header_of(&foreign).to_vec()),
                422,
                "release.header_mismatch",
            ),
            ("origin", made(&|job| job.origin = "other.example/log".parse().unwrap()), 422, "binding.value_mismatch"),
            ("nonce", made(&|job| job.nonce.0[0] ^= 1), 422, "binding.nonce_mismatch"),
            (
                "root",
                made(&|job| job.hypervisor = prooftrail_simulator::nitro::Hypervisor::new("elsewhere")),
                422,
                "chain.root_not_pinned",
            ),
            ("debug", made(&|job| job.debug = true), 403, "policy.debug"),
            ("challenge", sent(&|request| request["challenge"] = json!("AAAA")), 400, "challenge.malformed"),
            (
                "forged challenge",
                sent(&|request| {
                    let token = text(&request["challenge"]);
                    // Within the MAC, which is last.
                    let (before, last) = token.split_at(token.len() - 8);
                    let flipped = if last.starts_with('A') { "B" } else { "A" };
                    request["challenge"] = json!(format!("{before}{flipped}{}", &last[1..]));
                }),
                422,
                "challenge.forged",
            ),
            ("purpose", sent(&|request| request["purpose"] = json!("session")), 422, "binding.value_mismatch"),
            ("appraisal", sent(&|request| request["purpose"] = json!("appraisal")), 422, "release.purpose"),
            ("recipient", sent(&|request| request["recipient"] = json!(other())), 422, "binding.recipient_mismatch"),
            (
                "proof key",
                sent(&|request| {
                    request["proof_key"] = json!(prooftrail_protocol::ProofKey::from_seed(&[9; 32]).public());
                }),
                422,
                "binding.value_mismatch",
            ),
            ("statement", sent(&|request| request["statement"] = json!("AAAA")), 400, "release.statement_malformed"),
            ("no evidence", sent(&|request| request["evidence"] = json!([])), 422, "binding.primary"),
            (
                "another kind",
                sent(&|request| request["evidence"][0]["kind"] = json!("aws-nitrotpm")),
                400,
                "nitro.document_kind",
            ),
            ("unknown member", sent(&|request| request["force"] = json!(true)), 400, "request.json"),
            ("suite", sent(&|request| request["suite"] = json!("none")), 400, "request.json"),
            (
                "a key set of its own",
                sent(&|request| {
                    let key_set = prooftrail_protocol::wire::Bytes(b" {\"keys\":[]}".to_vec());
                    request["endorsements"] = json!([key_set]);
                }),
                422,
                "endorsement.key_set_from_attester",
            ),
        ];
        let answered = cases.iter().map(|(name, request, ..)| {
            let reply = site.post("/v1/releases", request);
            (*name, reply.status, reply.problem())
        });
        let expected = cases.iter().map(|(name, _, status, code)| (*name, *status, (*code).to_owned()));
        assert_eq!(answered.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        // Those that were authentic stand in the ledger as denials; the others only are counted.
        let found = site.call("GET", "/v1/releases?verdict=refused", None).json();
        let mut denied: Vec<_> =
            found["releases"].as_array().unwrap().iter().map(|found| text(&found["reason"])).collect();
        denied.sort();
        assert_eq!(denied, ["policy.debug", "policy.rule_violated", "release.header_foreign"]);
        let metrics = site.call("GET", "/metrics", None);
        assert!(
            String::from_utf8_lossy(&metrics.body).contains("prooftrail_refusals_total{code=\"challenge.forged\"}")
        );
    });
}

#[test]
fn a_challenge_is_good_for_one_request_and_its_retries() {
    on_each(|_, site, url| {
        let job = site.job(Purpose::Release);
        let request = json!(job.request());
        let [first, retry] = [0, 1].map(|_| site.post("/v1/releases", &request));
        assert_eq!(first.status, 200, "{first:?}");
        assert_eq!(first.body, retry.body);
        // The same challenge with evidence made again, which differs; and for another purpose.
        thread::sleep(std::time::Duration::from_millis(5));
        let other = json!(job.request());
        assert_ne!(other, request);
        assert_eq!(site.post("/v1/releases", &other).problem(), "challenge.spent");
        // A denial spends it too, and is told again.
        let mut job = site.job(Purpose::Release);
        job.statement.executable_sha384 = [0x67; 48];
        let request = json!(job.request());
        let [denied, again] = [0, 1].map(|_| site.post("/v1/releases", &request));
        assert_eq!((denied.problem(), again.problem()), ("policy.rule_violated".into(), "policy.rule_violated".into()));
        assert_eq!(denied.json()["reasons"], again.json()["reasons"]);
        job.statement.executable_sha384 = EXECUTABLE;
        assert_eq!(site.post("/v1/releases", &json!(job.request())).problem(), "challenge.spent");
        // In another project it is the same challenge.
        assert_eq!(site.call("POST", "/v1/projects", Some(&json!({ "name": "other" }))).status, 201);
        let elsewhere = site.post("/v1/releases?project=other", &request).problem();
        assert!(["not_found", "challenge.spent", "policy.rule_violated"].contains(&elsewhere.as_str()), "{elsewhere}");
        assert_eq!(decisions(url, site.origin.as_str()).0.len(), 2, "a release and a denial");
    });
}

#[test]
fn a_session_opens_further_witnesses_in_turn() {
    on_each(|_, site, _| {
        let job = site.job(Purpose::Session);
        let opened = site.release(&job);
        assert_eq!(job.open(site, &opened, &site.file), PLAINTEXT);
        let session = opened.release_id;
        let path = format!("/v1/releases/{session}");
        let recipient = site.call("GET", "/v1/keys/solvency/recipient", None).json();
        let file = sealed(recipient["recipient"].as_str().unwrap(), b"another");
        let header = header_of(&file);
        assert_eq!(site.post(&path, &json!(job.further(session, 2, header))).problem(), "release.session_turn");
        let request = json!(job.further(session, 1, header));
        let reply = site.post(&path, &request);
        assert_eq!(reply.status, 200, "{reply:?}");
        let further: ReleaseResponse = serde_json::from_slice(&reply.body).unwrap();
        assert_ne!(further.release_id, session);
        assert_eq!(job.open(site, &further, &file), b"another");
        let retry: ReleaseResponse = serde_json::from_slice(&site.post(&path, &request).body).unwrap();
        assert_eq!(
            (retry.sealed, retry.signature, retry.terms),
            (further.sealed, further.signature, further.terms.clone())
        );
        let mut forged = job.further(session, 2, header);
        forged.signature.0[0] ^= 1;
        assert_eq!(site.post(&path, &json!(forged)).problem(), "release.session_signature");
        // A record about the further witness names its release.
        let mut record = job.record(&further, session, 0);
        record.witness_header_sha384 = sha384(&[header]);
        assert_eq!(site.post("/v1/proofs", &json!(job.registration(&record))).status, 200);
        // The policy is applied again each time.
        site.put_in_force(&policy("proofs", [0x77; 48], "nothing that runs here", ""));
        let refused = site.post(&path, &json!(job.further(session, 2, header)));
        assert_eq!(refused.problem(), "policy.rule_violated");
        // A release of one witness opens no other.
        site.put_in_force(&policy("proofs", EXECUTABLE, "for tests", ""));
        let job = site.job(Purpose::Release);
        let single = site.release(&job).release_id;
        let asked = site.post(&format!("/v1/releases/{single}"), &json!(job.further(single, 1, header)));
        assert_eq!(asked.problem(), "release.session_turn");
    });
}

#[test]
fn a_verdict_comes_without_a_witness() {
    on_each(|_, site, _| {
        let job = site.job(Purpose::Appraisal);
        let mut request = json!({
            "challenge": job.challenge, "policy": "proofs", "suite": "hpke-x25519-hkdfsha256-aes256gcm",
            "recipient": job.recipient.public(), "proof_key": job.proof_key.public(),
            "statement": prooftrail_protocol::wire::Bytes(job.statement.encode()),
            "evidence": [{ "kind": "aws-nitro", "evidence": prooftrail_protocol::wire::Bytes(job.evidence()) }],
        });
        let reply = site.post("/v1/appraisals", &request);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.json()["result"]["verdict"], "affirming");
        assert_eq!(reply.json()["platform"], "nitro");
        assert_eq!(site.post("/v1/appraisals", &request).body, reply.body);
        request["policy"] = json!("absent");
        assert_eq!(site.post("/v1/appraisals", &request).problem(), "challenge.spent");
    });
}

#[test]
fn a_revoked_key_opens_nothing_more() {
    on_each(|_, site, _| {
        site.release(&site.job(Purpose::Release));
        assert_eq!(site.call("POST", "/v1/keys/solvency/rotate", None).status, 201);
        // The old version still opens what was sealed to it.
        site.release(&site.job(Purpose::Release));
        let revoked = site.call("POST", "/v1/keys/solvency/revoke", Some(&json!({ "version": 1 })));
        assert_eq!(revoked.status, 200, "{revoked:?}");
        let request = json!(site.job(Purpose::Release).request());
        assert_eq!(site.post("/v1/releases", &request).problem(), "release.key_refused");
        let asked = site.post("/v1/challenges", &json!({ "purpose": "release", "key": "solvency" })).json();
        assert_eq!(asked["key"], json!({ "name": "solvency", "version": 2 }));
    });
}

#[test]
fn a_decision_rests_on_the_policy_that_is_in_force_at_its_entry() {
    on_each(|_, site, url| {
        let texts = [policy("proofs", EXECUTABLE, "for tests", ""), policy("proofs", [0x77; 48], "stopped", "")];
        let stopper = {
            let (site, texts) = (site.clone(), texts.clone());
            thread::spawn(move || {
                for round in 0..10 {
                    site.put_in_force(&texts[(round + 1) % 2]);
                    thread::sleep(std::time::Duration::from_millis(20));
                }
            })
        };
        let agents: Vec<_> = (0..4)
            .map(|_| {
                let site = site.clone();
                thread::spawn(move || {
                    let replies = (0..25).map(|_| {
                        let reply = site.post("/v1/releases", &json!(site.job(Purpose::Release).request()));
                        assert!([200, 403].contains(&reply.status), "{reply:?}");
                        reply.status
                    });
                    replies.collect::<Vec<_>>()
                })
            })
            .collect();
        let statuses: Vec<_> = agents.into_iter().flat_map(|agent| agent.join().unwrap()).collect();
        stopper.join().unwrap();
        let (decisions, versions) = decisions(url, site.origin.as_str());
        assert_eq!(decisions.len(), statuses.len());
        for (index, decision) in &decisions {
            let in_force = versions.iter().rev().find(|(entry, _)| entry < index).unwrap().1;
            assert_eq!(decision.policy.version, in_force, "entry {index}");
            assert_eq!(decision.verdict == Verdict::Affirming, in_force == 1, "entry {index}");
        }
        let granted = decisions.iter().filter(|(_, decision)| decision.release.is_some()).count();
        assert_eq!(granted, statuses.iter().filter(|status| **status == 200).count());
        println!("{granted} of {} granted, {} changes of policy", statuses.len(), versions.len());
    });
}

#[test]
fn two_replicas_release_once() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.url("postgres");
    let scratch = Scratch::new();
    let first = start(scratch.path(), Some(&url), |_| {});
    let site = Site::prepare(first.address, &first.token);
    let seen = scratch.path().join("seen");
    std::fs::write(&seen, first.call("GET", "/ledger/checkpoint", None).body).unwrap();
    let keys = scratch.path().join("data");
    let second = start(&scratch.path().join("data"), Some(&url), |config| {
        config.keys.log = Some(keys.join("log.key"));
        config.keys.release = Some(keys.join("release.key"));
        config.keys.fleet = Some(keys.join("fleet.key"));
        config.keys.encryption = Some(keys.join("encryption.key"));
        config.seen_checkpoints = vec![seen];
    });
    let sites = [site.clone(), Site { address: second.address, ..site.clone() }];
    let mut releases = BTreeSet::new();
    for round in 0..30 {
        let job = sites[round % 2].job(Purpose::Release);
        let (request, other) = (json!(job.request()), json!(job.request()));
        let sends: Vec<_> = (0..6)
            .map(|number| {
                let site = sites[number % 2].clone();
                // Two of six have another body.
                let body = if number < 4 { request.clone() } else { other.clone() };
                thread::spawn(move || (body.clone(), site.post("/v1/releases", &body)))
            })
            .collect();
        let replies: Vec<_> = sends.into_iter().map(|send| send.join().unwrap()).collect();
        let mut answers = BTreeSet::new();
        for (body, reply) in &replies {
            match reply.status {
                200 => {
                    let response: ReleaseResponse = serde_json::from_slice(&reply.body).unwrap();
                    assert_eq!(job.open(&site, &response, &site.file), PLAINTEXT);
                    let answer = (body.to_string(), response.sealed.0, response.terms.0, response.signature.0);
                    answers.insert((answer, response.ledger.leaf_index, response.ledger.leaf.0));
                }
                _ => assert_eq!(reply.problem(), "challenge.spent"),
            }
        }
        assert_eq!(answers.len(), 1, "one release, whoever is asked");
        releases.insert(answers.into_iter().next().unwrap().1);
    }
    let (decisions, _) = decisions(&url, site.origin.as_str());
    assert_eq!(decisions.iter().map(|(index, _)| *index).collect::<BTreeSet<_>>(), releases);
}
