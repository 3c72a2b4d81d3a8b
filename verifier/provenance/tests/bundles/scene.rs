//! A genuine trail, open to change: a simulated enclave, a log with two cosigners, a release and a proof. An operator who
//! tampers can commit to what he likes and sign it with his own keys; so can a scene.

use prooftrail_evidence::{AwsLc, Expected, NoIssuers};
use prooftrail_ledger::{
    Checkpoint, Hash, Note, NoteSigner, TlogProof,
    cosignature::Cosigner,
    merkle::{HashReader, Node, ProofPlan},
    note::KeyName,
};
use prooftrail_policy::{Demand, PolicyDocument, Request};
use prooftrail_proofs::{Documents, Verdict, judge};
use prooftrail_protocol::{
    Context, KeyRef, Nonce, ProofKey, ProofRecord, Purpose, RecipientPublic, ReleaseId, ReleaseKey, ReleaseTerms,
    SealingSuite, Statement, primary, sha256, sha384,
    wire::{Bytes, Digest32, PieceOfEvidence},
};
use prooftrail_provenance::{
    Bundle, BundleFormat, Commitment, DecisionRecord, Draft, Entry, EntryType, EvidenceRecord, LedgerPart, Opening,
    PolicyRecord, ProofDocuments, ProofEntry, ProofFinding, RecordedChallenge, RecordedRelease, RevocationRecord,
    Revoked, Surroundings, TrustFile, Verification, verify_bundle,
};
use prooftrail_result::{Kind, Timestamp, TrustAnchor, Verdict as Appraised};
use prooftrail_simulator::nitro::Hypervisor;
use prooftrail_trust_roots::RootSet;

pub(crate) const ORIGIN: &str = "log.example/prooftrail";
/// When the challenge's checkpoint was cosigned, in seconds.
pub(crate) const BEFORE: u64 = 1_790_000_000;
/// When the decision's checkpoint was cosigned.
pub(crate) const AFTER: u64 = BEFORE + 20;

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap()).unwrap()
}

pub(crate) fn log_key() -> NoteSigner {
    NoteSigner::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32]).unwrap()
}

fn cosigners() -> [Cosigner; 2] {
    [("north.example", 2), ("south.example", 3)]
        .map(|(name, seed)| Cosigner::from_seed(KeyName::new(name).unwrap(), &[seed; 32]).unwrap())
}

struct Tree(Vec<Hash>);

impl HashReader for Tree {
    type Error = std::convert::Infallible;

    fn hash(&self, Node { level, index }: Node) -> Result<Hash, Self::Error> {
        if level == 0 {
            return Ok(self.0[usize::try_from(index).unwrap()]);
        }
        let below = |index| self.hash(Node { level: level - 1, index });
        Ok(Hash::of_node(&below(2 * index)?, &below(2 * index + 1)?))
    }
}

impl Tree {
    fn root(&self) -> Hash {
        let mut frontier = prooftrail_ledger::Frontier::new();
        self.0.iter().for_each(|leaf| frontier.append(*leaf).unwrap());
        frontier.root()
    }
}

/// A checkpoint, signed by the log and cosigned at `times`.
pub(crate) fn note(size: u64, root: Hash, times: &[u64]) -> Note {
    let checkpoint = Checkpoint::new(ORIGIN, size, root).unwrap();
    let mut note = Note::sign(checkpoint.text(), &log_key()).unwrap();
    for (cosigner, time) in cosigners().iter().zip(times) {
        note.add_signature(cosigner.cosign(&checkpoint, *time).unwrap()).unwrap();
    }
    note
}

fn genesis() -> Entry {
    Entry { draft: Draft { entry_type: EntryType::Genesis, commitment: Commitment::new([0; 32]) }, time: 0 }
}

pub(crate) const POLICY: &str = r#"prooftrail_policy = 1
name = "prover"
rationale = "Only a test opens the witness."
allow_simulated = true
require_binding = true

[[platform]]
name = "nitro"
primary = "aws-nitro"

[[rule]]
id = "executable"
claim = "job.executable_sha384"
operator = "equals"
value = "080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808080808"
rationale = "Only that program sees the witness."
"#;

/// Everything a bundle is made of.
pub(crate) struct Scene {
    pub(crate) roots: RootSet,
    pub(crate) decision: DecisionRecord,
    pub(crate) decision_type: EntryType,
    pub(crate) checkpoint: String,
    pub(crate) statement: Vec<u8>,
    pub(crate) evidence: Vec<u8>,
    pub(crate) policy: String,
    pub(crate) result: String,
    pub(crate) proof: ProofRecord,
    pub(crate) proof_key: ProofKey,
    pub(crate) proof_project: String,
    pub(crate) proof_at: Timestamp,
    pub(crate) finding: ProofFinding,
    /// What the record says of its release, where it is not the truth.
    pub(crate) release: Option<([u8; 32], u64)>,
    pub(crate) documents: [Vec<u8>; 3],
    pub(crate) cosigned: Vec<u64>,
    pub(crate) revoked: Option<Revoked>,
    pub(crate) trust: String,
    pub(crate) now: Timestamp,
}

pub(crate) fn documents() -> [Vec<u8>; 3] {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/proof_verification/groth16-bn254");
    let bytes = std::fs::read(corpus).unwrap();
    let parts: Vec<_> = bytes.splitn(3, |byte| *byte == 0).map(<[u8]>::to_vec).collect();
    parts.try_into().unwrap()
}

pub(crate) fn sign_terms(decision: &mut DecisionRecord, key: &ReleaseKey, edit: impl FnOnce(&mut ReleaseTerms)) {
    let mut terms = ReleaseTerms {
        origin: decision.context.log_origin.clone(),
        release_id: decision.release_id,
        context_sha384: decision.context.sha384(),
        key: decision.context.key.clone().unwrap(),
        purpose: decision.context.purpose,
        policy_digest: decision.policy.digest,
        evidence: decision.evidence.iter().map(|piece| piece.id).collect(),
        header_sha384: decision.witness_header_sha384.unwrap(),
        expires: decision.at.saturating_add_seconds(300),
    };
    edit(&mut terms);
    let terms = terms.encode();
    let sealed = [7; 64];
    let signature = key.sign(&terms, &sealed);
    decision.release = Some(RecordedRelease { terms, sealed_sha256: sha256(&[&sealed]), signature });
}

pub(crate) fn release_key() -> ReleaseKey {
    ReleaseKey::from_seed(&[6; 32])
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::under(POLICY)
    }

    /// The same under another policy, which must be satisfied.
    pub(crate) fn under(text: &str) -> Self {
        let hypervisor = Hypervisor::new("provenance");
        let der = hypervisor.root_der();
        let roots = RootSet::from_manifest(&hypervisor.root_manifest(), TrustAnchor::Configured, |_| {
            Ok::<_, String>(der.clone())
        });
        let roots = roots.unwrap();
        let trusted_roots: Vec<_> = roots.iter().map(|root| root.sha256).collect();
        let decided = at(BEFORE + 5);

        let tree = Tree(vec![genesis().leaf_hash()]);
        let checkpoint = note(1, tree.root(), &[BEFORE, BEFORE + 1]).to_string();
        let proof_key = ProofKey::from_seed(&[5; 32]);
        let prefix = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x6E, 0x03, 0x21, 0x00];
        let context = Context {
            log_origin: ORIGIN.parse().unwrap(),
            nonce: Nonce::of(&[2; 32], &checkpoint, 0),
            purpose: Purpose::Release,
            key: Some(KeyRef { name: "solvency".parse().unwrap(), version: 1 }),
            suite: SealingSuite::HpkeX25519HkdfSha256Aes256Gcm,
            recipient: RecipientPublic::from_spki(&[&prefix[..], &[9; 32]].concat()).unwrap(),
            proof_key: proof_key.public(),
        };
        let header = [7; 48];
        let statement = Statement {
            agent_version: "0.1.0".to_owned(),
            executable_sha384: [8; 48],
            argv: vec!["prove".to_owned(), "--all".to_owned()],
            environment: std::iter::once("PATH".to_owned()).collect(),
            sandbox: std::iter::once("no_network".to_owned()).collect(),
            witness_header_sha384: Some(header),
            gpu_cc_mode: None,
        }
        .encode();
        let binding = primary(Kind::AwsNitro, &context.sha384(), &sha384(&[&statement]), []);
        let mut document = hypervisor.document((BEFORE + 3) * 1000);
        document.nonce(&context.nonce.0).public_key(&context.recipient.spki()).user_data(&binding);
        let evidence = document.build();

        let policy = PolicyDocument::parse(text).unwrap().compile(&trusted_roots).unwrap();
        let request = Request {
            evidence: &[(Kind::AwsNitro, &evidence)],
            endorsements: &[],
            roots: &roots,
            at: decided,
            expected: Expected {
                nonce: Some(&context.nonce.0),
                binding: Some(&binding),
                recipient: Some(&context.recipient.spki()),
                ..Expected::default()
            },
            demand: Demand::Policy(&policy),
            crypto: &AwsLc,
            issuers: &NoIssuers,
        };
        let stated = Statement::decode(&statement).unwrap().claims(false);
        let answer = request.answer_stating(&stated);
        let result = serde_json::to_string(answer.result()).unwrap();
        assert_eq!(answer.result().verdict, Appraised::Affirming, "{result}");
        let id = answer.result().evidence_ids[0];

        let mut decision = DecisionRecord {
            project: "default".to_owned(),
            release_id: ReleaseId([1; 16]),
            verdict: Appraised::Affirming,
            reasons: Vec::new(),
            challenge: RecordedChallenge {
                random: [2; 32],
                checkpoint_sha256: sha256(&[checkpoint.as_bytes()]),
                recovery_epoch: 0,
                issued: at(BEFORE + 2),
                expires: at(BEFORE + 200),
            },
            context,
            statement_sha384: sha384(&[&statement]),
            witness_header_sha384: Some(header),
            evidence: vec![EvidenceRecord { id, sha256: sha256(&[&evidence]) }],
            endorsements: Vec::new(),
            policy: PolicyRecord {
                name: "prover".to_owned(),
                version: 1,
                digest: policy.digest(),
                text_sha256: sha256(&[text.as_bytes()]),
            },
            result_sha256: sha256(&[result.as_bytes()]),
            trusted_roots,
            verifier: "prooftrail 0.1.0".to_owned(),
            release: None,
            governance_epoch: 1,
            at: decided,
        };
        sign_terms(&mut decision, &release_key(), |_| {});

        let documents = documents();
        let [vk, proof, public] = &documents;
        let judged = Documents { verifying_key: vk, proof, public_inputs: public };
        let Verdict::Verified(verified) = judge("groth16-bn254", judged) else { panic!("the proof verifies") };
        let proof_record = ProofRecord {
            release_leaf_hash: [0; 32],
            session: decision.release_id,
            sequence: 0,
            statement_sha384: decision.statement_sha384,
            witness_header_sha384: header,
            witness_sha256: [3; 32],
            system: Some("groth16-bn254".to_owned()),
            vk_sha256: Some(sha256(&[vk])),
            public_sha256: Some(sha256(&[public])),
            proof_sha256: Some(sha256(&[proof])),
            exit_status: 0,
            started: at(BEFORE + 6),
            ended: at(BEFORE + 8),
        };
        let [north, south] = cosigners();
        let trust = format!(
            "prooftrail_trust = 1\nlog = \"\"\"\nlog {}\nwitness north {}\nwitness south {}\ngroup both all north \
             south\nquorum both\n\"\"\"\nrelease_keys = [\"{}\"]\npolicies = [\"{}\"]\nverifying_keys = [\"{}\"]\n\
             accept_simulated = true\n",
            log_key().verifier_key(),
            north.verifier_key(),
            south.verifier_key(),
            hex::encode(release_key().public().as_bytes()),
            hex::encode(policy.digest()),
            verified.verifying_key,
        );
        Self {
            roots,
            decision,
            decision_type: EntryType::Decision,
            checkpoint,
            statement,
            evidence,
            policy: text.to_owned(),
            result,
            proof: proof_record,
            proof_key,
            proof_project: "default".to_owned(),
            proof_at: at(BEFORE + 9),
            finding: ProofFinding::Verified {
                statement_id: *verified.statement.as_bytes(),
                verifying_key: *verified.verifying_key.as_bytes(),
                weakness: None,
            },
            release: None,
            documents,
            cosigned: vec![AFTER, AFTER + 1],
            revoked: None,
            trust,
            now: at(AFTER + 1000),
        }
    }

    /// The bundle, with every commitment and signature made over what the scene says.
    pub(crate) fn bundle(&self) -> Bundle {
        let entry = |entry_type, record: &[u8], time| Entry {
            draft: Draft { entry_type, commitment: Commitment::of(&[4; 32], record) },
            time,
        };
        let record = self.decision.encode();
        let decision = entry(self.decision_type, &record, (BEFORE + 5) * 1000);
        let mut signed = self.proof.clone();
        let (leaf_hash, release_index) = self.release.unwrap_or((*decision.leaf_hash().as_bytes(), 1));
        signed.release_leaf_hash = leaf_hash;
        let proof_record = ProofEntry {
            project: self.proof_project.clone(),
            signed: self.proof_key.sign(&signed),
            release_index,
            finding: self.finding.clone(),
            verifier: "prooftrail 0.1.0".to_owned(),
            at: self.proof_at,
        }
        .encode();
        let proof = entry(EntryType::Proof, &proof_record, (BEFORE + 9) * 1000);
        let mut entries = vec![(genesis(), Vec::new()), (decision, record), (proof, proof_record)];
        if let Some(what) = self.revoked {
            let about = if what == Revoked::Proof { proof } else { decision };
            let record = RevocationRecord {
                project: "default".to_owned(),
                what,
                leaf_hash: *about.leaf_hash().as_bytes(),
                leaf_index: 1,
                why: "the image leaks its witness".to_owned(),
                by: "alice".to_owned(),
                at: at(AFTER - 1),
            }
            .encode();
            entries.push((entry(EntryType::Revocation, &record, AFTER * 1000), record));
        }
        let tree = Tree(entries.iter().map(|(entry, _)| entry.leaf_hash()).collect());
        let size = u64::try_from(entries.len()).unwrap();
        let note = note(size, tree.root(), &self.cosigned);
        let part = |index: usize| {
            let (entry, record) = &entries[index];
            let at = u64::try_from(index).unwrap();
            let path = ProofPlan::inclusion(at, size).unwrap().prove(&tree).unwrap();
            LedgerPart {
                leaf: entry.encode().into(),
                tlog_proof: TlogProof::new(at, path, note.clone()).unwrap().to_string(),
                opening: Some(Opening { salt: Digest32([4; 32]), record: record.clone().into() }),
            }
        };
        let [vk, proof, public] = self.documents.clone().map(|document| Some(Bytes(document)));
        Bundle {
            format: BundleFormat,
            proof: Some(part(2)),
            decision: part(1),
            checkpoint: Some(self.checkpoint.clone()),
            statement: Some(self.statement.clone().into()),
            evidence: Some(vec![PieceOfEvidence { kind: Kind::AwsNitro, evidence: self.evidence.clone().into() }]),
            endorsements: Some(Vec::new()),
            policy: Some(self.policy.clone()),
            result: Some(self.result.clone()),
            documents: Some(ProofDocuments { proof, vk, public }),
            revocations: self.revoked.map(|_| part(3)).into_iter().collect(),
        }
    }

    pub(crate) fn verify(&self, bundle: &Bundle) -> Verification {
        let trust = TrustFile::parse(&self.trust).unwrap();
        verify_bundle(bundle, &trust, Surroundings { roots: &self.roots, crypto: &AwsLc, at: self.now })
    }
}
