//! The chain, decoded: names, lives, extensions and signatures by position, then the knobs of a certificate.

use der::{Decode, Encode};
use p384::ecdsa::{Signature, signature::Verifier};
use prooftrail_simulator::{
    edit::Edit,
    key::{Key, SignatureEdit},
    nitro::Hypervisor,
    x509::{Algorithm, CertificateSpec, Extension, Name, oid},
};
use x509_cert::{Certificate, Version, time::Time};

use crate::reading::{AT, AT_MS, Read, is_signed_by, verifying_key};

const DAY: i64 = 24 * 3600;

fn hypervisor() -> Hypervisor {
    Hypervisor::new("certificates").instance("i-0123456789abcdef0").enclave(0x0102_0304_0506_0708)
}

fn chain() -> Vec<Certificate> {
    let read = Read::new(&hypervisor().document(AT_MS).build());
    read.chain().iter().map(|der| Certificate::from_der(der).unwrap()).collect()
}

fn life(certificate: &Certificate) -> (i64, i64) {
    let validity = certificate.tbs_certificate().validity();
    let seconds = |time: Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap();
    (seconds(validity.not_before), seconds(validity.not_after))
}

/// A plain certificate to turn knobs on, decoded again.
fn turned(turn: impl FnOnce(&mut CertificateSpec)) -> (CertificateSpec, Vec<u8>) {
    let subject = Name::new(&[(oid::COMMON_NAME, "subject")]);
    let mut certificate = CertificateSpec::new(subject, Key::p384("subject"), vec![1], AT, AT + DAY);
    turn(&mut certificate);
    let der = certificate.issued_by(&hypervisor().root);
    (certificate, der)
}

#[test]
fn each_certificate_is_signed_by_the_one_before() {
    let chain = chain();
    assert_eq!(chain.len(), 5);
    for (issuer, certificate) in chain.iter().take(1).chain(&chain).zip(&chain) {
        assert!(is_signed_by(certificate, issuer));
        assert_eq!(certificate.tbs_certificate().issuer(), issuer.tbs_certificate().subject());
        assert_eq!(certificate.tbs_certificate().version(), Version::V3);
        assert_eq!(certificate.signature_algorithm(), certificate.tbs_certificate().signature());
        assert_eq!(certificate.signature_algorithm().oid.to_string(), "1.2.840.10045.4.3.3");
    }
}

#[test]
fn names_are_those_of_the_profile() {
    let chain = chain();
    let subjects: Vec<_> =
        chain.iter().map(|certificate| certificate.tbs_certificate().subject().to_string()).collect();
    let [root, regional, zonal, instance, leaf] = subjects.try_into().unwrap();
    let is_hex = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let between = |text: &str, start: &str, end: &str| {
        text.strip_prefix(start).and_then(|text| text.strip_suffix(end)).unwrap_or_else(|| panic!("{text}")).to_owned()
    };

    assert_eq!(root, "CN=simulated.nitro-enclaves,OU=AWS,O=Amazon,C=US");
    assert!(is_hex(&between(&regional, "CN=", ".us-east-1.aws.nitro-enclaves,OU=AWS,O=Amazon,C=US")));
    assert!(is_hex(&between(
        &zonal,
        "L=Seattle,ST=WA,C=US,O=Amazon,OU=AWS,CN=",
        ".zonal.us-east-1.aws.nitro-enclaves"
    )));
    let place = "OU=AWS,O=Amazon,L=Seattle,ST=Washington,C=US";
    assert_eq!(instance, format!("CN=i-0123456789abcdef0.us-east-1.aws.nitro-enclaves,{place}"));
    assert_eq!(leaf, format!("CN=i-0123456789abcdef0-enc0102030405060708.us-east-1.aws,{place}"));
}

#[test]
fn lives_are_those_of_the_profile() {
    let lives: Vec<_> = chain().iter().map(life).collect();
    let [root, regional, zonal, instance, leaf] = lives.try_into().unwrap();
    assert!((10 * 365 * DAY..=30 * 366 * DAY).contains(&(root.1 - root.0)));
    assert_eq!(regional.1 - regional.0, 20 * DAY + 3600 - 1);
    assert_eq!(zonal.1 - zonal.0, 5 * DAY + 21 * 3600 - 1);
    assert_eq!(instance.1 - instance.0, DAY);
    assert_eq!(leaf, (AT - 3, AT + 3 * 3600));
}

/// Also where issuers are renewed, for leaves that begin just before and right then.
#[test]
fn each_certificate_lives_within_its_issuer() {
    let renewal = 1_780_291_049;
    let times = (0..40).flat_map(|step| [2, 3].map(|lead| renewal + step * 6 * 3600 + lead));
    let documents: Vec<_> = times.map(|at| hypervisor().document(at * 1000)).collect();
    for document in &documents {
        for pair in document.chain.windows(2) {
            assert!(pair[0].not_before <= pair[1].not_before, "{pair:?}");
            assert!(pair[1].not_after <= pair[0].not_after, "{pair:?}");
        }
    }
    assert!(documents[1].chain[3].not_before == documents[1].chain[4].not_before, "a renewal is among the times");
}

#[test]
fn extensions_are_those_of_the_profile() {
    let expected: [&[(&str, bool)]; 5] = [
        &[("2.5.29.19", true), ("2.5.29.14", false), ("2.5.29.15", true)],
        &[("2.5.29.19", true), ("2.5.29.35", false), ("2.5.29.14", false), ("2.5.29.15", true), ("2.5.29.31", false)],
        &[("2.5.29.19", true), ("2.5.29.35", false), ("2.5.29.14", false), ("2.5.29.15", true), ("2.5.29.31", false)],
        &[("2.5.29.19", true), ("2.5.29.15", true), ("2.5.29.14", false), ("2.5.29.35", false)],
        &[("2.5.29.19", true), ("2.5.29.15", false)],
    ];
    for (certificate, expected) in chain().iter().zip(expected) {
        let extensions = certificate.tbs_certificate().extensions().unwrap();
        let present: Vec<_> =
            extensions.iter().map(|extension| (extension.extn_id.to_string(), extension.critical)).collect();
        assert_eq!(present, expected.iter().map(|(oid, critical)| ((*oid).to_owned(), *critical)).collect::<Vec<_>>());
    }
}

#[test]
fn basic_constraints_key_usage_and_identifiers_decode() {
    use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectKeyIdentifier};

    let chain = chain();
    let constraints: Vec<_> = chain
        .iter()
        .map(|certificate| certificate.tbs_certificate().get_extension::<BasicConstraints>().unwrap().unwrap().1)
        .map(|constraints| (constraints.ca, constraints.path_len_constraint))
        .collect();
    assert_eq!(constraints, [(true, None), (true, Some(2)), (true, Some(1)), (true, Some(0)), (false, None)]);

    for (position, certificate) in chain.iter().enumerate() {
        let usage = certificate.tbs_certificate().get_extension::<KeyUsage>().unwrap().unwrap().1;
        assert_eq!(usage.digital_signature(), position != 3);
        assert_eq!(usage.non_repudiation(), position == 4);
        assert_eq!(usage.key_cert_sign(), position < 4);
        assert_eq!(usage.crl_sign(), position < 3);
    }
    for pair in chain.windows(2).take(3) {
        let subject = pair[0].tbs_certificate().get_extension::<SubjectKeyIdentifier>().unwrap().unwrap().1;
        let authority = pair[1].tbs_certificate().get_extension::<AuthorityKeyIdentifier>().unwrap().unwrap().1;
        assert_eq!(authority.key_identifier.unwrap(), subject.0);
    }
}

#[test]
fn the_leaf_serial_is_enclave_and_time() {
    let leaf_serial = |document: Vec<u8>| {
        let leaf = Certificate::from_der(Read::new(&document).chain().last().unwrap()).unwrap();
        hex::encode(leaf.tbs_certificate().serial_number().as_bytes())
    };
    assert_eq!(leaf_serial(hypervisor().document(AT_MS).build()), "0102030405060708000000006a1d7440");
    assert_eq!(leaf_serial(hypervisor().nitrotpm_document(AT_MS).build()), "6a1d7440");
}

#[test]
fn issuers_are_shared_by_documents_made_close_together() {
    let (first, second) =
        (hypervisor().document(AT_MS).certificates(), hypervisor().document(AT_MS + 60_000).certificates());
    assert_eq!(first[..4], second[..4]);
    assert_ne!(first[4], second[4]);
}

#[test]
fn times_change_form_in_2050() {
    let (_, der) = turned(|certificate| certificate.not_after = 2_524_608_000);
    let validity = *Certificate::from_der(&der).unwrap().tbs_certificate().validity();
    assert!(matches!((validity.not_before, validity.not_after), (Time::UtcTime(_), Time::GeneralTime(_))));
}

#[test]
fn names_and_keys_can_lie() {
    let other = Name::new(&[(oid::COMMON_NAME, "other")]);
    let (_, der) = turned(|certificate| {
        certificate.issuer = Some(other.clone());
        certificate.signing.key = Some(Key::p384("impostor"));
        certificate.subject_public_key_info = Some(Key::p256("another").subject_public_key_info());
    });
    let certificate = Certificate::from_der(&der).unwrap();
    let root = Certificate::from_der(&hypervisor().root_der()).unwrap();
    assert!(!is_signed_by(&certificate, &root));
    assert_eq!(certificate.tbs_certificate().issuer().to_der().unwrap(), other.der());
    let key = certificate.tbs_certificate().subject_public_key_info();
    assert_eq!(key.to_der().unwrap(), Key::p256("another").subject_public_key_info());
}

#[test]
fn algorithms_are_named_on_either_side() {
    let (_, der) = turned(|certificate| {
        let parameters = Some(vec![0x05, 0x00]);
        certificate.signing.inner_algorithm = Some(Algorithm { parameters, ..Algorithm::new(oid::ECDSA_WITH_SHA256) });
    });
    let certificate = Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.tbs_certificate().signature().oid.to_string(), "1.2.840.10045.4.3.2");
    assert!(certificate.tbs_certificate().signature().parameters.as_ref().unwrap().is_null());
    assert_eq!(certificate.signature_algorithm().oid.to_string(), "1.2.840.10045.4.3.3");

    let (_, der) = turned(|certificate| certificate.signing.key = Some(Key::p256("impostor")));
    assert_eq!(Certificate::from_der(&der).unwrap().signature_algorithm().oid.to_string(), "1.2.840.10045.4.3.2");
}

#[test]
fn versions_serials_and_extensions_are_written_as_given() {
    let (_, der) = turned(|certificate| {
        certificate.version = None;
        certificate.serial = vec![0x00, 0x00, 0x01];
    });
    // TBSCertificate begins with the serial number when the version is left out.
    assert_eq!(der[8..13], [0x02, 0x03, 0x00, 0x00, 0x01]);

    let (_, der) = turned(|certificate| {
        certificate.extensions = vec![Extension::basic_constraints(true, None); 2];
        certificate.extensions.push(Extension::new(&[1, 2, 3, 4], true, vec![0x05, 0x00]));
    });
    let certificate = Certificate::from_der(&der).unwrap();
    let extensions = certificate.tbs_certificate().extensions().unwrap();
    assert_eq!(extensions.len(), 3);
    assert_eq!(extensions[0], extensions[1]);
    assert_eq!((extensions[2].extn_id.to_string().as_str(), extensions[2].critical), ("1.2.3.4", true));
}

#[test]
fn edits_before_the_signature_verify_and_edits_after_it_do_not() {
    let root = Certificate::from_der(&hypervisor().root_der()).unwrap();
    let edit = Edit::Replace { find: b"subject".to_vec(), with: b"SUBJECT".to_vec() };

    let (_, der) = turned(|certificate| certificate.signing.before.push(edit.clone()));
    let certificate = Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.tbs_certificate().subject().to_string(), "CN=SUBJECT");
    assert!(is_signed_by(&certificate, &root));

    let (_, der) = turned(|certificate| certificate.signing.after.push(edit.clone()));
    let certificate = Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.tbs_certificate().subject().to_string(), "CN=SUBJECT");
    assert!(!is_signed_by(&certificate, &root));
}

#[test]
fn signatures_have_twins_and_other_forms() {
    let root = Certificate::from_der(&hypervisor().root_der()).unwrap();
    let (_, genuine) = turned(|_| {});
    let (_, twin) = turned(|certificate| certificate.signing.signature = Some(SignatureEdit::Twin));
    assert_ne!(genuine, twin);
    assert!(is_signed_by(&Certificate::from_der(&twin).unwrap(), &root));

    let (_, fixed) = turned(|certificate| certificate.signing.signature = Some(SignatureEdit::OtherForm));
    let certificate = Certificate::from_der(&fixed).unwrap();
    let signature = Signature::from_slice(certificate.signature().raw_bytes()).unwrap();
    assert!(verifying_key(&root).verify(&certificate.tbs_certificate().to_der().unwrap(), &signature).is_ok());
}
