//! Pages, records and bundles of proofs: what is registered is shown, what is shown verifies, and nothing else is found.

use prooftrail_evidence::AwsLc;
use prooftrail_protocol::{Purpose, sha256, wire::ProofResponse};
use prooftrail_provenance::{Bundle, Check, Surroundings, TrustFile, Verification, verify_bundle};
use prooftrail_result::Verdict;
use prooftrail_trust_roots::RootSet;
use serde_json::json;

use crate::{
    agent::{Job, Site, hypervisor, timestamp},
    http::{self, Reply},
    release::on_each,
};

/// A session that registered `proof`, of a system that this build does not know; the session's id.
pub(crate) fn registered(site: &Site, proof: &[u8]) -> (prooftrail_protocol::ReleaseId, ProofResponse) {
    let job: Job = site.job(Purpose::Release);
    let release = site.release(&job);
    let mut record = job.record(&release, release.release_id, 0);
    (record.exit_status, record.proof_sha256, record.system) =
        (0, Some(sha256(&[proof])), Some("some-system".to_owned()));
    let mut request = job.registration(&record);
    request.proof = Some(proof.into());
    let reply = site.post("/v1/proofs", &json!(request));
    assert_eq!(reply.status, 200, "{reply:?}");
    (release.release_id, serde_json::from_slice(&reply.body).unwrap())
}

pub(crate) fn get(site: &Site, path: &str, accept: &str) -> Reply {
    let host = site.address;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    http::send(site.address, request.as_bytes())
}

/// The trust file of somebody who trusts the simulator, the operator's clock, every version of the site's policy, and these
/// verifying keys.
pub(crate) fn trust(site: &Site, verifying_keys: &[String]) -> String {
    let known = get(site, "/.well-known/prooftrail", "*/*").json();
    let policies = site.call("GET", "/v1/policies/proofs", None).json();
    let policies: Vec<_> = policies["policies"].as_array().unwrap().iter().map(|version| &version["digest"]).collect();
    format!(
        "prooftrail_trust = 1\nlog = \"log {}\\nquorum none\\n\"\nrelease_keys = [{}]\npolicies = {}\n\
         verifying_keys = {}\naccept_operator_time = true\naccept_simulated = true\n",
        known["log_key"].as_str().unwrap(),
        known["release_key"],
        json!(policies),
        json!(verifying_keys),
    )
}

/// A bundle, verified by somebody who trusts the simulator and the operator's clock.
fn verified(site: &Site, file: &[u8]) -> Verification {
    verified_under(&trust(site, &[]), file)
}

/// A bundle, verified under a trust file, on the simulator's root.
pub(crate) fn verified_under(trust: &str, file: &[u8]) -> Verification {
    let bundle = Bundle::parse(file).unwrap();
    let roots = RootSet::from_certificate(hypervisor().root_der());
    let trust = TrustFile::parse(trust).unwrap();
    verify_bundle(&bundle, &trust, Surroundings { roots: &roots, crypto: &AwsLc, at: timestamp() })
}

#[test]
fn a_registered_proof_has_a_page_records_and_a_bundle_that_verifies() {
    on_each(|_, site, _| {
        let (session, response) = registered(site, b"the bytes of a proof");
        let id = hex::encode(response.proof_id.unwrap().0);
        assert_eq!(response.url, Some(format!("/p/{id}")));

        let page = get(site, &format!("/p/{id}"), "text/html,application/xhtml+xml,*/*;q=0.8");
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
        let text = String::from_utf8(page.body).unwrap();
        assert!(text.contains(&id) && text.to_lowercase().contains("simulated") && !text.contains("<script"), "{text}");

        let records = get(site, &format!("/v1/proofs/{id}"), "*/*").json();
        let [record] = records["records"].as_array().unwrap().as_slice() else { panic!("{records}") };
        assert_eq!((&record["finding"], &record["system"]), (&json!("unsupported"), &json!("some-system")));
        assert_eq!(record["entry_index"], response.ledger.leaf_index);
        assert_eq!(record["release_id"], session.to_string());

        // Everything is shown but the proof, for whose system there is no verifier.
        let file = get(site, record["bundle"].as_str().unwrap(), "*/*");
        assert!(file.header("content-disposition").unwrap().starts_with("attachment"), "{file:?}");
        let found = verified(site, &file.body);
        assert_eq!(found.reasons, [], "{found:?}");
        assert_eq!(found.not_shown.iter().map(|finding| finding.check).collect::<Vec<_>>(), [Check::Proof]);
        let told = get(site, &format!("/p/{id}"), "application/json").json();
        assert_eq!(told["verification"]["reasons"], json!([]));
        assert_eq!(told["verification"]["simulated"], true);

        // What is revoked stays, and says so.
        let revoked = site.call("POST", &format!("/v1/releases/{session}/revoke"), Some(&json!({ "why": "a test" })));
        assert_eq!(revoked.status, 200, "{revoked:?}");
        let found = verified(site, &get(site, &format!("/v1/proofs/{id}/bundle"), "*/*").body);
        assert_eq!((found.revoked_since.len(), found.verdict()), (1, Verdict::Refused));
        assert!(String::from_utf8(get(site, &format!("/p/{id}"), "*/*").body).unwrap().contains("revoked"));
        let records = get(site, &format!("/v1/proofs/{id}"), "*/*").json();
        assert!(records["records"][0]["revoked"].is_string());
    });
}

#[test]
fn an_id_may_own_many_records_and_none_is_overwritten() {
    on_each(|_, site, _| {
        let entries: Vec<_> = (0..2).map(|_| registered(site, b"the same bytes").1.ledger.leaf_index).collect();
        let id = hex::encode(sha256(&[b"the same bytes"]));
        let records = get(site, &format!("/v1/proofs/{id}"), "*/*").json();
        let listed: Vec<_> =
            records["records"].as_array().unwrap().iter().map(|one| one["entry_index"].as_u64()).collect();
        assert_eq!(listed, [Some(entries[0]), Some(entries[1])]);
        let list = String::from_utf8(get(site, &format!("/p/{id}"), "text/html").body).unwrap();
        for entry in entries {
            assert!(list.contains(&format!("/p/{id}?entry={entry}")), "{list}");
            let file = get(site, &format!("/v1/proofs/{id}/bundle?entry={entry}"), "*/*");
            assert_eq!(verified(site, &file.body).trail.proof_entry.unwrap().1, entry);
            assert_eq!(get(site, &format!("/p/{id}?entry={entry}"), "text/html").status, 200);
        }
        assert_eq!(get(site, &format!("/v1/proofs/{id}?entry=0"), "*/*").status, 404);
    });
}

#[test]
fn what_was_not_registered_is_not_found() {
    on_each(|_, site, _| {
        let id = hex::encode(registered(site, b"another proof").1.proof_id.unwrap().0);
        for other in
            [&hex::encode([7; 32]), &id.to_uppercase(), &id[2..], "latest", "..%2f..%2fv1%2fkeys", &"a".repeat(3000)]
        {
            for path in [format!("/v1/proofs/{other}"), format!("/v1/proofs/{other}/bundle"), format!("/p/{other}")] {
                let reply = get(site, &path, "application/json");
                assert_eq!((reply.status, reply.problem()), (404, "not_found".to_owned()), "{path}");
            }
        }
        let page = get(site, &format!("/p/{}", hex::encode([7; 32])), "text/html");
        assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")));
        assert!(String::from_utf8(page.body).unwrap().contains("No such proof"));
        assert_eq!(get(site, &format!("/p/{id}?id=1"), "*/*").problem(), "request.query");
    });
}
