//! The agent on a stand-in for one of Azure's machines: a real TPM 2.0 (swtpm) with a simulated paravisor's report in it, the
//! metadata service, and a provider of Azure Attestation that is as strict as the documented form of its requests. What the
//! collectors make together is judged by the verifier, under a policy.

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use prooftrail_devices::tpm::Tpm;
use prooftrail_evidence::{AwsLc, EndorsementFile, Expected, NoIssuers};
use prooftrail_policy::{Demand, PolicyDocument, Request};
use prooftrail_protocol::{KindValue, OtherPiece, Statement, attached_value, primary};
use prooftrail_prover_agent::{
    collect::{AzureAttestation, AzureVtpm, CollectError, Collector, Collectors, Imds},
    transport::ServiceUrl,
};
use prooftrail_result::{Kind, ReasonCode, Timestamp, TrustAnchor, Verdict};
use prooftrail_simulator::{
    azure::{Hardware, JsonWebKey, Machine},
    jose::base64url,
    maa::Provider,
    nvidia::pem,
};
use prooftrail_trust_roots::RootSet;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    tokens::{base64, context, exchange},
    vtpm::{SoftwareTpm, metadata_service},
};

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;

/// A connection for every command: a software TPM serves one at a time, and the kernel's resource manager, which it stands in
/// for, serves all.
struct PerCommand {
    socket: PathBuf,
    command: Vec<u8>,
    response: io::Cursor<Vec<u8>>,
}

impl Write for PerCommand {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.command.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.write_all(&std::mem::take(&mut self.command))?;
        let mut response = vec![0; 10];
        stream.read_exact(&mut response)?;
        let size = u32::from_be_bytes(response[2..6].try_into().unwrap());
        response.resize(usize::try_from(size).unwrap(), 0);
        stream.read_exact(&mut response[10..])?;
        self.response = io::Cursor::new(response);
        Ok(())
    }
}

impl Read for PerCommand {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.response.read(buffer)
    }
}

/// A machine whose virtual TPM is a real one.
struct Guest {
    machine: Machine,
    tpm: SoftwareTpm,
}

impl Guest {
    /// `None` where the computer has no software TPM.
    fn start(name: &str, mut machine: Machine) -> Option<Self> {
        let tpm = SoftwareTpm::start(name)?;
        let modulus = base64url(&tpm.make_key());
        let key = machine.runtime_data.keys.remove(0);
        machine.runtime_data.keys = vec![JsonWebKey { n: modulus, ..key }];
        // Older paravisors have no place for it, and the TPM has no room.
        machine.runtime_data.user_data = None;
        machine.report.padding = 0;
        tpm.write_report(&machine.hcl_report());
        Some(Self { machine, tpm })
    }

    fn kind(&self) -> Kind {
        match self.machine.hardware {
            Hardware::Snp { .. } => Kind::AzureSnpVtpm,
            Hardware::Tdx { .. } => Kind::AzureTdxVtpm,
        }
    }

    /// The certificates of the report's key, as the metadata service has them.
    fn certificates(&self) -> [String; 2] {
        let Hardware::Snp { platform, vcek, .. } = &self.machine.hardware else { return Default::default() };
        let [vcek, ask] = platform.vcek_chain(vcek);
        [pem(&[vcek]), pem(&[ask, platform.root_der()])]
    }

    /// The metadata service, for so many questions.
    fn imds(&self, questions: usize) -> Imds {
        let [vcek, chain] = self.certificates();
        let answer = match self.kind() {
            Kind::AzureSnpVtpm => json!({ "vcekCert": vcek, "tcbm": "0", "certificateChain": chain }),
            _ => json!({ "quote": base64url(&self.machine.hardware_evidence()) }),
        };
        let answer: &'static str = Box::leak(answer.to_string().into_boxed_str());
        metadata_service(Box::leak(vec![(200, answer); questions].into_boxed_slice())).0
    }

    fn vtpm(&self, questions: usize) -> AzureVtpm<PerCommand> {
        let transport = PerCommand { socket: self.tpm.socket(), command: Vec::new(), response: io::Cursor::default() };
        AzureVtpm::detect(Tpm::new(transport), self.imds(questions)).unwrap().unwrap()
    }

    /// The hardware's root.
    fn roots(&self) -> RootSet {
        let file = self.machine.root_der();
        let manifest = self.machine.root_manifest();
        RootSet::from_manifest(&manifest, TrustAnchor::Configured, |_| Ok::<_, String>(file.clone())).unwrap()
    }

    /// What vouches for the evidence: the hardware's chain and lists, and the provider's keys.
    fn endorsements(&self, provider: &Provider) -> Vec<Vec<u8>> {
        let mut files = self.machine.endorsements();
        if let Hardware::Snp { platform, .. } = &self.machine.hardware {
            files.push(platform.crl(AT - 60, &[]).build());
        }
        files.push(provider.key_set().build());
        files
    }
}

/// Base64url without padding.
fn unbase64url(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    assert!(!text.contains(['=', '+', '/']), "{text}");
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    base64(&(text.replace('-', "+").replace('_', "/") + &padding))
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A provider: it takes the hardware's evidence with the runtime data whose hash that has, and answers by `answer` to the
/// nonce.
fn attestation(
    guest: &Guest,
    answer: impl Fn(&str) -> (u16, String) + Send + 'static,
) -> (ServiceUrl, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let nonces = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&nonces);
    let (evidence, chain) = (guest.machine.hardware_evidence(), guest.certificates().concat());
    let runtime_data = guest.machine.runtime_data.build();
    let is_snp = guest.kind() == Kind::AzureSnpVtpm;
    thread::spawn(move || {
        for stream in listener.incoming() {
            exchange(stream.unwrap(), |asked| {
                let has = |header: &str| asked.lines.iter().any(|line| line.eq_ignore_ascii_case(header));
                assert!(has("content-type: application/json") && has("accept: application/json"));
                let question: Value = serde_json::from_slice(&asked.body).unwrap();
                let sent = if is_snp {
                    assert_eq!(asked.lines[0], "POST /attest/SevSnpVm?api-version=2022-08-01 HTTP/1.1");
                    assert_eq!(members(&question), ["nonce", "report", "runtimeData"]);
                    let report: Value = serde_json::from_slice(&unbase64url(&question["report"])).unwrap();
                    assert_eq!(members(&report), ["SnpReport", "VcekCertChain"]);
                    assert_eq!(unbase64url(&report["VcekCertChain"]), chain.as_bytes());
                    unbase64url(&report["SnpReport"])
                } else {
                    assert_eq!(asked.lines[0], "POST /attest/TdxVm?api-version=2025-06-01 HTTP/1.1");
                    assert_eq!(members(&question), ["nonce", "quote", "runtimeData"]);
                    unbase64url(&question["quote"])
                };
                assert_eq!(sent, evidence);
                assert_eq!(members(&question["runtimeData"]), ["data", "dataType"]);
                assert_eq!(question["runtimeData"]["dataType"], "JSON");
                let data = unbase64url(&question["runtimeData"]["data"]);
                assert_eq!(data, runtime_data);
                let hash: [u8; 32] = Sha256::digest(&data).into();
                assert!(sent.windows(32).any(|window| window == hash), "the report data");
                let nonce = question["nonce"].as_str().unwrap();
                told.lock().unwrap().push(nonce.to_owned());
                let (status, body) = answer(nonce);
                (status, "application/json; charset=utf-8", body.into_bytes())
            });
        }
    });
    (ServiceUrl::parse(&url, true).unwrap(), nonces)
}

fn tokens(machine: &Machine) -> impl Fn(&str) -> (u16, String) + Send + 'static {
    let machine = machine.clone();
    move |nonce| {
        let token = Provider::new("agent", AT).platform_token(&machine, nonce).build();
        (200, json!({ "token": token }).to_string())
    }
}

/// A statement of an agent without a GPU.
pub(crate) fn statement() -> Statement {
    Statement {
        agent_version: "0.1.0".into(),
        executable_sha384: [6; 48],
        argv: vec!["prove".into()],
        environment: [].into(),
        sandbox: [].into(),
        witness_header_sha384: None,
        gpu_cc_mode: None,
    }
}

fn policy(guest: &Guest, provider: &Provider) -> String {
    let measurement = hex::encode(guest.machine.measurement());
    let rule = |id: &str, claim: &str, value: &str| {
        format!("[[rule]]\nid = '{id}'\nclaim = '{claim}'\noperator = 'equals'\nvalue = '{value}'\nrationale = 'r'\n")
    };
    [
        "prooftrail_policy = 1\nname = 'azure'\nrationale = 'r'\nallow_simulated = true\nrequire_binding = true\n"
            .into(),
        format!("[[platform]]\nname = 'p'\nprimary = '{}'\nattached = [{{ kind = 'azure-maa' }}]\n", guest.kind()),
        rule("paravisor", "measurement", &measurement),
        rule("provider", "maa.issuer", &provider.issuer),
        rule("status", "maa.compliance_status", "azure-compliant-cvm"),
        rule("executable", "job.executable_sha384", &hex::encode([6; 48])),
    ]
    .concat()
}

/// Collects the set, with a token about `about`, and has it judged: the verdict's reasons.
fn judged(guest: &Guest, about: &Machine) -> Vec<ReasonCode> {
    let (url, nonces) = attestation(guest, tokens(about));
    let collectors = Collectors {
        primary: Some(Box::new(guest.vtpm(1))),
        others: vec![Box::new(AzureAttestation::new(url, None, guest.vtpm(1)))],
    };
    let (context, statement) = (context(), statement());
    let pieces = collectors.collect(&context, &statement).unwrap();
    let kinds: Vec<_> = pieces.iter().map(|piece| piece.kind).collect();
    assert_eq!(kinds, [Kind::AzureMaa, guest.kind()], "the primary piece is collected last");
    let value = attached_value(Kind::AzureMaa, &context).unwrap();
    assert_eq!(*nonces.lock().unwrap(), [base64url(&value)]);

    let provider = Provider::new("agent", AT);
    let covered = [OtherPiece::of(Kind::AzureMaa, &pieces[0].evidence.0)];
    let binding = primary(guest.kind(), &context.sha384(), &statement.sha384(), covered);
    let attached = [(Kind::AzureMaa, value)];
    let (roots, endorsements) = (guest.roots(), guest.endorsements(&provider));
    // And the provider's key.
    let key = Sha256::digest(provider.key.subject_public_key_info()).into();
    let listed: Vec<_> = roots.iter().map(|root| root.sha256).chain([key]).collect();
    let policy = PolicyDocument::parse(&policy(guest, &provider)).unwrap().compile(&listed).unwrap();
    let request = Request {
        evidence: &pieces.iter().map(|piece| (piece.kind, piece.evidence.0.as_slice())).collect::<Vec<_>>(),
        endorsements: &endorsements.into_iter().map(EndorsementFile::from).collect::<Vec<_>>(),
        roots: &roots,
        at: Timestamp::from_unix_seconds(AT + 60).unwrap(),
        expected: Expected {
            nonce: Some(&context.nonce.0),
            binding: Some(&binding),
            attached: &attached,
            ..Expected::default()
        },
        demand: Demand::Policy(&policy),
        crypto: &AwsLc,
        issuers: &NoIssuers,
    };
    let answer = request.answer_stating(&statement.claims(false));
    let result = answer.result();
    assert_eq!(result.verdict == Verdict::Affirming, result.reasons.is_empty(), "{result:?}");
    result.reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn a_machine_of_azure_s_is_attested_with_its_provider_s_token() {
    for (name, machine, other) in [
        ("azure-snp", Machine::snp("agent", AT), Machine::snp("another", AT)),
        ("azure-tdx", Machine::tdx("agent", AT), Machine::tdx("another", AT)),
    ] {
        let Some(guest) = Guest::start(name, machine) else { return println!("skipped: no swtpm on this machine") };
        assert_eq!(judged(&guest, &guest.machine), [], "{name}");
        // A provider's token about another machine, which was asked with the very nonce.
        assert_eq!(judged(&guest, &other), [ReasonCode::BindingUnlinked], "{name}");
        // Another machine that claims this one's key: SEV-SNP has another report, TDX measured another paravisor.
        let mut liar = other.clone();
        liar.runtime_data = guest.machine.runtime_data.clone();
        if let Hardware::Tdx { quote, .. } = &mut liar.hardware {
            quote.td_mut().mrtd[0] ^= 1;
        }
        assert_eq!(judged(&guest, &liar), [ReasonCode::BindingUnlinked], "{name}");
    }
}

#[test]
fn what_the_provider_refuses_or_answers_otherwise_is_an_error_and_its_words_are_not_printed() {
    let Some(guest) = Guest::start("azure-refused", Machine::snp("agent", AT)) else {
        return println!("skipped: no swtpm on this machine");
    };
    let value = KindValue::TokenNonce { audience: "log.example/a".into(), nonce: "n".into() };
    for (status, body, said) in [
        (400, r#"{"error":{"code":"InvalidParameter","message":"SECRET"}}"#, "status 400"),
        (401, "", "status 401"),
        (429, "SECRET", "status 429"),
        (200, r#"{"token":"SECRET"}"#, "gave no token"),
        (200, r#"{"value":"SECRET"}"#, "not of its form"),
        (200, "SECRET", "not of its form"),
    ] {
        let (url, nonces) = attestation(&guest, move |_| (status, body.to_owned()));
        let collector = AzureAttestation::new(url, None, guest.vtpm(1));
        assert_eq!(collector.kind(), Kind::AzureMaa);
        assert!(matches!(collector.collect(&KindValue::ReportData([0; 64])), Err(CollectError::Value(_))));
        let error = collector.collect(&value).unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains("SECRET"), "{error}");
        assert_eq!(nonces.lock().unwrap().len(), 1);
    }
    let nowhere = ServiceUrl::parse("http://127.0.0.1:9", true).unwrap();
    let error = AzureAttestation::new(nowhere, None, guest.vtpm(1)).collect(&value).unwrap_err().to_string();
    assert!(error.contains("cannot connect"), "{error}");
}

#[test]
fn runtime_data_that_are_longer_than_the_paravisor_s_report_are_an_error() {
    let Some(tpm) = SoftwareTpm::start("azure-short") else { return println!("skipped: no swtpm on this machine") };
    let mut machine = Machine::snp("agent", AT);
    machine.runtime_data.keys.clear();
    machine.runtime_data.user_data = None;
    (machine.report.padding, machine.report.data_size_off_by) = (0, 1);
    tpm.write_report(&machine.hcl_report());
    let guest = Guest { machine, tpm };
    let (url, nonces) = attestation(&guest, |_| (200, String::new()));
    let value = KindValue::TokenNonce { audience: "log.example/a".into(), nonce: "n".into() };
    let error = AzureAttestation::new(url, None, guest.vtpm(0)).collect(&value).unwrap_err().to_string();
    assert!(error.contains("too short"), "{error}");
    assert!(nonces.lock().unwrap().is_empty());
}
