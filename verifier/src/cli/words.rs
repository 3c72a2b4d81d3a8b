//! Verdicts in words: an indented ✓/✗ tree that a person can read. What every check means is said here, in one table.

use prooftrail_evidence::check as evidence;
use prooftrail_policy::{Policy, check as policy};
use prooftrail_result::{
    AppraisalResult, Outcome, Reason, Scope, Verdict,
    claims::{ClaimName, Claims, Value, cross_vendor, snp},
};
use prooftrail_trust_roots::RootSet;

use super::output::{Output, plain};

/// What each check means when it holds.
const CHECKS: &[(&str, &str)] = &[
    (evidence::PARSE, "the bytes have the format of their kind"),
    (evidence::TOKEN_ALGORITHM, "the token is signed with an algorithm that its issuer uses"),
    (evidence::TOKEN_ISSUER, "the token is of the issuer of its kind, and names no other place of its keys"),
    (evidence::TOKEN_KEY, "the key that signs the token is at hand"),
    (evidence::TOKEN_TIMES, "the token is in force"),
    (evidence::TOKEN_DIGESTS, "the devices and their tokens are those that the whole names"),
    (evidence::ROOT, "the chain ends in a root we know"),
    (evidence::PROFILE, "every certificate has the vendor's form and stands in its order"),
    (evidence::VALIDITY, "every certificate is valid at the instant of the appraisal"),
    (evidence::CHAIN_SIGNATURES, "every certificate is signed by the one above it"),
    (evidence::REVOCATION, "no certificate is revoked"),
    (evidence::PCK, "the chain is of Intel's for platforms, and says which platform it is"),
    (evidence::ATTESTATION_KEY, "the platform vouches for the enclave that signed"),
    (evidence::SIGNATURE, "the evidence is signed by the key that the chain vouches for"),
    (evidence::COLLATERAL, "what the vendor says of such platforms is signed and in force"),
    (evidence::TIMESTAMP, "the evidence was made while its certificate was valid"),
    (evidence::IDENTITY, "what the evidence says of the machine is what is certified of it"),
    (evidence::RUNTIME_DATA, "the hardware vouches for the paravisor's runtime data and the key in them"),
    (evidence::QUOTE_SIGNATURE, "the TPM quote is signed by that key"),
    (evidence::PCRS, "the register values are those that the TPM quote selects and signs"),
    (evidence::NONCE, "the evidence carries the nonce that was expected"),
    (evidence::RECIPIENT, "the evidence carries the key that the witness would be sealed to"),
    (evidence::BINDING, "the evidence carries the binding that was expected"),
    (evidence::REFERENCE_VALUES, "the measurements are the ones that the vendor has signed"),
    (evidence::FIRMWARE, "Google's endorsements of firmware that name this measurement are signed and in force"),
    (evidence::TCB, "the platform's versions reach a level that the vendor has not withdrawn"),
    (policy::SHAPE, "the pieces make one set, of a shape that is accepted"),
    (policy::VALIDITY, "everything it rests on is still valid"),
    (policy::ROOTS, "the root is one that the policy lists"),
    (policy::DEBUG, "it is no debug evidence, or debug is allowed"),
    (policy::SIMULATED, "it is no simulator's evidence, or that is allowed"),
    (policy::REVOCATION, "revocation was checked as the policy demands"),
    (policy::FRESHNESS, "it is young enough"),
    (policy::NONCE, "a nonce was checked, if the policy demands one"),
    (policy::BINDING, "a binding was checked, if the policy demands one"),
    (policy::UNKNOWN_FIELDS, "it has no signed field that this build does not know, or that is allowed"),
    (policy::RULES, "every rule of the policy is satisfied"),
];

/// Prints a verdict.
pub(super) fn verdict(
    output: &mut Output,
    result: &AppraisalResult,
    policy: Option<&Policy>,
    roots: &RootSet,
) -> anyhow::Result<()> {
    let kinds: Vec<_> = result.kinds.iter().map(|kind| kind.as_str()).collect();
    output.line(format!("{} {}: {}", mark(result.verdict), kinds.join(" + "), summary(result, policy)))?;
    if result.simulated() {
        output.line("  ! SIMULATED: no hardware stands behind this evidence")?;
    }
    if result.claims.bool(snp::ROOT_SEED_EXPOSED) == Some(true) {
        let line = "  ! the key seeds of this product line can be read out: who has a chip's forges its reports; name the chips";
        output.line(line)?;
    }
    output.line(format!("  appraised at  {}", result.at))?;
    if let Some(valid_until) = result.valid_until {
        output.line(format!("  valid until   {valid_until}"))?;
    }
    for id in &result.evidence_ids {
        output.line(format!("  evidence id   {id}"))?;
    }
    root(output, result, roots)?;
    checks(output, result)?;
    reasons(output, &result.reasons)?;
    claims(output, &result.claims)
}

const fn mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::Affirming => '✓',
        Verdict::Refused => '✗',
    }
}

/// The verdict in one sentence, with what it does not say.
fn summary(result: &AppraisalResult, policy: Option<&Policy>) -> String {
    let policy = policy.map_or_else(String::new, |policy| format!(" policy \"{}\"", plain(policy.name())));
    match (result.verdict, result.authentic, result.scope) {
        (Verdict::Affirming, _, Scope::Policy) => format!("affirming. It is authentic and satisfies{policy}."),
        (Verdict::Affirming, _, Scope::AuthenticityOnly) => {
            "affirming, authenticity only. The silicon vouches for it; no policy was given, so nothing is said about \
             whether the right code runs."
                .to_owned()
        }
        (Verdict::Refused, true, Scope::Policy) => format!("refused. It is authentic and does not satisfy{policy}."),
        (Verdict::Refused, true, Scope::AuthenticityOnly) => "refused, although it is authentic.".to_owned(),
        (Verdict::Refused, false, _) => "refused. It is not shown to be authentic; nothing it says counts.".to_owned(),
    }
}

fn root(output: &mut Output, result: &AppraisalResult, roots: &RootSet) -> anyhow::Result<()> {
    let Some(Value::List(digests)) = result.claims.get(cross_vendor::ROOT_SHA256) else { return Ok(()) };
    for digest in digests {
        let digest = digest.to_string();
        let known = roots.iter().find(|root| hex::encode(root.sha256) == digest);
        let name = known.map_or_else(|| digest.clone(), |root| format!("{} ({})", root.id, root.trust_anchor.as_str()));
        output.line(format!("  root          {}", plain(&name)))?;
    }
    Ok(())
}

fn checks(output: &mut Output, result: &AppraisalResult) -> anyhow::Result<()> {
    if result.checks.is_empty() {
        return Ok(());
    }
    output.line("  checks")?;
    for check in &result.checks {
        let meaning = CHECKS.iter().find(|(name, _)| *name == check.name).map_or(check.name, |(_, meaning)| meaning);
        let line = match check.outcome {
            Outcome::Passed => format!("    ✓ {meaning}"),
            Outcome::Failed => format!("    ✗ not so: {meaning}"),
            Outcome::NotPerformed => format!("    – not checked: {meaning}"),
        };
        output.line(line)?;
    }
    Ok(())
}

fn reasons(output: &mut Output, reasons: &[Reason]) -> anyhow::Result<()> {
    if reasons.is_empty() {
        return Ok(());
    }
    output.line("  why it was refused")?;
    for reason in reasons {
        let rule = reason.rule.as_deref().map_or_else(String::new, |rule| format!(" (rule {})", plain(rule)));
        output.line(format!("    ✗ {}{rule}: {}", reason.code, plain(&reason.detail)))?;
        for (label, value) in [("have", &reason.have), ("need", &reason.need)] {
            if let Some(value) = value {
                output.line(format!("        {label}  {}", plain(value)))?;
            }
        }
        output.line(format!("        next  {}", reason.code.remedy()))?;
    }
    Ok(())
}

/// The claims, aligned. Neighbouring registers of zeros share a line, and long values are cut; `--json` has all of it.
fn claims(output: &mut Output, claims: &Claims) -> anyhow::Result<()> {
    if claims.is_empty() {
        return Ok(());
    }
    output.line("  what it establishes")?;
    let mut lines: Vec<(String, String)> = Vec::new();
    // First and last name of the run of zeros that the last line stands for.
    let mut run: Option<(ClaimName, ClaimName)> = None;
    for (name, value) in claims.iter() {
        let is_zero = matches!(value, Value::Hex(bytes) if bytes.len() >= 32 && bytes.iter().all(|byte| *byte == 0));
        let goes_on = |(_, last): &(ClaimName, ClaimName)| {
            is_zero && last.id() == name.id() && last.register().checked_add(1) == Some(name.register())
        };
        run = match (run.filter(goes_on), lines.last_mut()) {
            (Some((first, _)), Some(line)) => {
                line.0 = format!("{first}–{}", name.register());
                Some((first, name))
            }
            _ => {
                lines.push((name.to_string(), shown(value, is_zero)));
                is_zero.then_some((name, name))
            }
        };
    }
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    lines.iter().try_for_each(|(name, value)| output.line(format!("    {name:width$}  {value}")))
}

/// A value as a person can take it in.
fn shown(value: &Value, is_zero: bool) -> String {
    const LONG_BYTES: usize = 64;
    match value {
        Value::Hex(bytes) if is_zero => format!("{} bytes of zero", bytes.len()),
        Value::Hex(bytes) if bytes.is_empty() => "(0 bytes)".to_owned(),
        Value::Hex(bytes) if bytes.len() > LONG_BYTES => {
            format!("{}… ({} bytes)", hex::encode(bytes.iter().take(16).copied().collect::<Vec<_>>()), bytes.len())
        }
        value => plain(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{CHECKS, evidence, policy};

    #[test]
    fn every_check_has_words_of_its_own() {
        let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), CHECKS.len());
        for name in evidence::ALL.iter().chain(policy::ALL) {
            assert!(names.contains(name), "{name}");
        }
    }
}
