//! A service in trouble, or none at all: what is asked again, with which bytes, and what is given up.

use crate::{
    agent::{Ended, Run},
    service::{Act, Service},
};
use prooftrail_protocol::wire::Problem;

fn run(name: &str, decide: impl Fn(&str, usize) -> Act + Send + 'static, attempts: &str) -> (Ended, Service) {
    let service = Service::start(decide);
    let mut run = Run::new(name, &service, "cat > opened; printf proof > \"$0\"").with(&["--attempts", attempts]);
    run.command.push("{proof}".to_owned());
    let ended = run.run();
    assert_eq!(run.file("opened").is_some(), ended.status == 0);
    (ended, service)
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_bytes_and_released_once() {
    let (ended, service) = run(
        "lost",
        |path, count| match (path, count) {
            (_, 1) => Act::LoseAnswer,
            ("/v1/releases", 2) => Act::Instead(503, "Retry-After: 1\r\n", Vec::new()),
            ("/v1/releases", 3) => Act::Instead(429, "", Vec::new()),
            _ => Act::Answer,
        },
        "6",
    );
    assert_eq!(ended.status, 0);
    let seen = service.seen.lock().unwrap();
    let asked: Vec<_> = seen.requests.iter().filter(|(path, _)| path == "/v1/releases").collect();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|request| *request == asked[0]), "a retry is the same bytes");
    assert_eq!(seen.statements.len(), 1, "released once");
}

#[test]
fn an_endless_a_silent_and_a_redirecting_service_are_given_up() {
    let on_release = |act: fn() -> Act| move |path: &str, _| if path == "/v1/releases" { act() } else { Act::Answer };
    let (ended, _) = run("endless", on_release(|| Act::Endless), "2");
    assert!(ended.status == 2 && ended.stderr.contains("larger than"), "{}", ended.stderr);
    let (ended, _) = run("silent", on_release(|| Act::Silence), "2");
    assert!(ended.status == 2 && ended.stderr.contains("gave up after 2 attempts"), "{}", ended.stderr);
    let elsewhere = "Location: http://127.0.0.1:1/v1/releases\r\n";
    let (ended, service) = run(
        "redirect",
        move |path, _| match path {
            "/v1/releases" => Act::Instead(307, elsewhere, Vec::new()),
            _ => Act::Answer,
        },
        "3",
    );
    assert!(ended.status == 2 && ended.stderr.contains("status 307"), "{}", ended.stderr);
    assert_eq!(service.seen.lock().unwrap().requests.len(), 2, "not asked again");
    let (ended, _) = run("garbage", on_release(|| Act::Instead(200, "", b"<html>".to_vec())), "2");
    assert!(ended.status == 2 && ended.stderr.contains("none of this service's"), "{}", ended.stderr);
}

#[test]
fn a_denial_is_an_answer_and_shows_its_code() {
    let problem = Problem::new("policy.rule", 403, "Refused by the policy", "the image is not approved");
    let body = serde_json::to_vec(&problem).unwrap();
    let (ended, service) = run(
        "denied",
        move |path, _| match path {
            "/v1/releases" => Act::Instead(403, "", body.clone()),
            _ => Act::Answer,
        },
        "3",
    );
    assert_eq!((ended.status, &ended.event("refused")["code"]), (1, &"policy.rule".into()));
    assert_eq!(service.seen.lock().unwrap().requests.len(), 2, "a denial is not asked again");
}

#[test]
fn nothing_is_opened_where_nobody_answers() {
    let service = Service::start(|_, _| Act::Answer);
    let mut run = Run::new("nobody", &service, "cat > opened").with(&["--attempts", "2"]);
    let at = run.arguments.iter().position(|argument| argument == "--service").unwrap() + 1;
    run.arguments[at] = "http://127.0.0.1:1".to_owned();
    let ended = run.run();
    assert!(ended.status == 2 && ended.stderr.contains("cannot connect"), "{}", ended.stderr);
    run.arguments[at] = "https://127.0.0.1:1".to_owned();
    assert_eq!(run.run().status, 2);
    run.arguments.retain(|argument| argument != "--insecure-http");
    run.arguments[at - 1] = format!("http://127.0.0.1:{}", service.port);
    assert!(run.run().stderr.contains("--insecure-http"));
}
