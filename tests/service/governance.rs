//! Policies and keys: each change an entry, a record and a row, or none of them; and the command line that makes them.

use std::{fs, path::Path, process::Command, sync::Arc};

use prooftrail::{
    archive::{Archive, OpenedRecord},
    log::database::LogDatabase,
    store::{Access, Store},
};
use serde_json::{Value, json};

use crate::{
    http::{Reply, send},
    postgres::Postgres,
    running::Service,
    scratch::Scratch,
};

fn policy() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/nitro-prover.policy.toml")).unwrap()
}

fn upload(service: &Service, text: &str) -> Reply {
    let head = format!(
        "POST /v1/policies HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: application/toml\r\ncontent-length: {}\r\n\r\n",
        service.token,
        text.len()
    );
    send(service.address, format!("{head}{text}").as_bytes())
}

/// The size of the log, and the project's governance epoch.
fn position(service: &Service) -> (u64, i64) {
    let checkpoint = service.call_as(None, "GET", "/ledger/checkpoint", None);
    let size = String::from_utf8_lossy(&checkpoint.body).lines().nth(1).unwrap().parse().unwrap();
    let projects = service.call("GET", "/v1/projects", None).json();
    let default = projects["projects"].as_array().unwrap().iter().find(|project| project["name"] == "default").unwrap();
    (size, default["epoch"].as_i64().unwrap())
}

fn life_of_a_policy_and_a_key(service: &Service) {
    assert_eq!(position(service), (1, 0));
    let new = json!({ "name": "reserves", "policy": "absent" });
    assert_eq!(service.call("POST", "/v1/keys", Some(&new)).problem(), "key.policy");

    let uploaded = upload(service, &policy());
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    let uploaded = uploaded.json();
    let name = uploaded["name"].as_str().unwrap().to_owned();
    assert_eq!(
        (&uploaded["version"], &uploaded["active"], &uploaded["entry_index"]),
        (&json!(1), &json!(false), &json!(1))
    );
    assert_eq!(position(service), (2, 1));
    // The same text is the same version, another is the next.
    assert_eq!((upload(service, &policy()).status, position(service)), (200, (2, 1)));
    let second = upload(service, &format!("# reviewed\n{}", policy())).json();
    assert_eq!((&second["version"], position(service)), (&json!(2), (3, 2)));

    let activate = |version: i64, digest: &Value| {
        let body = json!({ "version": version, "digest": digest });
        service.call("POST", &format!("/v1/policies/{name}/activate"), Some(&body))
    };
    assert_eq!(activate(1, &json!("00")).problem(), "policy.digest");
    assert_eq!(activate(3, &uploaded["digest"]).problem(), "not_found");
    assert_eq!(position(service), (3, 2));
    assert_eq!(activate(2, &second["digest"]).json()["active"], true);
    assert_eq!(position(service), (4, 3));
    let text = service.call("GET", &format!("/v1/policies/{name}/versions/1"), None).json();
    assert_eq!((text["text"].as_str(), &text["active"]), (Some(&*policy()), &json!(false)));

    let new = json!({ "name": "reserves", "policy": name });
    let key = service.call("POST", "/v1/keys", Some(&new));
    assert_eq!(key.status, 201, "{key:?}");
    let first = key.json()["versions"][0]["recipient"].as_str().unwrap().to_owned();
    assert!(first.starts_with("age1"));
    assert_eq!(service.call("POST", "/v1/keys", Some(&new)).problem(), "key.exists");
    let given_out = || service.call_as(None, "GET", "/v1/keys/reserves/recipient", None);
    assert_eq!(given_out().json(), json!({ "name": "reserves", "version": 1, "recipient": first }));
    let rotated = service.call("POST", "/v1/keys/reserves/rotate", None).json();
    assert_eq!(rotated["versions"].as_array().unwrap().len(), 2);
    assert_eq!(given_out().json()["version"], 2);
    assert_eq!(position(service), (6, 5));
    let revoke = |body: Value| service.call("POST", "/v1/keys/reserves/revoke", Some(&body));
    assert_eq!(revoke(json!({ "version": 2 })).status, 200);
    assert_eq!(given_out().json()["recipient"], json!(first));
    assert_eq!(revoke(json!({})).status, 200);
    assert_eq!(given_out().problem(), "not_found");
    assert_eq!(revoke(json!({})).problem(), "not_found");
    assert_eq!(position(service), (8, 7));

    let records = records(&service.database);
    let field = |name: &str| records.iter().map(|record| record[name].as_str().unwrap_or("")).collect::<Vec<_>>();
    assert_eq!(field("record")[0], "prooftrail/genesis/v1");
    assert_eq!(field("action"), ["", "upload", "upload", "activate", "new", "rotate", "revoke", "revoke"]);
    assert!(field("by")[1..].iter().all(|by| by.starts_with("token:")));
    assert_eq!(records[4]["recipient"], json!(first));
    assert_eq!((&records[6]["versions"], &records[7]["versions"]), (&json!([2]), &json!([1])));
    assert!(!format!("{records:?}").contains("AGE-SECRET-KEY"));
}

/// The record of every entry, each proved by the archive to be what its entry commits to.
fn records(database: &str) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Store::open(database, Access::Inspect).await.unwrap());
        let log = LogDatabase::open(store, "example.com/service-test").await.unwrap().unwrap();
        let archive = Archive::of(&log);
        let mut records = Vec::new();
        for index in 0..8 {
            let project = if index == 0 { "" } else { "default" };
            let Some(OpenedRecord::Present { record, blobs, .. }) = archive.open(project, index).await.unwrap() else {
                panic!("entry {index} has no record");
            };
            let record: Value = serde_json::from_slice(&record.bytes).unwrap();
            assert_eq!(blobs.len(), usize::from(record["action"] == "upload"));
            records.push(record);
        }
        records
    })
}

#[test]
fn every_change_is_an_entry_and_nothing_else_is() {
    life_of_a_policy_and_a_key(&Service::start(|_| {}));
    if let Some(postgres) = Postgres::start() {
        life_of_a_policy_and_a_key(&Service::start(|config| config.database = Some(postgres.url("postgres").into())));
    }
}

#[test]
fn what_is_no_policy_is_refused_and_leaves_nothing() {
    let service = Service::start(|_| {});
    assert_eq!(upload(&service, "format = 1\nnonsense = 2\n").problem(), "policy.invalid");
    assert_eq!(upload(&service, "\u{0}").problem(), "policy.invalid");
    assert_eq!(position(&service), (1, 0));
}

#[test]
fn of_uploads_at_once_each_becomes_a_version_or_is_told_to_look_again() {
    let service = Service::start(|_| {});
    let texts: Vec<_> = (0..8).map(|number| format!("# {number}\n{}", policy())).collect();
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let uploads: Vec<_> = texts.iter().map(|text| scope.spawn(|| upload(&service, text))).collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert!(!made.is_empty());
    assert!(refused.iter().all(|reply| reply.problem() == "governance.overtaken"), "{refused:?}");
    let mut versions: Vec<_> = made.iter().map(|reply| reply.json()["version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    let count = u64::try_from(made.len()).unwrap();
    assert_eq!(versions, (1..=count).collect::<Vec<_>>());
    assert_eq!(position(&service).0, 1 + count);
}

#[test]
fn the_command_line_administers_and_seals_what_only_the_service_opens() {
    let scratch = Scratch::new();
    let service = Service::start(|_| {});
    let url = format!("http://{}", service.address);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
        command.env_clear().env("PROOFTRAIL_URL", &url).env("PROOFTRAIL_TOKEN", &service.token);
        let output = command.current_dir(scratch.path()).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    fs::write(scratch.path().join("p.toml"), policy()).unwrap();
    let (code, said, error) = run(&["policies", "upload", "p.toml", "--json"]);
    assert_eq!(code, 0, "{error}");
    let name = serde_json::from_str::<Value>(&said).unwrap()["name"].as_str().unwrap().to_owned();
    assert_eq!(run(&["policies", "activate", &name, "1"]).0, 0);
    assert!(run(&["policies", "list"]).1.contains("in force"));
    let (code, recipient, error) = run(&["keys", "new", "reserves", "--policy", &name]);
    assert_eq!(code, 0, "{error}");
    assert!(recipient.starts_with("age1") && recipient.trim().lines().count() == 1);
    fs::write(scratch.path().join("witness"), b"the balances").unwrap();
    let (code, _, error) = run(&["seal", "--key", &format!("{url}#reserves"), "witness"]);
    assert_eq!(code, 0, "{error}");
    let sealed = fs::read(scratch.path().join("witness.age")).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n-> X25519 "));
    assert!(!sealed.windows(8).any(|window| window == b"balances"));
    assert_eq!(run(&["keys", "rotate", "reserves"]).0, 0);
    assert_eq!(run(&["keys", "revoke", "reserves", "--key-version", "1"]).0, 0);
    assert!(run(&["keys", "list"]).1.contains("revoked"));
    let (code, token, _) = run(&["tokens", "new", "--label", "audit", "--role", "auditor", "--days", "1"]);
    assert!(code == 0 && token.starts_with("pt_"));
    assert!(run(&["tokens", "list"]).1.contains("audit"));
    assert_eq!(run(&["projects", "new", "treasury"]).0, 0);
    assert!(run(&["projects", "list"]).1.contains("treasury"));
    let (code, _, error) = run(&["keys", "rotate", "absent"]);
    assert!(code == 2 && error.contains("not_found"), "{error}");
    // A token is not sent in the clear to another machine.
    let (code, _, error) = run(&["keys", "list", "--url", "http://prooftrail.example.com"]);
    assert!(code == 2 && error.contains("TLS"), "{error}");
}
