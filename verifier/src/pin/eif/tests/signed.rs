//! Images with a signature: one that is in order, then what is no signature of this image.

use prooftrail_result::ReasonCode as Code;
use prooftrail_simulator::{
    cbor::Item,
    key::Key,
    x509::{CertificateSpec, Name, oid},
};

use super::{
    super::{EifError, Notice, SectionKind},
    image::{Image, SIGNATURE, Section, extend},
    length, measure_bytes,
};

const START: i64 = 1_780_315_200;

/// Everything about a signature section before it is written.
struct Signer {
    key: Key,
    certificate: Vec<u8>,
    index: u64,
    pcr0: [u8; 48],
}

impl Signer {
    /// The signature of `image` under a key and its own certificate.
    fn of(image: &Image, key: Key) -> Self {
        let name = Name::new(&[(oid::COMMON_NAME, "release signing")]);
        let certificate = CertificateSpec::new(name, key.clone(), vec![1], START, START + 86_400);
        Self { certificate: certificate.self_issued(), key, index: 0, pcr0: image.registers()[0] }
    }

    fn section(&self) -> Section {
        let index = ("register_index".into(), Item::Unsigned(self.index));
        let payload = Item::Map(vec![index, ("register_value".into(), integers(&self.pcr0))]);
        let payload = Item::Bytes(payload.encode());
        let header = Item::bytes(b"\xA1\x01\x38\x22");
        let signed = ["Signature1".into(), header.clone(), Item::bytes(b""), payload.clone()];
        let signature = self.key.sign(&Item::Array(signed.to_vec()).encode()).fixed();
        let envelope = [header, Item::Map(Vec::new()), payload, Item::Bytes(signature)];
        let envelope = Item::Array(envelope.to_vec()).encode();
        let entry = Item::Map(vec![
            ("signing_certificate".into(), integers(pem(&self.certificate).as_bytes())),
            ("signature".into(), integers(&envelope)),
        ]);
        Section::new(SIGNATURE, &Item::Array(vec![entry]).encode())
    }
}

/// Bytes as the signer writes them: an array of integers.
fn integers(bytes: &[u8]) -> Item {
    Item::Array(bytes.iter().map(|&byte| Item::Unsigned(byte.into())).collect())
}

/// RFC 7468.
fn pem(der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----");
    for (index, three) in der.chunks(3).enumerate() {
        if index % 16 == 0 {
            text.push('\n');
        }
        let bits = three.iter().chain(&[0; 2]).take(3).fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        for place in 0..4 {
            let sextet = bits >> (18 - 6 * place) & 63;
            text.push(if place > three.len() { '=' } else { ALPHABET[sextet].into() });
        }
    }
    text + "\n-----END CERTIFICATE-----\n"
}

fn signed(change: impl FnOnce(&mut Signer)) -> Image {
    let image = Image::new();
    let mut signer = Signer::of(&image, Key::p384("signer"));
    change(&mut signer);
    image.with(|image| image.sections.push(signer.section()))
}

#[test]
fn a_signed_image_has_pcr8() {
    let image = signed(|_| {});
    let measured = measure_bytes(&image.write()).unwrap();
    assert_eq!([measured.pcr0, measured.pcr1, measured.pcr2], image.registers());
    let signer = measured.signer.as_ref().unwrap();
    let certificate = Signer::of(&image, Key::p384("signer")).certificate;
    assert_eq!(signer.pcr8, extend(&certificate));
    assert_eq!(signer.subject, "CN=release signing");
    assert_eq!(signer.not_before.unix_seconds(), START);
    assert_eq!(signer.not_after.unix_seconds(), START + 86_400);
    assert_eq!(measured.sections.last().unwrap().kind, SectionKind::Signature);
    assert!(measured.notices().is_empty());

    // Where it stands does not matter, because it signs PCR0 and not the file.
    let first = image.clone().with(|image| image.sections.rotate_right(1));
    let first = measure_bytes(&first.write()).unwrap();
    assert_eq!((first.pcr0, first.signer), (measured.pcr0, measured.signer));

    let version_3 = image.with(|image| drop((image.version = 3, image.sections.remove(2))));
    assert!(measure_bytes(&version_3.write()).unwrap().signer.is_some());
}

#[test]
fn a_signature_that_does_not_verify_is_an_error() {
    type Change = fn(&mut Signer);
    let other = |signer: &mut Signer| signer.key = Key::p384("other");
    let rules: [(&str, Change, Code); 5] = [
        ("wrong key", other, Code::CoseSignature),
        (
            "certificate swapped",
            |signer| signer.certificate = Signer::of(&Image::new(), Key::p384("other")).certificate,
            Code::CoseSignature,
        ),
        ("other PCR0", |signer| signer.pcr0[0] ^= 1, Code::BindingValueMismatch),
        ("other register", |signer| signer.index = 1, Code::BindingValueMismatch),
        ("P-256", |signer| *signer = Signer::of(&Image::new(), Key::p256("signer")), Code::ChainKeyType),
    ];
    for (rule, change, code) in rules {
        assert_eq!(refusal(&signed(change)), code, "{rule}");
    }
}

#[test]
fn a_signature_belongs_to_its_image() {
    for section in [0, 1, 3, 4] {
        let image = signed(|_| {}).with(|image| image.sections[section].content[0] ^= 1);
        assert_eq!(refusal(&image), Code::BindingValueMismatch, "section {section}");
    }
    let metadata = signed(|_| {}).with(|image| image.sections[2].content[0] ^= 1);
    assert!(measure_bytes(&metadata.write()).is_ok());
    let empty = Image::new().with(|image| image.sections.push(Section::new(SIGNATURE, b"")));
    assert_eq!(refusal(&empty), Code::CborTruncated);
}

fn refusal(image: &Image) -> Code {
    match measure_bytes(&image.write()) {
        Err(EifError::Signature(reason)) => reason.code,
        other => panic!("{other:?}"),
    }
}

/// AWS's tool leaves the old size in the table when it signs again.
#[test]
fn the_size_of_an_earlier_signature_is_tolerated_in_the_table_only() {
    let image = signed(|_| {});
    let size = length(&image.sections[5].content);
    for stale in [0, size - 1, size + 1, 64 * 1024] {
        let image = image.clone().with(|image| image.sizes.push((5, stale)));
        let measured = measure_bytes(&image.write()).unwrap();
        assert_eq!(measured.notices(), [Notice::StaleSignatureSize], "{stale}");
        let first = image.with(|image| {
            image.sections.rotate_right(1);
            image.sizes = vec![(0, stale)];
        });
        assert_eq!(measure_bytes(&first.write()).unwrap().signer, measured.signer, "{stale}");
    }
    let too_large = image.clone().with(|image| image.sizes.push((5, 64 * 1024 + 1)));
    assert!(matches!(measure_bytes(&too_large.write()), Err(EifError::OutsideFile { section: 6, .. })));
    let own = image.with(|image| image.sections[5].size = Some(size - 1));
    assert_eq!(
        measure_bytes(&own.write()),
        Err(EifError::SectionSize { section: 6, kind: SectionKind::Signature, found: size - 1, expected: size })
    );
}
