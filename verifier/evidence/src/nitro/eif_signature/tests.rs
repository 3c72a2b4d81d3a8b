//! A signature section that verifies, then one mutation per rule, each with its reason.

use der::pem::LineEnding;
use prooftrail_result::ReasonCode as Code;
use prooftrail_simulator::{
    cbor::{Head, Item},
    key::Key,
    x509::{CertificateSpec, Name, oid},
};

use super::*;
use crate::AwsLc;

const PCR0: [u8; 48] = *b"0123456789abcdefghijklmnopqrstuv\x00\x17\x18\xFF56789abcdef!";
const START: i64 = 1_780_315_200;

fn certificate(key: &Key) -> Vec<u8> {
    let name = Name::new(&[(oid::COMMON_NAME, "release signing"), (oid::COUNTRY, "DE")]);
    // `openssl x509 -req`, which AWS's guide has people call, writes version 1.
    let spec =
        CertificateSpec { version: None, ..CertificateSpec::new(name, key.clone(), vec![7], START, START + 86_400) };
    spec.self_issued()
}

fn to_pem(label: &str, der: &[u8]) -> String {
    pem::encode_string(label, LineEnding::LF, der).unwrap()
}

fn array(bytes: &[u8]) -> Item {
    Item::Array(bytes.iter().map(|&byte| Item::Unsigned(byte.into())).collect())
}

fn payload(index: u64, pcr0: &[u8]) -> Vec<u8> {
    let index = ("register_index".into(), Item::Unsigned(index));
    Item::Map(vec![index, ("register_value".into(), array(pcr0))]).encode()
}

fn cose(key: &Key, header: &[u8], payload: &[u8]) -> Vec<u8> {
    let (header, payload) = (Item::bytes(header), Item::bytes(payload));
    let signed = ["Signature1".into(), header.clone(), Item::bytes(b""), payload.clone()];
    let signature = Item::Bytes(key.sign(&Item::Array(signed.to_vec()).encode()).fixed());
    Item::Array(vec![header, Item::Map(Vec::new()), payload, signature]).encode()
}

fn entry(fields: &[(&str, Item)]) -> Item {
    Item::Map(fields.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
}

fn section(pem: &str, cose: &[u8]) -> Vec<u8> {
    let fields = [("signing_certificate", array(pem.as_bytes())), ("signature", array(cose))];
    Item::Array(vec![entry(&fields)]).encode()
}

const ES384: &[u8] = b"\xA1\x01\x38\x22";

fn verify(section: &[u8]) -> Result<SignerMeasurement, Code> {
    verify_eif_signature(section, &PCR0, &AwsLc).map_err(|reason| reason.code)
}

#[test]
fn a_signer_is_measured() {
    let key = Key::p384("signer");
    let der = certificate(&key);
    let pem = to_pem("CERTIFICATE", &der);
    let signature = cose(&key, ES384, &payload(0, &PCR0));
    let signer = verify(&section(&pem, &signature)).unwrap();
    assert_eq!(signer.pcr8, AwsLc.sha384(&[&[0; 48], &AwsLc.sha384(&[&der])]));
    assert_eq!(signer.subject, "C=DE,CN=release signing");
    assert_eq!((signer.not_before.unix_seconds(), signer.not_after.unix_seconds()), (START, START + 86_400));

    let tagged = [&[0xD2], signature.as_slice()].concat();
    for (pem, signature) in [
        (pem.replace('\n', "\r\n"), &signature),
        (format!("Certificate:\n    Data:\n{pem}\n\n"), &signature),
        (pem, &tagged),
    ] {
        assert_eq!(verify(&section(&pem, signature)).as_ref(), Ok(&signer), "{pem}");
    }
}

#[test]
fn every_rule_has_its_reason() {
    let (key, other, p256) = (Key::p384("signer"), Key::p384("other"), Key::p256("signer"));
    let pem = to_pem("CERTIFICATE", &certificate(&key));
    let of = |key| to_pem("CERTIFICATE", &certificate(key));
    let good = cose(&key, ES384, &payload(0, &PCR0));
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let certificate_field = ("signing_certificate", array(pem.as_bytes()));
    let signature_field = ("signature", array(&good));
    let entries =
        |entries: &[&[(&str, Item)]]| Item::Array(entries.iter().map(|fields| entry(fields)).collect()).encode();
    let fields = [certificate_field.clone(), signature_field.clone()];
    let indefinite = Item::Array(vec![entry(&fields)]).headed(Head::Indefinite).encode();

    for (section, code, rule) in [
        (section(&pem, &cose(&other, ES384, &payload(0, &PCR0))), Code::CoseSignature, "wrong key"),
        (section(&of(&other), &good), Code::CoseSignature, "certificate swapped"),
        (section(&pem, &damaged), Code::CoseSignature, "signature damaged"),
        (section(&pem, &cose(&key, ES384, &payload(0, &[1; 48]))), Code::BindingValueMismatch, "other PCR0"),
        (section(&pem, &cose(&key, ES384, &payload(1, &PCR0))), Code::BindingValueMismatch, "PCR1"),
        (section(&pem, &cose(&key, ES384, &PCR0)), Code::BindingValueMismatch, "PCR0 without its index"),
        (section(&pem, &cose(&key, ES384, &[0; 257])), Code::CborTooLong, "payload cap"),
        (section(&of(&p256), &good), Code::ChainKeyType, "P-256 certificate"),
        (section(&pem, &cose(&key, b"\xA1\x01\x26", b"")), Code::CoseProtectedHeader, "ES256 header"),
        (section(&pem, &[]), Code::CborTruncated, "no signature"),
        (section("", &good), Code::X509Malformed, "no certificate"),
        (section(&format!("{pem}{pem}"), &good), Code::X509Malformed, "two certificates"),
        (section(&to_pem("PRIVATE KEY", &certificate(&key)), &good), Code::X509Malformed, "label"),
        (section(&to_pem("CERTIFICATE", b"0"), &good), Code::X509Malformed, "not a certificate"),
        (entries(&[]), Code::NitroFieldInvalid, "no entry"),
        (entries(&[&fields, &fields]), Code::NitroFieldInvalid, "two entries"),
        (entries(&[&fields[..1]]), Code::NitroFieldInvalid, "one field"),
        (entries(&[&[fields[0].clone(), fields[0].clone()]]), Code::CborDuplicateKey, "one field twice"),
        (entries(&[&[fields[0].clone(), ("key", array(b""))]]), Code::NitroFieldInvalid, "unknown field"),
        (entries(&[&[fields[0].clone(), ("signature", Item::bytes(&good))]]), Code::CborUnexpectedType, "bytes"),
        (
            entries(&[&[("signature", Item::Array(vec![Item::Unsigned(256)])), fields[0].clone()]]),
            Code::NitroFieldInvalid,
            "no byte",
        ),
        (
            entries(&[&[("signature", array(&good).headed(Head::Claims(u64::MAX))), fields[0].clone()]]),
            Code::CborUnexpectedType,
            "count lies",
        ),
        (
            entries(&[&[("signature", array(&good).headed(Head::Indefinite)), fields[0].clone()]]),
            Code::CborIndefinite,
            "array open",
        ),
        (indefinite, Code::CborIndefinite, "entries open"),
        ([section(&pem, &good), vec![0]].concat(), Code::CborTrailingBytes, "trailing byte"),
        (vec![0; MAX_EIF_SIGNATURE_BYTES + 1], Code::CborTooLong, "section cap"),
    ] {
        assert_eq!(verify(&section), Err(code), "{rule}");
    }
}

#[test]
fn no_truncation_verifies() {
    let key = Key::p384("signer");
    let pem = to_pem("CERTIFICATE", &certificate(&key));
    let section = section(&pem, &cose(&key, ES384, &payload(0, &PCR0)));
    assert!(verify(&section).is_ok());
    for length in 0..section.len() {
        assert_eq!(verify(&section[..length]), Err(Code::CborTruncated), "{length} bytes");
    }
}
