//! OpenID Connect, with an issuer of the test's own: genuine tokens first, then one mutation for each rule.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet},
};
use prooftrail::service::{auth::Role, config::Issuer};
use serde_json::{Value, json};

use crate::running::Service;

struct Key {
    private: EncodingKey,
    public: Jwk,
}

fn key(kid: &str) -> Key {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let private = EncodingKey::from_ec_der(&pair.serialize_der());
    let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
    public.common.key_id = Some(kid.to_owned());
    Key { private, public }
}

/// Serves `body` as a key set, and counts how often.
fn serve(body: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (url, count)
}

fn issuer(url: String) -> Issuer {
    Issuer {
        issuer: "https://issuer.example".to_owned(),
        audience: "prooftrail".to_owned(),
        jwks_url: url,
        insecure_jwks_http: true,
        algorithms: vec![Algorithm::ES256],
        project: "default".to_owned(),
        roles_claim: "groups".to_owned(),
        roles: BTreeMap::from([("auditors".to_owned(), Role::Auditor)]),
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer.example", "aud": ["other", "prooftrail"], "sub": "ada", "groups": ["staff", "auditors"],
        "iat": now(), "nbf": now(), "exp": now() + 300,
    })
}

fn sign(key: &Key, kid: Option<&str>, claims: &Value) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::ES256) };
    encode(&header, claims, &key.private).unwrap()
}

#[test]
fn a_token_of_a_configured_issuer_has_the_mapped_roles_and_each_rule_holds() {
    let (ours, strange) = (key("one"), key("one"));
    let (url, fetches) = serve(serde_json::to_string(&JwkSet { keys: vec![ours.public.clone()] }).unwrap());
    let service = Service::start(|config| config.oidc = vec![issuer(url)]);
    let ask = |token: &str| {
        let reply = service.call_as(Some(token), "GET", "/v1/tokens", None);
        if reply.status == 200 { "ok".to_owned() } else { format!("{} {}", reply.status, reply.problem()) }
    };
    let edit = |name: &str, value: Value| {
        let mut claims = claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        ask(&sign(&ours, Some("one"), &claims))
    };
    assert_eq!(ask(&sign(&ours, Some("one"), &claims())), "ok");
    assert_eq!(edit("aud", json!("prooftrail")), "ok");
    assert_eq!(edit("exp", json!(now() - 30)), "ok");
    assert_eq!(edit("nbf", Value::Null), "ok");
    let invalid = "401 auth.oidc.invalid";
    for (name, value, expected) in [
        ("aud", json!("other"), invalid),
        ("aud", Value::Null, invalid),
        ("iss", json!("https://other.example"), "401 auth.oidc.issuer"),
        ("iss", Value::Null, "401 auth.token.unknown"),
        ("exp", json!(now() - 61), "401 auth.token.expired"),
        ("exp", json!("tomorrow"), invalid),
        ("nbf", json!(now() + 90), "401 auth.oidc.time"),
        ("iat", json!(now() + 90), "401 auth.oidc.time"),
        ("sub", Value::Null, "401 auth.oidc.subject"),
        ("groups", json!(["staff"]), "403 auth.role"),
        ("groups", Value::Null, "403 auth.role"),
    ] {
        assert_eq!(edit(name, value.clone()), expected, "{name} = {value}");
    }
    assert_eq!(edit("exp", Value::Null), invalid);
    assert_eq!(ask(&sign(&strange, Some("one"), &claims())), invalid);
    assert_eq!(ask(&sign(&ours, None, &claims())), "401 auth.oidc.key");
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    // An unknown key is looked for once, not at every request.
    for _ in 0..5 {
        assert_eq!(ask(&sign(&ours, Some("two"), &claims())), "401 auth.oidc.key");
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 1, "not again within half a minute");
    // The public key as a shared secret (RFC 8725 section 2.1), and no signature at all.
    let secret = EncodingKey::from_secret(serde_json::to_string(&ours.public).unwrap().as_bytes());
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    assert_eq!(ask(&encode(&header, &claims(), &secret).unwrap()), "401 auth.oidc.algorithm");
    let [_, payload, _]: [String; 3] =
        sign(&ours, Some("one"), &claims()).split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(ask(&format!("eyJhbGciOiJub25lIn0.{payload}.")), "401 auth.token.unknown");
    let mine = service.call_as(Some(&sign(&ours, Some("one"), &claims())), "GET", "/v1/tokens?project=other", None);
    assert_eq!(mine.problem(), "auth.project");
}

#[test]
fn an_issuer_that_sends_too_much_or_nothing_is_not_believed() {
    for body in [" ".repeat(300 * 1024), String::new(), "{\"keys\":1}".to_owned()] {
        let (url, _) = serve(body);
        let service = Service::start(|config| config.oidc = vec![issuer(url)]);
        let reply = service.call_as(Some(&sign(&key("one"), Some("one"), &claims())), "GET", "/v1/tokens", None);
        assert_eq!((reply.status, reply.problem().as_str()), (503, "auth.oidc.unavailable"));
    }
}
