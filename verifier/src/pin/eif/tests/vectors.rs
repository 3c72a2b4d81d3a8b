//! Images that others wrote, with the measurements that others made of them (tests/vectors/nitro/eif).

use std::{ffi::OsStr, fs, path::PathBuf};

use serde_json::Value;

use super::{
    super::{EifError, Measurements, Notice},
    measure_bytes,
};

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/nitro/eif/", $name))
    };
}

pub(super) const UNSIGNED: &[u8] = vector!("mock-unsigned.eif");
/// Written and signed by aws-nitro-enclaves-image-format 0.8.1.
pub(super) const SIGNED: &[u8] = vector!("mock-signed.eif");
/// The same image after another signature by the same crate: its table has the first signature's size.
pub(super) const RESIGNED: &[u8] = vector!("mock-resigned.eif");
const BAD_CRC: &[u8] = vector!("mock-bad-crc.eif");

#[test]
fn measurements_are_those_of_the_reference_implementation() {
    assert_measures(UNSIGNED, vector!("mock-unsigned.eif.json"), "mock-unsigned");
    let signed = assert_measures(SIGNED, vector!("mock-signed.eif.json"), "mock-signed");
    assert_eq!(signed.signer.unwrap().subject, "CN=mock signer one,O=Prooftrail tests,C=EU");
    let resigned = assert_measures(RESIGNED, vector!("mock-resigned.eif.json"), "mock-resigned");
    assert_eq!(resigned.notices(), [Notice::StaleSignatureSize]);
    assert_eq!(resigned.signer.unwrap().subject, "CN=mock signer two,O=Prooftrail tests,C=EU");
    assert_is_damaged(BAD_CRC);
}

/// Every vector of a folder beside this repository.
#[test]
fn measurements_are_those_of_the_vectors() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("nitro/eif");
    let mut images: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    images.retain(|path| path.extension() == Some(OsStr::new("eif")));
    assert!(images.len() >= 5, "{}", folder.display());
    for path in images {
        let image = fs::read(&path).unwrap();
        match fs::read(path.with_extension("eif.json")) {
            Ok(expected) => drop(assert_measures(&image, &expected, &path.display().to_string())),
            Err(_) => assert_is_damaged(&image),
        }
    }
}

/// Where the vectors are.
#[expect(clippy::disallowed_methods, reason = "a test reads where the vectors are; the crate asks at its edge only")]
#[expect(clippy::print_stderr, reason = "a test that has no vectors says so")]
fn vectors() -> Option<PathBuf> {
    let vectors = std::env::var_os("PROOFTRAIL_VECTORS").map(PathBuf::from);
    if vectors.is_none() {
        eprintln!("skipped: 5 vectors");
    }
    vectors
}

/// Compares every fact of the description beside an image.
fn assert_measures(image: &[u8], expected: &[u8], name: &str) -> Measurements {
    let expected: Value = serde_json::from_slice(expected).unwrap();
    let measured = measure_bytes(image).unwrap();
    let json = serde_json::to_value(&measured).unwrap();
    for (register, key) in [("pcr0", "PCR0"), ("pcr1", "PCR1"), ("pcr2", "PCR2"), ("pcr8", "PCR8")] {
        assert_eq!(json[register], expected[key], "{name}: {key}");
    }
    assert_eq!(json["architecture"], expected["arch"], "{name}");
    assert_eq!(json["version"], expected["version"], "{name}");
    let kinds = ["", "kernel", "cmdline", "ramdisk", "signature", "metadata"];
    let sections = expected["sections"].as_array().unwrap().iter().map(|section| {
        let kind = usize::try_from(section[0].as_u64().unwrap()).unwrap();
        serde_json::json!({ "type": kinds[kind], "bytes": section[1] })
    });
    assert_eq!(json["sections"], Value::from_iter(sections), "{name}");
    measured
}

fn assert_is_damaged(image: &[u8]) {
    assert!(matches!(measure_bytes(image), Err(EifError::Checksum { .. })));
}
