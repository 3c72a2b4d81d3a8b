//! The collectors that ask for tokens, against stand-ins that speak the services' protocols: Google's launcher over its Unix
//! socket, and Intel Trust Authority over HTTP.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::net::UnixListener,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use prooftrail_protocol::{
    Context, GpuCcMode, KindValue, OtherPiece, ProofKey, Purpose, RecipientKey, SealingSuite, Statement,
    rand_core::UnwrapErr,
};
use prooftrail_prover_agent::{
    collect::{Appraisal, CollectError, Collector, Collectors, Launcher, Settings, TokenType, TrustAuthority},
    transport::{Address, ServiceUrl},
};
use prooftrail_result::Kind;
use prooftrail_simulator::intel::Vendor;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::{azure::statement, gpus::Library};

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJub3QiOiJyZWFkIGhlcmUifQ.c2lnbmF0dXJl";

/// Base64, standard alphabet with padding.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        u32::try_from(alphabet.iter().position(|known| *known == byte).unwrap()).unwrap()
    };
    assert_eq!(text.len() % 4, 0);
    let mut bytes = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let value = group.iter().fold(0, |value, byte| value << 6 | digit(*byte)) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&value.to_be_bytes()[1..group.len()]);
    }
    bytes
}

/// A request: its line and headers in lower case, and its body.
pub(crate) struct Asked {
    pub(crate) lines: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// Reads one request, and answers it.
pub(crate) fn exchange<S: Read + Write>(mut stream: S, answer: impl FnOnce(&Asked) -> (u16, &'static str, Vec<u8>)) {
    let mut reader = BufReader::new(&mut stream);
    let (mut lines, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let line = line.trim().to_owned();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        lines.push(line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, form, body) = answer(&Asked { lines, body });
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Type: {form}\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
    // An agent that has read enough hangs up.
    let _ = stream.write_all(&body);
}

/// A socket in a folder of its own.
struct Socket(PathBuf);

impl Socket {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("prooftrail-launcher-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("teeserver.sock")
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Google's launcher: it refuses members that it does not know, an empty audience and an unknown type, and answers with text.
fn launcher(answer: impl Fn(&Value) -> (u16, Vec<u8>) + Send + 'static) -> (Socket, Arc<Mutex<Vec<Value>>>) {
    let socket = Socket::new();
    let listener = UnixListener::bind(socket.path()).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            exchange(stream.unwrap(), |asked| {
                assert_eq!(asked.lines[0], "POST /v1/token HTTP/1.1");
                assert!(asked.lines.iter().any(|line| line.eq_ignore_ascii_case("host: localhost")));
                let question: Value = serde_json::from_slice(&asked.body).unwrap();
                let known = ["audience", "nonces", "token_type"];
                let is_known = question.as_object().unwrap().keys().all(|member| known.contains(&member.as_str()));
                let has_type = ["OIDC", "PKI"].contains(&question["token_type"].as_str().unwrap());
                if !is_known || !has_type || question["audience"] == "" {
                    return (400, "text/plain", b"bad request".to_vec());
                }
                told.lock().unwrap().push(question.clone());
                let (status, body) = answer(&question);
                (status, "text/html; charset=utf-8", body)
            });
        }
    });
    (socket, seen)
}

fn token_nonce(audience: &str, nonce: &str) -> KindValue {
    KindValue::TokenNonce { audience: audience.to_owned(), nonce: nonce.to_owned() }
}

#[test]
fn the_launcher_is_asked_for_one_nonce_and_its_token_is_passed_on() {
    let (socket, seen) = launcher(|_| (200, TOKEN.as_bytes().to_vec()));
    let nonce = "n".repeat(64);
    for (token_type, name) in [(TokenType::Pki, "PKI"), (TokenType::Oidc, "OIDC")] {
        let launcher = Launcher::at(Address::Unix(socket.path()), token_type);
        assert_eq!(launcher.kind(), Kind::GcpConfidentialSpace);
        let token = launcher.collect(&token_nonce("log.example/a", &nonce)).unwrap();
        assert_eq!(token, TOKEN.as_bytes());
        let asked = seen.lock().unwrap().pop().unwrap();
        assert_eq!(asked, json!({ "audience": "log.example/a", "token_type": name, "nonces": [nonce] }));
    }
    let launcher = Launcher::at(Address::Unix(socket.path()), TokenType::Pki);
    assert!(matches!(launcher.collect(&KindValue::ReportData([0; 64])), Err(CollectError::Value(_))));
    // What Google would refuse is not asked.
    for (audience, nonce) in [("", nonce.as_str()), (&"a".repeat(513), &nonce), ("a", "short"), ("a", &"n".repeat(89))]
    {
        assert!(launcher.collect(&token_nonce(audience, nonce)).is_err());
    }
    assert_eq!(seen.lock().unwrap().len(), 0);
}

#[test]
fn what_is_no_token_is_not_passed_on() {
    let answers: &[(u16, Vec<u8>, &str)] = &[
        (500, b"failed to get the token".to_vec(), "status 500"),
        (400, b"{}".to_vec(), "status 400"),
        (200, Vec::new(), "no token"),
        (200, b"<html></html>".to_vec(), "no token"),
        (200, b"a.b".to_vec(), "no token"),
        (200, b"a.b.c.d".to_vec(), "no token"),
        (200, b"a..c".to_vec(), "no token"),
        (200, b"a.b=.c".to_vec(), "no token"),
        (200, vec![b'a'; (64 << 10) + 1], "larger than"),
    ];
    for (status, body, said) in answers {
        let (status, body) = (*status, body.clone());
        let (socket, _) = launcher(move |_| (status, body.clone()));
        let launcher = Launcher::at(Address::Unix(socket.path()), TokenType::Pki);
        let error = launcher.collect(&token_nonce("log.example/a", &"n".repeat(64))).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let nowhere = Launcher::at(Address::Unix("/nonexistent/teeserver.sock".into()), TokenType::Pki);
    let error = nowhere.collect(&token_nonce("log.example/a", &"n".repeat(64))).unwrap_err().to_string();
    assert!(error.contains("cannot connect"), "{error}");
}

/// A trust domain whose quotes are the simulator's.
struct TrustDomain;

impl Collector for TrustDomain {
    fn kind(&self) -> Kind {
        Kind::IntelTdx
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::ReportData(data) = value else { return Err(CollectError::Value(self.kind())) };
        let mut quote = Vendor::new("agent", 1_780_315_200).td_quote();
        quote.td_mut().report_data = *data;
        Ok(quote.build())
    }
}

/// Another vendor's hardware.
struct Foreign;

impl Collector for Foreign {
    fn kind(&self) -> Kind {
        Kind::AmdSevSnp
    }

    fn collect(&self, _: &KindValue) -> Result<Vec<u8>, CollectError> {
        unreachable!("it is never asked")
    }
}

const NONCE: &str = r#"{"val":"dmFs","iat":"aWF0","signature":"c2ln"}"#;

/// Intel Trust Authority: a nonce, then a token for a quote whose report data are those of the nonce and the runtime data.
fn trust_authority(nonce: &'static str, answer: (u16, &'static str)) -> (ServiceUrl, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            exchange(stream.unwrap(), |asked| {
                let has = |header: &str| asked.lines.iter().any(|line| line.eq_ignore_ascii_case(header));
                if !has("x-api-key: the key") {
                    return (401, "application/json", b"{}".to_vec());
                }
                assert!(has("accept: application/json"));
                if asked.lines[0] == "GET /appraisal/v2/nonce HTTP/1.1" {
                    return (200, "application/json", nonce.as_bytes().to_vec());
                }
                assert_eq!(asked.lines[0], "POST /appraisal/v2/attest HTTP/1.1");
                let question: Value = serde_json::from_slice(&asked.body).unwrap();
                let tdx = &question["tdx"];
                let bytes = |value: &Value| base64(value.as_str().unwrap());
                let given = &tdx["verifier_nonce"];
                assert_eq!(*given, serde_json::from_str::<Value>(nonce).unwrap(), "as it came");
                let parts = [bytes(&given["val"]), bytes(&given["iat"]), bytes(&tdx["runtime_data"])];
                // The report data of a quote of version 4: 48 bytes of header, 520 of the report before.
                let quote = bytes(&tdx["quote"]);
                assert_eq!(quote[568..632], Sha512::digest(parts.concat())[..]);
                told.lock().unwrap().push(question.clone());
                (answer.0, "application/json", answer.1.as_bytes().to_vec())
            });
        }
    });
    (ServiceUrl::parse(&url, true).unwrap(), seen)
}

fn authority(url: &ServiceUrl, key: &str, appraisal: Appraisal) -> TrustAuthority {
    TrustAuthority::new(url.clone(), None, key, appraisal, Box::new(TrustDomain)).unwrap()
}

const ANSWER: &str = r#"{"token":"eyJhbGciOiJSUzI1NiJ9.eyJub3QiOiJyZWFkIGhlcmUifQ.c2lnbmF0dXJl"}"#;

#[test]
fn a_quote_over_the_services_nonce_and_the_runtime_data_becomes_a_token() {
    let (url, seen) = trust_authority(NONCE, (200, ANSWER));
    let data = KindValue::RuntimeData(b"the runtime data".to_vec());
    let service = authority(&url, "the key", Appraisal::default());
    assert_eq!(service.kind(), Kind::IntelTrustAuthority);
    assert_eq!(service.collect(&data).unwrap(), TOKEN.as_bytes());
    let asked = seen.lock().unwrap().pop().unwrap();
    let members: Vec<_> = asked.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["tdx", "token_signing_alg"]);
    assert_eq!(asked["token_signing_alg"], "PS384");
    assert_eq!(base64(asked["tdx"]["runtime_data"].as_str().unwrap()), b"the runtime data");
    let appraisal = Appraisal {
        policies: vec!["f48dabc5-9823-4048-9fe6-2fb9b3a9f3a1".to_owned()],
        must_match: true,
        ..Appraisal::default()
    };
    authority(&url, "the key", appraisal).collect(&data).unwrap();
    let asked = seen.lock().unwrap().pop().unwrap();
    assert_eq!(asked["policy_ids"], json!(["f48dabc5-9823-4048-9fe6-2fb9b3a9f3a1"]));
    assert_eq!(asked["policy_must_match"], true);
    assert!(matches!(service.collect(&KindValue::DeviceNonce([0; 32])), Err(CollectError::Value(_))));
}

#[test]
fn a_service_that_refuses_or_answers_something_else_is_an_error_that_tells_no_key() {
    let data = KindValue::RuntimeData(b"the runtime data".to_vec());
    let long =
        Box::leak(format!(r#"{{"val":"{}","iat":"aWF0","signature":"c2ln"}}"#, "A".repeat(4100)).into_boxed_str());
    for (nonce, answer, key, said) in [
        (NONCE, (200, ANSWER), "another key", "status 401"),
        (NONCE, (429, "{}"), "the key", "status 429"),
        (NONCE, (200, r#"{"token":"none"}"#), "the key", "no token"),
        (NONCE, (200, r#"{"error":"policy"}"#), "the key", "not of its form"),
        (NONCE, (200, r#"{"token":"a.b.c","more":1}"#), "the key", "not of its form"),
        (r#"{"val":"","iat":"aWF0","signature":""}"#, (200, ANSWER), "the key", "its nonce is none"),
        (r#"{"val":"%%","iat":"aWF0","signature":""}"#, (200, ANSWER), "the key", "its nonce is none"),
        (long, (200, ANSWER), "the key", "its nonce is none"),
        (r#"{"val":"dmFs"}"#, (200, ANSWER), "the key", "not of its form"),
    ] {
        let (url, _) = trust_authority(nonce, answer);
        let service = authority(&url, key, Appraisal::default());
        let error = service.collect(&data).unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains(key), "{error}");
        assert!(!format!("{service:?}").contains(key));
    }
    let (url, _) = trust_authority(NONCE, (200, ANSWER));
    for key in ["", "two\nlines"] {
        assert!(TrustAuthority::new(url.clone(), None, key, Appraisal::default(), Box::new(TrustDomain)).is_err());
    }
    let foreign = TrustAuthority::new(url, None, "the key", Appraisal::default(), Box::new(Foreign)).unwrap_err();
    assert!(foreign.contains("amd-sev-snp"), "{foreign}");
}

pub(crate) fn context() -> Context {
    Context {
        log_origin: "log.example/a".parse().unwrap(),
        nonce: prooftrail_protocol::Nonce([3; 32]),
        purpose: Purpose::Appraisal,
        key: None,
        suite: SealingSuite::HpkeX25519HkdfSha256Aes256Gcm,
        recipient: RecipientKey::generate(&mut UnwrapErr(getrandom::SysRng)).public(),
        proof_key: ProofKey::from_seed(&[1; 32]).public(),
    }
}

/// The set as it is put together from settings: the GPUs first, each over the attached value; then the token, whose value covers
/// them and the statement, in which the GPUs' mode stands.
#[test]
fn the_primary_token_is_asked_for_last_and_covers_the_gpus() {
    let Some(library) = Library::compile(&["DEVTOOLS=1"]) else { return println!("skipped: no C compiler") };
    let (socket, seen) = launcher(|_| (200, TOKEN.as_bytes().to_vec()));
    let settings = |more: &str| {
        let text = format!(
            "primary = 'gcp-confidential-space'\nattach = ['nvidia-gpu']\n[confidential_space]\nsocket = {:?}\n\
             [nvidia_gpu]\nlibrary = {:?}\n{more}",
            socket.path(),
            library.path()
        );
        Settings::parse(&text).unwrap()
    };
    let collectors = Collectors::of_this_machine(&settings("")).unwrap();
    assert_eq!(collectors.gpu_cc_mode(), Some(GpuCcMode::DevTools));
    let statement = Statement { gpu_cc_mode: collectors.gpu_cc_mode(), ..statement() };
    let context = context();
    let pieces = collectors.collect(&context, &statement).unwrap();
    let kinds: Vec<_> = pieces.iter().map(|piece| piece.kind).collect();
    assert_eq!(kinds, [Kind::NvidiaGpu, Kind::GcpConfidentialSpace]);
    let gpus: Value = serde_json::from_slice(&pieces[0].evidence.0).unwrap();
    let attached = KindValue::attached(Kind::NvidiaGpu, &context).unwrap();
    assert_eq!(
        KindValue::DeviceNonce(hex::decode(gpus[1]["nonce"].as_str().unwrap()).unwrap().try_into().unwrap()),
        attached
    );
    let covered = OtherPiece::of(Kind::NvidiaGpu, &pieces[0].evidence.0);
    let value = KindValue::primary(Kind::GcpConfidentialSpace, &context, &statement.sha384(), [covered]).unwrap();
    let asked = seen.lock().unwrap().pop().unwrap();
    let (audience, nonce) = (asked["audience"].as_str().unwrap(), asked["nonces"][0].as_str().unwrap());
    assert_eq!(token_nonce(audience, nonce), value);
}

#[test]
fn settings_that_this_machine_cannot_fulfil_are_refused_before_anything_is_asked() {
    let refused = |text: &str| match Collectors::of_this_machine(&Settings::parse(text).unwrap()) {
        Ok(_) => panic!("{text}: there are such collectors"),
        Err(error) => error.to_string(),
    };
    let gpu = refused(
        "primary = 'gcp-confidential-space'\nattach = ['nvidia-gpu']\n[nvidia_gpu]\nlibrary = '/nonexistent/nvml.so'\n\
         [confidential_space]\nsocket = '/nonexistent/teeserver.sock'\n",
    );
    assert!(gpu.contains("nvidia-gpu") && gpu.contains("no driver"), "{gpu}");
    let socket = "primary = 'gcp-confidential-space'\n[confidential_space]\nsocket = '/nonexistent/teeserver.sock'\n";
    assert!(refused(socket).contains("no launcher"), "{}", refused(socket));
    for (text, said) in [
        ("attach = ['nvidia-switch']", "NSCQ"),
        ("attach = ['azure-maa']", "azure_attestation.url is not set"),
        ("attach = ['azure-maa']\n[azure_attestation]\nurl = 'http://p.weu.attest.azure.net'", "is not https://"),
        ("primary = 'azure-maa'", "cannot be primary"),
        ("attach = ['nvidia-nras']", "not collected"),
        ("primary = 'intel-sgx'", "not collected"),
        ("primary = 'nvidia-gpu'", "cannot be primary"),
        ("primary = 'intel-trust-authority'", "api_key_file"),
    ] {
        assert!(refused(text).contains(said), "{text}: {}", refused(text));
    }
}
