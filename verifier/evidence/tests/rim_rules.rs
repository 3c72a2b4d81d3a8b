//! One change to a good RIM, or to what is known of its signer, per rule, each refused for exactly its own reason. The RIMs and
//! the responder's answers are the simulator's, which shares no code with the verifier; both cryptography providers judge.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{
    AwsLc, Context, Crypto, Endorsements, Expected, Golden, NoIssuers, Revocation, RevocationMode, Rim, RimKind,
    RimStatus, RustCrypto,
};
use prooftrail_result::{Kind, Reason, ReasonCode as Code, Stage, Timestamp, TrustAnchor};
use prooftrail_simulator::{
    der,
    edit::Edit,
    key::{Key, SignatureEdit},
    nvidia_rim::{Authority, Record, RimSpec},
    ocsp::{self, CertStatus, IdHash, ResponseSpec, Signer},
    x509::{CrlSpec, Extension, KeyUsage, Name, oid},
};
use prooftrail_trust_roots::RootSet;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;

fn authority() -> Authority {
    Authority::new("rules", AT)
}

fn driver(authority: &Authority) -> RimSpec {
    authority.driver("GH100", "550.90.07").with(Record::golden(3, vec![[3; 48], [4; 48]]))
}

fn roots(authority: &Authority) -> RootSet {
    let der = authority.root_der();
    RootSet::from_manifest(&authority.root_manifest(), TrustAnchor::Configured, |_| Ok::<_, String>(der.clone()))
        .unwrap()
}

/// What a verdict on a RIM comes to.
type Verdict = Result<(RimStatus, Timestamp), Reason>;

/// What is known besides the RIM.
#[derive(Clone)]
struct Told {
    at: i64,
    mode: RevocationMode,
    files: Vec<Vec<u8>>,
}

impl Default for Told {
    fn default() -> Self {
        Self { at: 0, mode: RevocationMode::BestEffort, files: Vec::new() }
    }
}

fn judge_with(crypto: &dyn Crypto, rim: &[u8], roots: &RootSet, told: &Told) -> Verdict {
    let endorsements = Endorsements::read(crypto, told.files.iter().map(Vec::as_slice))?;
    let context = Context {
        crypto,
        roots,
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation { nvidia: told.mode, ..Revocation::default() },
        at: Timestamp::from_unix_seconds(AT + told.at).unwrap(),
        expected: Expected::default(),
    };
    let rim = Rim::read(crypto, rim)?;
    rim.verify(&context).map(|verified| (verified.status, verified.valid_until))
}

/// By both providers alike.
fn judge(rim: &[u8], roots: &RootSet, told: &Told) -> Verdict {
    let ours = judge_with(&AwsLc, rim, roots, told);
    assert_eq!(judge_with(&RustCrypto, rim, roots, told), ours);
    ours
}

fn status(rim: &RimSpec, authority: &Authority, told: &Told) -> Result<RimStatus, Code> {
    judge(rim.build().as_bytes(), &roots(authority), told).map(|(status, _)| status).map_err(|reason| reason.code)
}

#[test]
fn a_good_rim_says_what_was_signed() {
    let authority = authority();
    let spec = driver(&authority).with(Record::floor(37, 7));
    let rim = Rim::read(&AwsLc, spec.build().as_bytes()).unwrap();
    assert_eq!((rim.kind, rim.version.as_str(), rim.product.as_str()), (RimKind::Driver, "550.90.07", "GH100"));
    assert_eq!((rim.id.as_str(), rim.manufacturer_id.as_str()), (spec.tag_id.as_str(), "5703"));
    assert_eq!(rim.golden.len(), 64);
    let active: Vec<&Golden> = rim.golden.iter().filter(|golden| golden.active).collect();
    assert_eq!(active, [&Golden { index: 3, active: true, alternatives: vec![[3; 48], [4; 48]], size: 48 }]);
    let [floor] = rim.floors.as_slice() else { panic!("{:?}", rim.floors) };
    assert_eq!((floor.type_id, floor.min_svn, floor.include_in_result), (37, 7, true));
    assert_eq!(status(&spec, &authority, &Told::default()), Ok(RimStatus::Valid));
    for (spec, kind) in [
        (authority.vbios("GH100", "96.00.5E.00.01"), RimKind::Vbios),
        (authority.switch_bios("LS10", "96.10.55.00.01"), RimKind::Switch),
    ] {
        assert_eq!(Rim::read(&AwsLc, spec.build().as_bytes()).unwrap().kind, kind);
        assert_eq!(status(&spec, &authority, &Told::default()), Ok(RimStatus::Valid));
    }
}

/// What is written differently and has the same canonical form is the same document.
#[test]
fn spelling_does_not_matter_where_the_canonical_form_is_the_same() {
    let authority = authority();
    let rim = driver(&authority).build();
    let once = |from: &str, to: &str| {
        assert!(rim.contains(from), "{from}");
        rim.replacen(from, to, 1)
    };
    for text in [
        format!("<?xml version=\"1.0\"?>{rim}"),
        format!("<?xml version='1.0' encoding='utf-8' standalone='no' ?>\n\n{rim}\n"),
        rim.replace('\n', "\r\n"),
        rim.replace('\n', "\r"),
        once("index=\"0\" active=\"False\"", "active = 'False'\n\tindex=\"0\""),
        once("Measurement_7", "&#x4d;easurement&#95;7"),
        once("softwareCreator tagCreator\"/>", "softwareCreator tagCreator\" ></ns0:Entity >"),
        once("<ns0:Entity", "<ns0:Entity xmlns:ns0=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\""),
        once("<ds:KeyInfo>", "\n<ds:KeyInfo xmlns:x=\"http://x.example/\">"),
        once("</ds:SignatureValue>", " \t</ds:SignatureValue>"),
    ] {
        assert_eq!(judge(text.as_bytes(), &roots(&authority), &Told::default()).unwrap().0, RimStatus::Valid, "{text}");
    }
}

/// Each edit of the text, and the reason.
#[test]
fn each_rule_of_the_text_has_its_reason() {
    let authority = authority();
    let rim = driver(&authority).with(Record::floor(37, 7)).build();
    let signature = {
        let start = rim.find("<ds:Signature ").unwrap();
        &rim[start..rim.find("</SoftwareIdentity>").unwrap()]
    };
    let certificate = {
        let start = rim.find("<ds:X509Certificate>").unwrap();
        &rim[start..rim.find("</ds:X509Certificate>").unwrap() + "</ds:X509Certificate>".len()]
    };
    let record = "<ns0:Resource type=\"Measurement\" index=\"0\"";
    let table: &[(&str, &str, Code)] = &[
        // XML
        ("<ns0:Payload", "<!-- --><ns0:Payload", Code::RimMalformed),
        ("<ns0:Payload", "<?a b?><ns0:Payload", Code::RimMalformed),
        ("<SoftwareIdentity", "<!DOCTYPE a><SoftwareIdentity", Code::RimMalformed),
        ("<SoftwareIdentity", "<!DOCTYPE a [<!ENTITY b \"c\">]><SoftwareIdentity", Code::RimMalformed),
        ("NVIDIA Corporation", "&b;", Code::RimMalformed),
        ("NVIDIA Corporation", "NVIDIA\tCorporation", Code::RimMalformed),
        ("NVIDIA Corporation", "NVIDIA\nCorporation", Code::RimMalformed),
        ("NVIDIA Corporation", "&#0;", Code::RimMalformed),
        ("NVIDIA Corporation", "&#xFFFE;", Code::RimMalformed),
        ("NVIDIA Corporation", "&#+65;", Code::RimMalformed),
        ("NVIDIA Corporation", "&#xD800;", Code::RimMalformed),
        ("NVIDIA Corporation", "&#;", Code::RimMalformed),
        ("NVIDIA Corporation", "a & b", Code::RimMalformed),
        ("NVIDIA Corporation", "a < b", Code::RimMalformed),
        ("NVIDIA Corporation", "\u{1}", Code::RimMalformed),
        ("<ns0:Payload", "]]><ns0:Payload", Code::RimMalformed),
        ("<ds:X509Certificate>", "<ds:X509Certificate><![CDATA[]]>", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity xml:lang=\"en\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity xmlns:xml=\"http://www.w3.org/XML/1998/namespace\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity xmlns:a=\"http://www.w3.org/2000/xmlns/\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity xmlns=\"\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity xmlns:a=\"relative\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity xmlns:a=\"a:&#98;\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity xmlns:a=\"a:b\" xmlns:a=\"a:b\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity b:c=\"\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity xmlns:a=\"a:b\" xmlns:c=\"a:b\" a:d=\"\" c:d=\"\"", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity name=\"twice\"", Code::RimMalformed),
        ("<ns0:Entity ", "<ns0:Entity", Code::RimMalformed),
        ("<ns0:Entity", "<ns9:Entity", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:ns0:Entity", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entit\u{e9}", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity a", Code::RimMalformed),
        ("<ns0:Entity", "<ns0:Entity a=b", Code::RimMalformed),
        ("</ns0:Payload>", "</ns0:payload>", Code::RimMalformed),
        ("</ns0:Payload>", "", Code::RimMalformed),
        ("</SoftwareIdentity>", "</SoftwareIdentity>x", Code::RimMalformed),
        ("</SoftwareIdentity>", "</SoftwareIdentity><a/>", Code::RimMalformed),
        ("<SoftwareIdentity", "<?xml version=\"1.1\"?><SoftwareIdentity", Code::RimMalformed),
        ("<SoftwareIdentity", "<?xml version=\"1.0\" encoding=\"UTF-16\"?><SoftwareIdentity", Code::RimMalformed),
        ("<SoftwareIdentity", "<?xml encoding=\"UTF-8\" version=\"1.0\"?><SoftwareIdentity", Code::RimMalformed),
        // the signature's profile
        ("<ds:Reference URI=\"\">", "<ds:Reference URI=\"#a\">", Code::RimSignatureProfile),
        ("<ds:Reference URI=\"\">", "<ds:Reference>", Code::RimSignatureProfile),
        ("<ds:Reference URI=\"\">", "<ds:Reference URI=\"\" Id=\"a\">", Code::RimSignatureProfile),
        ("</ds:Reference>", "</ds:Reference><ds:Reference URI=\"#a\"/>", Code::RimSignatureProfile),
        ("2006/12/xml-c14n11", "2001/10/xml-exc-c14n#", Code::RimSignatureProfile),
        ("2006/12/xml-c14n11", "2006/12/xml-c14n11#WithComments", Code::RimSignatureProfile),
        ("/ds:Transforms>", "/ds:Transforms><ds:Transforms/>", Code::RimSignatureProfile),
        ("</ds:Transforms>", "<ds:Transform Algorithm=\"a\"/></ds:Transforms>", Code::RimSignatureProfile),
        ("2000/09/xmldsig#enveloped-signature", "TR/1999/REC-xslt-19991116", Code::RimSignatureProfile),
        ("xmldsig-more#ecdsa-sha384", "xmldsig-more#hmac-sha384", Code::RimSignatureProfile),
        ("xmldsig-more#ecdsa-sha384", "xmldsig-more#ecdsa-sha256", Code::RimSignatureProfile),
        ("xmldsig-more#sha384\"", "xmlenc#sha256\"", Code::RimSignatureProfile),
        ("<ds:SignedInfo>", "<ds:SignedInfo Id=\"a\">", Code::RimSignatureProfile),
        ("<ds:SignedInfo>", "<ds:SignedInfo>x", Code::RimSignatureProfile),
        ("<ds:Signature ", "<ds:Signature Id=\"a\" ", Code::RimSignatureProfile),
        ("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>a</ds:KeyName>", Code::RimSignatureProfile),
        ("<ds:X509Data>", "<ds:KeyValue/><ds:X509Data>", Code::RimSignatureProfile),
        ("<ds:X509Data>", "<ds:X509Data><ds:X509SubjectName>a</ds:X509SubjectName>", Code::RimSignatureProfile),
        ("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>", Code::RimSignatureProfile),
        (signature, "", Code::RimSignatureProfile),
        (
            "<ns0:Entity",
            "<ds:Object xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/><ns0:Entity",
            Code::RimSignatureProfile,
        ),
        ("<ds:DigestValue>", "<ds:DigestValue>AAAA", Code::RimSignatureProfile),
        ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA", Code::RimSignatureProfile),
        ("<ds:SignatureValue>", "<ds:SignatureValue>!", Code::RimSignatureProfile),
        ("<ds:X509Certificate>", "<ds:X509Certificate>!", Code::RimSignatureProfile),
        // content
        ("corpus=\"false\"", "corpus=\"true\"", Code::RimContent),
        ("patch=\"false\"", "patch=\"true\"", Code::RimContent),
        ("edition=\"GPU\"", "edition=\"NIC\"", Code::RimContent),
        ("colloquialVersion=\"550.90.07\"", "colloquialVersion=\"\"", Code::RimContent),
        ("colloquialVersion", "otherVersion", Code::RimContent),
        ("ns1:FirmwareManufacturerId", "FirmwareManufacturerId", Code::RimContent),
        ("<ns0:Payload", "<ns0:Meta/><ns0:Payload", Code::RimContent),
        ("<ns0:Payload", "<ns0:Payload/><ns0:Payload", Code::RimContent),
        ("type=\"Measurement\"", "type=\"Other\"", Code::RimContent),
        ("active=\"True\"", "active=\"true\"", Code::RimContent),
        ("alternatives=\"2\"", "alternatives=\"1\"", Code::RimContent),
        ("alternatives=\"2\"", "alternatives=\"3\"", Code::RimContent),
        ("alternatives=\"2\"", "alternatives=\"02\"", Code::RimContent),
        ("alternatives=\"2\"", "alternatives=\"+2\"", Code::RimContent),
        ("ns2:Hash1", "ns2:Hash01", Code::RimContent),
        ("index=\"3\"", "index=\"2\"", Code::RimContent),
        ("index=\"3\"", "index=\"64\"", Code::RimContent),
        ("index=\"3\"", "index=\"4095\"", Code::RimContent),
        ("size=\"48\"", "size=\"32\"", Code::RimContent),
        ("ns3:minSvn=\"7\"", "ns3:minSvn=\"-7\"", Code::RimContent),
        ("ns3:minSvn=\"7\"", "ns3:maxSvn=\"7\"", Code::RimContent),
        ("ns3:minSvn=\"7\"", "ns3:minSvn=\"7\" ns2:Hash0=\"00\"", Code::RimContent),
        (record, "<ns0:Resource type=\"Measurement\" other=\"\" index=\"0\"", Code::RimContent),
        (
            "<SoftwareIdentity xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\"",
            "<SoftwareIdentity xmlns=\"http://a.example/\"",
            Code::RimContent,
        ),
        // what was signed
        ("active=\"False\"", "active=\"True\"", Code::RimDigest),
        ("colloquialVersion=\"550", "colloquialVersion=\"551", Code::RimDigest),
        ("ns3:minSvn=\"7\"", "ns3:minSvn=\"6\"", Code::RimDigest),
        ("<ns0:Payload", "\n<ns0:Payload", Code::RimDigest),
        ("NVIDIA Corporation", "NVIDIA&#9;Corporation", Code::RimDigest),
        ("<ns0:Entity", "<ns0:Entity xmlns:a=\"a:b\"", Code::RimDigest),
        ("<ds:SignedInfo>", "<ds:SignedInfo> ", Code::RimSignature),
        ("<ds:Signature ", "<ds:Signature xmlns:a=\"a:b\" ", Code::RimSignature),
        // who signed
        (certificate, "", Code::RimSignature),
        (certificate, "<ds:X509Certificate>MAA=</ds:X509Certificate>", Code::X509Malformed),
    ];
    for (from, to, code) in table {
        assert!(rim.contains(from), "{from}");
        let refused = judge(rim.replacen(from, to, 1).as_bytes(), &roots(&authority), &Told::default());
        assert_eq!(refused.map_err(|reason| reason.code), Err(*code), "{from} → {to}");
    }
    // A namespace that is declared in the root is in force in what is signed of the signature, too.
    let declared = rim.replacen("<SoftwareIdentity ", "<SoftwareIdentity xmlns:a=\"a:b\" ", 1);
    let refused = judge(declared.as_bytes(), &roots(&authority), &Told::default());
    assert_eq!(refused.unwrap_err().code, Code::RimDigest);
}

/// What signature wrapping is made of: a signed document somewhere, and another one where it is read.
#[test]
fn wrapped_documents_are_refused() {
    let authority = authority();
    let rim = driver(&authority).build();
    let (start, end) = (rim.find("<ds:Signature ").unwrap(), rim.find("</SoftwareIdentity>").unwrap());
    let (evil, signature) = (rim[..start].replacen("550.90.07", "999.99", 1), &rim[start..end]);
    let good = rim.trim_end();
    for (text, code) in [
        // The signed document inside the signature of another one, or beside it.
        (
            format!(
                "{evil}{}</SoftwareIdentity>",
                signature.replacen("</ds:KeyInfo>", &format!("</ds:KeyInfo><ds:Object>{good}</ds:Object>"), 1)
            ),
            Code::RimSignatureProfile,
        ),
        (format!("{evil}{good}{signature}</SoftwareIdentity>"), Code::RimSignatureProfile),
        (format!("{evil}{good}</SoftwareIdentity>"), Code::RimSignatureProfile),
        (format!("{evil}<a xmlns=\"a:b\">{good}</a></SoftwareIdentity>"), Code::RimSignatureProfile),
        (format!("<a xmlns=\"a:b\">{good}</a>"), Code::RimSignatureProfile),
        // Two signatures, of which one is good.
        (format!("{}{signature}{signature}</SoftwareIdentity>", &rim[..start]), Code::RimSignatureProfile),
        // The signature is not the root's child.
        (format!("{}<a xmlns=\"a:b\">{signature}</a></SoftwareIdentity>", &rim[..start]), Code::RimSignatureProfile),
        // Another document under the same signature.
        (format!("{evil}{signature}</SoftwareIdentity>"), Code::RimDigest),
        // A payload that is found first.
        (
            format!(
                "{}{signature}</SoftwareIdentity>",
                rim[..start].replacen("<ns0:Payload", "<ns0:Link><ns0:Payload/></ns0:Link><ns0:Payload", 1)
            ),
            Code::RimDigest,
        ),
    ] {
        let refused = judge(text.as_bytes(), &roots(&authority), &Told::default());
        assert_eq!(refused.map_err(|reason| reason.code), Err(code), "{text}");
    }
}

#[test]
fn what_is_larger_than_any_rim_is_refused() {
    let authority = authority();
    let rim = driver(&authority).build();
    let at = |text: &str| judge(text.as_bytes(), &roots(&authority), &Told::default()).unwrap_err().code;
    assert_eq!(at(&format!("{rim}{}", " ".repeat(1 << 20))), Code::EndorsementTooLarge);
    let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(at(&rim.replacen("<ns0:Payload", &format!("{}<ns0:Payload", deep(12)), 1)), Code::RimMalformed);
    assert_eq!(at(&rim.replacen("<ns0:Payload", &format!("{}<ns0:Payload", deep(11)), 1)), Code::RimDigest);
    assert_eq!(at(&"<a>".repeat(200_000)), Code::RimMalformed);
    let many: String = (0..70).map(|place| format!(" a{place}=\"\"")).collect();
    assert_eq!(at(&rim.replacen("<ns0:Entity", &format!("<ns0:Entity{many}"), 1)), Code::RimMalformed);
    assert_eq!(
        at(&rim.replacen("<ns0:Payload", &format!("{}<ns0:Payload", "<a/>".repeat(17_000)), 1)),
        Code::RimMalformed
    );
}

/// Each change to who signs, and the reason.
#[test]
fn each_rule_of_the_chain_has_its_reason() {
    type OfChain = fn(&mut Vec<Vec<u8>>);
    type OfCertificates = fn(&mut Authority);
    let of_chain: &[(&str, OfChain, Code)] = &[
        ("another root", |chain| chain[3] = Authority::new("other", AT).root_der(), Code::ChainRootNotPinned),
        ("the root left out", |chain| drop(chain.pop()), Code::ChainRootNotPinned),
        ("a CA left out", |chain| drop(chain.remove(2)), Code::ChainLength),
        ("a CA twice", |chain| chain.insert(2, chain[2].clone()), Code::ChainLength),
        ("CAs swapped", |chain| chain.swap(1, 2), Code::ChainOrder),
        ("another's CA", |chain| chain[1] = Authority::new("other", AT).chain()[1].clone(), Code::ChainSignature),
    ];
    for (name, change, code) in of_chain {
        let authority = authority();
        let mut spec = driver(&authority);
        change(&mut spec.certificates);
        assert_eq!(status(&spec, &authority, &Told::default()), Err(*code), "{name}");
    }
    let of_certificates: &[(&str, OfCertificates, Code)] = &[
        (
            "a signer that is a CA",
            |authority| authority.signer.set_extension(Extension::basic_constraints(true, None)),
            Code::ChainLeafIsCa,
        ),
        (
            "a signer that may not sign",
            |authority| authority.signer.set_extension(Extension::key_usage(&[KeyUsage::KeyAgreement])),
            Code::ChainKeyUsage,
        ),
        (
            "a CA that is none",
            |authority| authority.signer_ca.set_extension(Extension::basic_constraints(false, None)),
            Code::ChainNotCa,
        ),
        (
            "a path that is too long",
            |authority| authority.product_ca.set_extension(Extension::basic_constraints(true, Some(0))),
            Code::ChainPathLength,
        ),
        (
            "an unknown critical extension",
            |authority| authority.signer.extensions.push(Extension::new(&[1, 2, 3], true, der::null())),
            Code::ChainExtension,
        ),
        (
            "a signer for another purpose",
            |authority| {
                let purpose = der::sequence([der::object_identifier(ocsp::OCSP_SIGNING)]);
                authority.signer.extensions.push(Extension::new(ocsp::EXTENDED_KEY_USAGE, false, purpose));
            },
            Code::ChainKeyUsage,
        ),
        ("a signer of tomorrow", |authority| authority.signer.not_before = AT + 1, Code::TimeNotYetValid),
    ];
    for (name, change, code) in of_certificates {
        let mut authority = authority();
        change(&mut authority);
        assert_eq!(status(&driver(&authority), &authority, &Told::default()), Err(*code), "{name}");
    }
    let authority = authority();
    let foreign = RimSpec { key: Key::p384("somebody else"), ..driver(&authority) };
    assert_eq!(status(&foreign, &authority, &Told::default()), Err(Code::RimSignature));
    let p256 = RimSpec { key: Key::p256("short"), ..driver(&authority) };
    assert_eq!(status(&p256, &authority, &Told::default()), Err(Code::RimSignatureProfile), "64 bytes");
    let many = RimSpec { certificates: vec![authority.root_der(); 9], ..driver(&authority) };
    assert_eq!(status(&many, &authority, &Told::default()), Err(Code::RimSignatureProfile));
}

#[test]
fn a_root_of_reference_values_is_no_root_of_devices_and_the_other_way_round() {
    let authority = authority();
    let set = roots(&authority);
    let root = set.iter().next().unwrap();
    for kind in [Kind::NvidiaGpu, Kind::NvidiaSwitch] {
        assert_eq!(set.serving(kind).count(), 0, "no device rests on it");
        assert_eq!(set.of_reference_values(kind).collect::<Vec<_>>(), [root]);
    }
    assert_eq!(set.of_reference_values(Kind::AmdSevSnp).count(), 0);
    let of_devices = authority.root_manifest().replace("purpose = \"reference-values\"\n", "");
    let der = authority.root_der();
    let of_devices =
        RootSet::from_manifest(&of_devices, TrustAnchor::Configured, |_| Ok::<_, String>(der.clone())).unwrap();
    let refused = judge(driver(&authority).build().as_bytes(), &of_devices, &Told::default());
    assert_eq!(refused.unwrap_err().code, Code::ChainRootNotPinned);
    // A bare certificate serves whatever is appraised.
    let bare = RootSet::from_certificate(authority.root_der());
    assert_eq!(judge(driver(&authority).build().as_bytes(), &bare, &Told::default()).unwrap().0, RimStatus::Valid);
}

/// A chain that has ended makes a RIM unused, not evidence bad: but only where the RIM was ever good.
#[test]
fn an_expired_rim_says_so_and_must_still_be_genuine() {
    let authority = authority();
    let told = |at| Told { at, ..Told::default() };
    let spec = driver(&authority);
    assert_eq!(status(&spec, &authority, &told(365 * DAY)), Ok(RimStatus::Valid), "its last second");
    assert_eq!(status(&spec, &authority, &told(365 * DAY + 1)), Ok(RimStatus::Expired));
    assert_eq!(status(&spec, &authority, &told(3000 * DAY)), Ok(RimStatus::Expired));
    assert_eq!(status(&spec, &authority, &told(-365 * DAY - 1)), Err(Code::TimeNotYetValid));
    let late = told(400 * DAY);
    let foreign = RimSpec { key: Key::p384("somebody else"), ..driver(&authority) };
    assert_eq!(status(&foreign, &authority, &late), Err(Code::RimSignature));
    let other = Authority::new("other", AT);
    let spliced = RimSpec {
        certificates: vec![
            authority.chain()[0].clone(),
            other.chain()[1].clone(),
            other.chain()[2].clone(),
            other.root_der(),
        ],
        ..driver(&authority)
    };
    assert_eq!(status(&spliced, &other, &late), Err(Code::ChainSignature));
    // A lapse cannot be hidden behind certificates that were never good at one time.
    let mut disjoint = Authority::new("rules", AT);
    disjoint.signer_ca.not_after = disjoint.signer.not_before - 1;
    assert_eq!(status(&driver(&disjoint), &disjoint, &told(0)), Err(Code::TimeNotYetValid));
}

fn good(authority: &Authority) -> Vec<ResponseSpec> {
    authority.statuses(AT).to_vec()
}

fn built(specs: &[ResponseSpec]) -> Vec<Vec<u8>> {
    specs.iter().map(ResponseSpec::build).collect()
}

fn list(authority: &Authority, revoked: &[&[u8]]) -> CrlSpec {
    CrlSpec::issued_by(&authority.root, AT - DAY, revoked)
}

#[test]
fn what_is_known_of_revocation_counts_as_the_mode_says() {
    let authority = authority();
    let rim = driver(&authority);
    let required = |files| Told { mode: RevocationMode::Required, files, ..Told::default() };
    assert_eq!(status(&rim, &authority, &required(built(&good(&authority)))), Ok(RimStatus::Valid));
    assert_eq!(status(&rim, &authority, &required(Vec::new())), Err(Code::RevocationNotChecked));
    for missing in 0..3 {
        let mut files = built(&good(&authority));
        files.remove(missing);
        assert_eq!(status(&rim, &authority, &required(files.clone())), Err(Code::RevocationNotChecked), "{missing}");
        // NVIDIA's list covers what its root issued, and nothing else.
        files.push(list(&authority, &[]).build());
        let expected = if missing == 2 { Ok(RimStatus::Valid) } else { Err(Code::RevocationNotChecked) };
        assert_eq!(status(&rim, &authority, &required(files)), expected, "{missing}");
    }
    for (place, code, expected) in [
        (0, Some(6), Ok(RimStatus::Hold)),
        (0, Some(1), Ok(RimStatus::Revoked)),
        (1, None, Ok(RimStatus::Revoked)),
        (2, Some(4), Ok(RimStatus::Revoked)),
    ] {
        let mut specs = good(&authority);
        specs[place].status = CertStatus::Revoked(code);
        for mode in [RevocationMode::Required, RevocationMode::BestEffort] {
            let told = Told { mode, files: built(&specs), ..Told::default() };
            assert_eq!(status(&rim, &authority, &told), expected);
        }
        let off = Told { mode: RevocationMode::Off, files: built(&specs), ..Told::default() };
        assert_eq!(status(&rim, &authority, &off), Ok(RimStatus::Valid), "not looked at");
    }
    let mut both = good(&authority);
    both[0].status = CertStatus::Revoked(Some(6));
    both[1].status = CertStatus::Revoked(Some(1));
    assert_eq!(status(&rim, &authority, &required(built(&both))), Ok(RimStatus::Revoked), "the graver one");
    let mut unknown = good(&authority);
    unknown[0].status = CertStatus::Unknown;
    assert_eq!(status(&rim, &authority, &required(built(&unknown))), Err(Code::RimSignerUnknown));
    let listed = Told { files: vec![list(&authority, &[&authority.product_ca.serial]).build()], ..Told::default() };
    assert_eq!(status(&rim, &authority, &listed), Ok(RimStatus::Revoked));
}

/// Each change to an answer, and the reason.
#[test]
fn each_rule_of_an_answer_has_its_reason() {
    type Change = fn(&mut ResponseSpec, &Authority);
    let refused: &[(&str, Change, Code)] = &[
        (
            "altered",
            |spec, _| {
                spec.signature = Some(SignatureEdit::Bytes(Edit::FlipBit { offset: 40, bit: 0 }));
            },
            Code::OcspSignature,
        ),
        ("raw signature", |spec, _| spec.signature = Some(SignatureEdit::OtherForm), Code::OcspSignature),
        ("of tomorrow", |spec, _| spec.this_update = AT + 1, Code::TimeOcspNotYetValid),
        ("of yesterday", |spec, _| spec.next_update = Some(AT), Code::TimeOcspExpired),
        (
            "two hours without an end",
            |spec, _| {
                (spec.this_update, spec.next_update) = (AT - 7200, None);
            },
            Code::TimeOcspExpired,
        ),
        (
            "for any purpose",
            |spec, _| {
                let Signer::Delegated(signer) = &mut spec.signer else { panic!("a responder") };
                signer.remove_extension(ocsp::EXTENDED_KEY_USAGE);
            },
            Code::OcspResponder,
        ),
        (
            "for another purpose",
            |spec, _| {
                let Signer::Delegated(signer) = &mut spec.signer else { panic!("a responder") };
                let server = der::sequence([der::object_identifier(&[1, 3, 6, 1, 5, 5, 7, 3, 1])]);
                signer.set_extension(Extension::new(ocsp::EXTENDED_KEY_USAGE, false, server));
            },
            Code::OcspResponder,
        ),
        (
            "by a CA",
            |spec, _| {
                let Signer::Delegated(signer) = &mut spec.signer else { panic!("a responder") };
                signer.set_extension(Extension::basic_constraints(true, None));
            },
            Code::OcspResponder,
        ),
        (
            "by one that may not sign",
            |spec, _| {
                let Signer::Delegated(signer) = &mut spec.signer else { panic!("a responder") };
                signer.set_extension(Extension::key_usage(&[KeyUsage::KeyAgreement]));
            },
            Code::OcspResponder,
        ),
        (
            "by a responder of another issuer",
            |spec, authority| {
                let signer = ocsp::responder(&authority.root, AT);
                spec.signer = Signer::Foreign(Box::new(signer), Box::new(authority.root.clone()));
            },
            Code::OcspResponder,
        ),
        (
            "by a responder of an issuer of the same name",
            |spec, _| {
                let mut other = spec.issuer.clone();
                other.key = Key::p384("the same name");
                let signer = ocsp::responder(&spec.issuer, AT);
                spec.signer = Signer::Foreign(Box::new(signer), Box::new(other));
            },
            Code::OcspResponder,
        ),
        (
            "by the signer that it speaks of",
            |spec, authority| {
                spec.signer =
                    Signer::Foreign(Box::new(authority.signer.clone()), Box::new(authority.signer_ca.clone()));
            },
            Code::OcspResponder,
        ),
        (
            "under another name",
            |spec, _| {
                spec.responder_name = Some(Name::new(&[(oid::COMMON_NAME, "another")]));
            },
            Code::OcspResponder,
        ),
        (
            "by a responder that has ended",
            |spec, _| {
                let Signer::Delegated(signer) = &mut spec.signer else { panic!("a responder") };
                signer.not_after = AT - 1;
            },
            Code::TimeExpired,
        ),
        ("by SHA-1", |spec, _| spec.id_hash = IdHash::Sha1, Code::OcspMalformed),
        (
            "with an unknown critical extension",
            |spec, _| {
                spec.extension = Some(Extension::new(&[1, 2, 3], true, der::null()));
            },
            Code::OcspMalformed,
        ),
    ];
    let authority = authority();
    let rim = driver(&authority);
    let told = |spec: &ResponseSpec| Told { files: vec![spec.build()], ..Told::default() };
    for (name, change, code) in refused {
        let mut spec = good(&authority).remove(0);
        change(&mut spec, &authority);
        assert_eq!(status(&rim, &authority, &told(&spec)), Err(*code), "{name}");
    }
    let accepted: &[(&str, Change)] = &[
        ("by SHA-256", |spec, _| spec.id_hash = IdHash::Sha256),
        ("by the issuer", |spec, _| spec.signer = Signer::Issuer),
        ("with a nonce", |spec, _| spec.nonce = Some(vec![7; 32])),
        ("an hour without an end", |spec, _| (spec.this_update, spec.next_update) = (AT - 3599, None)),
        ("the purpose critical", |spec, _| {
            let Signer::Delegated(signer) = &mut spec.signer else { panic!("a responder") };
            signer.extension_mut(ocsp::EXTENDED_KEY_USAGE).critical = true;
        }),
        ("the twin of the signature", |spec, _| spec.signature = Some(SignatureEdit::Twin)),
    ];
    for (name, change) in accepted {
        let mut spec = good(&authority).remove(0);
        spec.status = CertStatus::Revoked(Some(6));
        change(&mut spec, &authority);
        assert_eq!(status(&rim, &authority, &told(&spec)), Ok(RimStatus::Hold), "{name}");
    }
    // An answer for another certificate says nothing of this one.
    let of_another: [(&str, Change); 2] = [
        ("serial", |spec, _| spec.serial = vec![1]),
        ("issuer", |spec, authority| spec.issuer = authority.root.clone()),
    ];
    for (name, change) in of_another {
        let mut spec = good(&authority).remove(0);
        spec.status = CertStatus::Revoked(None);
        change(&mut spec, &authority);
        assert_eq!(status(&rim, &authority, &told(&spec)), Ok(RimStatus::Valid), "{name}");
    }
    for error in [1, 2, 3, 5, 6] {
        let told = Told { files: vec![ocsp::error(error)], ..Told::default() };
        assert_eq!(status(&rim, &authority, &told), Err(Code::OcspUnsuccessful));
    }
}

#[test]
fn the_newest_answer_counts_and_what_has_ended_does_not_hide_it() {
    let authority = authority();
    let mut specs = vec![good(&authority).remove(0); 3];
    specs[0].this_update = AT - 3 * 3600;
    specs[1].this_update = AT - 2 * 3600;
    specs[1].status = CertStatus::Revoked(Some(6));
    (specs[2].this_update, specs[2].next_update) = (AT - DAY, Some(AT - 1));
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let files = order.map(|place: usize| specs[place].build()).to_vec();
        assert_eq!(status(&driver(&authority), &authority, &Told { files, ..Told::default() }), Ok(RimStatus::Hold));
    }
    // The verdict holds no longer than the answer.
    let told = Told { files: vec![specs[0].build()], ..Told::default() };
    let (_, until) = judge(driver(&authority).build().as_bytes(), &roots(&authority), &told).unwrap();
    let end = Timestamp::from_unix_seconds(specs[0].next_update.unwrap()).unwrap();
    assert!(until < end && Timestamp::from_unix_seconds(end.unix_seconds() - 1).unwrap() <= until);
}

#[test]
fn the_services_answer_is_the_rim_whose_digest_it_has() {
    let authority = authority();
    let answer = driver(&authority).answer("NV_GPU_DRIVER_GH100_550.90.07");
    let rim = Rim::read(&AwsLc, answer.as_bytes()).unwrap();
    assert_eq!(rim.service_id.as_deref(), Some("NV_GPU_DRIVER_GH100_550.90.07"));
    assert_eq!(judge(answer.as_bytes(), &roots(&authority), &Told::default()).unwrap().0, RimStatus::Valid);
    let digest = answer.split("\"sha256\":\"").nth(1).unwrap().split('"').next().unwrap();
    for (from, to) in [
        (digest, "00".repeat(32)),
        (digest, String::new()),
        ("\"TCG\"", "\"CORIM\"".to_owned()),
        ("\"rim\":\"", "\"rim\":\"!".to_owned()),
        ("NV_GPU_DRIVER_GH100", "../NV".to_owned()),
        ("{\"id\"", "{\"id\":\"NV_A\",\"id\"".to_owned()),
        ("\"sha256\"", "\"sha-256\"".to_owned()),
    ] {
        let refused = Rim::read(&AwsLc, answer.replacen(from, &to, 1).as_bytes()).unwrap_err();
        assert_eq!((refused.code, refused.stage()), (Code::RimServiceAnswer, Stage::Parse), "{from} → {to}");
    }
}

/// Endorsements are told apart by content, whatever their order.
#[test]
fn rims_and_answers_are_found_among_endorsements() {
    let authority = authority();
    let rim = driver(&authority);
    let files = [
        rim.build().into_bytes(),
        format!("<?xml version=\"1.0\"?>{}", rim.build()).into_bytes(),
        rim.answer("NV_GPU_DRIVER_GH100_550.90.07").into_bytes(),
        good(&authority)[0].build(),
        authority.root_der(),
    ];
    let read = Endorsements::read(&AwsLc, files.iter().map(Vec::as_slice)).unwrap();
    assert!(read.are_published());
    let at = Timestamp::from_unix_seconds(AT).unwrap();
    for (name, held) in [
        ("nvidia-rim-NV_GPU_DRIVER_GH100_550.90.07", true),
        ("nvidia-rim-NV_GPU_DRIVER_GH100_550.90.08", false),
        ("nvidia-rim-NV_GPU_DRIVER_GB100_550.90.07", false),
        ("nvidia-rim-NV_GPU_VBIOS_1010_0200_882_550.90.07", false),
    ] {
        assert_eq!(read.hold(&name.parse().unwrap(), at), held, "{name}");
    }
    for (file, code) in [
        (b"<SoftwareIdentity".as_slice(), Code::RimMalformed),
        (b"<?xml version=\"1.0\"?>", Code::RimMalformed),
        (b"0\x05\x0A\x01\x00\x05\x00", Code::OcspMalformed),
        (b"0\x03\x0A\x01\x00", Code::OcspMalformed),
    ] {
        assert_eq!(Endorsements::read(&AwsLc, [file]).unwrap_err().code, code);
    }
}
