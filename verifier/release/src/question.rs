//! The walk from a request to [`Attested`]: challenge → context → statement → binding → evidence → policy. In: what the agent
//! sent, and the service's policy, roots and clock. Out: evidence that carries exactly this context and statement and
//! satisfies the policy, or a [`Denial`].

use prooftrail_evidence::{Crypto, EndorsementFile, Expected, VerifiedIssuers};
use prooftrail_policy::{Affirming, Answer, Demand, Policy, Request};
use prooftrail_protocol::{
    Challenge, Context, FleetKeys, KeyRef, Origin, OtherPiece, Place, ProofPublic, Purpose, RecipientPublic,
    SealingSuite, Statement, attached_value, place, primary, primary_of, sha384,
};
use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp, claims::job};
use prooftrail_trust_roots::RootSet;

use crate::denial::Denial;

/// Turns a token into its challenge: made by this fleet, not ended at `at`, of this recovery epoch. Whether it was spent, the
/// store knows.
///
/// # Errors
/// A [`Denial`] with one reason, `challenge.*`.
pub fn redeem(fleet: &FleetKeys, token: &str, recovery_epoch: u64, at: Timestamp) -> Result<Challenge, Denial> {
    let challenge = fleet.challenge(token, at)?;
    if challenge.recovery_epoch() != recovery_epoch {
        let reason = Reason::from(ReasonCode::ChallengeVoid).have(challenge.recovery_epoch()).need(recovery_epoch);
        return Err(Denial::because(reason));
    }
    Ok(challenge)
}

/// What the agent asks, and what it shows.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The challenge, redeemed.
    pub challenge: &'a Challenge,
    /// The origin of this service's log.
    pub log_origin: &'a Origin,
    /// What for.
    pub purpose: Purpose,
    /// The witness key; none for an appraisal.
    pub key: Option<&'a KeyRef>,
    /// How to seal.
    pub suite: SealingSuite,
    /// To whom.
    pub recipient: RecipientPublic,
    /// The key that will sign the proof record.
    pub proof_key: ProofPublic,
    /// The encoded statement.
    pub statement: &'a [u8],
    /// The witness's age header; none for an appraisal.
    pub witness_header: Option<&'a [u8]>,
    /// The set of evidence.
    pub evidence: &'a [(Kind, &'a [u8])],
    /// Endorsements, each one file.
    pub endorsements: &'a [EndorsementFile],
}

/// What the service brings to a question.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The policy of the key that is asked for.
    pub policy: &'a Policy,
    /// The roots that evidence may rest on.
    pub roots: &'a RootSet,
    /// The cryptography provider.
    pub crypto: &'a dyn Crypto,
    /// Certificates that were verified before.
    pub issuers: &'a dyn VerifiedIssuers,
    /// The instant.
    pub at: Timestamp,
}

/// What was asked, once it could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The challenge.
    pub challenge: Challenge,
    /// The context that the evidence must carry.
    pub context: Context,
    /// The statement that it must cover.
    pub statement: Statement,
    /// SHA-384 of the witness's header.
    pub header_sha384: Option<[u8; 48]>,
}

/// Evidence that carries this context and covers this statement, and that satisfied the policy. Only [`Question::answer`]
/// makes one, and it seals once.
///
/// ```compile_fail
/// fn without_evidence(asked: prooftrail_release::Asked, affirming: prooftrail_policy::Affirming) {
///     let _ = prooftrail_release::Attested { asked, affirming };
/// }
/// ```
#[derive(Debug, PartialEq)]
pub struct Attested {
    pub(crate) asked: Asked,
    pub(crate) affirming: Affirming,
}

impl Attested {
    /// What was asked.
    #[must_use]
    pub const fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The appraisal.
    #[must_use]
    pub const fn affirming(&self) -> &Affirming {
        &self.affirming
    }
}

impl Question<'_> {
    /// Answers the question. The context, the statement and the binding are computed here from what was sent; nothing that
    /// the agent says about them counts.
    ///
    /// # Errors
    /// [`Denial`].
    pub fn answer(&self, surroundings: &Surroundings<'_>) -> Result<Attested, Denial> {
        let asked = self.asked()?;
        let denied = |denial: Denial| Denial { asked: Some(Box::new(asked.clone())), ..denial };
        let (primary_kind, others) = self.pieces().map_err(Denial::because).map_err(denied)?;
        let context_sha384 = asked.context.sha384();
        let binding = primary(primary_kind, &context_sha384, &sha384(&[self.statement]), others);
        let recipient = asked.context.recipient.spki();
        let attached: Vec<_> = self
            .evidence
            .iter()
            .filter(|(kind, _)| *kind != primary_kind)
            .filter_map(|(kind, _)| Some((*kind, attached_value(*kind, &asked.context)?)))
            .collect();
        let request = Request {
            evidence: self.evidence,
            endorsements: self.endorsements,
            roots: surroundings.roots,
            at: surroundings.at,
            expected: Expected {
                nonce: Some(&asked.context.nonce.0),
                binding: Some(&binding),
                recipient: (place(primary_kind) == Some(Place::NitroFields)).then_some(recipient.as_slice()),
                attached: &attached,
                audience: Some(self.log_origin.as_str()),
            },
            demand: Demand::Policy(surroundings.policy),
            crypto: surroundings.crypto,
            issuers: surroundings.issuers,
        };
        let claims = asked.statement.claims(surroundings.policy.asks_for(job::ARGV));
        let refused = match request.answer_stating(&claims) {
            Answer::Appraised(appraised) => match appraised.affirming() {
                Ok(affirming) => return Ok(Attested { asked, affirming }),
                Err(result) => result,
            },
            Answer::Plain(result) => Box::new(result),
        };
        Err(denied(Denial { reasons: refused.reasons.clone(), result: Some(refused), asked: None }))
    }

    /// Reads what was asked, and compares its parts with each other.
    fn asked(&self) -> Result<Asked, Denial> {
        let because = |code: ReasonCode, detail: &'static str| Denial::because(Reason::new(code, detail));
        let statement = Statement::decode(self.statement)
            .map_err(|malformed| Denial::because(malformed.reason(ReasonCode::ReleaseStatementMalformed)))?;
        let releases = matches!(self.purpose, Purpose::Release | Purpose::Session);
        if releases != self.key.is_some() || releases != self.witness_header.is_some() {
            return Err(because(
                ReasonCode::ReleasePurpose,
                "a release names a key and a witness, an appraisal neither",
            ));
        }
        let header_sha384 = self.witness_header.map(|header| sha384(&[header]));
        // A session opens witnesses that its statement cannot name yet; every other statement names the one it is about.
        let named = statement.witness_header_sha384;
        if named != header_sha384 && !(self.purpose == Purpose::Session && named.is_none()) {
            let hex = |digest: Option<[u8; 48]>| digest.map_or_else(|| "none".to_owned(), hex::encode);
            let reason = Reason::from(ReasonCode::ReleaseHeaderMismatch).have(hex(header_sha384)).need(hex(named));
            return Err(Denial::because(reason));
        }
        let context = Context {
            log_origin: self.log_origin.clone(),
            nonce: self.challenge.nonce(),
            purpose: self.purpose,
            key: self.key.cloned(),
            suite: self.suite,
            recipient: self.recipient,
            proof_key: self.proof_key,
        };
        Ok(Asked { challenge: self.challenge.clone(), context, statement, header_sha384 })
    }

    /// The primary piece's kind, and the other pieces: exactly one piece is the CPU's.
    fn pieces(&self) -> Result<(Kind, Vec<OtherPiece>), Reason> {
        let at = primary_of(self.evidence.iter().map(|(kind, _)| *kind)).ok_or(ReasonCode::BindingPrimary)?;
        let (kind, _) = self.evidence.get(at).ok_or(ReasonCode::BindingPrimary)?;
        let others = self.evidence.iter().enumerate().filter(|(other, _)| *other != at);
        Ok((*kind, others.map(|(_, (kind, bytes))| OtherPiece::of(*kind, bytes)).collect()))
    }
}
