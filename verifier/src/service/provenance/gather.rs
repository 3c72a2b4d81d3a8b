//! From a record to a bundle. In: the entries of a proof, of its release, and of the release's revocation; out: everything
//! that the archive still has of them, with proofs that the entries stand in the log. Nothing is judged here.

use std::{collections::BTreeMap, sync::Arc};

use prooftrail_ledger::TlogProof;
use prooftrail_protocol::wire::{Bytes, Digest32, PieceOfEvidence};
use prooftrail_provenance::{
    Bundle, BundleFormat, DecisionRecord, LedgerPart, Opening, ProofDocuments, ProofEntry, ProofFinding,
};
use serde::Deserialize;

use super::{defect, find::Registered};
use crate::{
    archive::{Archive, BlobId, Found, Kind, OpenedRecord},
    log::{SignedHead, prove},
    service::{problem::Problem, state::State},
    store::StoreError,
};

/// A bundle, and what of it the page's own trust names.
pub(super) struct Gathered {
    pub(super) bundle: Bundle,
    /// The policy that decided.
    pub(super) policy_digest: [u8; 48],
    /// The verifying key, if the proof verified when it was registered.
    pub(super) verifying_key: Option<[u8; 32]>,
    /// SHA-256 of the roots that the evidence rested on when it was decided.
    pub(super) roots: Vec<[u8; 32]>,
}

/// What a result says of the roots, as far as it is read here.
#[derive(Deserialize)]
struct Rested {
    claims: RestedOn,
}

#[derive(Deserialize)]
struct RestedOn {
    #[serde(default)]
    root_sha256: Vec<Digest32>,
}

/// The blobs of a record by their digest.
type Blobs = BTreeMap<[u8; 32], (Kind, Vec<u8>)>;

impl Gathered {
    /// Gathers the bundle of a registered proof.
    ///
    /// # Errors
    /// 404 where the release's record was erased; 503.
    pub(super) async fn read(state: &State, registered: &Registered) -> Result<Self, Problem> {
        let reader = Reader {
            archive: Archive::of(&state.log),
            signed: state.sequencer.status().borrow().head.clone(),
            state,
            project: &registered.project,
        };
        let (proof, proof_blobs) = reader.part(registered.entry).await?;
        let (decision, blobs) = reader.part(registered.decision).await?;
        let mut revocations = Vec::new();
        if let Some(entry) = registered.revoked_by {
            revocations.push(reader.part(entry).await?.0);
        }
        let erased = || Problem::not_found("record any more: it was erased");
        let corrupt = || Problem::from(StoreError::Corrupt { what: "archive_record" });
        let opening = decision.opening.as_ref().ok_or_else(erased)?;
        let record = DecisionRecord::decode(&opening.record.0).map_err(|_| corrupt())?;
        let entry = proof.opening.as_ref().map(|opening| ProofEntry::decode(&opening.record.0)).transpose();
        let verifying_key = match entry.map_err(|_| corrupt())?.map(|entry| entry.finding) {
            Some(ProofFinding::Verified { verifying_key, .. }) => Some(verifying_key),
            _ => None,
        };
        let bytes = |digest: &[u8; 32]| blobs.get(digest).map(|(_, content)| content.clone());
        let text = |digest: &[u8; 32]| bytes(digest).and_then(|content| String::from_utf8(content).ok());
        let evidence = record
            .evidence
            .iter()
            .map(|piece| Some(PieceOfEvidence { kind: piece.id.kind, evidence: Bytes(bytes(&piece.sha256)?) }));
        let endorsements = record.endorsements.iter().map(|digest| bytes(digest).map(Bytes)).collect();
        let result = text(&record.result_sha256);
        let rested = result.as_deref().and_then(|result| serde_json::from_str::<Rested>(result).ok());
        let roots = rested.into_iter().flat_map(|rested| rested.claims.root_sha256).map(|Digest32(digest)| digest);
        let roots = roots.collect();
        let bundle = Bundle {
            format: BundleFormat,
            checkpoint: text(&record.challenge.checkpoint_sha256),
            statement: of_kind(&blobs, Kind::Statement),
            evidence: evidence.collect(),
            endorsements,
            policy: text(&record.policy.text_sha256),
            result,
            documents: Some(ProofDocuments {
                proof: of_kind(&proof_blobs, Kind::Proof),
                vk: of_kind(&proof_blobs, Kind::VerificationKey),
                public: of_kind(&proof_blobs, Kind::PublicInputs),
            }),
            proof: Some(proof),
            decision,
            revocations,
        };
        Ok(Self { bundle, policy_digest: record.policy.digest, verifying_key, roots })
    }
}

/// The blob of a kind of which a record has one.
fn of_kind(blobs: &Blobs, wanted: Kind) -> Option<Bytes> {
    blobs.values().find(|(kind, _)| *kind == wanted).map(|(_, content)| Bytes(content.clone()))
}

/// The bundle's file. What does not fit is withheld, the largest documents first: whoever made the proof has them.
pub(super) fn file(mut bundle: Bundle) -> Result<Vec<u8>, Problem> {
    if let Ok(file) = bundle.to_file() {
        return Ok(file);
    }
    bundle.documents = None;
    if let Ok(file) = bundle.to_file() {
        return Ok(file);
    }
    bundle.endorsements = None;
    bundle.to_file().map_err(|error| defect(&error))
}

/// Reads entries under one checkpoint.
struct Reader<'a> {
    state: &'a State,
    archive: Archive,
    signed: Arc<SignedHead>,
    project: &'a str,
}

impl Reader<'_> {
    /// An entry, with its proof of inclusion and what opens it, and the blobs that its record speaks of.
    async fn part(&self, index: u64) -> Result<(LedgerPart, Blobs), Problem> {
        let SignedHead { head, note } = &*self.signed;
        if head.size() <= index {
            return Err(Problem::unavailable("ledger.behind", "no checkpoint covers the entry yet; ask again"));
        }
        let corrupt = || Problem::from(StoreError::Corrupt { what: "log_batch" });
        let leaf = self.state.log.entries(index, index.saturating_add(1)).await?.into_iter().next();
        let leaf = leaf.ok_or_else(corrupt)?;
        let proved = prove::inclusion(&self.state.log, index, head.size(), &head.root()).await;
        let path = proved.map_err(|error| defect(&error))?.path;
        let proof = TlogProof::new(index, path, note.clone()).map_err(|error| defect(&error))?;
        let (mut opening, mut blobs) = (None, Blobs::new());
        if let Some(OpenedRecord::Present { record, blobs: named, .. }) = self.open(index).await? {
            for id in named {
                if let Some(blob) = self.blob(id).await? {
                    blobs.insert(*id.as_bytes(), blob);
                }
            }
            opening = Some(Opening { salt: Digest32(record.salt), record: Bytes(record.bytes) });
        }
        Ok((LedgerPart { leaf: Bytes(leaf), tlog_proof: proof.to_string(), opening }, blobs))
    }

    async fn open(&self, index: u64) -> Result<Option<OpenedRecord>, Problem> {
        self.archive.open(self.project, index).await.map_err(|error| defect(&error))
    }

    async fn blob(&self, id: BlobId) -> Result<Option<(Kind, Vec<u8>)>, Problem> {
        match self.archive.blob(self.project, id).await.map_err(|error| defect(&error))? {
            Some(Found::Present { kind, content }) => Ok(Some((kind, content))),
            Some(Found::Erased { .. }) | None => Ok(None),
        }
    }
}
