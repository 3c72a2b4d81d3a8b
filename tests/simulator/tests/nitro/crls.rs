//! Revocation lists, decoded: the conveniences, then the knobs.

use der::{Decode, Encode, Tag, Tagged, asn1::Any};
use p384::ecdsa::{Signature, signature::Verifier};
use prooftrail_simulator::{
    key::Key,
    nitro::Hypervisor,
    x509::{CrlSpec, Extension, oid},
};
use x509_cert::{Certificate, Version, crl::CertificateList, ext::pkix::AuthorityKeyIdentifier};

use crate::reading::{AT, AT_MS, verifying_key};

fn is_signed_by(list: &CertificateList, issuer: &[u8]) -> bool {
    let signature = Signature::from_der(list.signature.raw_bytes()).unwrap();
    let issuer = Certificate::from_der(issuer).unwrap();
    verifying_key(&issuer).verify(&list.tbs_cert_list.to_der().unwrap(), &signature).is_ok()
}

#[test]
fn root_and_regional_list_what_they_issued() {
    let hypervisor = Hypervisor::new("crls");
    let document = hypervisor.document(AT_MS);
    let chain = document.certificates();
    let [_, regional, zonal, ..] = document.chain.as_slice() else { panic!("five certificates") };
    let lists = [
        (hypervisor.crl_of_root(AT, &[&regional.serial]), &chain[0], &chain[1]),
        (hypervisor.crl_of_regional(AT, &[&zonal.serial]), &chain[1], &chain[2]),
    ];
    for (list, issuer, revoked) in lists {
        let list: CertificateList = CertificateList::from_der(&list.build()).unwrap();
        let (issuer_certificate, revoked) =
            (Certificate::from_der(issuer).unwrap(), Certificate::from_der(revoked).unwrap());
        assert!(is_signed_by(&list, issuer));
        assert_eq!(&list.signature_algorithm, issuer_certificate.signature_algorithm());
        assert_eq!(list.signature_algorithm, list.tbs_cert_list.signature);
        assert_eq!(&list.tbs_cert_list.issuer, issuer_certificate.tbs_certificate().subject());

        let list = list.tbs_cert_list;
        let entries = list.revoked_certificates.unwrap();
        assert_eq!(list.version, Version::V2);
        assert_eq!(list.this_update.to_unix_duration().as_secs(), AT.unsigned_abs());
        assert_eq!(list.next_update.unwrap().to_unix_duration().as_secs(), (AT + CrlSpec::LIFE).unsigned_abs());
        assert_eq!(entries.len(), 1);
        assert_eq!(&entries[0].serial_number, revoked.tbs_certificate().serial_number());
        assert_eq!(entries[0].crl_entry_extensions, None);

        let extensions = list.crl_extensions.unwrap();
        let identifier = AuthorityKeyIdentifier::from_der(extensions[0].extn_value.as_bytes()).unwrap();
        let (_, subject) = issuer_certificate
            .tbs_certificate()
            .get_extension::<x509_cert::ext::pkix::SubjectKeyIdentifier>()
            .unwrap()
            .unwrap();
        assert_eq!(identifier.key_identifier.unwrap(), subject.0);
        assert_eq!(extensions[1].extn_id.to_string(), "2.5.29.20");
    }
}

#[test]
fn optional_fields_are_left_out() {
    let mut list = Hypervisor::new("crls").crl_of_root(AT, &[]);
    list.version = None;
    list.next_update = None;
    list.extensions.clear();
    let fields = |der: &[u8]| Vec::<Any>::from_der(der).unwrap();
    let to_be_signed = fields(&list.build())[0].to_der().unwrap();
    let tags: Vec<_> = fields(&to_be_signed).iter().map(Tagged::tag).collect();
    assert_eq!(tags, [Tag::Sequence, Tag::Sequence, Tag::UtcTime], "algorithm, issuer and thisUpdate alone");
}

#[test]
fn entries_carry_reasons_and_lists_carry_critical_extensions() {
    let mut list = Hypervisor::new("crls").crl_of_root(AT, &[&[1], &[2]]);
    list.revoked[1].extensions.push(Extension::reason_code(1));
    list.extensions.push(Extension::new(&[2, 5, 29, 28], true, vec![0x30, 0x00]));
    let list: CertificateList = CertificateList::from_der(&list.build()).unwrap();
    let list = list.tbs_cert_list;
    let entries = list.revoked_certificates.unwrap();
    let reason = &entries[1].crl_entry_extensions.as_ref().unwrap()[0];
    assert_eq!(entries[0].crl_entry_extensions, None);
    assert_eq!(
        (reason.extn_id.to_string().as_str(), reason.extn_value.as_bytes()),
        ("2.5.29.21", &[0x0A, 0x01, 0x01][..])
    );
    assert!(list.crl_extensions.unwrap()[2].critical);
}

#[test]
fn a_list_can_be_forged() {
    let hypervisor = Hypervisor::new("crls");
    let mut list = hypervisor.crl_of_root(AT, &[]);
    list.signing.key = Some(Key::p384("impostor"));
    *list.issuer.attribute_mut(oid::COMMON_NAME) = "other".to_owned();
    let list: CertificateList = CertificateList::from_der(&list.build()).unwrap();
    assert!(!is_signed_by(&list, &hypervisor.root_der()));
    assert_eq!(list.tbs_cert_list.issuer.to_string(), "CN=other,OU=AWS,O=Amazon,C=US");
}
