//! The page of a proof: what a bundle's verification comes to, for people. In: a bundle and its [`Verification`]; out: one
//! self-contained HTML document without scripts, which says what is shown, what is not, and whose word it is.
//!
//! Whatever comes from outside is escaped by the template, isolated from the direction of the text around it, and shown
//! without characters that hide.

use askama::Template;
use prooftrail_result::Verdict;

use crate::{
    record::ProofFinding,
    verification::{Check, Verification},
};

/// Where a page leads.
#[derive(Clone, Copy, Debug)]
pub struct Links<'a> {
    /// The bundle, to be verified by the reader.
    pub bundle: &'a str,
    /// The name of whoever shows the page: the log's origin.
    pub shown_by: &'a str,
}

/// A page.
#[derive(Debug, Template)]
#[template(path = "provenance.html")]
pub struct ProvenancePage<'a> {
    verdict: Outcome,
    headline: &'static str,
    simulated: bool,
    operator_time: bool,
    chain: Vec<Link>,
    facts: Vec<Fact>,
    found: &'a Verification,
    links: Links<'a>,
    height: usize,
}

/// How something came out, as the page colours it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Shown,
    NotShown,
    Failed,
}

impl Outcome {
    const fn class(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NotShown => "not-shown",
            Self::Failed => "failed",
        }
    }

    const fn mark(self) -> &'static str {
        match self {
            Self::Shown => "✓",
            Self::NotShown => "–",
            Self::Failed => "✗",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NotShown => "not shown",
            Self::Failed => "failed",
        }
    }
}

/// One link of the chain from the proof to its roots.
#[derive(Debug)]
struct Link {
    outcome: Outcome,
    name: &'static str,
    words: &'static str,
    top: usize,
}

/// One thing that the records say.
#[derive(Debug)]
struct Fact {
    name: &'static str,
    value: String,
    is_code: bool,
}

/// The chain: each link's name, what it is, and the checks that it rests on.
const CHAIN: [(&str, &str, &[Check]); 5] = [
    ("Proof", "registered and verified", &[Check::ProofEntry, Check::ProofRecord, Check::ProofSigned, Check::Proof]),
    (
        "Release",
        "of the witness, in the ledger",
        &[Check::ProofOfRelease, Check::DecisionEntry, Check::DecisionRecord, Check::Released, Check::Release],
    ),
    ("Appraisal", "made again, under the policy", &[Check::Policy, Check::Appraisal, Check::Result, Check::Verifier]),
    (
        "Evidence",
        "signed by hardware, for this challenge",
        &[Check::Evidence, Check::Challenge, Check::Statement, Check::Time],
    ),
    ("Silicon roots", "that the evidence rests on", &[Check::Appraisal, Check::Endorsements]),
];

/// The same links where a token speaks for the machine.
const OF_TOKEN: [(&str, &str); 2] =
    [("Evidence", "signed by a service, for this challenge"), ("Issuer", "whose root or key it rests on")];

/// The height of a link in the picture.
const LINK_HEIGHT: usize = 72;

impl<'a> ProvenancePage<'a> {
    /// The page of a verification.
    #[must_use]
    pub fn new(found: &'a Verification, links: Links<'a>) -> Self {
        let (verdict, headline) = match (found.verdict(), found.reasons.is_empty(), found.not_shown.is_empty()) {
            (Verdict::Affirming, ..) => (Outcome::Shown, "Everything that can be shown is shown."),
            (_, false, _) => (Outcome::Failed, "Something contradicts. Do not rely on this proof."),
            (_, true, false) => (Outcome::NotShown, "Nothing contradicts, but not everything is shown."),
            (_, true, true) => (Outcome::Failed, "This was revoked since. Do not rely on it."),
        };
        let of_token = if found.trail.rests_on_token() { OF_TOKEN.as_slice() } else { &[] };
        let said = CHAIN.iter().map(|(name, words, _)| (*name, *words));
        let said = said.take(CHAIN.len() - of_token.len()).chain(of_token.iter().copied());
        let chain = CHAIN.iter().zip(said).enumerate().map(|(place, ((.., checks), (name, words)))| Link {
            outcome: outcome(found, checks),
            name,
            words,
            top: place.saturating_mul(LINK_HEIGHT),
        });
        let chain: Vec<_> = chain.collect();
        let height = chain.len().saturating_mul(LINK_HEIGHT);
        Self {
            verdict,
            headline,
            simulated: found.simulated,
            // Accepted by whoever checks, and still nobody's word but the operator's.
            operator_time: found.shows(Check::Time) && found.time.is_none(),
            chain,
            facts: facts(found),
            found,
            links,
            height,
        }
    }

    /// The HTML document.
    ///
    /// # Errors
    /// Where the template cannot be written to memory, which does not happen.
    pub fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }
}

/// How a link came out: every check shown, one missing, or one failed.
fn outcome(found: &Verification, checks: &[Check]) -> Outcome {
    let is_missing = |check: &Check| found.not_shown.iter().any(|finding| finding.check == *check);
    if checks.iter().all(|check| found.shows(*check)) {
        Outcome::Shown
    } else if checks.iter().any(|check| !found.shows(*check) && !is_missing(check)) {
        Outcome::Failed
    } else {
        Outcome::NotShown
    }
}

/// What the records say. Only what is shown to be what the log committed to stands in the trail.
fn facts(found: &Verification) -> Vec<Fact> {
    let trail = &found.trail;
    let mut facts = Vec::new();
    let mut fact = |name, value: Option<String>, is_code| {
        facts.extend(value.map(|value| Fact { name, value: visible(&value), is_code }));
    };
    let signed = trail.signed.as_ref();
    let decision = trail.decision.as_ref();
    let statement = trail.statement.as_ref();
    let hex = |bytes: &[u8]| hex::encode(bytes);
    fact("Proof", signed.and_then(|signed| signed.proof_sha256).map(|digest| hex(&digest)), true);
    if let Some(ProofFinding::Verified { statement_id, .. }) = trail.proof.as_ref().map(|proof| &proof.finding) {
        fact("Statement id, as recorded", Some(hex(statement_id)), true);
    }
    fact("Proof system", signed.and_then(|signed| signed.system.clone()), false);
    fact("Command", statement.map(|statement| statement.argv.join(" ")), true);
    fact("Executable, SHA-384", statement.map(|statement| hex(&statement.executable_sha384)), true);
    fact("Agent", statement.map(|statement| statement.agent_version.clone()), false);
    fact("Witness file, SHA-256", signed.map(|signed| hex(&signed.witness_sha256)), true);
    let key = decision.and_then(|decision| decision.context.key.as_ref());
    fact("Witness key", key.map(ToString::to_string), false);
    fact("Decided", decision.map(|decision| decision.at.to_rfc3339_millis()), false);
    fact("Vouched for", found.time.map(|time| format!("between {} and {}", time.after, time.before)), false);
    fact(
        "Policy",
        decision.map(|decision| format!("{}, version {}", decision.policy.name, decision.policy.version)),
        false,
    );
    fact("Policy digest", decision.map(|decision| hex(&decision.policy.digest)), true);
    let kinds = |decision: &crate::DecisionRecord| {
        decision.evidence.iter().map(|piece| piece.id.kind.as_str()).collect::<Vec<_>>().join(", ")
    };
    fact("Evidence", decision.map(kinds), false);
    let roots = if trail.rests_on_token() { "Roots or keys of the issuer" } else { "Silicon roots" };
    fact(roots, (!trail.roots.is_empty()).then(|| trail.roots.join(" ")), true);
    fact("Decided by", decision.map(|decision| decision.verifier.clone()), false);
    let place = |entry: Option<(crate::Entry, u64)>| entry.map(|(_, index)| index.to_string());
    fact("Ledger entry of the release", place(trail.decision_entry), false);
    fact("Ledger entry of the proof", place(trail.proof_entry), false);
    facts
}

/// Text without characters that hide: control characters and those that turn the direction are spelled out.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}
