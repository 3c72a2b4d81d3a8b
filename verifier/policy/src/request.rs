//! One question, one answer: the whole walk from bytes to a verdict, as the command line, the service and the browser
//! all take it.
//!
//! In: evidence, endorsements, roots, time, what is expected, and perhaps a policy. Out: an [`Answer`]. Evidence that is
//! not authentic gets a result too, so that whoever asked sees every reason in one form.

use std::collections::BTreeSet;

use prooftrail_evidence::{
    Authentic, Context, Crypto, EndorsementFile, Endorsements, Expected, Refusal, Revocation, RevocationMode,
    VerifiedIssuers, authenticate,
};
use prooftrail_result::{
    AppraisalResult, EvidenceId, Kind, Reason, ReasonCode, Scope, Timestamp, Verdict, claims::Claims,
};
use prooftrail_trust_roots::RootSet;

use crate::{Appraised, Policy, appraise_authenticity};

/// A set of evidence appraised as one has at most this many pieces: eight GPUs, four switches, their host, and tokens.
pub const MAX_PIECES: usize = 64;

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The pieces of the set, each with its kind.
    pub evidence: &'a [(Kind, &'a [u8])],
    /// Endorsements, each one file.
    pub endorsements: &'a [EndorsementFile],
    /// The roots that evidence may rest on.
    pub roots: &'a RootSet,
    /// The instant of the appraisal.
    pub at: Timestamp,
    /// What the evidence must carry.
    pub expected: Expected<'a>,
    /// What to demand of it, beyond being authentic.
    pub demand: Demand<'a>,
    /// The cryptography provider.
    pub crypto: &'a dyn Crypto,
    /// Certificates that were verified before.
    pub issuers: &'a dyn VerifiedIssuers,
}

/// What is demanded of evidence.
#[derive(Clone, Copy, Debug)]
pub enum Demand<'a> {
    /// That it is authentic; debug evidence only if allowed.
    Authenticity {
        /// Whether debug evidence may be affirming.
        allow_debug: bool,
    },
    /// That it satisfies a policy.
    Policy(&'a Policy),
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The set was compared with a policy.
    Appraised(Appraised),
    /// The set was not authentic, or no policy was given.
    Plain(AppraisalResult),
}

impl Answer {
    /// The result, for printing and archiving.
    #[must_use]
    pub const fn result(&self) -> &AppraisalResult {
        match self {
            Self::Appraised(appraised) => appraised.result(),
            Self::Plain(result) => result,
        }
    }
}

impl Request<'_> {
    /// Answers the question.
    #[must_use]
    pub fn answer(&self) -> Answer {
        self.answer_stating(&Claims::default())
    }

    /// Answers the question for evidence whose binding covers a statement: `statement` are the claims that it makes. They
    /// count only where the CPU's evidence carries the expected binding, and only before a policy.
    #[must_use]
    pub fn answer_stating(&self, statement: &Claims) -> Answer {
        if self.evidence.len() > MAX_PIECES {
            let reason = Reason::new(ReasonCode::PolicySetShape, "the set has more pieces than any platform");
            return self.refused(Vec::new(), vec![reason.have(self.evidence.len()).need(MAX_PIECES)]);
        }
        let endorsements = match Endorsements::of(self.crypto, self.endorsements) {
            Ok(endorsements) => endorsements,
            Err(reason) => return self.refused(Vec::new(), vec![reason]),
        };
        let revocation = match self.demand {
            Demand::Authenticity { .. } => Revocation::default(),
            Demand::Policy(policy) => policy.revocation(),
        };
        let context = Context {
            crypto: self.crypto,
            roots: self.roots,
            endorsements: &endorsements,
            issuers: self.issuers,
            revocation,
            at: self.at,
            expected: self.expected,
        };
        let walked: Vec<_> = self.evidence.iter().map(|(kind, bytes)| authenticate(*kind, bytes, &context)).collect();
        let (set, refusals): (Vec<_>, Vec<_>) = walked.iter().partition(|piece| piece.is_ok());
        let mut reasons: Vec<Reason> = refusals
            .into_iter()
            .filter_map(|piece| piece.as_ref().err())
            .map(|refusal| refusal.reason.clone())
            .collect();
        if reasons.is_empty() {
            reasons.extend(unused_crls(&endorsements, set.into_iter().flatten(), revocation));
        }
        if !reasons.is_empty() {
            return self.refused(walked, reasons);
        }
        let mut set: Vec<Authentic> = walked.into_iter().flatten().collect();
        if set.iter().any(|piece| piece.kind().is_token()) {
            set.iter_mut().zip(self.evidence).for_each(|(piece, (_, bytes))| piece.link_quote(bytes, self.crypto));
        }
        match self.demand {
            Demand::Authenticity { allow_debug } => Answer::Plain(appraise_authenticity(&set, allow_debug, self.at)),
            Demand::Policy(policy) => Answer::Appraised(policy.appraise_stating(&set, statement, self.at)),
        }
    }

    /// The result where a piece is not authentic: every reason, and nothing claimed.
    fn refused(&self, walked: Vec<Result<Authentic, Refusal>>, reasons: Vec<Reason>) -> Answer {
        let mut evidence_ids: Vec<EvidenceId> = Vec::with_capacity(walked.len());
        let mut checks = Vec::new();
        for piece in walked {
            match piece {
                Ok(authentic) => {
                    evidence_ids.push(authentic.evidence_id());
                    checks.extend_from_slice(authentic.checks());
                }
                Err(refusal) => {
                    evidence_ids.extend(refusal.evidence_id);
                    checks.extend(refusal.checks);
                }
            }
        }
        Answer::Plain(AppraisalResult {
            kinds: self.evidence.iter().map(|(kind, _)| *kind).collect(),
            evidence_ids,
            verdict: Verdict::Refused,
            scope: match self.demand {
                Demand::Authenticity { .. } => Scope::AuthenticityOnly,
                Demand::Policy(_) => Scope::Policy,
            },
            authentic: false,
            trust_anchor: None,
            at: self.at,
            valid_until: None,
            claims: Claims::default(),
            checks,
            reasons,
        })
    }
}

/// Revocation lists that no piece of the set had a use for. They would only seem to count, so they refuse the set;
/// unless revocation is off somewhere, where a list may rightly stand unused.
fn unused_crls<'a>(
    endorsements: &Endorsements,
    set: impl Iterator<Item = &'a Authentic>,
    revocation: Revocation,
) -> Vec<Reason> {
    let Revocation { amazon, amd, intel, nvidia } = revocation;
    if [amazon, amd, intel, nvidia].contains(&RevocationMode::Off) {
        return Vec::new();
    }
    let used: BTreeSet<[u8; 32]> = set.flat_map(Authentic::inputs).map(|input| input.sha256).collect();
    let unused = endorsements.crls().iter().filter(|crl| !used.contains(&crl.sha256()));
    unused
        .map(|crl| {
            let have = format!("CRL with SHA-256 {}", hex::encode(crl.sha256()));
            Reason::from(ReasonCode::RevocationIssuer).have(have)
        })
        .collect()
}
