//! The digest of a policy: SHA-384 over its canonical form, which is deterministic CBOR (RFC 8949, section 4.2).
//! docs/policy.md, "Digest", is the specification of the form; this module follows it line by line.
//!
//! Everything that a policy says is covered, rationales, notes and controls included, because that is what an approver
//! signs. Sets are arrays in the order of their members' encodings, each member once.

#[cfg(test)]
mod tests;

use std::convert::Infallible;

use minicbor::Encoder;
use prooftrail_result::{Timestamp, claims::Value};
use sha2::{Digest as _, Sha384};

use crate::{
    ClaimPattern, DeviceRange, Group, Operator, Platform, Rule,
    policy::{ProofPin, Reference, ReferenceValue, Terms},
    revocation::{as_str, by_vendor},
    rule::Operand,
    value_set::Window,
};

/// What the first item of the canonical form says.
const DOMAIN: &str = "prooftrail/policy/v1";

type Error = minicbor::encode::Error<Infallible>;
type Output = Encoder<Vec<u8>>;

/// The digest of a resolved policy.
pub(crate) fn of(terms: &Terms) -> [u8; 48] {
    Sha384::digest(written(|out| policy(out, terms))).into()
}

/// What a rule compares with what, as bytes: equal for rules that say the same.
pub(crate) fn of_comparison(rule: &Rule) -> Vec<u8> {
    written(|out| comparison(out, rule.claim, rule.operator, &rule.operand))
}

/// The bytes of a canonical form.
#[expect(clippy::expect_used, reason = "writing to memory does not fail, and no item here has an encoding that can")]
fn written(write: impl FnOnce(&mut Output) -> Result<(), Error>) -> Vec<u8> {
    encoded(write).expect("writing to memory does not fail")
}

fn policy(out: &mut Output, terms: &Terms) -> Result<(), Error> {
    // Destructured, so that a new field cannot be forgotten here.
    let Terms {
        name,
        rationale,
        allow_debug,
        allow_simulated,
        allow_unknown_fields,
        allow_issuer_keys,
        require_nonce,
        require_binding,
        roots,
        max_age_seconds,
        revocation,
        platforms,
        rules,
        groups,
        references,
        proofs,
    } = terms;
    // A policy that names no circuits, has no groups, or allows no issuer's keys has the digest that it had before policies
    // could.
    let items = match (proofs.is_empty(), groups.is_empty(), *allow_issuer_keys) {
        (true, true, false) => 14,
        (false, true, false) => 15,
        (_, false, false) => 16,
        (_, _, true) => 17,
    };
    out.array(items)?.str(DOMAIN)?.str(name)?.str(rationale)?;
    for flag in [allow_debug, allow_simulated, allow_unknown_fields, require_nonce, require_binding] {
        out.bool(*flag)?;
    }
    set(out, roots, |out, root| out.bytes(root).map(drop))?;
    out.encode(max_age_seconds)?;
    set(out, by_vendor(*revocation), |out, (vendor, mode)| out.array(2)?.str(vendor)?.str(as_str(mode)).map(drop))?;
    set(out, platforms, platform)?;
    set(out, rules.iter().filter(|rule| rule.group().is_none()), rule)?;
    set(out, references, reference)?;
    if items > 14 {
        set(out, proofs, |out, ProofPin { system, vk_sha256 }| out.array(2)?.str(system)?.bytes(vk_sha256).map(drop))?;
    }
    if items > 15 {
        set(out, groups, |out, of| group(out, of, rules))?;
    }
    if items > 16 {
        out.bool(*allow_issuer_keys)?;
    }
    Ok(())
}

/// A group, with those of the rules that are about it.
fn group(out: &mut Output, group: &Group, rules: &[Rule]) -> Result<(), Error> {
    let Group { name, set: brought_by, when } = group;
    out.array(4)?.str(name)?.str(brought_by)?;
    set(out, when, |out, condition| {
        out.array(4)?;
        comparison(out, condition.claim, condition.operator, &condition.operand)
    })?;
    set(out, rules.iter().filter(|rule| rule.group() == Some(name)), rule)
}

fn platform(out: &mut Output, platform: &Platform) -> Result<(), Error> {
    let Platform { name, primary, devices, rules } = platform;
    out.array(4)?.str(name)?.encode(primary.map(prooftrail_result::Kind::as_str))?;
    set(out, devices, |out, DeviceRange { kind, min, max }| {
        out.array(3)?.str(kind.as_str())?.u16(*min)?.u16(*max).map(drop)
    })?;
    set(out, rules, rule)
}

fn rule(out: &mut Output, rule: &Rule) -> Result<(), Error> {
    // Which group a rule is about is said by where it stands.
    let Rule { id, claim, operator, operand, rationale, controls, group: _ } = rule;
    out.array(7)?.str(id)?;
    comparison(out, *claim, *operator, operand)?;
    out.str(rationale)?;
    set(out, controls, |out, control| out.str(control).map(drop))
}

/// What a rule compares with what: four items.
fn comparison(out: &mut Output, claim: ClaimPattern, operator: Operator, operand: &Operand) -> Result<(), Error> {
    out.str(&claim.to_string())?.str(operator.as_str())?;
    match operand {
        Operand::One(one) => {
            out.str("value")?;
            value(out, one)
        }
        Operand::Many { reference: Some(name), .. } => out.str("reference")?.str(name).map(drop),
        Operand::Many { reference: None, values } => {
            out.str("values")?;
            set(out, values.written(), |out, entry| value(out, &entry.value))
        }
    }
}

fn reference(out: &mut Output, reference: &Reference) -> Result<(), Error> {
    let Reference { name, values, is_used: _ } = reference;
    out.array(2)?.str(name)?;
    set(out, values, |out, reference_value| {
        let ReferenceValue { written: _, forms, window: Window { not_before, retire_at }, note } = reference_value;
        out.array(4)?;
        set(out, forms, |out, (claim_type, form)| {
            out.array(2)?.str(&claim_type.to_string())?;
            value(out, form)
        })?;
        out.encode(not_before.map(Timestamp::unix_millis))?.encode(retire_at.map(Timestamp::unix_millis))?;
        out.encode(note.as_deref()).map(drop)
    })
}

/// A value; the claim, or the type beside it, says which type it has.
fn value(out: &mut Output, of: &Value) -> Result<(), Error> {
    match of {
        Value::Bool(truth) => out.bool(*truth)?,
        Value::Int(number) | Value::Mask(number) => out.u64(*number)?,
        Value::Text(text) => out.str(text)?,
        Value::Hex(bytes) => out.bytes(bytes)?,
        Value::Time(instant) | Value::TimeMillis(instant) => out.i64(instant.unix_millis())?,
        Value::List(members) => {
            out.array(length(members.len()))?;
            return members.iter().try_for_each(|member| value(out, member));
        }
    };
    Ok(())
}

/// The bytes that an encoding writes.
fn encoded(write: impl FnOnce(&mut Output) -> Result<(), Error>) -> Result<Vec<u8>, Error> {
    let mut out = Encoder::new(Vec::new());
    write(&mut out)?;
    Ok(out.into_writer())
}

/// A set: its members once each, in the order of their encodings.
fn set<T>(
    out: &mut Output,
    members: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Output, T) -> Result<(), Error>,
) -> Result<(), Error> {
    let members = members.into_iter().map(|member| encoded(|out| write(out, member)));
    let mut members = members.collect::<Result<Vec<_>, _>>()?;
    members.sort_unstable();
    members.dedup();
    out.array(length(members.len()))?;
    members.iter().for_each(|member| out.writer_mut().extend_from_slice(member));
    Ok(())
}

/// A length as CBOR counts.
fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
