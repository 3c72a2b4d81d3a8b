//! TLS, with a certificate of the test's own.

use std::fs;

use prooftrail::service::config::Tls;

use crate::{running::Service, scratch::Scratch};

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
