//! The simulated document beside a genuine one: what differs may only be values.

use std::path::Path;

use der::{Decode, Encode, Tagged};
use minicbor::Decoder;
use prooftrail_simulator::nitro::Hypervisor;
use x509_cert::Certificate;

use crate::reading::{AT_MS, Read, is_signed_by};

const GENUINE: &str = "nitro/genuine/enclave-2025-12-25-indef-dstack.cose";

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads where the vectors are; the library asks nobody")]
#[expect(clippy::print_stderr, reason = "a test that has no vectors says so")]
fn structure_is_that_of_a_genuine_document() {
    let Some(vectors) = std::env::var_os("PROOFTRAIL_VECTORS") else {
        eprintln!("skipped: 1 vectors");
        return;
    };
    let genuine = std::fs::read(Path::new(&vectors).join(GENUINE)).unwrap();
    // That one has 64 bytes of user data and an instance without a role.
    let simulated = Hypervisor::new("genuine").role(None).document(AT_MS).user_data(&[7; 64]).build();
    assert_eq!(outline(&simulated), outline(&genuine));

    let (simulated, genuine) = (Read::new(&simulated), Read::new(&genuine));
    assert_eq!(outline(&simulated.payload), outline(&genuine.payload));
    assert_eq!(zero_pcrs(&simulated), zero_pcrs(&genuine));
    assert!(simulated.is_signed_by_leaf() && genuine.is_signed_by_leaf());

    let (simulated, genuine) = (certificates(&simulated), certificates(&genuine));
    assert_eq!(simulated.len(), genuine.len());
    for (position, (simulated, genuine)) in simulated.iter().zip(&genuine).enumerate() {
        assert_eq!(profile(simulated), profile(genuine), "certificate {position}");
    }
    for chain in [&simulated, &genuine] {
        assert!(chain.windows(2).all(|pair| is_signed_by(&pair[1], &pair[0])));
        assert_eq!(chain[3].tbs_certificate().serial_number().as_bytes().len(), 20);
        assert_eq!(chain[4].tbs_certificate().serial_number().as_bytes().len(), 16);
    }
    // The root's life is its own; the others' are those of their positions.
    assert_eq!(lives(&simulated)[1..], lives(&genuine)[1..]);
}

fn zero_pcrs(read: &Read) -> Vec<bool> {
    read.pcrs("pcrs").iter().map(|(_, value)| *value == [0; 48]).collect()
}

fn certificates(read: &Read) -> Vec<Certificate> {
    read.chain().iter().map(|der| Certificate::from_der(der).unwrap()).collect()
}

fn lives(chain: &[Certificate]) -> Vec<u64> {
    let life = |certificate: &Certificate| {
        let validity = certificate.tbs_certificate().validity();
        (validity.not_after.to_unix_duration() - validity.not_before.to_unix_duration()).as_secs()
    };
    chain.iter().map(life).collect()
}

/// The first byte of every item in order, with the text of short strings: the keys, but no id.
fn outline(cbor: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(cbor);
    let mut outline = Vec::new();
    while decoder.position() < cbor.len() {
        let first = cbor[decoder.position()];
        let mut line = format!("{first:02x}");
        match first >> 5 {
            3 if first < 0x78 => line.push_str(decoder.str().unwrap()),
            4 | 5 if first & 31 == 31 => decoder.set_position(decoder.position() + 1),
            4 => drop(decoder.array().unwrap()),
            5 => drop(decoder.map().unwrap()),
            _ if first == 0xFF => decoder.set_position(decoder.position() + 1),
            _ => decoder.skip().unwrap(),
        }
        outline.push(line);
    }
    outline
}

/// Everything about a certificate but its values: types of names and times, algorithms, extensions.
fn profile(certificate: &Certificate) -> Vec<String> {
    let signed = certificate.tbs_certificate();
    let mut lines = vec![
        format!("{:?}", signed.version()),
        format!("{:?} {:?}", signed.signature(), certificate.signature_algorithm()),
        format!("{:?}", signed.subject_public_key_info().algorithm),
        format!("point of {} bytes", signed.subject_public_key_info().subject_public_key.raw_bytes().len()),
        format!("{:?} {:?}", signed.validity().not_before.tag(), signed.validity().not_after.tag()),
    ];
    for name in [signed.issuer(), signed.subject()] {
        lines.extend(name.iter_rdn().flat_map(x509_cert::name::RelativeDistinguishedName::iter).map(|attribute| {
            let class = if attribute.oid.to_string() == "2.5.4.3" {
                "".into()
            } else {
                hex::encode(attribute.value.to_der().unwrap())
            };
            format!("{} {:?} {class}", attribute.oid, attribute.value.tag())
        }));
    }
    for extension in signed.extensions().unwrap() {
        let oid = extension.extn_id.to_string();
        let value = extension.extn_value.as_bytes();
        let shape = match oid.as_str() {
            // A key identifier, or a CRL's address: the tags before it.
            "2.5.29.14" => hex::encode(&value[..2]),
            "2.5.29.35" => hex::encode(&value[..4]),
            "2.5.29.31" => value.iter().step_by(2).take(5).map(|tag| format!("{tag:02x}")).collect(),
            _ => hex::encode(value),
        };
        lines.push(format!("{oid} {} {shape}", extension.critical));
    }
    lines
}
