//! Real proofs over HTTP: what is verified, what a policy's circuits refuse, and whose records count.

use std::sync::OnceLock;

use prooftrail_demo_prover::{Hashes, Keys, Witness, proof_json, prove, public_json, sample, verification_key_json};
use prooftrail_proofs::{Documents, Verdict, judge};
use prooftrail_protocol::{
    ProofKey, ProofRecord, Purpose, ReleaseId, sha256,
    wire::{ProofOutcome, ProofRequest, ProofResponse, ReleaseResponse},
};
use prooftrail_result::Verdict as Appraised;
use serde_json::{Value, json};

use crate::{
    agent::{EXECUTABLE, Job, Site, policy},
    http::Reply,
    provenance::{get, trust, verified_under},
    release::on_each,
};

/// The system of these proofs.
pub(crate) const SYSTEM: &str = "groth16-bn254";

/// A proof with its documents.
pub(crate) struct Proof {
    pub vk: Vec<u8>,
    pub public: Vec<u8>,
    pub proof: Vec<u8>,
    /// The key's digest, in hexadecimal, as policies and trust files name it.
    pub key: String,
}

impl Proof {
    fn make(accounts: usize) -> Self {
        let hashes = Hashes::default();
        let keys = Keys::generate(&hashes, accounts, "service tests").unwrap();
        let witness = Witness::parse(sample(accounts, "service tests").unwrap().as_bytes()).unwrap();
        let proven = prove(&hashes, &keys, &witness).unwrap();
        let vk = verification_key_json(&keys.proving.vk).into_bytes();
        let public = public_json(&proven.statement).into_bytes();
        let proof = proof_json(&proven.proof).into_bytes();
        let documents = Documents { verifying_key: &vk, proof: &proof, public_inputs: &public };
        let Verdict::Verified(verified) = judge(SYSTEM, documents) else { panic!("the prover's own proof verifies") };
        let key = verified.verifying_key.to_string();
        Self { vk, public, proof, key }
    }

    /// Of two accounts; made once.
    pub(crate) fn of_two() -> &'static Self {
        static PROOF: OnceLock<Proof> = OnceLock::new();
        PROOF.get_or_init(|| Self::make(2))
    }

    /// Of another circuit, which verifies just as well.
    fn of_four() -> &'static Self {
        static PROOF: OnceLock<Proof> = OnceLock::new();
        PROOF.get_or_init(|| Self::make(4))
    }

    /// The record of a command that made this proof.
    pub(crate) fn record(&self, job: &Job, opened: &ReleaseResponse, sequence: u64) -> ProofRecord {
        ProofRecord {
            system: Some(SYSTEM.to_owned()),
            vk_sha256: Some(sha256(&[&self.vk])),
            public_sha256: Some(sha256(&[&self.public])),
            proof_sha256: Some(sha256(&[&self.proof])),
            exit_status: 0,
            ..job.record(opened, opened.release_id, sequence)
        }
    }

    /// The registration of a record, with the documents.
    pub(crate) fn registration(&self, job: &Job, record: &ProofRecord) -> ProofRequest {
        ProofRequest {
            vk: Some(self.vk.as_slice().into()),
            public: Some(self.public.as_slice().into()),
            proof: Some(self.proof.as_slice().into()),
            ..job.registration(record)
        }
    }
}

/// A pin of a circuit in a policy.
pub(crate) fn pinned(system: &str, key: &str) -> String {
    format!("[[proof]]\nsystem = '{system}'\nvk_sha256 = '{key}'\n")
}

fn register(site: &Site, request: &ProofRequest) -> Reply {
    site.post("/v1/proofs", &json!(request))
}

fn registered(site: &Site, request: &ProofRequest) -> ProofResponse {
    let reply = register(site, request);
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_slice(&reply.body).unwrap()
}

/// The finding of each record of a proof, with its code.
fn findings(site: &Site, proof: &Proof) -> Vec<(Value, Value)> {
    let id = hex::encode(sha256(&[&proof.proof]));
    let records = get(site, &format!("/v1/proofs/{id}"), "*/*").json();
    let records = records["records"].as_array().unwrap().iter();
    records.map(|record| (record["finding"].clone(), record["code"].clone())).collect()
}

#[test]
fn a_proof_is_verified_and_its_bundle_shows_everything() {
    on_each(|_, site, _| {
        let proof = Proof::of_two();
        let job = site.job(Purpose::Release);
        let opened = site.release(&job);
        let request = proof.registration(&job, &proof.record(&job, &opened, 0));
        let response = registered(site, &request);
        assert_eq!(response.verified, ProofOutcome::Verified);
        assert_eq!(response.proof_id.unwrap().0, sha256(&[&proof.proof]));
        let again = registered(site, &request);
        assert_eq!(again.ledger.leaf_index, response.ledger.leaf_index);
        assert_eq!(again.statement_id, response.statement_id);
        assert_eq!(findings(site, proof), [(json!("verified"), Value::Null)]);
        // The statement finds it too.
        let statement = hex::encode(response.statement_id.unwrap().0);
        let records = get(site, &format!("/v1/proofs/{statement}"), "*/*").json();
        assert_eq!(records["records"][0]["entry_index"], response.ledger.leaf_index);

        let id = hex::encode(sha256(&[&proof.proof]));
        let file = get(site, &format!("/v1/proofs/{id}/bundle"), "*/*").body;
        let found = verified_under(&trust(site, std::slice::from_ref(&proof.key)), &file);
        assert_eq!((found.reasons.as_slice(), found.not_shown.as_slice()), (&[][..], &[][..]));
        assert_eq!(found.verdict(), Appraised::Affirming);
        // Somebody who trusts another circuit is told so.
        let found = verified_under(&trust(site, &["ab".repeat(32)]), &file);
        assert_eq!(
            found.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>(),
            ["bundle.verifying_key"]
        );

        // The proof of another statement is entered in its turn as what it is: refused, with its reason.
        let lie = Proof {
            public: br#"["1","2"]"#.to_vec(),
            vk: proof.vk.clone(),
            proof: proof.proof.clone(),
            key: String::new(),
        };
        let refused = register(site, &lie.registration(&job, &lie.record(&job, &opened, 1)));
        assert_eq!((refused.status, refused.problem().as_str()), (422, "proof.does_not_verify"));
        let answers = findings(site, proof);
        assert_eq!(answers[1], (json!("refused"), json!("proof.does_not_verify")));
        // Documents that are not those of the record take no turn.
        let mut swapped = proof.registration(&job, &proof.record(&job, &opened, 2));
        swapped.vk = Some(Proof::of_four().vk.as_slice().into());
        assert_eq!(register(site, &swapped).problem(), "proof.statement_mismatch");
        let next = proof.registration(&job, &proof.record(&job, &opened, 2));
        assert_eq!(registered(site, &next).verified, ProofOutcome::Verified);
    });
}

#[test]
fn a_policy_that_names_circuits_refuses_every_other() {
    on_each(|_, site, _| {
        let (proof, foreign) = (Proof::of_two(), Proof::of_four());
        let plonk = pinned("plonk", &hex::encode(sha256(&[&proof.vk])));
        site.put_in_force(&policy("proofs", EXECUTABLE, "pinned", &(pinned(SYSTEM, &proof.key) + &plonk)));
        let job = site.job(Purpose::Release);
        let opened = site.release(&job);
        let ask = |sequence, proof: &Proof, change: &dyn Fn(&mut ProofRecord, &mut bool)| {
            let mut record = proof.record(&job, &opened, sequence);
            let mut without_documents = false;
            change(&mut record, &mut without_documents);
            let with = proof.registration(&job, &record);
            register(site, &if without_documents { job.registration(&record) } else { with })
        };
        let other =
            |system: &'static str| move |record: &mut ProofRecord, _: &mut bool| record.system = Some(system.into());
        // Each takes its turn, whatever comes of it.
        let own = ask(0, proof, &|_, _| {});
        assert_eq!(own.json()["verified"], "verified", "{own:?}");
        let refused = [
            ask(1, foreign, &|_, _| {}),
            // Another system, a pinned system with another key, and a system that nobody names.
            ask(2, foreign, &other("plonk")),
            ask(3, proof, &other("halo2")),
            // Whose documents are withheld is not known, whatever the record says.
            ask(4, proof, &|_, without| *without = true),
            ask(5, proof, &|record, without| {
                (record.system, record.vk_sha256, record.public_sha256, *without) = (None, None, None, true);
            }),
        ];
        for (number, refused) in refused.iter().enumerate() {
            assert_eq!((refused.status, refused.problem().as_str()), (403, "proof.not_allowed"), "{number}");
        }
        // A system that this build does not know, with a key that is named: recorded, and nothing claimed of it.
        let unsupported = ask(6, proof, &other("plonk"));
        assert_eq!((unsupported.status, &unsupported.json()["verified"]), (200, &json!("unsupported")));
        assert_eq!(findings(site, foreign), vec![(json!("refused"), json!("proof.not_allowed")); 2]);
        let of_own: Vec<_> = findings(site, proof).into_iter().map(|(finding, _)| finding).collect();
        assert_eq!(
            of_own,
            [json!("verified"), json!("refused"), json!("refused"), json!("refused"), json!("unsupported")]
        );

        // A refused proof has a bundle, which says the same to whoever trusts that circuit.
        let id = hex::encode(sha256(&[&foreign.proof]));
        let records = get(site, &format!("/v1/proofs/{id}"), "*/*").json();
        let file = get(site, records["records"][0]["bundle"].as_str().unwrap(), "*/*").body;
        let found = verified_under(&trust(site, std::slice::from_ref(&foreign.key)), &file);
        let codes: Vec<_> = found.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes, ["bundle.proof_not_allowed"]);

        // What a later version demands is not asked of this session.
        site.put_in_force(&policy("proofs", EXECUTABLE, "another circuit", &pinned(SYSTEM, &foreign.key)));
        assert_eq!(ask(7, proof, &|_, _| {}).json()["verified"], "verified");
        let later = site.job(Purpose::Release);
        let opened = site.release(&later);
        let request = proof.registration(&later, &proof.record(&later, &opened, 0));
        assert_eq!(register(site, &request).problem(), "proof.not_allowed");
    });
}

#[test]
fn a_record_counts_only_from_the_session_that_was_attested() {
    on_each(|_, site, _| {
        let proof = Proof::of_two();
        let (job, other) = (site.job(Purpose::Release), site.job(Purpose::Release));
        let (opened, others) = (site.release(&job), site.release(&other));
        let record = proof.record(&job, &opened, 0);
        let code = |request: &ProofRequest| {
            let reply = register(site, request);
            (reply.status, reply.problem())
        };
        // No session at all: a proof from outside of a TEE.
        let mut outside = record.clone();
        outside.session = ReleaseId([7; 16]);
        assert_eq!(code(&proof.registration(&job, &outside)), (404, "not_found".to_owned()));
        // A denial opens none.
        let mut denied = site.job(Purpose::Release);
        denied.statement.executable_sha384 = [0x67; 48];
        assert_eq!(site.post("/v1/releases", &json!(denied.request())).problem(), "policy.rule_violated");
        let found = site.call("GET", "/v1/releases?verdict=refused", None).json();
        let id = hex::decode(found["releases"][0]["release_id"].as_str().unwrap()).unwrap();
        let mut of_denied = record.clone();
        of_denied.session = ReleaseId(id.try_into().unwrap());
        assert_eq!(code(&proof.registration(&denied, &of_denied)), (404, "not_found".to_owned()));
        // A key that no hardware vouched for, and that of another session.
        let mut stranger = site.job(Purpose::Release);
        stranger.proof_key = ProofKey::from_seed(&[9; 32]);
        for signer in [&stranger, &other] {
            let request = proof.registration(signer, &record);
            assert_eq!(code(&request), (422, "proof.record_signature".to_owned()));
        }
        // A record of one session, brought to another with that one's key.
        let mut moved = record.clone();
        moved.session = others.release_id;
        assert_eq!(code(&proof.registration(&other, &moved)), (422, "proof.statement_mismatch".to_owned()));
        // The envelope names one session, and the record another.
        let mut mislabelled = proof.registration(&other, &record);
        mislabelled.session = others.release_id;
        assert_eq!(code(&mislabelled), (422, "proof.statement_mismatch".to_owned()));
        // None of these took the turn.
        let rightful = registered(site, &proof.registration(&job, &record));
        assert_eq!((rightful.verified, findings(site, proof).len()), (ProofOutcome::Verified, 1));
    });
}
