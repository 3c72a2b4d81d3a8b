//! The manifest tells the truth about its files, and a manifest that does not is refused.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use der::Decode;
use prooftrail_result::{Kind, Timestamp, TrustAnchor};
use prooftrail_trust_roots::{Form, KeyStanding, ManifestError, Purpose, RootSet};
use sha2::{Digest, Sha256};
use x509_cert::{Certificate, time::Time};

fn instant(time: Time) -> Timestamp {
    Timestamp::from_unix_seconds(i64::try_from(time.to_unix_duration().as_secs()).unwrap()).unwrap()
}

#[test]
fn digests_subjects_and_windows_are_those_of_the_certificates() {
    let roots = RootSet::pinned();
    assert!(roots.iter().len() >= 1);
    for root in roots.iter() {
        assert_eq!(root.trust_anchor, TrustAnchor::Pinned);
        assert!(!root.simulated, "simulated trust never ships");
        if root.form == Form::CertificateDigest {
            assert!(root.der.is_empty(), "{}: chains bring it", root.id);
            continue;
        }
        let certificate = Certificate::from_der(&root.der).unwrap();
        let tbs = certificate.tbs_certificate();
        let description = root.description.as_ref().unwrap();
        assert_eq!(<[u8; 32]>::from(Sha256::digest(&root.der)), root.sha256, "{}", root.id);
        assert_eq!(tbs.subject().to_string(), description.subject, "{}", root.id);
        assert_eq!(tbs.subject(), tbs.issuer(), "{} is self-issued", root.id);
        assert_eq!(instant(tbs.validity().not_before), description.not_before, "{}", root.id);
        assert_eq!(instant(tbs.validity().not_after), description.not_after, "{}", root.id);
    }
}

#[test]
fn the_nitro_root_is_the_one_whose_fingerprint_aws_documents() {
    let roots = RootSet::pinned();
    let g1 = roots.iter().find(|root| root.id == "aws-nitro-g1").unwrap();
    assert_eq!(
        g1.sha256[..],
        [
            0x64, 0x1A, 0x03, 0x21, 0xA3, 0xE2, 0x44, 0xEF, 0xE4, 0x56, 0x46, 0x31, 0x95, 0xD6, 0x06, 0x31, 0x7E, 0xD7,
            0xCD, 0xCC, 0x3C, 0x17, 0x56, 0xE0, 0x98, 0x93, 0xF3, 0xC6, 0x8F, 0x79, 0xBB, 0x5B
        ]
    );
    assert!(roots.find(Kind::AwsNitro, &g1.der).is_some());
    assert_eq!(roots.find(Kind::AmdSevSnp, &g1.der), None, "a root vouches for its own vendor's kinds only");
}

/// The digests as several independent verifiers pin them.
#[test]
fn the_amd_roots_are_those_of_the_product_lines() {
    let roots = RootSet::pinned();
    for (id, sha256) in [
        ("amd-ark-milan", "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
        ("amd-ark-genoa", "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
        ("amd-ark-turin", "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"),
    ] {
        let root = roots.iter().find(|root| root.id == id).unwrap();
        assert_eq!(hex::encode(root.sha256), sha256, "{id}");
        assert!(roots.find(Kind::AmdSevSnp, &root.der).is_some());
        assert_eq!(roots.find(Kind::AwsNitro, &root.der), None, "a root vouches for its own vendor's kinds only");
    }
}

#[test]
fn a_root_of_reference_values_vouches_for_nothing_else() {
    let roots = RootSet::pinned();
    let root = roots.iter().find(|root| root.id == "nvidia-rim-root").unwrap();
    assert_eq!(
        hex::encode(root.sha256),
        "12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1",
        "as NVIDIA's own verifier pins it"
    );
    for kind in [Kind::NvidiaGpu, Kind::NvidiaSwitch] {
        assert_eq!(roots.find(kind, &root.der), None, "no device rests on it");
        assert!(roots.of_reference_values(kind).any(|of| of == root));
    }
    for kind in Kind::ALL {
        assert!(roots.of_reference_values(kind).all(|of| of.purpose == Purpose::ReferenceValues));
        assert!(roots.serving(kind).all(|of| of.purpose == Purpose::Evidence));
    }
}

#[test]
fn a_purpose_is_one_of_those_known() {
    let with = |purpose: &str| read(&MANIFEST.replace("source =", &format!("purpose = {purpose:?}\nsource =")));
    let purpose = |roots: &RootSet| roots.iter().next().unwrap().purpose;
    assert_eq!(purpose(&read(MANIFEST).unwrap()), Purpose::Evidence);
    assert_eq!(purpose(&with("evidence").unwrap()), Purpose::Evidence);
    assert_eq!(purpose(&with("reference-values").unwrap()), Purpose::ReferenceValues);
    assert!(matches!(with("rim"), Err(ManifestError::Field { field: "purpose", .. })));
}

const MANIFEST: &str = r#"
[[root]]
id = "aws-cn"
file = "root.der"
sha256 = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
subject = "CN=aws-cn.nitro-enclaves"
not_before = "2020-01-01T00:00:00Z"
not_after = "2050-01-01T00:00:00Z"
vendor = "amazon"
partition = "aws-cn"
kinds = ["aws-nitro"]
source = "operator"
"#;

fn read(text: &str) -> Result<RootSet, ManifestError> {
    RootSet::from_manifest(text, TrustAnchor::Configured, |file| match file {
        "root.der" => Ok(vec![1, 2, 3]),
        _ => Err("No such file or directory"),
    })
}

#[test]
fn an_operator_adds_a_partition_with_its_own_entry() {
    let mut roots = RootSet::pinned();
    roots.extend(read(MANIFEST).unwrap());
    let root = roots.find(Kind::AwsNitro, &[1, 2, 3]).unwrap();
    assert_eq!(
        (root.partition.as_deref(), root.trust_anchor, root.simulated),
        (Some("aws-cn"), TrustAnchor::Configured, false)
    );
}

#[test]
fn a_manifest_that_does_not_fit_is_refused_for_its_own_reason() {
    let other_digest = MANIFEST.replace("039058", "139058");
    assert!(matches!(read(&other_digest), Err(ManifestError::Digest { id, .. }) if id == "aws-cn"));
    for (from, to, name) in [
        ("root.der", "missing.der", "file"),
        ("2050-01-01T00:00:00Z", "2050", "not_after"),
        ("aws-nitro\"", "aws-nitr0\"", "kinds"),
    ] {
        let text = MANIFEST.replace(from, to);
        assert!(matches!(read(&text), Err(ManifestError::Field { field, .. }) if field == name), "{name}");
    }
    assert!(matches!(read(&MANIFEST.replace("source", "sauce")), Err(ManifestError::Syntax(_))));
    assert!(matches!(read(&" ".repeat(300_000)), Err(ManifestError::TooLarge(300_000))));
}

#[test]
fn a_bare_certificate_counts_as_a_simulator_s() {
    let roots = RootSet::from_certificate(vec![1, 2, 3]);
    let root = roots.find(Kind::IntelTdx, &[1, 2, 3]).unwrap();
    assert!(root.simulated && root.trust_anchor == TrustAnchor::Configured && root.vendor.is_none());
}

/// The digest as Google documents it beside the SHA-1; its bytes come with each token.
#[test]
fn a_root_that_is_known_by_its_digest_is_found_by_the_bytes_that_are_sent() {
    let pinned = RootSet::pinned();
    let google = pinned.iter().find(|root| root.id == "google-confidential-space-root").unwrap();
    assert_eq!((google.form, google.der.len()), (Form::CertificateDigest, 0));
    assert_eq!(google.kinds.as_deref(), Some(&[Kind::GcpConfidentialSpace][..]));

    let by_digest = MANIFEST.replace("file = \"root.der\"\n", "");
    let roots = read(&by_digest).unwrap();
    let found = roots.find_sent(Kind::AwsNitro, &[1, 2, 3]).unwrap();
    assert_eq!((found.form, found.der.as_slice(), found.id.as_str()), (Form::Certificate, &[1, 2, 3][..], "aws-cn"));
    assert_eq!(roots.find_sent(Kind::AwsNitro, &[1, 2, 4]), None);
    assert_eq!(roots.find_sent(Kind::AmdSevSnp, &[1, 2, 3]), None, "another vendor's kind");
    assert_eq!((roots.find(Kind::AwsNitro, &[1, 2, 3]), roots.serving(Kind::AwsNitro).count()), (None, 0));
    let short = by_digest.replace("039058c6", "");
    assert!(matches!(read(&short), Err(ManifestError::Field { field: "sha256", .. })));
    let two = MANIFEST.replace("file = \"root.der\"", "file = \"root.der\"\nkey_set = \"root.der\"");
    assert!(matches!(read(&two), Err(ManifestError::Field { field: "key_set", .. })));
}

#[test]
fn keys_of_tokens_are_listed_vouched_for_or_neither() {
    let token = Kind::GcpConfidentialSpace;
    let mut roots = RootSet::pinned();
    assert_eq!(roots.key(token, &[7; 32]), KeyStanding::Vouched);
    roots.demand_listed_keys([[9; 32]]);
    assert_eq!(roots.key(token, &[7; 32]), KeyStanding::Unlisted);
    assert!(matches!(roots.key(token, &[9; 32]), KeyStanding::Listed(root) if !root.simulated));
    assert_eq!(roots.key(Kind::AwsNitro, &[9; 32]), KeyStanding::Unlisted, "tokens alone are signed with such keys");

    let mut none = RootSet::default();
    none.demand_listed_keys([]);
    assert_eq!(none.key(token, &[7; 32]), KeyStanding::Unlisted);
    // A key set that nobody has read stands for nothing, and its bytes are no certificate.
    let unread = RootSet::from_key_set(vec![1, 2, 3]);
    assert_eq!((unread.find(token, &[1, 2, 3]), unread.find_sent(token, &[1, 2, 3])), (None, None));
}
