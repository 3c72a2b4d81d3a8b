//! A service in the test's own process: the real forms, digests and signatures, evidence verified by the real verifier under
//! the simulator's root. Each answer can be replaced, delayed, cut off or lied about.

use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use age_core::{format::Stanza, secrecy::ExposeSecret};
use agent_tests::HYPERVISOR;
use prooftrail_evidence::{
    AwsLc, Context as Surroundings, Endorsements, Expected, NoIssuers, Revocation, authenticate,
};
use prooftrail_protocol::{
    Challenge, Context, FileKey, FleetKey, FleetKeys, KeyRef, Nonce, ProofRecord, ReleaseId, ReleaseKey, ReleaseTerms,
    Statement, primary,
    rand_core::UnwrapErr,
    seal,
    wire::{
        Bytes, ChallengeRequest, ChallengeResponse, Digest32, LedgerPlace, Problem, ProofOutcome, ProofRequest,
        ProofResponse, ReleaseRequest, ReleaseResponse,
    },
};
use prooftrail_result::Timestamp;
use prooftrail_simulator::nitro::Hypervisor;
use prooftrail_trust_roots::RootSet;
use serde_json::Value;

/// What is done with a request.
pub(crate) enum Act {
    /// Answered.
    Answer,
    /// Answered with another status, headers and body.
    Instead(u16, &'static str, Vec<u8>),
    /// Worked on, and the answer lost.
    LoseAnswer,
    /// A body that does not end.
    Endless,
    /// No answer.
    Silence,
    /// Answered, after the JSON was changed.
    Edit(fn(&mut Value)),
    /// The terms are changed before they are sealed under and signed by the real key.
    Terms(fn(&mut ReleaseTerms)),
    /// Signed by another key.
    OtherKey,
}

/// What the service decides for the path's n-th request.
pub(crate) type Decide = Box<dyn Fn(&str, usize) -> Act + Send>;

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// Path and body of each request.
    pub(crate) requests: Vec<(String, Vec<u8>)>,
    /// The statement of each release that was worked on anew.
    pub(crate) statements: Vec<Statement>,
    /// The records.
    pub(crate) records: Vec<(ProofRecord, ProofRequest)>,
}

pub(crate) struct Service {
    pub(crate) port: u16,
    pub(crate) witness_key: age::x25519::Identity,
    pub(crate) release_key: String,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

struct Core {
    witness_key: age::x25519::Identity,
    release_key: ReleaseKey,
    fleet: FleetKeys,
    seen: Arc<Mutex<Seen>>,
    decide: Decide,
    released: Mutex<Vec<Released>>,
}

/// The body of a release's request, its response, and the context.
type Released = (Vec<u8>, Vec<u8>, Context);

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap()).unwrap()
}

const LEAF: &[u8] = b"the entry of the decision";

impl Service {
    pub(crate) fn start(decide: impl Fn(&str, usize) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let witness_key = age::x25519::Identity::generate();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let release_key = ReleaseKey::from_seed(&[7; 32]);
        let public = hex::encode(release_key.public().as_bytes());
        let core = Core {
            witness_key: witness_key.clone(),
            release_key,
            fleet: FleetKeys::new(FleetKey::from_bytes(&[9; 32]), Vec::new()),
            seen: Arc::clone(&seen),
            decide: Box::new(decide),
            released: Mutex::default(),
        };
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that has gone is no trouble of the service's.
                let _ = core.serve(&stream.unwrap());
            }
        });
        Self { port, witness_key, release_key: public, seen }
    }
}

impl Core {
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let count = {
            let mut seen = self.seen.lock().unwrap();
            seen.requests.push((path.clone(), body.clone()));
            seen.requests.iter().filter(|(each, _)| *each == path).count()
        };
        let act = (self.decide)(&path, count);
        let respond = |status: u16, headers: &str, body: &[u8]| {
            let mut stream = stream;
            let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes())?;
            stream.write_all(body)
        };
        match act {
            Act::Instead(status, headers, body) => respond(status, headers, &body),
            Act::Silence => {
                thread::sleep(Duration::from_secs(3));
                Ok(())
            }
            Act::Endless => {
                (&*stream).write_all(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x1_0000], b"\r\n"].concat();
                loop {
                    (&*stream).write_all(&chunk)?;
                }
            }
            act => {
                let (status, body) = self.answer(&path, &body, &act);
                match act {
                    Act::LoseAnswer => Ok(()),
                    Act::Edit(edit) => {
                        let mut value: Value = serde_json::from_slice(&body).unwrap();
                        edit(&mut value);
                        respond(status, "", &serde_json::to_vec(&value).unwrap())
                    }
                    _ => respond(status, "", &body),
                }
            }
        }
    }

    fn answer(&self, path: &str, body: &[u8], act: &Act) -> (u16, Vec<u8>) {
        let json = |value: Vec<u8>| (200, value);
        match path {
            "/v1/challenges" => {
                json(serde_json::to_vec(&self.challenge(&serde_json::from_slice(body).unwrap())).unwrap())
            }
            "/v1/releases" => {
                let stored =
                    self.released.lock().unwrap().iter().find(|(asked, ..)| asked == body).map(|(_, r, _)| r.clone());
                if let Some(stored) = stored {
                    return json(stored);
                }
                match self.release(&serde_json::from_slice(body).unwrap(), act) {
                    Ok((response, context)) => {
                        let response = serde_json::to_vec(&response).unwrap();
                        self.released.lock().unwrap().push((body.to_vec(), response.clone(), context));
                        json(response)
                    }
                    Err(why) => (403, serde_json::to_vec(&Problem::new("test.refused", 403, "refused", why)).unwrap()),
                }
            }
            "/v1/proofs" => json(serde_json::to_vec(&self.proof(serde_json::from_slice(body).unwrap())).unwrap()),
            _ => (404, Vec::new()),
        }
    }

    fn challenge(&self, request: &ChallengeRequest) -> ChallengeResponse {
        let mut random = [0; 32];
        getrandom::fill(&mut random).unwrap();
        let issued = now();
        let challenge = Challenge::new(random, "checkpoint\n", 0, issued, issued.saturating_add_seconds(60)).unwrap();
        ChallengeResponse {
            challenge: self.fleet.token(&challenge).as_str().to_owned(),
            nonce: challenge.nonce(),
            checkpoint: challenge.checkpoint().to_owned(),
            recovery_epoch: 0,
            expires: challenge.expires(),
            log_origin: "log.example.com/test".parse().unwrap(),
            release_key: self.release_key.public(),
            key: request.key.clone().map(|name| KeyRef { name, version: 3 }),
        }
    }

    fn release(&self, request: &ReleaseRequest, act: &Act) -> Result<(ReleaseResponse, Context), String> {
        let challenge = self.fleet.challenge(&request.challenge, now()).map_err(|error| error.to_string())?;
        let nonce: Nonce = challenge.nonce();
        let context = Context {
            log_origin: "log.example.com/test".parse().unwrap(),
            nonce,
            purpose: request.purpose,
            key: Some(request.key.clone()),
            suite: request.suite,
            recipient: request.recipient,
            proof_key: request.proof_key,
        };
        let statement = Statement::decode(&request.statement.0).map_err(|error| error.to_string())?;
        let [piece] = request.evidence.as_slice() else { return Err("one piece".to_owned()) };
        let binding = primary(piece.kind, &context.sha384(), &statement.sha384(), []);
        let roots = RootSet::from_certificate(Hypervisor::new(HYPERVISOR).root_der());
        let authentic = authenticate(
            piece.kind,
            &piece.evidence.0,
            &Surroundings {
                crypto: &AwsLc,
                roots: &roots,
                endorsements: &Endorsements::default(),
                issuers: &NoIssuers,
                revocation: Revocation::default(),
                at: now(),
                expected: Expected { nonce: Some(&nonce.0), binding: Some(&binding), ..Expected::default() },
            },
        )
        .map_err(|refusal| refusal.reason.code.to_string())?;
        let file_key = self.unwrap(&request.witness_header.0).ok_or("no stanza opens")?;
        let mut terms = ReleaseTerms {
            origin: context.log_origin.clone(),
            release_id: ReleaseId([0xab; 16]),
            context_sha384: context.sha384(),
            key: request.key.clone(),
            purpose: request.purpose,
            policy_digest: [5; 48],
            evidence: vec![authentic.evidence_id()],
            header_sha384: prooftrail_protocol::sha384(&[&request.witness_header.0]),
            expires: now().saturating_add_seconds(60),
        };
        if let Act::Terms(change) = act {
            change(&mut terms);
        }
        let encoded = terms.encode();
        let sealed =
            seal(&file_key, &request.recipient, &context.sha384(), &encoded, &mut UnwrapErr(getrandom::SysRng))
                .unwrap();
        let other = ReleaseKey::from_seed(&[8; 32]);
        let signer = if matches!(act, Act::OtherKey) { &other } else { &self.release_key };
        self.seen.lock().unwrap().statements.push(statement);
        let response = ReleaseResponse {
            release_id: terms.release_id,
            signature: signer.sign(&encoded, &sealed.0),
            terms: Bytes(encoded),
            sealed,
            expires: terms.expires,
            ledger: place(),
        };
        Ok((response, context))
    }

    /// The file key of a header, by way of the age library.
    fn unwrap(&self, header: &[u8]) -> Option<FileKey> {
        struct Capture<'a>(&'a age::x25519::Identity, RefCell<Option<FileKey>>);
        impl age::Identity for Capture<'_> {
            fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
                let key = self.0.unwrap_stanza(stanza)?;
                if let Ok(key) = &key {
                    *self.1.borrow_mut() = Some(FileKey::from_bytes(key.expose_secret()));
                }
                Some(key)
            }
        }
        let capture = Capture(&self.witness_key, RefCell::new(None));
        let with_nonce = [header, &[0; 16]].concat();
        let decryptor = age::Decryptor::new(with_nonce.as_slice()).ok()?;
        let identity: &dyn age::Identity = &capture;
        decryptor.decrypt(std::iter::once(identity)).ok()?;
        capture.1.into_inner()
    }

    fn proof(&self, request: ProofRequest) -> ProofResponse {
        let released = self.released.lock().unwrap();
        let (.., context) = released.last().unwrap();
        let record = request.signed_record().verify(&context.proof_key).unwrap();
        let outcome = if record.exit_status == 0 { ProofOutcome::Unsupported } else { ProofOutcome::NoProof };
        let proof_id = record.proof_sha256.map(Digest32);
        self.seen.lock().unwrap().records.push((record, request));
        ProofResponse { proof_id, statement_id: None, verified: outcome, url: None, ledger: place() }
    }
}

fn place() -> LedgerPlace {
    LedgerPlace { leaf_index: 7, leaf: Bytes(LEAF.to_vec()), checkpoint: "checkpoint\n".to_owned(), proof: None }
}

/// What a record must name.
pub(crate) fn leaf_hash() -> [u8; 32] {
    place().leaf_hash()
}
