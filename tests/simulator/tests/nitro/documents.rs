//! Untouched documents, decoded: envelope, payload, PCRs and signature; then the root's manifest.

use der::Decode;
use prooftrail_simulator::nitro::{Hypervisor, extended};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;

use crate::reading::{AT_MS, Read};

const KEYS: [&str; 9] =
    ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"];

fn hypervisor() -> Hypervisor {
    Hypervisor::new("documents").instance("i-0123456789abcdef0")
}

#[test]
fn the_envelope_is_that_of_genuine_documents() {
    let document = hypervisor().document(AT_MS).build();
    let payload = hypervisor().document(AT_MS).payload_bytes();
    assert_eq!(document[..8], [0x84, 0x44, 0xA1, 0x01, 0x38, 0x22, 0xA0, 0x59]);
    assert_eq!(document[8..10], u16::try_from(payload.len()).unwrap().to_be_bytes());
    assert_eq!(document[10..10 + payload.len()], payload);
    assert_eq!(document[10 + payload.len()..][..2], [0x58, 0x60]);
    assert_eq!(document.len(), 10 + payload.len() + 2 + 96);
    assert_eq!((payload.first(), payload.last()), (Some(&0xBF), Some(&0xFF)));
}

#[test]
fn the_payload_is_that_of_genuine_documents() {
    let read = Read::new(&hypervisor().document(AT_MS).build());
    assert_eq!(read.keys(), KEYS);
    assert!(read.is_signed_by_leaf());
    assert!(read.value("module_id").str().unwrap().starts_with("i-0123456789abcdef0-enc01"));
    assert_eq!(read.value("digest").str().unwrap(), "SHA384");
    assert_eq!(read.entries[2].1[0], 0x1B);
    assert_eq!(read.value("timestamp").u64().unwrap(), AT_MS);
    for key in ["public_key", "user_data", "nonce"] {
        assert!(read.value(key).null().is_ok());
    }
}

#[test]
fn certificates_stay_within_the_limit_of_the_format() {
    for certificate in hypervisor().region("ap-southeast-4").document(AT_MS).certificates() {
        assert!(certificate.len() <= 1024, "{}", certificate.len());
    }
}

#[test]
fn the_signed_bytes_are_the_sig_structure() {
    let mut document = hypervisor().document(AT_MS);
    let payload = document.payload_bytes();
    let signed = document.signed_bytes();
    assert_eq!(signed[..18], *b"\x84\x6ASignature1\x44\xA1\x01\x38\x22\x40");
    assert_eq!(signed[21..], payload);
    document.nonce(b"other");
    assert_ne!(document.signed_bytes(), signed);
}

#[test]
fn setters_fill_the_optional_fields() {
    let read = Read::new(&hypervisor().document(AT_MS).public_key(b"p").user_data(b"").nonce(b"n").build());
    assert_eq!(read.keys(), KEYS);
    assert_eq!(read.value("public_key").bytes().unwrap(), b"p");
    assert_eq!(read.value("user_data").bytes().unwrap(), b"");
    assert_eq!(read.value("nonce").bytes().unwrap(), b"n");
}

#[test]
fn pcrs_measure_image_role_and_instance() {
    let arn = "arn:aws:iam::999999999999:role/other";
    let pcrs = |hypervisor: Hypervisor| Read::new(&hypervisor.document(AT_MS).build()).pcrs("pcrs");
    let first = pcrs(hypervisor());
    assert_eq!(first.iter().map(|(index, _)| *index).collect::<Vec<_>>(), (0..16).collect::<Vec<_>>());
    assert!(first.iter().all(|(_, value)| value.len() == 48));
    assert_eq!(first[4].1, extended(b"i-0123456789abcdef0"));
    assert!(first[5..].iter().all(|(_, value)| *value == [0; 48]));

    let second = pcrs(hypervisor().image("other").role(Some(arn)));
    assert!((0..4).all(|index| first[index] != second[index]));
    assert_eq!(second[3].1, extended(arn.as_bytes()));
    assert_eq!(pcrs(hypervisor().role(None))[3].1, [0; 48]);
}

/// The published PCR3 and PCR4 rule, with a value computed outside of this crate.
#[test]
fn extension_starts_from_zero() {
    let expected = "1ae093c2c13bbeea";
    assert_eq!(hex::encode(extended(&[0; 4])).get(..16), Some(expected));
}

#[test]
fn debug_mode_zeroes_the_image_only() {
    let read = Read::new(&hypervisor().document(AT_MS).debug().build());
    let zero: Vec<_> = read.pcrs("pcrs").iter().map(|(_, value)| *value == [0; 48]).collect();
    assert_eq!(zero[..9], [true, true, true, false, false, true, true, true, true]);
    assert!(read.is_signed_by_leaf());
}

#[test]
fn nitrotpm_documents_have_another_bank() {
    let read = Read::new(&hypervisor().nitrotpm_document(AT_MS).build());
    let pcrs = read.pcrs("nitrotpm_pcrs");
    assert!(read.is_signed_by_leaf());
    assert!(!read.keys().contains(&"pcrs"));
    assert_eq!(read.value("module_id").str().unwrap(), "i-0123456789abcdef0-tpm0000000000000000");
    assert_eq!(pcrs.len(), 24);
    for (index, value) in &pcrs {
        let (zero, ones) = (*value == [0; 48], *value == [0xFF; 48]);
        assert_eq!(zero, matches!(index, 8 | 12..=16 | 23), "PCR{index}");
        assert_eq!(ones, matches!(index, 17..=22), "PCR{index}");
    }
    // The separator, as every TPM in the world with nothing else in the register has it.
    assert!(hex::encode(&pcrs[2].1).starts_with("518923b0f955d08d"));
    assert_eq!((&pcrs[2].1, &pcrs[2].1), (&pcrs[3].1, &pcrs[6].1));
}

#[test]
fn the_same_calls_give_the_same_bytes_and_other_seeds_others() {
    let build = |seed: &str| Hypervisor::new(seed).document(AT_MS).nonce(b"n").build();
    assert_eq!(build("a"), build("a"));
    assert_ne!(build("a"), build("b"));
    assert_ne!(Hypervisor::new("a").root_der(), Hypervisor::new("b").root_der());
    assert_eq!(Hypervisor::new("a").region("eu-west-1").root_der(), Hypervisor::new("a").root_der());
}

#[test]
fn the_manifest_describes_the_root() {
    let hypervisor = Hypervisor::new("documents");
    let root = hypervisor.root_der();
    let manifest: toml::Table = hypervisor.root_manifest().parse().unwrap();
    let [entry] = manifest["root"].as_array().unwrap().as_slice() else { panic!("one root") };
    let subject = Certificate::from_der(&root).unwrap().tbs_certificate().subject().to_string();
    let text = |key: &str| entry[key].as_str().unwrap();
    assert_eq!(text("id"), "simulated-nitro-documents");
    assert_eq!(text("file"), "simulated-nitro-root.der");
    assert_eq!(text("sha256"), hex::encode(Sha256::digest(&root)));
    assert_eq!(text("subject"), subject);
    assert_eq!(text("not_before"), "2020-01-01T00:00:00Z");
    assert_eq!(text("not_after"), "2049-12-31T23:59:59Z");
    assert_eq!(text("vendor"), "amazon");
    assert_eq!(entry["kinds"], vec!["aws-nitro", "aws-nitrotpm"].into());
    assert_eq!(text("source"), "Prooftrail's simulator; no hardware stands behind this root");
    assert_eq!(entry["simulated"], true.into());
    assert_eq!(entry.as_table().unwrap().len(), 10);
}

#[test]
fn a_changed_root_is_the_root_of_chain_and_manifest() {
    let mut hypervisor = Hypervisor::new("documents");
    hypervisor.root.not_after = hypervisor.root.not_before + 1;
    let chain = Read::new(&hypervisor.document(AT_MS).build()).chain();
    assert_eq!(chain[0], hypervisor.root_der());
    assert!(hypervisor.root_manifest().contains("not_after = \"2020-01-01T00:00:01Z\""));
}
