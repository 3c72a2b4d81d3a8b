//! TLS, with a certificate of the test's own.

use std::fs;

use prooftrail::service::config::Tls;

use crate::{running::Service, scratch::Scratch};

/// Asks for `/healthz` by a client of its own, which trusts this certificate only; the status.
async fn healthz(service: &Service, trusted: &rcgen::Certificate) -> Option<u16> {
    let trusted = reqwest::Certificate::from_pem(trusted.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([trusted]).resolve("localhost", service.address);
    let url = format!("https://localhost:{}/healthz", service.address.port());
    client.build().unwrap().get(url).send().await.ok().map(|reply| reply.status().as_u16())
}

#[test]
fn a_certificate_is_renewed_while_the_service_runs() {
    let scratch = Scratch::new();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| scratch.path().join(name));
    let [first, second, third] = [0; 3].map(|_| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    let write = |cert: &rcgen::Certificate, pair: &rcgen::KeyPair| {
        fs::write(&certificate, cert.pem()).unwrap();
        fs::write(&key, pair.serialize_pem()).unwrap();
    };
    write(&first.cert, &first.signing_key);
    let tls = Tls { certificate: certificate.clone(), key: key.clone() };
    let service = Service::start(|config| config.tls = Some(tls));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kept = reqwest::Certificate::from_pem(first.cert.pem().as_bytes()).unwrap();
        let kept = reqwest::Client::builder().tls_certs_only([kept]).resolve("localhost", service.address);
        let kept = kept.build().unwrap();
        let url = format!("https://localhost:{}/healthz", service.address.port());
        assert_eq!(kept.get(&url).send().await.unwrap().status(), 200);

        write(&second.cert, &second.signing_key);
        assert_eq!(healthz(&service, &second.cert).await, None, "not before it is told");
        service.reloader.reload();
        assert_eq!(healthz(&service, &second.cert).await, Some(200));
        assert_eq!(healthz(&service, &first.cert).await, None);
        // A connection that was made before goes on.
        assert_eq!(kept.get(&url).send().await.unwrap().status(), 200);

        // Half of a renewal, and files that are none: what was there stays.
        write(&third.cert, &second.signing_key);
        service.reloader.reload();
        assert_eq!(healthz(&service, &second.cert).await, Some(200));
        assert_eq!(healthz(&service, &third.cert).await, None);
        fs::write(&key, "no key").unwrap();
        service.reloader.reload();
        fs::remove_file(&certificate).unwrap();
        service.reloader.reload();
        assert_eq!(healthz(&service, &second.cert).await, Some(200));
        write(&third.cert, &third.signing_key);
        service.reloader.reload();
        assert_eq!(healthz(&service, &third.cert).await, Some(200));
    });
}

#[test]
fn with_a_certificate_the_service_speaks_tls_and_nothing_else() {
    let scratch = Scratch::new();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| scratch.path().join(name));
    fs::write(&certificate, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    let service = Service::start(|config| config.tls = Some(Tls { certificate, key }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let trusted = reqwest::Certificate::from_pem(cert.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([trusted]).resolve("localhost", service.address);
        let client = client.build().unwrap();
        let port = service.address.port();
        let reply = client.get(format!("https://localhost:{port}/healthz")).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        let stranger = reqwest::Client::builder().tls_certs_only([]).resolve("localhost", service.address);
        let refused = stranger.build().unwrap().get(format!("https://localhost:{port}/healthz")).send().await;
        assert!(refused.is_err());
        assert!(client.get(format!("http://localhost:{port}/healthz")).send().await.is_err());
    });
}
