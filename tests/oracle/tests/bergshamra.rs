//! Every RIM of the vectors, whole and altered, given to bergshamra-dsig 0.11.1 as well: both must come to the same verdict on
//! its XML signature. Chains and dates are not compared: the peer is told to look at neither. Where the two differ, a row of
//! [`DIFFERENCES`] says why; a row that no longer holds fails too.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use bergshamra_dsig::{DsigContext, VerifyResult, verify::verify};
use bergshamra_keys::KeysManager;
use prooftrail_evidence::{AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, RevocationMode, Rim};
use prooftrail_result::{ReasonCode, Stage, Timestamp};
use prooftrail_trust_roots::RootSet;

/// Alterations on which the two differ, what ours says, and why. On all of them the peer finds the signature valid.
const DIFFERENCES: [(&str, &str, &str); 9] = [
    ("comment", "rim.malformed", "the canonical form leaves comments out, so that nobody signs them; no RIM has any"),
    (
        "certificate-swapped",
        "rim.signature",
        "the peer looks for the certificate that issued none of the others; ours takes the first, as the chain does",
    ),
    ("dtd", "rim.malformed", "a DTD can define entities and default attributes"),
    ("cdata", "rim.malformed", "a second spelling of text, which no RIM has"),
    ("unsigned-object", "rim.signature_profile", "ds:Object in a signature is what wrapping attacks are made of"),
    ("signature-id", "rim.signature_profile", "ids are what references to parts use; the profile has none"),
    ("key-value", "rim.signature_profile", "a bare key beside the certificates: two names for who signed"),
    ("key-name", "rim.signature_profile", "the same"),
    ("certificate-of-base64-only", "x509.malformed", "the peer reads the signer's certificate and ignores the rest"),
];

/// What a verdict comes to: valid, or why not.
type Verdict = Result<(), String>;

fn ours(rim: &[u8], roots: &RootSet) -> Verdict {
    let read = Rim::read(&AwsLc, rim).map_err(|reason| reason.code.to_string())?;
    let context = Context {
        crypto: &AwsLc,
        roots,
        endorsements: &Endorsements::default(),
        issuers: &NoIssuers,
        revocation: Revocation { nvidia: RevocationMode::Off, ..Revocation::default() },
        at: "2026-11-22T00:00:00Z".parse::<Timestamp>().expect("a time"),
        expected: Expected::default(),
    };
    match read.verify(&context) {
        Ok(_) => Ok(()),
        // Digest and signature come first: these say nothing against either.
        Err(reason) if reason.stage() == Stage::Time || is_of_chain(reason.code) => Ok(()),
        Err(reason) => Err(reason.code.to_string()),
    }
}

fn is_of_chain(code: ReasonCode) -> bool {
    code.stage() == Stage::Chain && code != ReasonCode::ChainKeyType
}

fn theirs(rim: &[u8]) -> Verdict {
    let text = std::str::from_utf8(rim).map_err(|error| error.to_string())?;
    let context = DsigContext::new_permissive(KeysManager::new())
        .with_insecure(true)
        .with_skip_time_checks(true)
        .with_strict_verification(true);
    match verify(&context, text).map_err(|error| error.to_string())? {
        VerifyResult::Valid { .. } => Ok(()),
        VerifyResult::Invalid { reason } => Err(reason),
    }
}

fn folder() -> Option<PathBuf> {
    let folder = env::var_os("PROOFTRAIL_VECTORS").map(|folder| Path::new(&folder).join("nvgpu/rim"));
    if folder.is_none() {
        eprintln!("skipped: RIMs beside bergshamra-dsig, because PROOFTRAIL_VECTORS names no folder");
    }
    folder
}

fn rims(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = [folder.to_owned(), folder.join("more")].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let named = files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()));
    named.filter(|(name, _)| !name.ends_with(".crt")).collect()
}

#[test]
fn every_rim_has_the_same_verdict() {
    let Some(folder) = folder() else { return };
    let roots = RootSet::pinned();
    let rims = rims(&folder);
    assert!(rims.len() >= 32, "{}", rims.len());
    let mut invalid = BTreeSet::new();
    for (name, rim) in &rims {
        let (ours, theirs) = (ours(rim, &roots), theirs(rim));
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{name}: ours {ours:?}, theirs {theirs:?}");
        if ours.is_err() {
            invalid.insert(name.as_str());
        }
    }
    // The signature of `neg_driver_wrong_root.xml` is good; its chain is not.
    assert_eq!(
        invalid.into_iter().collect::<Vec<_>>(),
        ["neg_driver_570.124.03_expired.xml", "neg_driver_signature.xml", "neg_switch_mismatch.xml"]
    );
    println!("{} RIMs, no difference", rims.len());
}

/// Changes that a person, or an attacker, makes to the text; what they do to the canonical form is for the two to find out.
fn altered(rim: &str) -> Vec<(&'static str, String)> {
    let once = |from: &str, to: &str| {
        assert!(rim.contains(from), "{from}");
        rim.replacen(from, to, 1)
    };
    let certificates: Vec<_> = rim.match_indices("<ds:X509Certificate>").map(|(place, _)| place).collect();
    let second = &rim[certificates[1]..certificates[2]];
    vec![
        ("declaration", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{rim}")),
        ("spaces-around", format!("{}\n \n", rim.trim_end())),
        ("crlf", rim.replace('\n', "\r\n")),
        ("single-quotes", once("name=\"Measurement_0\"", "name='Measurement_0'")),
        (
            "attribute-order",
            once("index=\"0\" active", "active").replacen("alternatives=", "index=\"0\" alternatives=", 1),
        ),
        ("spaces-in-tags", once("<ns0:Payload ", "<ns0:Payload\n\t  ")),
        (
            "no-empty-element",
            once("role=\"softwareCreator tagCreator\"/>", "role=\"softwareCreator tagCreator\"></ns0:Entity>"),
        ),
        ("reference-in-value", once("Measurement_0", "&#77;easurement&#x5F;0")),
        ("entity-in-value", once("Measurement_0", "&quot;easurement_0")),
        ("tab-in-value", once("NVIDIA Corporation", "NVIDIA\tCorporation")),
        ("tab-reference-in-value", once("NVIDIA Corporation", "NVIDIA&#9;Corporation")),
        ("text-in-payload", once("<ns0:Payload", "x<ns0:Payload")),
        ("space-in-payload", once("<ns0:Payload", " <ns0:Payload")),
        (
            "other-prefix",
            once("<ns0:Entity", "<n:Entity xmlns:n=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\""),
        ),
        (
            "superfluous-declaration",
            once("<ns0:Entity", "<ns0:Entity xmlns:ns2=\"http://www.w3.org/2001/04/xmlenc#sha384\""),
        ),
        ("further-declaration", once("<ns0:Entity", "<ns0:Entity xmlns:x=\"http://x.example/\"")),
        (
            "declaration-in-signature",
            once("<ds:Signature xmlns:ds", "<ds:Signature xmlns:x=\"http://x.example/\" xmlns:ds"),
        ),
        ("declaration-in-key-info", once("<ds:KeyInfo>", "<ds:KeyInfo xmlns:x=\"http://x.example/\">")),
        (
            "superfluous-in-signed-info",
            once("<ds:SignedInfo>", "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">"),
        ),
        ("spaces-in-signature", once("<ds:KeyInfo>", "\n <ds:KeyInfo>\n ")),
        ("spaces-in-signed-info", once("<ds:SignedInfo>", "<ds:SignedInfo> ")),
        ("spaces-in-signature-value", once("<ds:SignatureValue>", "<ds:SignatureValue>\n ")),
        ("value", once("active=\"True\"", "active=\"False\"")),
        ("version", once("colloquialVersion=\"", "colloquialVersion=\"1")),
        ("tag", once("tagId=\"", "tagId=\"0")),
        ("root-attribute", once("corpus=\"false\"", "corpus=\"false\" x=\"y\"")),
        ("reference-uri", once("URI=\"\"", "URI=\"#x\"")),
        (
            "no-enveloped",
            once("<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>", ""),
        ),
        ("c14n-1.0", once("http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")),
        ("exclusive", once("http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2001/10/xml-exc-c14n#")),
        ("sha256", once("xmldsig-more#ecdsa-sha384", "xmldsig-more#ecdsa-sha256")),
        (
            "digest-sha1",
            once("http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2000/09/xmldsig#sha1"),
        ),
        ("signature-first", {
            let start = rim.find("<ds:Signature ").unwrap();
            let end = rim.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
            let signature = &rim[start..end];
            rim.replacen(signature, "", 1).replacen("    <ns0:Entity", &format!("{signature}    <ns0:Entity"), 1)
        }),
        ("wrapped", {
            let inner = rim.trim_end();
            format!(
                "<SoftwareIdentity xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\">{inner}</SoftwareIdentity>"
            )
        }),
        ("comment", once("<ns0:Payload", "<!-- x --><ns0:Payload")),
        ("processing-instruction-in", once("<ns0:Payload", "<?x y?><ns0:Payload")),
        ("processing-instruction", format!("{}<?x y?>", rim.trim_end())),
        ("dtd", format!("<!DOCTYPE SoftwareIdentity>{rim}")),
        ("cdata", once("<ds:X509Certificate>MII", "<ds:X509Certificate><![CDATA[MII]]>")),
        ("xml-lang", once("<ns0:Entity", "<ns0:Entity xml:lang=\"en\"")),
        ("unsigned-object", once("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object>x</ds:Object>")),
        ("signature-id", once("<ds:Signature ", "<ds:Signature Id=\"a\" ")),
        (
            "key-value",
            once(
                "</ds:X509Data>",
                "</ds:X509Data><ds:KeyValue><dsig11:ECKeyValue xmlns:dsig11=\"http://www.w3.org/2009/xmldsig11#\"/></ds:KeyValue>",
            ),
        ),
        ("key-name", once("<ds:X509Data>", "<ds:KeyName>x</ds:KeyName><ds:X509Data>")),
        ("certificate-left-out", rim.replacen(second, "", 1)),
        ("certificate-of-base64-only", rim.replacen(second, "<ds:X509Certificate>AAAA</ds:X509Certificate>", 1)),
        ("certificate-swapped", {
            let first = &rim[certificates[0]..certificates[1]];
            rim.replacen(&format!("{first}{second}"), &format!("{second}{first}"), 1)
        }),
    ]
}

#[test]
fn every_alteration_has_the_same_verdict_or_is_named() {
    let Some(folder) = folder() else { return };
    let roots = RootSet::pinned();
    let mut differing = BTreeMap::new();
    let mut kept_valid = BTreeSet::new();
    let mut count = 0;
    for (name, rim) in rims(&folder).into_iter().filter(|(name, _)| !name.starts_with("neg_")).take(4) {
        for (alteration, text) in altered(std::str::from_utf8(&rim).unwrap()) {
            let (ours, theirs) = (ours(text.as_bytes(), &roots), theirs(text.as_bytes()));
            count += 1;
            match (ours, theirs) {
                (Ok(()), Ok(())) => drop(kept_valid.insert(alteration)),
                (Err(_), Err(_)) => {}
                (Ok(()), Err(theirs)) => panic!("{name}, {alteration}: ours accepts what the peer refuses: {theirs}"),
                (Err(ours), Ok(())) => drop(differing.insert(alteration, ours)),
            }
        }
    }
    let named: BTreeMap<_, _> =
        DIFFERENCES.iter().map(|(alteration, code, _)| (*alteration, (*code).to_owned())).collect();
    assert_eq!(differing, named);
    println!("{count} alterations, {} differences, each named; still valid: {kept_valid:?}", named.len());
}

/// What ours accepts, the peer accepts. What the peer alone accepts stands where nobody signs: among the certificates.
#[test]
fn no_changed_byte_is_accepted_that_the_peer_refuses() {
    let Some(folder) = folder() else { return };
    let roots = RootSet::pinned();
    let (mut flipped, mut both, mut theirs_alone) = (0, 0, 0);
    for name in ["driver_550.144.03.xml", "switch_bios_9610550001.xml"] {
        let rim = fs::read(folder.join(name)).unwrap();
        let key_info = rim.windows(12).position(|window| window == b"<ds:KeyInfo>").unwrap();
        let end = rim.windows(13).position(|window| window == b"</ds:KeyInfo>").unwrap();
        for place in (0..rim.len()).step_by(19) {
            for bit in [1, 0x20] {
                let mut changed = rim.clone();
                changed[place] ^= bit;
                flipped += 1;
                match (ours(&changed, &roots), theirs(&changed)) {
                    (Ok(()), Ok(())) => {
                        both += 1;
                        assert!(place >= key_info || changed[place].is_ascii_whitespace(), "{name}: byte {place}");
                    }
                    (Err(_), Err(_)) => {}
                    (Ok(()), Err(theirs)) => panic!("{name}: byte {place}, bit {bit}: the peer refuses it: {theirs}"),
                    (Err(ours), Ok(())) => {
                        theirs_alone += 1;
                        assert!((key_info..end).contains(&place), "{name}: byte {place}, bit {bit}: ours says {ours}");
                    }
                }
            }
        }
    }
    println!("{flipped} changed RIMs: {both} accepted by both, {theirs_alone} by the peer alone, none by ours alone");
}
