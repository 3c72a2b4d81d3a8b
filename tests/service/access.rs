//! Every route × every caller. The table here is written by hand: whoever adds a route or changes a rule says it twice.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::{postgres::Postgres, running::Service};

const ROLES: [&str; 4] = ["operator", "policy-owner", "approver", "auditor"];

/// Method, path, who: `public`, `agent`, or roles; with `instance` before them where they must hold for every project.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("GET", "/healthz", "public"),
    ("GET", "/readyz", "public"),
    ("GET", "/metrics", "public"),
    ("GET", "/openapi.json", "public"),
    ("GET", "/.well-known/prooftrail", "public"),
    ("GET", "/ledger/checkpoint", "public"),
    ("GET", "/ledger/tile/{tile}", "public"),
    ("POST", "/v1/challenges", "agent"),
    ("POST", "/v1/releases", "agent"),
    ("POST", "/v1/releases/{session}", "agent"),
    ("POST", "/v1/proofs", "agent"),
    ("POST", "/v1/appraisals", "agent"),
    ("GET", "/v1/releases", "operator auditor"),
    ("POST", "/v1/releases/{id}/revoke", "operator"),
    ("GET", "/p/{id}", "public"),
    ("GET", "/v1/proofs/{id}", "public"),
    ("GET", "/v1/proofs/{id}/bundle", "public"),
    ("GET", "/v1/reports/compliance", "auditor"),
    ("POST", "/v1/reports/compliance", "auditor"),
    ("GET", "/v1/projects", "instance operator auditor"),
    ("POST", "/v1/projects", "instance operator"),
    ("GET", "/v1/tokens", "operator auditor"),
    ("POST", "/v1/tokens", "operator"),
    ("DELETE", "/v1/tokens/{id}", "operator"),
    ("GET", "/v1/policies", "operator policy-owner approver auditor"),
    ("POST", "/v1/policies", "policy-owner"),
    ("GET", "/v1/policies/{name}", "operator policy-owner approver auditor"),
    ("GET", "/v1/policies/{name}/versions/{version}", "operator policy-owner approver auditor"),
    ("POST", "/v1/policies/{name}/activate", "policy-owner"),
    ("GET", "/v1/keys", "operator policy-owner approver auditor"),
    ("POST", "/v1/keys", "operator"),
    ("GET", "/v1/keys/{name}", "operator policy-owner approver auditor"),
    ("GET", "/v1/keys/{name}/recipient", "public"),
    ("POST", "/v1/keys/{name}/rotate", "operator"),
    ("POST", "/v1/keys/{name}/revoke", "operator"),
];

/// A path that a route serves, with something in its variable parts that is not there.
fn concrete(path: &str) -> String {
    let fill = |part: &str| if part.starts_with('{') { "absent".to_owned() } else { part.to_owned() };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// 0 for whoever is let through to the handler, whatever that says; else 401 or 403.
fn refusal(service: &Service, token: Option<&str>, method: &str, path: &str) -> u16 {
    let body = (method == "POST").then(|| json!({ "this": "is nothing that a handler takes" }));
    let reply = service.call_as(token, method, path, body.as_ref());
    match reply.status {
        status @ (401 | 403) => {
            let code = reply.problem();
            assert!(code.starts_with("auth."), "{code}");
            assert_eq!(reply.header("www-authenticate").is_some(), status == 401);
            status
        }
        500.. => panic!("{method} {path}: {reply:?}"),
        _ => 0,
    }
}

fn every_caller(service: &Service) {
    assert_eq!(service.call("POST", "/v1/projects", Some(&json!({ "name": "other" }))).status, 201);
    let (expired, _) = service.issue("default", &ROLES, 1);
    let (revoked, id) = service.issue("default", &ROLES, 60);
    assert_eq!(service.call("DELETE", &format!("/v1/tokens/{id}"), None).status, 200);
    let (elsewhere, _) = service.issue("other", &ROLES, 60);
    let in_project: Vec<_> = ROLES.map(|role| (role, service.issue("default", &[role], 60).0)).into();
    let everywhere: Vec<_> = ROLES.map(|role| (role, service.issue("*", &[role], 60).0)).into();
    std::thread::sleep(Duration::from_millis(1100));
    let unknown = format!("pt_{}", "A".repeat(43));
    let nobody = [None, Some(&*unknown), Some(&*expired), Some(&*revoked), Some("pt_"), Some("a.b.c")];

    for (method, path, who) in EXPECTED {
        let words: Vec<_> = who.split(' ').collect();
        let path = concrete(path);
        let asked = if path.starts_with("/v1/") && !path.starts_with("/v1/projects") {
            format!("{path}?project=default")
        } else {
            path.clone()
        };
        if matches!(words[0], "public" | "agent") {
            assert!(nobody.iter().all(|token| refusal(service, *token, method, &path) == 0), "{method} {path}");
            continue;
        }
        for token in nobody {
            assert_eq!(refusal(service, token, method, &asked), 401, "{method} {path} {token:?}");
        }
        assert_eq!(refusal(service, Some(&elsewhere), method, &asked), 403, "{method} {path} of another project");
        let is_instance = words[0] == "instance";
        for (role, token) in &in_project {
            let expected = if words.contains(role) && !is_instance { 0 } else { 403 };
            assert_eq!(refusal(service, Some(token), method, &asked), expected, "{method} {path} as {role}");
        }
        for (role, token) in &everywhere {
            let expected = if words.contains(role) { 0 } else { 403 };
            assert_eq!(refusal(service, Some(token), method, &asked), expected, "{method} {path} as {role} of all");
        }
    }
}

#[test]
fn every_route_lets_in_whom_its_rule_names_and_nobody_else() {
    every_caller(&Service::start(|_| {}));
    if let Some(postgres) = Postgres::start() {
        every_caller(&Service::start(|config| config.database = Some(postgres.url("postgres").into())));
    }
}

#[test]
fn the_description_has_the_same_routes_with_the_same_rules() {
    let service = Service::start(|_| {});
    let document = service.call_as(None, "GET", "/openapi.json", None).json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let roles = operation["x-roles"].as_array().into_iter().flatten().map(|role| role.as_str().unwrap());
            let who = match operation["security"].as_array().unwrap().len() {
                0 => vec!["public"],
                _ if operation["x-instance"] == true => ["instance"].into_iter().chain(roles).collect(),
                _ => roles.collect(),
            };
            described.insert((method.to_ascii_uppercase(), path.clone(), who.join(" ")));
        }
    }
    let expected = EXPECTED.iter().map(|(method, path, who)| {
        let who = if *who == "agent" { "public" } else { who };
        ((*method).to_owned(), (*path).to_owned(), who.to_owned())
    });
    assert_eq!(described, expected.collect());
}

#[test]
fn a_token_is_shown_once_and_its_hash_is_all_that_is_kept() {
    let service = Service::start(|_| {});
    let (token, id) = service.issue("default", &["auditor"], 60);
    assert!(token.starts_with("pt_") && token.len() == 46);
    let list = service.call("GET", "/v1/tokens", None);
    assert!(!String::from_utf8_lossy(&list.body).contains(&token[3..]));
    let list = list.json();
    let listed = list["tokens"].as_array().unwrap().iter().find(|listed| listed["id"] == Value::String(id.clone()));
    assert_eq!(listed.unwrap()["roles"], json!(["auditor"]));
    assert_eq!(service.call_as(Some(&token), "GET", "/v1/tokens", None).status, 200);
    assert_eq!(service.call("DELETE", &format!("/v1/tokens/{id}"), None).status, 200);
    assert_eq!(service.call_as(Some(&token), "GET", "/v1/tokens", None).problem(), "auth.token.revoked");
    assert_eq!(service.call("DELETE", &format!("/v1/tokens/{id}"), None).problem(), "not_found");
}

#[test]
fn nobody_gives_more_than_they_have() {
    let service = Service::start(|_| {});
    let (operator, _) = service.issue("default", &["operator"], 60);
    let body = json!({ "label": "more", "roles": ["operator"] });
    let reply = service.call_as(Some(&operator), "POST", "/v1/tokens?project=*", Some(&body));
    assert_eq!(reply.problem(), "auth.project");
    for (body, code) in [
        (json!({ "label": "x", "roles": [] }), "token.roles"),
        (json!({ "label": "", "roles": ["auditor"] }), "token.label"),
        (json!({ "label": "x", "roles": ["auditor"], "lifetime_seconds": 0 }), "token.lifetime"),
        (json!({ "label": "x", "roles": ["root"] }), "request.json"),
        (json!({ "label": "x", "roles": ["auditor"], "project": "default" }), "request.json"),
    ] {
        assert_eq!(service.call("POST", "/v1/tokens", Some(&body)).problem(), code);
    }
    let absent =
        service.call("POST", "/v1/tokens?project=absent", Some(&json!({ "label": "x", "roles": ["auditor"] })));
    assert_eq!(absent.problem(), "not_found");
    assert_eq!(service.call("POST", "/v1/projects", Some(&json!({ "name": "default" }))).problem(), "project.exists");
    assert_eq!(service.call("POST", "/v1/projects", Some(&json!({ "name": "*" }))).problem(), "request.name");
}
