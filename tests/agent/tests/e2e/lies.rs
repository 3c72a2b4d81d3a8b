//! A service that lies: whatever field it changes, nothing is opened and the command never runs.

use crate::{
    agent::Run,
    service::{Act, Service, now},
};
use prooftrail_protocol::{Purpose, ReleaseTerms};
use prooftrail_result::{EvidenceId, Kind};
use serde_json::Value;

fn refused(name: &str, act: fn() -> Act, code: Option<&str>) {
    let service = Service::start(move |path, _| if path == "/v1/releases" { act() } else { Act::Answer });
    let mut run = Run::new(&format!("lie-{}", name.replace(' ', "-")), &service, "cat > opened; printf proof > \"$0\"");
    run.command.push("{proof}".to_owned());
    let ended = run.run();
    match code {
        Some(code) => {
            assert_eq!(ended.status, 1, "{name}");
            assert_eq!(ended.event("refused")["code"], code, "{name}");
        }
        None => assert_eq!(ended.status, 2, "{name}"),
    }
    assert_eq!(run.file("opened"), None, "{name}: the command ran");
    assert!(!ended.names().contains(&"released") && service.seen.lock().unwrap().records.is_empty(), "{name}");
}

/// Changes one character of a member of the response.
fn flip(value: &mut Value, member: &str) {
    let text = value[member].as_str().unwrap().to_owned();
    let mut changed: Vec<char> = text.chars().collect();
    let at = changed.len() / 2;
    changed[at] = if changed[at] == '1' { '2' } else { '1' };
    value[member] = changed.into_iter().collect::<String>().into();
}

#[test]
fn a_response_with_any_member_changed_is_not_opened() {
    refused("terms", || Act::Edit(|value| flip(value, "terms")), Some("open.signature"));
    refused("sealed", || Act::Edit(|value| flip(value, "sealed")), Some("open.signature"));
    refused("signature", || Act::Edit(|value| flip(value, "signature")), Some("open.signature"));
    refused("release id", || Act::Edit(|value| flip(value, "release_id")), Some("open.not_asked"));
    refused(
        "expires",
        || Act::Edit(|value| value["expires"] = "2099-01-01T00:00:00.000Z".into()),
        Some("open.not_asked"),
    );
    refused("unknown member", || Act::Edit(|value| value["more"] = 1.into()), None);
    refused("missing member", || Act::Edit(|value| drop(value.as_object_mut().unwrap().remove("signature"))), None);
    refused("another key", || Act::OtherKey, Some("open.signature"));
}

#[test]
fn terms_that_were_not_asked_for_are_not_opened_although_they_are_signed() {
    fn terms(name: &str, change: fn(&mut ReleaseTerms), code: &str) {
        // A function pointer per case, because an act is made anew for each request.
        let service =
            Service::start(move |path, _| if path == "/v1/releases" { Act::Terms(change) } else { Act::Answer });
        let mut run = Run::new(&format!("terms-{name}"), &service, "cat > opened; printf proof > \"$0\"");
        run.command.push("{proof}".to_owned());
        let ended = run.run();
        assert_eq!((ended.status, &ended.event("refused")["code"]), (1, &code.into()), "{name}");
        assert_eq!(run.file("opened"), None, "{name}: the command ran");
    }
    let asked = "open.not_asked";
    terms("origin", |terms| terms.origin = "other.example.com".parse().unwrap(), asked);
    terms("context", |terms| terms.context_sha384[0] ^= 1, asked);
    terms("key", |terms| terms.key.name = "other".parse().unwrap(), asked);
    terms("version", |terms| terms.key.version += 1, asked);
    terms("purpose", |terms| terms.purpose = Purpose::Appraisal, asked);
    terms("header", |terms| terms.header_sha384[0] ^= 1, asked);
    terms("no-evidence", |terms| terms.evidence.clear(), asked);
    terms(
        "evidence-kind",
        |terms| terms.evidence = vec![EvidenceId { kind: Kind::IntelTdx, signed_sha384: [0; 48] }],
        asked,
    );
    terms("expired", |terms| terms.expires = now().saturating_add_seconds(-1), "open.expired");
}

#[test]
fn a_pinned_policy_and_log_are_the_only_ones() {
    for (pin, value, status) in [
        ("--policy-digest", hex::encode([5; 48]), 0),
        ("--policy-digest", hex::encode([6; 48]), 1),
        ("--origin", "log.example.com/test".to_owned(), 0),
        ("--origin", "log.example.com/other".to_owned(), 1),
    ] {
        let service = Service::start(|_, _| Act::Answer);
        let name = format!("pin-{}-{status}", &pin[2..]);
        let mut run = Run::new(&name, &service, "cat > opened; printf proof > \"$0\"").with(&[pin, &value]);
        run.command.push("{proof}".to_owned());
        assert_eq!(run.run().status, status, "{pin} {value}");
        assert_eq!(run.file("opened").is_some(), status == 0);
    }
}
