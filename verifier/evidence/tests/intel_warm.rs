//! What a cache may change: nothing but the time that a verdict takes. Every quote and every collateral is appraised cold, and
//! warm beside a good one, and the verdicts are compared.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod everything;

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Endorsements, Expected, NoIssuers, Refusal, Revocation, RevocationMode, VerifiedIssuers,
    authenticate,
};
use prooftrail_result::{Kind, ReasonCode as Code, Timestamp, TrustAnchor};
use prooftrail_simulator::{intel::Vendor, key::Key};
use prooftrail_trust_roots::RootSet;

use self::everything::Everything;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;

#[test]
fn a_warm_verdict_is_the_cold_one() {
    let vendor = Vendor::new("warm", AT);
    let der = vendor.root_der();
    let manifest = vendor.root_manifest();
    let roots = RootSet::from_manifest(&manifest, TrustAnchor::Configured, |_| Ok::<_, String>(der.clone())).unwrap();
    let judge =
        |quote: &[u8], collateral: &[u8], day: i64, issuers: &dyn VerifiedIssuers| -> Result<Authentic, Refusal> {
            let endorsements = Endorsements::read(&AwsLc, [collateral]).unwrap();
            let context = Context {
                crypto: &AwsLc,
                roots: &roots,
                endorsements: &endorsements,
                issuers,
                revocation: Revocation { intel: RevocationMode::Required, ..Revocation::default() },
                at: Timestamp::from_unix_seconds(AT + day * DAY).unwrap(),
                expected: Expected::default(),
            };
            authenticate(Kind::IntelTdx, quote, &context)
        };
    let good = (vendor.td_quote(), vendor.tdx_collateral());
    let (quote, collateral) = (good.0.build(), good.1.build());
    let cache = Everything::default();
    let sizes = || (cache.certificates.lock().unwrap().len(), cache.signatures.lock().unwrap().len());
    judge(&quote, &collateral, 0, &cache).unwrap();
    // The PCK's CA, the PCK by its path and by its chain's text, the signer of collateral by its path and by each document;
    // their signatures, those of the two lists, QE report, TCB info, QE identity.
    assert_eq!(sizes(), (6, 8));
    let forger = || Some(Key::p256("forger"));

    let mut quotes = vec![(None, quote.clone())];
    let mut other = |code, change: fn(&mut prooftrail_simulator::intel::Quote)| {
        let mut quote = vendor.td_quote();
        change(&mut quote);
        quotes.push((code, quote.build()));
    };
    other(None, |quote| quote.qe_auth_data.push(1));
    other(Some(Code::QuoteSignature), |quote| quote.signing_key = Some(Key::p256("forger")));
    other(Some(Code::QuoteQeReportSignature), |quote| quote.qe_report_key = Some(Key::p256("forger")));
    other(Some(Code::BindingAttestationKey), |quote| quote.qe_report_data = Some([1; 64]));
    for (code, quote) in &quotes {
        let warm = judge(quote, &collateral, 0, &cache);
        assert_eq!(warm.as_ref().err().map(|refusal| refusal.reason.code), *code);
        assert_eq!(warm, judge(quote, &collateral, 0, &NoIssuers));
    }
    // Two more reports that the platform's key did sign; the forged one is not remembered.
    assert_eq!(sizes(), (6, 10));

    let mut forged = vendor.tdx_collateral();
    forged.tcb_info_signing.key = forger();
    let mut identity = vendor.tdx_collateral();
    identity.qe_identity_signing.key = forger();
    for (collateral, day, code) in [
        (forged.build(), 0, Code::CollateralSignature),
        (identity.build(), 0, Code::CollateralSignature),
        (collateral.clone(), 20, Code::TimeCollateralExpired),
        (collateral.clone(), 22, Code::TimeCrlExpired),
    ] {
        let warm = judge(&quote, &collateral, day, &cache);
        assert_eq!(warm.as_ref().unwrap_err().reason.code, code);
        assert_eq!(warm, judge(&quote, &collateral, day, &NoIssuers));
    }
}
