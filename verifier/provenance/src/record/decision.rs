//! The record of a decision on a witness, or of an appraisal without one: a release or a denial alike. It names every input
//! by digest, so that whoever has the inputs can make the decision again.

use prooftrail_protocol::{
    Context, Fault, Malformed, Purpose, ReleaseId, Signature,
    cbor::{Reader, Writer},
    limits,
    wire::ProblemReason,
};
use prooftrail_result::{EvidenceId, Kind, Timestamp, Verdict};

use super::{MAX_REASONS, MAX_RECORD_BYTES, MAX_ROOTS, digests, instant, name, sentence, write_digests};

const DOMAIN: &str = "prooftrail/decision/v1";
const WHAT: &str = "decision record";

/// A decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DecisionRecord {
    /// Whose decision it is.
    pub project: String,
    /// The id of the release; of a denial, the id of the request, likewise 16 random bytes.
    pub release_id: ReleaseId,
    /// What was decided.
    pub verdict: Verdict,
    /// Every failed check; empty if and only if the verdict is affirming.
    pub reasons: Vec<ProblemReason>,
    /// The challenge that the evidence answers, without its MAC.
    pub challenge: RecordedChallenge,
    /// Who asked, for what, with which keys: the purpose and the witness key stand in it.
    pub context: Context,
    /// SHA-384 of the encoded statement.
    pub statement_sha384: [u8; 48],
    /// SHA-384 of the witness's age header; none where no witness was asked for.
    pub witness_header_sha384: Option<[u8; 48]>,
    /// The pieces of evidence, in the order of the request.
    pub evidence: Vec<EvidenceRecord>,
    /// SHA-256 of each endorsement that the appraisal was given, in that order.
    pub endorsements: Vec<[u8; 32]>,
    /// The policy.
    pub policy: PolicyRecord,
    /// SHA-256 of the appraisal's result, as archived: the JSON object that `prooftrail appraise --json` prints.
    pub result_sha256: [u8; 32],
    /// SHA-256 of each silicon root that the service trusted, sorted: a policy that lists none takes these, so that its
    /// digest depends on them. Those that the evidence rests on stand in the result.
    pub trusted_roots: Vec<[u8; 32]>,
    /// The build that decided, such as `prooftrail 0.1.0`.
    pub verifier: String,
    /// What was released; none for a denial, and none where no witness was asked for.
    pub release: Option<RecordedRelease>,
    /// The project's governance epoch in which it was decided.
    pub governance_epoch: u64,
    /// The instant of the appraisal.
    pub at: Timestamp,
}

/// A challenge as a record keeps it. The checkpoint itself is archived: many challenges have the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedChallenge {
    /// Its 32 bytes of chance.
    pub random: [u8; 32],
    /// SHA-256 of the checkpoint: the bytes of a signed note.
    pub checkpoint_sha256: [u8; 32],
    /// The recovery epoch.
    pub recovery_epoch: u64,
    /// When it was made.
    pub issued: Timestamp,
    /// When it ended.
    pub expires: Timestamp,
}

/// A piece of evidence as a record names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EvidenceRecord {
    /// Its identity: kind and SHA-384 of the signed bytes.
    pub id: EvidenceId,
    /// SHA-256 of its bytes as sent.
    pub sha256: [u8; 32],
}

/// The policy of a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyRecord {
    /// What the project calls it.
    pub name: String,
    /// Its version in the project, from 1.
    pub version: u64,
    /// The digest of all that it says (docs/policy.md).
    pub digest: [u8; 48],
    /// SHA-256 of its text, as archived.
    pub text_sha256: [u8; 32],
}

/// What was released.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedRelease {
    /// The encoded terms.
    pub terms: Vec<u8>,
    /// SHA-256 of the sealed key.
    pub sealed_sha256: [u8; 32],
    /// The release key's signature over both.
    pub signature: Signature,
}

impl DecisionRecord {
    /// Its deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            project,
            release_id,
            verdict,
            reasons,
            challenge,
            context,
            statement_sha384,
            witness_header_sha384,
            evidence,
            endorsements,
            policy,
            result_sha256,
            trusted_roots,
            verifier,
            release,
            governance_epoch,
            at,
        } = self;
        let mut out = Writer::array(18);
        out.text(DOMAIN).text(project).bytes(&release_id.0).text(&verdict.to_string());
        write_reasons(&mut out, reasons);
        challenge.write(&mut out);
        out.bytes(&context.encode()).bytes(statement_sha384);
        out.bytes_or_null(witness_header_sha384.as_ref().map(<[u8; 48]>::as_slice));
        out.nested_array(evidence.len());
        for EvidenceRecord { id: EvidenceId { kind, signed_sha384 }, sha256 } in evidence {
            out.nested_array(3).text(kind.as_str()).bytes(signed_sha384).bytes(sha256);
        }
        write_digests(&mut out, endorsements);
        let PolicyRecord { name, version, digest, text_sha256 } = policy;
        out.nested_array(4).text(name).uint(*version).bytes(digest).bytes(text_sha256);
        out.bytes(result_sha256);
        write_digests(&mut out, trusted_roots);
        out.text(verifier);
        match release {
            Some(RecordedRelease { terms, sealed_sha256, signature }) => {
                out.nested_array(3).bytes(terms).bytes(sealed_sha256).bytes(&signature.0);
            }
            None => {
                out.null();
            }
        }
        out.uint(*governance_epoch).int(at.unix_millis());
        out.finish()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Malformed`]; also where an affirming decision has reasons or a refused one none, where a denial released
    /// something, and where a release for a witness released nothing.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        Reader::strict(WHAT, bytes, MAX_RECORD_BYTES, Self::read, Self::encode)?.checked()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.named_array(18, DOMAIN)?;
        Ok(Self {
            project: name(reader, "project")?,
            release_id: ReleaseId(reader.exactly("release id")?),
            verdict: verdict(reader)?,
            reasons: reasons(reader)?,
            challenge: RecordedChallenge::read(reader)?,
            context: Context::decode(reader.bytes("context")?)?,
            statement_sha384: reader.exactly("statement")?,
            witness_header_sha384: reader.or_null("witness header", Reader::exactly)?,
            evidence: evidence(reader)?,
            endorsements: digests(reader, limits::ENDORSEMENTS, "endorsements")?,
            policy: policy(reader)?,
            result_sha256: reader.exactly("result")?,
            trusted_roots: digests(reader, MAX_ROOTS, "trusted roots")?,
            verifier: name(reader, "verifier")?,
            release: reader.or_null("release", release)?,
            governance_epoch: reader.uint("governance epoch")?,
            at: instant(reader, "at")?,
        })
    }

    /// The record itself, if it is one that the format allows: what a service calls before it commits to one.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn checked(self) -> Result<Self, Malformed> {
        let affirming = self.verdict == Verdict::Affirming;
        let is_for_a_witness = self.context.purpose != Purpose::Appraisal;
        let wrong = [
            ("reasons", affirming != self.reasons.is_empty()),
            ("release", self.release.is_some() != (affirming && is_for_a_witness)),
            ("witness header", self.witness_header_sha384.is_some() != is_for_a_witness),
            ("challenge", self.challenge.expires <= self.challenge.issued),
            ("trusted roots", !self.trusted_roots.is_sorted()),
            ("policy", self.policy.version == 0),
        ];
        match wrong.into_iter().find(|(_, wrong)| *wrong) {
            Some((field, _)) => Err(Malformed::new(WHAT, Fault::Field(field))),
            None => Ok(self),
        }
    }
}

impl RecordedChallenge {
    fn write(&self, out: &mut Writer) {
        let Self { random, checkpoint_sha256, recovery_epoch, issued, expires } = self;
        out.nested_array(5).bytes(random).bytes(checkpoint_sha256).uint(*recovery_epoch);
        out.int(issued.unix_millis()).int(expires.unix_millis());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array_of(5, "challenge")?;
        Ok(Self {
            random: reader.exactly("random")?,
            checkpoint_sha256: reader.exactly("checkpoint")?,
            recovery_epoch: reader.uint("recovery epoch")?,
            issued: instant(reader, "issued")?,
            expires: instant(reader, "expires")?,
        })
    }
}

fn verdict(reader: &mut Reader<'_>) -> Result<Verdict, Malformed> {
    match reader.text("verdict")? {
        "affirming" => Ok(Verdict::Affirming),
        "refused" => Ok(Verdict::Refused),
        _ => Err(reader.fault(Fault::Field("verdict"))),
    }
}

fn write_reasons(out: &mut Writer, reasons: &[ProblemReason]) {
    out.nested_array(reasons.len());
    for ProblemReason { code, stage, detail, have, need, rule } in reasons {
        out.nested_array(6).text(code).text(stage).text(detail);
        out.text_or_null(have.as_deref()).text_or_null(need.as_deref()).text_or_null(rule.as_deref());
    }
}

fn reasons(reader: &mut Reader<'_>) -> Result<Vec<ProblemReason>, Malformed> {
    let reason = |reader: &mut Reader<'_>| {
        reader.array_of(6, "reason")?;
        Ok(ProblemReason {
            code: name(reader, "code")?,
            stage: name(reader, "stage")?,
            detail: sentence(reader, "detail")?,
            have: reader.or_null("have", sentence)?,
            need: reader.or_null("need", sentence)?,
            rule: reader.or_null("rule", sentence)?,
        })
    };
    (0..reader.array(MAX_REASONS, "reasons")?).map(|_| reason(reader)).collect()
}

fn evidence(reader: &mut Reader<'_>) -> Result<Vec<EvidenceRecord>, Malformed> {
    const FIELD: &str = "evidence";
    let piece = |reader: &mut Reader<'_>| {
        reader.array_of(3, FIELD)?;
        let kind = reader.text(FIELD)?.parse::<Kind>().map_err(|_| reader.fault(Fault::Field(FIELD)))?;
        let id = EvidenceId { kind, signed_sha384: reader.exactly(FIELD)? };
        Ok(EvidenceRecord { id, sha256: reader.exactly(FIELD)? })
    };
    (0..reader.array(limits::EVIDENCE_PIECES, FIELD)?).map(|_| piece(reader)).collect()
}

fn policy(reader: &mut Reader<'_>) -> Result<PolicyRecord, Malformed> {
    reader.array_of(4, "policy")?;
    Ok(PolicyRecord {
        name: name(reader, "policy")?,
        version: reader.uint("policy")?,
        digest: reader.exactly("policy")?,
        text_sha256: reader.exactly("policy")?,
    })
}

fn release(reader: &mut Reader<'_>, field: &'static str) -> Result<RecordedRelease, Malformed> {
    reader.array_of(3, field)?;
    let terms = reader.bytes(field)?;
    if terms.len() > limits::TERMS_BYTES {
        return Err(reader.fault(Fault::Field(field)));
    }
    Ok(RecordedRelease {
        terms: terms.to_vec(),
        sealed_sha256: reader.exactly(field)?,
        signature: Signature(reader.exactly(field)?),
    })
}
