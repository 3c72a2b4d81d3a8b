//! The evaluation of a policy of 30 rules on a genuine document's claims.

use std::{fmt::Write, hint::black_box};

use prooftrail_evidence::{AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, authenticate};
use prooftrail_policy::{Policy, PolicyDocument};
use prooftrail_result::Kind;
use prooftrail_trust_roots::RootSet;

use crate::{
    measure::ratio,
    nitro::{DOCUMENT, MADE_AT, Pieces},
};

pub fn run() {
    let (roots, at) = (RootSet::pinned(), MADE_AT.parse().expect("RFC 3339"));
    let set = [authenticate(
        Kind::AwsNitro,
        DOCUMENT,
        &Context {
            crypto: &AwsLc,
            roots: &roots,
            endorsements: &Endorsements::default(),
            issuers: &NoIssuers,
            revocation: Revocation::default(),
            at,
            expected: Expected::default(),
        },
    )
    .expect("authentic")];
    let policy = policy(&roots);
    let evaluate = || {
        let appraised = black_box(&policy).appraise(black_box(&set), at);
        assert!(appraised.affirming().is_ok());
    };
    let pieces = Pieces::of(DOCUMENT);
    ratio("policy-eval", evaluate, || pieces.verify_document());
    ratio("policy-eval-of-10-us", evaluate, || {
        let start = std::time::Instant::now();
        while start.elapsed().as_nanos() < 10_000 {}
    });
}

/// Thirty rules: one a reference set of a thousand values, the others single values.
fn policy(roots: &RootSet) -> Policy {
    let mut text = String::from(
        "prooftrail_policy = 1\nname = \"bench\"\nrationale = \"bench\"\nrequire_nonce = false\n\
         [freshness]\nmax_age = \"5m\"\n[[platform]]\nname = \"nitro\"\nprimary = \"aws-nitro\"\n",
    );
    let mut rule = |id: &str, claim: &str, compare: &str| {
        write!(text, "[[rule]]\nid = \"{id}\"\nclaim = \"{claim}\"\n{compare}\nrationale = \"bench\"\n")
            .expect("a string");
    };
    rule("image", "nitro.pcr0", "operator = \"in\"\nreference = \"images\"");
    for (number, register) in (5..16).chain(5..16).chain(5..11).enumerate() {
        let zeros = "00".repeat(48);
        rule(
            &format!("zero-{number}"),
            &format!("nitro.pcr{register}"),
            &format!("operator = \"equals\"\nvalue = \"{zeros}\""),
        );
    }
    rule("region", "nitro.region", "operator = \"in\"\nvalue = [\"eu-central-1\", \"us-east-1\"]");
    text.push_str("[[reference]]\nname = \"images\"\n");
    for image in 0..999 {
        write!(text, "[[reference.value]]\nvalue = \"{image:096x}\"\n").expect("a string");
    }
    text.push_str("[[reference.value]]\nvalue = \"8bb159f202bb95d6d4d98e0e103918246cea734f1d57cd263e4fd56075ed53f6fa8c68854817a32749a241e11874c26b\"\n");
    let trusted: Vec<_> = roots.iter().map(|root| root.sha256).collect();
    PolicyDocument::parse(&text).and_then(|document| document.compile(&trusted)).expect("a policy")
}
