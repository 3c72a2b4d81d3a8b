//! A service, an agent and a simulated enclave.

use std::{convert::Infallible, io::Write as _};

use prooftrail_evidence::{AwsLc, EndorsementFile, NoIssuers};
use prooftrail_policy::{Policy, PolicyDocument};
use prooftrail_protocol::{
    Challenge, Context, FileKey, FleetKey, FleetKeys, KeyRef, KindValue, Origin, ProofKey, Purpose, RecipientKey,
    ReleaseId, ReleaseKey, SealingSuite, Statement, rand_core, sha384,
};
use prooftrail_release::{Attested, Denial, Question, Sealing, Surroundings, WitnessKey};
use prooftrail_result::{Kind, ReasonCode, Timestamp, TrustAnchor};
use prooftrail_simulator::nitro::Hypervisor;
use prooftrail_trust_roots::RootSet;

/// 2026-06-01T12:00:00Z.
pub(crate) const AT_MS: u64 = 1_780_315_200_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(AT_MS).unwrap()).unwrap()
}

/// A generator that gives the same bytes each time. For tests only.
pub(crate) struct Fixed(pub(crate) u8);

impl rand_core::TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from(self.0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.0))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Fixed {}

pub(crate) fn witness_key() -> WitnessKey {
    WitnessKey::from_seed(&[0x41; 32]).unwrap()
}

pub(crate) fn release_key() -> ReleaseKey {
    ReleaseKey::from_seed(&[0x44; 32])
}

pub(crate) fn fleet() -> FleetKeys {
    FleetKeys::new(FleetKey::from_bytes(&[0xF1; 32]), Vec::new())
}

/// An age file for those recipients.
pub(crate) fn sealed_file(recipients: &[&str], plaintext: &[u8]) -> Vec<u8> {
    let recipients: Vec<age::x25519::Recipient> = recipients.iter().map(|text| text.parse().unwrap()).collect();
    let recipients = recipients.iter().map(|recipient| -> &dyn age::Recipient { recipient });
    let mut file = Vec::new();
    let mut writer = age::Encryptor::with_recipients(recipients).unwrap().wrap_output(&mut file).unwrap();
    writer.write_all(plaintext).unwrap();
    writer.finish().unwrap();
    file
}

/// The payload of a file, under a released file key: what an agent does with the stock library.
pub(crate) fn decrypt<'f>(
    decryptor: age::Decryptor<&'f [u8]>,
    file_key: &FileKey,
) -> Result<age::stream::StreamReader<&'f [u8]>, age::DecryptError> {
    let identity: &dyn age::Identity = file_key;
    decryptor.decrypt(std::iter::once(identity))
}

/// A file's header: through the line of the MAC.
pub(crate) fn header_of(file: &[u8]) -> &[u8] {
    let mac = file.windows(5).position(|bytes| bytes == b"\n--- ").unwrap() + 1;
    let line = file[mac..].iter().position(|byte| *byte == b'\n').unwrap();
    &file[..=mac + line]
}

/// Everything of one request, to be changed before it is asked.
pub(crate) struct Exchange {
    pub(crate) hypervisor: Hypervisor,
    pub(crate) challenge: Challenge,
    pub(crate) origin: Origin,
    pub(crate) purpose: Purpose,
    pub(crate) key: Option<KeyRef>,
    pub(crate) recipient: RecipientKey,
    pub(crate) proof_key: ProofKey,
    pub(crate) statement: Statement,
    pub(crate) file: Vec<u8>,
    pub(crate) policy: String,
    pub(crate) at: Timestamp,
}

pub(crate) const PLAINTEXT: &[u8] = b"the balances of every customer";

impl Exchange {
    pub(crate) fn good() -> Self {
        let hypervisor = Hypervisor::new("release");
        let file = sealed_file(&[&witness_key().recipient()], PLAINTEXT);
        let policy = format!(
            "prooftrail_policy = 1\nname = 'p'\nrationale = 'r'\nallow_simulated = true\nrequire_binding = true\n\
             [[platform]]\nname = 'nitro'\nprimary = 'aws-nitro'\n\
             [[rule]]\nid = 'executable'\nclaim = 'job.executable_sha384'\noperator = 'equals'\nvalue = '{}'\n\
             rationale = 'r'\n[[rule]]\nid = 'profile'\nclaim = 'binding_profile'\noperator = 'equals'\n\
             value = 'prooftrail/v1'\nrationale = 'r'\n",
            "66".repeat(48)
        );
        Self {
            challenge: Challenge::new([0x11; 32], "note\n", 3, now(), now().saturating_add_seconds(300)).unwrap(),
            origin: "prooftrail.example/log".parse().unwrap(),
            purpose: Purpose::Release,
            key: Some(KeyRef { name: "solvency".parse().unwrap(), version: 2 }),
            recipient: RecipientKey::generate(&mut Fixed(0x20)),
            proof_key: ProofKey::from_seed(&[0x33; 32]),
            statement: Statement {
                agent_version: "0.1.0".into(),
                executable_sha384: [0x66; 48],
                argv: vec!["prove".into(), "--now".into()],
                environment: ["PATH".to_owned()].into(),
                sandbox: ["no_network".to_owned()].into(),
                witness_header_sha384: Some(sha384(&[header_of(&file)])),
                gpu_cc_mode: None,
            },
            hypervisor,
            file,
            policy,
            at: now(),
        }
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            log_origin: self.origin.clone(),
            nonce: self.challenge.nonce(),
            purpose: self.purpose,
            key: self.key.clone(),
            suite: SealingSuite::HpkeX25519HkdfSha256Aes256Gcm,
            recipient: self.recipient.public(),
            proof_key: self.proof_key.public(),
        }
    }

    /// The enclave's evidence for this exchange.
    pub(crate) fn evidence(&self) -> Vec<u8> {
        let value = KindValue::primary(Kind::AwsNitro, &self.context(), &self.statement.sha384(), []);
        let Some(KindValue::NitroFields { nonce, public_key, user_data }) = value else { unreachable!() };
        let mut document = self.hypervisor.document(AT_MS);
        document.nonce(&nonce.0).public_key(&public_key).user_data(&user_data).build()
    }

    pub(crate) fn policy(&self) -> Policy {
        self.policy_under(&self.roots())
    }

    fn policy_under(&self, roots: &RootSet) -> Policy {
        let known: Vec<_> = roots.iter().map(|root| root.sha256).collect();
        PolicyDocument::parse(&self.policy).unwrap().compile(&known).unwrap()
    }

    pub(crate) fn roots(&self) -> RootSet {
        let der = self.hypervisor.root_der();
        let manifest = self.hypervisor.root_manifest();
        RootSet::from_manifest(&manifest, TrustAnchor::Configured, |_| Ok::<_, String>(der.clone())).unwrap()
    }

    pub(crate) fn header(&self) -> Option<&[u8]> {
        (self.purpose != Purpose::Appraisal).then(|| header_of(&self.file))
    }

    /// Asks with evidence of another exchange, or of this one.
    pub(crate) fn ask_with(&self, evidence: &[(Kind, &[u8])]) -> Result<Attested, Denial> {
        self.ask_beside(evidence, &[], &self.roots())
    }

    /// Asks with evidence, and endorsements, of other hardware.
    pub(crate) fn ask_beside(
        &self,
        evidence: &[(Kind, &[u8])],
        endorsements: &[EndorsementFile],
        roots: &RootSet,
    ) -> Result<Attested, Denial> {
        let statement = self.statement.encode();
        let question = Question {
            challenge: &self.challenge,
            log_origin: &self.origin,
            purpose: self.purpose,
            key: self.key.as_ref(),
            suite: SealingSuite::HpkeX25519HkdfSha256Aes256Gcm,
            recipient: self.recipient.public(),
            proof_key: self.proof_key.public(),
            statement: &statement,
            witness_header: self.header(),
            evidence,
            endorsements,
        };
        let policy = self.policy_under(roots);
        question.answer(&Surroundings { policy: &policy, roots, crypto: &AwsLc, issuers: &NoIssuers, at: self.at })
    }

    pub(crate) fn ask(&self) -> Result<Attested, Denial> {
        self.ask_with(&[(Kind::AwsNitro, &self.evidence())])
    }

    /// The codes for which evidence of the good exchange is refused in this one.
    pub(crate) fn refused(&self, evidence: &[u8]) -> Vec<ReasonCode> {
        let denial = self.ask_with(&[(Kind::AwsNitro, evidence)]).unwrap_err();
        denial.reasons.iter().map(|reason| reason.code).collect()
    }
}

/// What sealing takes, for a header.
pub(crate) fn sealing<'a>(witness_key: &'a WitnessKey, release_key: &'a ReleaseKey, header: &'a [u8]) -> Sealing<'a> {
    Sealing {
        witness_key,
        release_key,
        release_id: ReleaseId([0x77; 16]),
        header,
        at: now(),
        expires: now().saturating_add_seconds(300),
    }
}
