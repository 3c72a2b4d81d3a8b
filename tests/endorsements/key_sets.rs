//! The key sets of token issuers: fetched, kept for a quarter of an hour, good for the issuer's own tokens, and every way in
//! which they are not.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use prooftrail::endorsements::{Places, Source, places::KeySets};
use prooftrail_evidence::{
    Authentic, AwsLc, Context, EndorsementFile, Endorsements, Expected, NoIssuers, Refusal, Revocation, Wanted,
    authenticate, wanted,
};
use prooftrail_result::{Kind, ReasonCode as Code};
use prooftrail_simulator::{
    azure::Machine, google::Verifier, maa::Provider, nras::Service, trust_authority, vendors::Vendors,
};
use prooftrail_trust_roots::RootSet;

use crate::{
    scene::{AT, SEED, Set, failing, timestamp},
    scratch::Scratch,
};

const GOOGLE: &str = "google-confidential-space-keys";
const MINUTE: i64 = 60;

/// Every issuer with its keys, and a token of each.
fn issuers() -> Vec<(&'static str, Kind, Vec<u8>)> {
    let machine = Machine::snp(SEED, AT);
    vec![
        (GOOGLE, Kind::GcpConfidentialSpace, Verifier::new(SEED, AT).oidc_token().build().into_bytes()),
        (
            "azure-maa-keys-simulated.sim",
            Kind::AzureMaa,
            Provider::new(SEED, AT).sev_snp_token(&machine).build().into_bytes(),
        ),
        ("nvidia-nras-keys", Kind::NvidiaNras, Service::new(SEED, AT).answer(&[7; 32], &["GPU-0"]).build()),
        (
            "intel-trust-authority-keys",
            Kind::IntelTrustAuthority,
            trust_authority::Service::new(SEED, AT).trust_domain(b"held").build().into_bytes(),
        ),
    ]
}

/// Issuers that publish their keys.
fn publishing() -> Vendors {
    let vendors = Vendors::start(Vec::new(), SEED, AT);
    let sets = [
        Verifier::new(SEED, AT).key_set(),
        Provider::new(SEED, AT).key_set(),
        Service::new(SEED, AT).bare_key_set(),
        trust_authority::Service::new(SEED, AT).key_set(),
    ];
    for ((name, ..), set) in issuers().into_iter().zip(sets) {
        vendors.publish_keys(name, set);
    }
    vendors
}

fn places(vendors: &Vendors) -> Places {
    let url = vendors.url();
    let urls: BTreeMap<_, _> =
        issuers().into_iter().map(|(name, ..)| (name.to_owned(), format!("{url}/keys/{name}"))).collect();
    Places { key_sets: KeySets::try_from(urls).unwrap(), ..Places::default() }
}

fn source(vendors: &Vendors, clock: &Arc<Set>, cache: Option<&std::path::Path>) -> Arc<Source> {
    Source::open(places(vendors), RootSet::pinned(), clock.clone(), Duration::from_secs(1), cache).unwrap()
}

/// The verdict on a token under these endorsements.
fn judge(kind: Kind, token: &[u8], files: &[EndorsementFile]) -> Result<Authentic, Refusal> {
    let mut roots = RootSet::pinned();
    roots.extend(RootSet::from_certificate(trust_authority::Service::new(SEED, AT).root_der()));
    let context = Context {
        crypto: &AwsLc,
        roots: &roots,
        endorsements: &Endorsements::of(&AwsLc, files).unwrap(),
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at: timestamp(AT),
        expected: Expected::default(),
    };
    authenticate(kind, token, &context)
}

fn needs(kind: Kind, token: &[u8]) -> Vec<Wanted> {
    wanted(kind, token, &Endorsements::default(), None, &AwsLc).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_names_the_set_it_needs_and_is_verified_with_it() {
    let (vendors, clock) = (publishing(), Set::at(AT));
    let source = source(&vendors, &clock, None);
    for (name, kind, token) in issuers() {
        let wants = needs(kind, &token);
        assert_eq!(wants.iter().map(ToString::to_string).collect::<Vec<_>>(), [name]);
        let gathered = source.gather(&wants).await;
        assert_eq!(gathered.failures, []);
        let files = &gathered.kept[0].files;
        let authentic = judge(kind, &token, files).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        // A chain to a root needs no word of the issuer's.
        let is_certified = kind == Kind::IntelTrustAuthority;
        assert_eq!(authentic.issuer_keys().is_empty(), is_certified, "{name}");
        // The set is the issuer's, and nobody else's, though any of these keys could have signed.
        assert!(gathered.kept[0].files[0].starts_with(b"{\"issuer\":[\""));
        for (other, kind, token) in issuers().into_iter().filter(|(other, ..)| *other != name) {
            let reason = judge(kind, &token, files).unwrap_err().reason;
            assert_eq!(reason.code, Code::TokenKeyUnknown, "{other} with {name}");
            assert!(reason.need.unwrap().contains("of 0 key sets"), "{other} with {name}");
        }
    }
    assert_eq!(vendors.asked("/keys/"), 4);
    // PKI tokens bring their chain; an issuer that is none is asked nothing.
    let verifier = Verifier::new(SEED, AT);
    let mut stranger = verifier.oidc_token();
    stranger.payload.set("iss", "https://issuer.example");
    for token in [verifier.pki_token(), stranger] {
        assert_eq!(needs(Kind::GcpConfidentialSpace, token.build().as_bytes()), []);
    }
    let mut european = trust_authority::Service::new(SEED, AT).trust_domain(b"held");
    european.payload.set("iss", "https://portal.eu.trustauthority.intel.com");
    let european = needs(Kind::IntelTrustAuthority, european.build().as_bytes());
    assert_eq!(european[0].to_string(), "intel-trust-authority-eu-keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_kept_for_a_quarter_of_an_hour_and_asked_for_again_before() {
    let (vendors, clock, scratch) = (publishing(), Set::at(AT), Scratch::new());
    let wants: Vec<Wanted> = vec![GOOGLE.parse().unwrap()];
    let first = source(&vendors, &clock, Some(scratch.path()));
    assert_eq!(first.gather(&wants).await.failures, []);
    drop(first);
    // A restart asks nobody.
    let second = source(&vendors, &clock, Some(scratch.path()));
    clock.to(AT + 15 * MINUTE);
    assert!(second.at_hand(&wants[0]).is_some());
    clock.to(AT + 15 * MINUTE + 1);
    assert!(second.at_hand(&wants[0]).is_none());
    assert_eq!(vendors.asked("/keys/"), 1);
    // While tokens come, the issuer is asked in time; and what it withdrew is gone with the next answer.
    let verifier = Verifier::new("another day", AT);
    vendors.publish_keys(GOOGLE, verifier.key_set());
    second.refresh().await;
    let kept = second.at_hand(&wants[0]).unwrap();
    assert_eq!(vendors.asked("/keys/"), 2);
    let token = |verifier: &Verifier| verifier.oidc_token().build().into_bytes();
    let judge = |verifier: &Verifier| judge(Kind::GcpConfidentialSpace, &token(verifier), &kept.files);
    assert!(judge(&verifier).is_ok());
    assert_eq!(judge(&Verifier::new(SEED, AT)).unwrap_err().reason.code, Code::TokenKeyUnknown);
    clock.to(AT + 29 * MINUTE);
    second.refresh().await;
    assert_eq!(vendors.asked("/keys/"), 3);
    // A clock that is set back makes no replay of what has no date.
    clock.to(AT);
    assert_eq!(second.gather(&wants).await.failures, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_leaves_nothing() {
    for (conduct, code) in failing() {
        let (vendors, clock) = (publishing(), Set::at(AT));
        vendors.conduct(conduct);
        let source = source(&vendors, &clock, None);
        let wants: Vec<_> = issuers().iter().flat_map(|(_, kind, token)| needs(*kind, token)).collect();
        let gathered = source.gather(&wants).await;
        assert!(gathered.kept.is_empty(), "{conduct:?}");
        for (wanted, failure) in &gathered.failures {
            assert_eq!(failure.code(), code, "{conduct:?}, {wanted}: {failure}");
        }
    }
    // Keys of another sort than the issuer signs with are not its.
    let (vendors, clock) = (publishing(), Set::at(AT));
    vendors.publish_keys(GOOGLE, Service::new(SEED, AT).bare_key_set());
    let gathered = source(&vendors, &clock, None).gather(&[GOOGLE.parse().unwrap()]).await;
    assert!(gathered.failures[0].1.to_string().contains("a key for RS256"), "{gathered:?}");
}
