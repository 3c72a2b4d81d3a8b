//! TLS that ends in the agent: the authority that it was given counts, for the service's name, and nobody else's.

use std::{fs, net::SocketAddr, sync::Arc, thread};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, version},
};

use crate::{
    agent::{Ended, Run},
    service::{Act, Service},
};

/// An authority of the test's own.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What stands before a service and speaks TLS for it, with a certificate for `name`.
fn front(
    service: &Service,
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    versions: &[&'static tokio_rustls::rustls::SupportedProtocolVersion],
) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let port = service.port;
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // An agent that trusts us not hangs up.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut behind = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
            }
        });
    });
    address
}

/// A run that reaches `localhost` at `address` by TLS, under the authority in `trusted`.
fn run(name: &str, service: &Service, address: SocketAddr, trusted: &str) -> (Ended, Run) {
    let mut run = Run::new(name, service, "cat > opened; printf proof > \"$0\"").with(&["--attempts", "2"]);
    run.command.push("{proof}".to_owned());
    run.arguments.retain(|argument| argument != "--insecure-http");
    let at = run.arguments.iter().position(|argument| argument == "--service").unwrap() + 1;
    run.arguments[at] = "https://localhost".to_owned();
    fs::write(run.folder.join("ca.pem"), trusted).unwrap();
    let run = run.with(&["--via", &address.to_string(), "--ca", "ca.pem"]);
    (run.run(), run)
}

#[test]
fn a_service_under_the_authority_is_reached_by_either_version() {
    let authority = authority();
    for (name, version) in [("tls13", &version::TLS13), ("tls12", &version::TLS12)] {
        let service = Service::start(|_, _| Act::Answer);
        let address = front(&service, &authority, "localhost", &[version]);
        let (ended, run) = run(name, &service, address, &authority.pem());
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        assert!(run.file("opened").is_some());
        assert_eq!(service.seen.lock().unwrap().requests.len(), 3, "challenge, release, proof");
    }
}

#[test]
fn whoever_else_answers_gets_no_request() {
    // Their certificates say the same, and their keys differ.
    let [authority, other] = [authority(), authority()];
    let both = [&version::TLS13, &version::TLS12];
    // Another authority, and another server's name.
    for (name, issuer, server, trusted) in [
        ("other-root", &other, "localhost", authority.pem()),
        ("other-name", &authority, "release.example.com", authority.pem()),
    ] {
        let service = Service::start(|_, _| Act::Answer);
        let address = front(&service, issuer, server, &both);
        let (ended, run) = run(name, &service, address, &trusted);
        assert_eq!(ended.status, 2, "{name}");
        assert!(ended.stderr.contains("cannot connect") && ended.stderr.contains("certificate"), "{}", ended.stderr);
        assert!(run.file("opened").is_none(), "nothing was opened");
        assert!(service.seen.lock().unwrap().requests.is_empty(), "{name}: nothing was sent");
    }
    // A server that speaks no TLS.
    let service = Service::start(|_, _| Act::Answer);
    let address = SocketAddr::from(([127, 0, 0, 1], service.port));
    let (ended, _) = run("no-tls", &service, address, &authority.pem());
    assert_eq!(ended.status, 2);
    assert!(service.seen.lock().unwrap().records.is_empty());
    // Mozilla's list does not have the test's authority.
    let service = Service::start(|_, _| Act::Answer);
    let address = front(&service, &authority, "localhost", &both);
    let mut run = Run::new("no-root", &service, "true").with(&["--attempts", "1", "--via", &address.to_string()]);
    run.arguments.retain(|argument| argument != "--insecure-http");
    let at = run.arguments.iter().position(|argument| argument == "--service").unwrap() + 1;
    run.arguments[at] = "https://localhost".to_owned();
    let ended = run.run();
    assert!(ended.status == 2 && ended.stderr.contains("certificate"), "{}", ended.stderr);
    assert!(service.seen.lock().unwrap().requests.is_empty());
}
