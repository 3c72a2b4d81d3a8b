//! Compliance reports: every row of them out of what really happened, the same bytes twice, and an entry in the ledger.

use std::sync::Arc;

use prooftrail::{
    archive::{Archive, BlobId, Found, Kind, OpenedRecord},
    log::{database::LogDatabase, entry::EntryType},
    store::{Access, Store},
};
use prooftrail_protocol::{Purpose, sha256};
use serde_json::{Value, json};

use crate::{
    agent::{EXECUTABLE, Site, now_ms, policy},
    http::Reply,
    release::on_each,
};

/// RFC 3339 of so many milliseconds since the Unix epoch.
fn instant(millis: u64) -> String {
    prooftrail_result::Timestamp::from_unix_millis(millis.try_into().unwrap()).unwrap().to_rfc3339_millis()
}

fn ask(site: &Site, method: &str, from: u64, to: u64, format: &str) -> Reply {
    let path = format!("/v1/reports/compliance?from={}&to={}&format={format}", instant(from), instant(to));
    site.call(method, &path, None)
}

#[test]
fn a_report_is_what_happened_and_an_entry_of_its_own() {
    on_each(|_, site, url| {
        // A release that comes to nothing; one whose command fails, and which is revoked; a denial; then another version
        // of the policy, and a release under that.
        let begun = now_ms() - 60_000;
        let lost = site.release(&site.job(Purpose::Release));
        let job = site.job(Purpose::Release);
        let failed = site.release(&job);
        let registration = job.registration(&job.record(&failed, failed.release_id, 0));
        assert_eq!(site.post("/v1/proofs", &json!(registration)).status, 200);
        let revoke = format!("/v1/releases/{}/revoke", failed.release_id);
        assert_eq!(site.call("POST", &revoke, Some(&json!({ "why": "a test" }))).status, 200);
        let mut denied = site.job(Purpose::Release);
        denied.debug = true;
        assert_eq!(site.post("/v1/releases", &json!(denied.request())).status, 403);
        site.put_in_force(&policy("proofs", EXECUTABLE, "for tests, again", ""));
        site.release(&site.job(Purpose::Release));
        std::thread::sleep(std::time::Duration::from_millis(5));
        let ended = now_ms();

        let shown = ask(site, "GET", begun, ended, "json");
        assert_eq!((shown.status, shown.header("x-prooftrail-entry")), (200, None), "{shown:?}");
        assert_eq!(ask(site, "GET", begun, ended, "json").body, shown.body, "the same bytes twice");
        let report = shown.json();
        let count = |section: &str| report[section].as_array().unwrap().len();
        assert_eq!(["releases", "denials", "proofs", "policies", "keys"].map(count), [3, 1, 1, 2, 1], "{report:#}");
        assert_eq!(report["scope"]["origin"], site.origin.as_str());

        let [first, second, third] = report["releases"].as_array().unwrap().as_slice() else { panic!("three") };
        assert_eq!(first["release_id"], lost.release_id.to_string());
        assert_eq!(first["index"], lost.ledger.leaf_index);
        assert_eq!((&first["platform"], &first["simulated"]), (&json!("nitro"), &json!(true)));
        assert_eq!((&first["key"], &first["key_version"]), (&json!("solvency"), &json!(1)));
        assert_eq!(first["revoked_at"], Value::Null);
        assert!(second["revoked_at"].is_string());
        assert_eq!(second["statement"], hex::encode(job.statement.sha384()));
        assert_ne!(first["policy_digest"], third["policy_digest"]);
        assert_eq!(first["evidence"][0]["kind"], "aws-nitro");

        let denial = &report["denials"][0];
        let codes: Vec<_> = denial["reasons"].as_array().unwrap().iter().map(|reason| &reason["code"]).collect();
        assert!(codes.contains(&&json!("policy.debug")), "{denial}");
        let rules: Vec<_> = denial["reasons"].as_array().unwrap().iter().map(|reason| &reason["rule"]).collect();
        assert!(rules.contains(&&json!("image")), "{denial}");
        let proof = &report["proofs"][0];
        assert_eq!((&proof["outcome"], &proof["release_revoked"]), (&json!("failed"), &json!(true)));

        let [old, new] = report["policies"].as_array().unwrap().as_slice() else { panic!("two") };
        assert_eq!(old["in_force_until"], new["in_force_from"]);
        assert_eq!((&new["in_force_until"], &new["digest"]), (&Value::Null, &third["policy_digest"]));
        assert_eq!(old["rules"].as_array().unwrap().len(), 2);
        assert_eq!(report["pins"][0]["reference"], "images");
        let found: Vec<_> =
            report["findings"].as_array().unwrap().iter().map(|one| (&one["code"], &one["index"])).collect();
        let no_proof = json!("release.no_proof");
        assert_eq!(found, [(&no_proof, &first["index"]), (&no_proof, &third["index"])]);

        // Recorded: the entry commits to the report that was answered, and the archive has it.
        let made = ask(site, "POST", begun, ended, "json");
        assert_eq!((made.status, &made.body), (201, &shown.body), "{made:?}");
        let entry: u64 = made.header("x-prooftrail-entry").unwrap().parse().unwrap();
        let (entry_type, record, blob) = archived(url, site.origin.as_str(), entry, sha256(&[&made.body]));
        assert_eq!(entry_type, EntryType::Report);
        assert_eq!((&record["kind"], &record["from"]), (&json!("compliance"), &json!(instant(begun))));
        assert_eq!(blob, made.body);

        // A range in which nothing happened, and what is no range.
        let empty = ask(site, "GET", 1_000, 2_000, "json").json();
        assert_eq!((&empty["scope"]["first_index"], &empty["releases"]), (&Value::Null, &json!([])));
        for (from, to) in [(ended, begun), (begun, begun), (begun, now_ms() + 3_600_000)] {
            let reply = ask(site, "GET", from, to, "json");
            assert_eq!((reply.status, reply.problem()), (400, "report.range".to_owned()));
        }
        assert_eq!(ask(site, "GET", begun, ended, "pdf").problem(), "request.query");
        assert_eq!(site.call("GET", "/v1/reports/compliance?from=yesterday", None).problem(), "report.range");

        let page = ask(site, "GET", begun, ended, "html");
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"), "{}", page.head);
        assert!(String::from_utf8(page.body).unwrap().contains(&lost.release_id.to_string()));
        let files = ask(site, "GET", begun, ended, "csv").json();
        let releases = files["releases.csv"].as_str().unwrap();
        assert_eq!((releases.lines().count(), files.as_object().unwrap().len()), (4, 12), "{releases}");

        // Who may not.
        let body = json!({ "label": "operator", "roles": ["operator", "policy-owner", "approver"] });
        let issued = site.call("POST", "/v1/tokens", Some(&body)).json();
        let other = Site { token: issued["token"].as_str().unwrap().to_owned(), ..site.clone() };
        for method in ["GET", "POST"] {
            let reply = ask(&other, method, begun, ended, "json");
            assert_eq!((reply.status, reply.problem()), (403, "auth.role".to_owned()));
        }
    });
}

/// What the ledger and the archive have of an entry: its type, its record, and a blob.
fn archived(url: &str, origin: &str, index: u64, blob: [u8; 32]) -> (EntryType, Value, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Store::open(url, Access::Inspect).await.unwrap());
        let log = LogDatabase::open(store.clone(), origin).await.unwrap().unwrap();
        let archive = Archive::of(&log);
        let Some(OpenedRecord::Present { entry, record, .. }) = archive.open("default", index).await.unwrap() else {
            panic!("no record of entry {index}");
        };
        let Some(Found::Present { kind: Kind::Report, content }) =
            archive.blob("default", BlobId::new(blob)).await.unwrap()
        else {
            panic!("no report");
        };
        store.close().await;
        (entry.draft.entry_type, serde_json::from_slice(&record.bytes).unwrap(), content)
    })
}
