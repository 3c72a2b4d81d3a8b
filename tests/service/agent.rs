//! A simulated prover with its hypervisor, and the real protocol. In: the address of a service; out: requests as an agent
//! sends them, to be changed before they are sent, and releases as it opens them.

use std::{
    convert::Infallible,
    io::Write as _,
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use prooftrail_protocol::{
    Ask, Context, KeyRef, KindValue, Nonce, Offer, Origin, ProofKey, ProofRecord, Purpose, RecipientKey, ReleaseId,
    ReleasePublic, SealingSuite, SessionRequest, Statement, rand_core, sha256, sha384,
    wire::{ChallengeResponse, PieceOfEvidence, ProofRequest, ReleaseRequest, ReleaseResponse, SessionReleaseRequest},
};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_simulator::nitro::Hypervisor;
use serde_json::{Value, json};

use crate::http::{self, Reply};

/// What the witness says.
pub(crate) const PLAINTEXT: &[u8] = b"the balances of every customer";

/// The executable that the policy allows.
pub(crate) const EXECUTABLE: [u8; 48] = [0x66; 48];

/// A generator for tests.
pub(crate) struct Chance(u64);

impl Chance {
    /// Gives what no other one of this process gives.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        Self(COUNT.fetch_add(1, Ordering::Relaxed))
    }
}

impl rand_core::TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::try_from(self.try_next_u64()? >> 32).unwrap())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for (block, chunk) in (0_u64..).zip(bytes.chunks_mut(32)) {
            let digest = sha256(&[&self.0.to_le_bytes(), &block.to_le_bytes(), &std::process::id().to_le_bytes()]);
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
        self.0 = self.0.wrapping_add(1 << 32);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Chance {}

/// The policy `name` for the simulated enclave. What differs between two rationales is their digest.
pub(crate) fn policy(name: &str, executable: [u8; 48], rationale: &str, more: &str) -> String {
    format!(
        "prooftrail_policy = 1\nname = '{name}'\nrationale = '{rationale}'\nallow_simulated = true\n\
         require_binding = true\n[[platform]]\nname = 'nitro'\nprimary = 'aws-nitro'\n\
         [[rule]]\nid = 'executable'\nclaim = 'job.executable_sha384'\noperator = 'equals'\nvalue = '{}'\n\
         rationale = 'what runs'\n[[rule]]\nid = 'image'\nclaim = 'nitro.pcr0'\noperator = 'in'\n\
         reference = 'images'\nrationale = 'which image'\n{more}[[reference]]\nname = 'images'\n\
         [[reference.value]]\nvalue = '{}'\n",
        hex::encode(executable),
        hex::encode(pcr0())
    )
}

/// The measurement of the simulated enclave's image.
fn pcr0() -> [u8; 48] {
    let (_, value) = hypervisor().document(now_ms()).pcrs_mut()[0].clone();
    *value.encode().last_chunk().unwrap()
}

/// The simulated enclave's hypervisor; `seed` names its root.
pub(crate) fn hypervisor() -> Hypervisor {
    Hypervisor::new("service-tests")
}

/// Writes the root of the simulated enclave where a service can be told to find it.
pub(crate) fn root_file(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("simulated.der");
    std::fs::write(&path, hypervisor().root_der()).unwrap();
    path
}

/// A service with a policy and a key, as an agent and its owner see it.
#[derive(Clone)]
pub(crate) struct Site {
    pub address: SocketAddr,
    pub token: String,
    pub key: KeyRef,
    pub origin: Origin,
    pub release_key: ReleasePublic,
    pub file: Vec<u8>,
}

impl Site {
    /// Uploads a policy, puts it in force, makes a key named to it, and seals a witness.
    pub(crate) fn prepare(address: SocketAddr, token: &str) -> Self {
        let known = http::send(address, &http::request("GET", "/.well-known/prooftrail", None, None)).json();
        let release_key = hex::decode(known["release_key"].as_str().unwrap()).unwrap();
        let mut site = Self {
            address,
            token: token.to_owned(),
            key: KeyRef { name: "solvency".parse().unwrap(), version: 1 },
            origin: known["origin"].as_str().unwrap().parse().unwrap(),
            release_key: ReleasePublic::from_bytes(&release_key.try_into().unwrap()).unwrap(),
            file: Vec::new(),
        };
        site.put_in_force(&policy("proofs", EXECUTABLE, "for tests", ""));
        let made = site.call("POST", "/v1/keys", Some(&json!({ "name": "solvency", "policy": "proofs" })));
        assert_eq!(made.status, 201, "{made:?}");
        site.file = sealed(made.json()["versions"][0]["recipient"].as_str().unwrap(), PLAINTEXT);
        site
    }

    /// Uploads the text of a policy and puts it in force.
    pub(crate) fn put_in_force(&self, text: &str) {
        let uploaded = http::send(self.address, &http::text_request("/v1/policies", &self.token, text));
        assert!([200, 201].contains(&uploaded.status), "{uploaded:?}");
        let version = uploaded.json();
        let name = version["name"].as_str().unwrap();
        let body = json!({ "version": version["version"], "digest": version["digest"] });
        let activated = self.call("POST", &format!("/v1/policies/{name}/activate"), Some(&body));
        assert_eq!(activated.status, 200, "{activated:?}");
    }

    /// A request as the operator.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        http::send(self.address, &http::request(method, path, Some(&self.token), body))
    }

    /// A request as an agent.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        http::send(self.address, &http::request("POST", path, None, Some(body)))
    }

    /// A challenge.
    pub(crate) fn challenge(&self, purpose: Purpose) -> ChallengeResponse {
        let reply = self.post("/v1/challenges", &json!({ "purpose": purpose }));
        assert_eq!(reply.status, 200, "{reply:?}");
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// Everything of a release that will be granted.
    pub(crate) fn job(&self, purpose: Purpose) -> Job {
        self.job_of(purpose, self.challenge(purpose))
    }

    /// The same with a challenge that is at hand.
    pub(crate) fn job_of(&self, purpose: Purpose, challenge: ChallengeResponse) -> Job {
        assert_eq!(challenge.log_origin, self.origin);
        let header = header_of(&self.file);
        Job {
            nonce: challenge.nonce,
            challenge: challenge.challenge,
            purpose,
            origin: self.origin.clone(),
            key: (purpose != Purpose::Appraisal).then(|| self.key.clone()),
            recipient: RecipientKey::generate(&mut Chance::new()),
            proof_key: ProofKey::from_seed(&chance()),
            statement: Statement {
                agent_version: "0.1.0".into(),
                executable_sha384: EXECUTABLE,
                argv: vec!["prove".into()],
                environment: ["PATH".to_owned()].into(),
                sandbox: ["no_network".to_owned()].into(),
                witness_header_sha384: (purpose == Purpose::Release).then(|| sha384(&[header])),
                gpu_cc_mode: None,
            },
            header: header.to_vec(),
            hypervisor: hypervisor(),
            debug: false,
        }
    }

    /// Asks for a release, which must be granted.
    pub(crate) fn release(&self, job: &Job) -> ReleaseResponse {
        let reply = self.post("/v1/releases", &json!(job.request()));
        assert_eq!(reply.status, 200, "{reply:?}");
        serde_json::from_slice(&reply.body).unwrap()
    }
}

/// What an agent is about to ask, with its keys.
pub(crate) struct Job {
    pub nonce: Nonce,
    pub challenge: String,
    pub purpose: Purpose,
    pub origin: Origin,
    pub key: Option<KeyRef>,
    pub recipient: RecipientKey,
    pub proof_key: ProofKey,
    pub statement: Statement,
    pub header: Vec<u8>,
    pub hypervisor: Hypervisor,
    /// Whether the enclave runs in debug mode.
    pub debug: bool,
}

impl Job {
    pub(crate) fn context(&self) -> Context {
        Context {
            log_origin: self.origin.clone(),
            nonce: self.nonce,
            purpose: self.purpose,
            key: self.key.clone(),
            suite: SealingSuite::HpkeX25519HkdfSha256Aes256Gcm,
            recipient: self.recipient.public(),
            proof_key: self.proof_key.public(),
        }
    }

    /// The enclave's evidence for this job.
    pub(crate) fn evidence(&self) -> Vec<u8> {
        let value = KindValue::primary(Kind::AwsNitro, &self.context(), &self.statement.sha384(), []);
        let Some(KindValue::NitroFields { nonce, public_key, user_data }) = value else { unreachable!() };
        let mut document = self.hypervisor.document(now_ms());
        if self.debug {
            document.debug();
        }
        document.nonce(&nonce.0).public_key(&public_key).user_data(&user_data).build()
    }

    /// The request.
    pub(crate) fn request(&self) -> ReleaseRequest {
        ReleaseRequest {
            challenge: self.challenge.clone(),
            purpose: self.purpose,
            key: self.key.clone().unwrap(),
            suite: SealingSuite::HpkeX25519HkdfSha256Aes256Gcm,
            recipient: self.recipient.public(),
            proof_key: self.proof_key.public(),
            statement: self.statement.encode().into(),
            witness_header: self.header.clone().into(),
            evidence: vec![PieceOfEvidence { kind: Kind::AwsNitro, evidence: self.evidence().into() }],
            endorsements: Vec::new(),
        }
    }

    /// Opens a release as the agent does, and reads the witness `file`.
    pub(crate) fn open(&self, site: &Site, response: &ReleaseResponse, file: &[u8]) -> Vec<u8> {
        self.open_from(Kind::AwsNitro, site, response, file)
    }

    /// The same where evidence of another kind was sent.
    pub(crate) fn open_from(&self, kind: Kind, site: &Site, response: &ReleaseResponse, file: &[u8]) -> Vec<u8> {
        let ask = Ask {
            context: self.context(),
            header_sha384: sha384(&[header_of(file)]),
            kinds: vec![kind],
            policy_digest: None,
        };
        let offer = Offer { terms: &response.terms.0, sealed: &response.sealed.0, signature: response.signature };
        let checked = ask.check(offer, &site.release_key, timestamp()).unwrap();
        let file_key = checked.open(&self.recipient).unwrap();
        let decryptor = age::Decryptor::new_buffered(file).unwrap();
        let mut plaintext = Vec::new();
        let identity: &dyn age::Identity = &file_key;
        let mut reader = decryptor.decrypt(std::iter::once(identity)).unwrap();
        std::io::Read::read_to_end(&mut reader, &mut plaintext).unwrap();
        plaintext
    }

    /// A record of a command that ended with `exit_status`.
    pub(crate) fn record(&self, opened: &ReleaseResponse, session: ReleaseId, sequence: u64) -> ProofRecord {
        ProofRecord {
            release_leaf_hash: opened.ledger.leaf_hash(),
            session,
            sequence,
            statement_sha384: self.statement.sha384(),
            witness_header_sha384: sha384(&[&self.header]),
            witness_sha256: [3; 32],
            system: None,
            vk_sha256: None,
            public_sha256: None,
            proof_sha256: None,
            exit_status: 1,
            started: timestamp(),
            ended: timestamp(),
        }
    }

    /// The registration of a record, without documents.
    pub(crate) fn registration(&self, record: &ProofRecord) -> ProofRequest {
        let signed = self.proof_key.sign(record);
        ProofRequest {
            session: record.session,
            record: signed.record.into(),
            signature: signed.signature,
            vk: None,
            public: None,
            proof: None,
        }
    }

    /// The request for a further witness with the header `header`.
    pub(crate) fn further(&self, session: ReleaseId, sequence: u64, header: &[u8]) -> SessionReleaseRequest {
        let request = SessionRequest { session, sequence, header_sha384: sha384(&[header]) };
        SessionReleaseRequest {
            session,
            sequence,
            witness_header: header.into(),
            signature: self.proof_key.sign_request(&request),
        }
    }
}

/// 32 bytes that no other call gives.
pub(crate) fn chance() -> [u8; 32] {
    let mut bytes = [0; 32];
    let Ok(()) = rand_core::TryRng::try_fill_bytes(&mut Chance::new(), &mut bytes);
    bytes
}

/// An age file for a recipient.
pub(crate) fn sealed(recipient: &str, plaintext: &[u8]) -> Vec<u8> {
    let recipient: age::x25519::Recipient = recipient.parse().unwrap();
    let mut file = Vec::new();
    let recipient: &dyn age::Recipient = &recipient;
    let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient)).unwrap();
    let mut writer = encryptor.wrap_output(&mut file).unwrap();
    writer.write_all(plaintext).unwrap();
    writer.finish().unwrap();
    file
}

/// A file's header: through the line of the MAC.
pub(crate) fn header_of(file: &[u8]) -> &[u8] {
    let mac = file.windows(5).position(|bytes| bytes == b"\n--- ").unwrap() + 1;
    let line = file[mac..].iter().position(|byte| *byte == b'\n').unwrap();
    &file[..=mac + line]
}

pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) fn timestamp() -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(now_ms()).unwrap()).unwrap()
}
