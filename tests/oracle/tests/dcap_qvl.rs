//! Every Intel row of the acceptance cases, and every byte of genuine quotes changed, given to dcap-qvl 0.7.1 as well: both
//! must come to the same verdict, and where both accept to the same TCB status and advisories. Where they do not, a row of
//! [`DIFFERENCES`] says why; a row that no longer holds fails too.

use std::{collections::BTreeSet, env, fs, path::Path};

use dcap_qvl::{QuoteCollateralV3, verify::ring};
use prooftrail_evidence::{
    Authentic, AwsLc, Context, Endorsements, Expected, NoIssuers, Refusal, Revocation, RevocationMode, authenticate,
};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_trust_roots::RootSet;

/// Rows on which the two differ, and why.
const DIFFERENCES: [(&str, &str); 3] = [
    (
        "tdx/v4-azure-2023",
        "the peer refuses every guest without SEPT_VE_DISABLE, which is all of Azure; ours leaves it to policies",
    ),
    (
        "tdx/v4-outer-certtype-5",
        "the peer does not read the outer type of the certification data; Intel's library refuses it",
    ),
    (
        "tdx/v4-nonzero-trailing",
        "the peer ignores what follows the quote; ours allows zeros only, which is what buffers leave",
    ),
];

/// A verdict that can be compared: status and advisories, or that it is refused.
type Verdict = Result<(String, BTreeSet<String>), String>;

fn ours(kind: Kind, quote: &[u8], collateral: &[u8], at: Timestamp) -> Verdict {
    let judged = || -> Result<Authentic, Refusal> {
        let unread = |reason| Refusal { evidence_id: None, checks: Vec::new(), reason };
        let endorsements = Endorsements::read(&AwsLc, [collateral]).map_err(unread)?;
        let context = Context {
            crypto: &AwsLc,
            roots: &RootSet::pinned(),
            endorsements: &endorsements,
            issuers: &NoIssuers,
            revocation: Revocation { intel: RevocationMode::Required, ..Revocation::default() },
            at,
            expected: Expected::default(),
        };
        authenticate(kind, quote, &context)
    };
    let authentic = judged().map_err(|refusal| refusal.reason.code.to_string())?;
    if let Some(objection) = authentic.objections().first() {
        return Err(objection.code.to_string());
    }
    let claims = serde_json::to_value(authentic.claims()).expect("claims are JSON");
    if claims["debug"] == true {
        return Err("debug".into());
    }
    let advisories = claims["advisories"].as_array().into_iter().flatten().filter_map(|id| id.as_str());
    let status = claims["tcb.status"].as_str().unwrap_or_default();
    Ok((status.into(), advisories.map(Into::into).collect()))
}

fn theirs(quote: &[u8], collateral: &QuoteCollateralV3, at: Timestamp) -> Verdict {
    let now = u64::try_from(at.unix_seconds()).expect("after 1970");
    let report = ring::verify(quote, collateral, now).map_err(|error| format!("{error:#}"))?;
    Ok((report.status, report.advisory_ids.into_iter().collect()))
}

fn vectors() -> Option<String> {
    let folder = env::var("PROOFTRAIL_VECTORS").ok();
    if folder.is_none() {
        println!("skipped: 44 vectors (PROOFTRAIL_VECTORS names no folder)");
    }
    folder
}

#[test]
fn every_row_comes_to_the_same_verdict() {
    let Some(folder) = vectors() else { return };
    let folder = Path::new(&folder);
    let cases = fs::read_to_string(folder.join("CASES.tsv")).expect("cases");
    let mut compared = 0;
    let mut unexpected = Vec::new();
    let mut unseen: BTreeSet<_> = DIFFERENCES.iter().map(|(row, _)| *row).collect();
    for row in cases.lines().skip(1) {
        let [id, kind, evidence, endorsements, roots, at, ..] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}: too few columns")
        };
        let kind = match kind {
            "intel-tdx" => Kind::IntelTdx,
            "intel-sgx" => Kind::IntelSgx,
            _ => continue,
        };
        // One bundle, which is what the peer takes; event logs are none of its business.
        let bundle = endorsements.split(';').next().unwrap_or_default();
        let collateral = fs::read(folder.join(bundle)).expect(bundle);
        let Ok(parsed) = serde_json::from_slice::<QuoteCollateralV3>(&collateral) else { continue };
        assert!(roots.is_empty(), "{id}: the peer was not given other roots");
        let quote = fs::read(folder.join(evidence)).expect(evidence);
        let at = at.parse().expect("RFC 3339");
        let (ours, theirs) = (ours(kind, &quote, &collateral, at), theirs(&quote, &parsed, at));
        compared += 1;
        let same = ours == theirs || (ours.is_err() && theirs.is_err());
        if !same && !unseen.remove(id) {
            unexpected.push(format!("{id}: ours {ours:?}, dcap-qvl {theirs:?}"));
        }
    }
    println!("{compared} rows compared, {} differences named", DIFFERENCES.len());
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    assert!(unseen.is_empty(), "no longer different: {unseen:?}");
    assert!(compared >= 44, "{compared} rows");
}

/// Quotes with the bundle and the day on which they are good.
const GENUINE: [(Kind, &[u8], &[u8], &str); 3] = [
    (
        Kind::IntelTdx,
        include_bytes!("../../vectors/tdx/quotes/tdx-v4-phala-b0c06f.bin"),
        include_bytes!("../../vectors/tdx/collateral/dq-tdx_quote.json"),
        "2025-07-01T00:00:00Z",
    ),
    (
        Kind::IntelTdx,
        include_bytes!("../../vectors/tdx/quotes/tdx-v5-td15ex-phala-b0c06f.bin"),
        include_bytes!("../../vectors/tdx/collateral/dq-tdx_quote_td15ex.json"),
        "2026-10-15T00:00:00Z",
    ),
    (
        Kind::IntelSgx,
        include_bytes!("../../vectors/tdx/quotes/sgx-v3-processorca-00a067.bin"),
        include_bytes!("../../vectors/tdx/collateral/dq-sgx_quote.json"),
        "2025-07-01T00:00:00Z",
    ),
];

/// With what reasons ours refuses changes that the peer accepts: it takes the root from its own code and, where the bundle has
/// one, the platform's chain from the bundle, so that it does not read the one in the quote; nor does it read what is named
/// above. Ours reads all that is sent.
const UNREAD_BY_THE_PEER: [&str; 4] = ["chain.", "x509.", "quote.certification_data", "quote.trailing_bytes"];

/// Every few bytes, so that all fields are met in some quote.
const STEP: usize = 3;

#[test]
fn a_changed_byte_is_refused_by_both() {
    for (place, (kind, quote, collateral, at)) in GENUINE.into_iter().enumerate() {
        let at = at.parse().expect("RFC 3339");
        let parsed = serde_json::from_slice(collateral).expect("a bundle");
        let good = ours(kind, quote, collateral, at);
        assert!(good.is_ok(), "{good:?}");
        assert_eq!(good, theirs(quote, &parsed, at));
        let mut unread = 0;
        for byte in (place..quote.len()).step_by(STEP) {
            let mut changed = quote.to_vec();
            changed[byte] ^= 0x10;
            let (ours, theirs) = (ours(kind, &changed, collateral, at), theirs(&changed, &parsed, at));
            match (&ours, &theirs) {
                (Err(_), Err(_)) => {}
                (Err(reason), Ok(_)) => {
                    let known = UNREAD_BY_THE_PEER.iter().any(|prefix| reason.starts_with(prefix));
                    assert!(known, "byte {byte} of quote {place}: {reason}, {theirs:?}");
                    unread += 1;
                }
                // What is not signed, and changes nothing: both must then say what they said before.
                (Ok(_), _) => assert_eq!((&ours, &theirs), (&good, &good), "byte {byte} of quote {place}"),
            }
        }
        println!("quote {place}: {unread} of {} changes are accepted by the peer alone", quote.len().div_ceil(STEP));
    }
}
