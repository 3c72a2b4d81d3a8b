//! The certificates above a report, with the names, lives and extensions of genuine ones. A seed and what is certified come
//! in, specifications go out.

use super::device::Chip;
use crate::{
    der::{self, Oid},
    derive,
    key::Key,
    x509::{
        CertificateSpec, Extension,
        KeyUsage::{CrlSign, DigitalSignature, KeyCertSign},
        Name, oid,
    },
};

/// CompositeDeviceID, of Hopper and its switches.
pub const COMPOSITE_DEVICE_ID: Oid = &[2, 23, 133, 5, 4, 1];
/// DiceTcbInfo, of Blackwell.
pub const TCB_INFO: Oid = &[2, 23, 133, 5, 4, 1, 1];
/// authorityInfoAccess, and OCSP in it.
const AUTHORITY_INFO_ACCESS: Oid = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
const OCSP: Oid = &[1, 3, 6, 1, 5, 5, 7, 48, 1];

/// 2021-11-05T00:00:00Z, 2022-03-01T00:00:00Z and 2020-10-17T00:00:00Z.
const ROOT_NOT_BEFORE: i64 = 1_636_070_400;
const AUTHORITY_NOT_BEFORE: i64 = 1_646_092_800;
const DEVICE_NOT_BEFORE: i64 = 1_602_892_800;
/// 9999-12-31T23:59:59Z.
const NEVER: i64 = 253_402_300_799;

/// The organization says what this is, and the seed keeps two roots from sharing a name.
fn organization(seed: &str) -> String {
    format!("Simulated NVIDIA {seed}")
}

fn authority(seed: &str, common_name: &str) -> Name {
    Name::new(&[(oid::COMMON_NAME, common_name), (oid::ORGANIZATION, &organization(seed))])
}

fn of_device(seed: &str, serial: &str, common_name: &str) -> Name {
    Name::new(&[
        (oid::SERIAL_NUMBER, serial),
        (oid::COUNTRY, "US"),
        (oid::ORGANIZATION, &organization(seed)),
        (oid::COMMON_NAME, common_name),
    ])
}

/// Where its issuer says what is revoked. The name .invalid never resolves (RFC 6761).
fn published_revocation(list: &str) -> [Extension; 2] {
    let responder = der::context_primitive(6, b"http://simulated-ocsp.invalid");
    let access = der::sequence([der::sequence([der::object_identifier(OCSP), responder])]);
    [
        Extension::crl_distribution_point(&format!("http://simulated-crl.invalid/crl/{list}.crl")),
        Extension::new(AUTHORITY_INFO_ACCESS, false, access),
    ]
}

/// NVIDIA Device Identity CA.
pub(super) fn root(seed: &str) -> CertificateSpec {
    let common_name = "NVIDIA Device Identity CA";
    let label = format!("{seed}/nvidia/root");
    let (key, serial) = (Key::p384(&label), derive::serial::<16>(&label));
    let extensions = vec![
        Extension::basic_constraints(true, None),
        Extension::key_usage(&[KeyCertSign, CrlSign]),
        Extension::subject_key_identifier(),
        Extension::authority_key_identifier(),
    ];
    let spec = CertificateSpec::new(authority(seed, common_name), key, serial, ROOT_NOT_BEFORE, NEVER);
    CertificateSpec { extensions, ..spec }
}

/// The CA of a family.
pub(super) fn family(seed: &str, chip: Chip) -> CertificateSpec {
    let name = format!("NVIDIA {} Identity", chip.family());
    ca(seed, &name, "l1-root")
}

/// The CA that provisions a chip.
pub(super) fn provisioner(seed: &str, chip: Chip) -> CertificateSpec {
    let name = format!("NVIDIA {} Provisioner ICA 1", chip.name());
    ca(seed, &name, &format!("l2-{}", chip.family().to_lowercase()))
}

fn ca(seed: &str, common_name: &str, list: &str) -> CertificateSpec {
    let label = format!("{seed}/nvidia/{common_name}");
    let (key, serial) = (Key::p384(&label), derive::serial::<16>(&label));
    let mut extensions = vec![Extension::basic_constraints(true, None), Extension::key_usage(&[KeyCertSign, CrlSign])];
    extensions.extend(published_revocation(list));
    extensions.extend([Extension::subject_key_identifier(), Extension::authority_key_identifier()]);
    let spec = CertificateSpec::new(authority(seed, common_name), key, serial, AUTHORITY_NOT_BEFORE, NEVER);
    CertificateSpec { extensions, ..spec }
}

/// The certificate of the device itself, whose serial number is its identifier.
pub(super) fn identity(seed: &str, chip: Chip, pdi: [u8; 8]) -> CertificateSpec {
    let serial = [&[chip.identity_prefix()], pdi.as_slice()].concat();
    let common_name = format!("{} BROM", chip.part());
    let key = Key::p384(&format!("{seed}/nvidia/{common_name}/{}", hex::encode(pdi)));
    let name = of_device(seed, &hex::encode_upper(&serial), &common_name);
    let extensions = vec![
        Extension::basic_constraints(true, None),
        Extension::key_usage(&[KeyCertSign]),
        Extension::subject_key_identifier(),
        Extension::authority_key_identifier(),
    ];
    CertificateSpec { extensions, ..CertificateSpec::new(name, key, serial, DEVICE_NOT_BEFORE, NEVER) }
}

/// The certificate of the key that signs reports, made for this firmware.
pub(super) fn attestation(seed: &str, chip: Chip, identity: &CertificateSpec, fwid: [u8; 48]) -> CertificateSpec {
    let common_name = format!("{} FMC LF", chip.part());
    let label = format!("{seed}/nvidia/{common_name}/{}/{}", hex::encode(&identity.serial), hex::encode(fwid));
    let (key, serial) = (Key::p384(&label), derive::serial::<20>(&label));
    let name = of_device(seed, &hex::encode_upper(&serial), &common_name);
    let dice = match chip {
        Chip::Hopper | Chip::Switch => composite_device_id(&identity.key.subject_public_key_info(), fwid),
        Chip::Blackwell => tcb_info(chip.part(), &[fwid, [0; 48]]),
    };
    let extensions = vec![
        Extension::key_usage(&[DigitalSignature]),
        Extension::subject_key_identifier(),
        Extension::authority_key_identifier(),
        dice,
    ];
    CertificateSpec { extensions, ..CertificateSpec::new(name, key, serial, DEVICE_NOT_BEFORE, NEVER) }
}

fn digest(fwid: [u8; 48]) -> Vec<u8> {
    der::sequence([der::object_identifier(oid::SHA384), der::octet_string(&fwid)])
}

/// The extension of Hopper: the device's key as SubjectPublicKeyInfo, and the firmware's digest.
#[must_use]
pub fn composite_device_id(device_key: &[u8], fwid: [u8; 48]) -> Extension {
    let value = der::sequence([der::small_integer(1), device_key.to_vec(), digest(fwid)]);
    Extension::new(COMPOSITE_DEVICE_ID, false, value)
}

/// The extension of Blackwell: what NVIDIA writes into every field, and digests.
#[must_use]
pub fn tcb_info(model: &str, fwids: &[[u8; 48]]) -> Extension {
    let fwids: Vec<u8> = fwids.iter().flat_map(|fwid| digest(*fwid)).collect();
    let value = der::sequence([
        der::context_primitive(0, b"NVIDIA"),
        der::context_primitive(1, model.as_bytes()),
        der::context_primitive(2, b"01"),
        der::context_primitive(3, &[1]),
        der::context_primitive(4, &[1]),
        der::context_primitive(5, &[0]),
        der::context(6, &fwids),
        der::context_primitive(7, &[0, 0x80, 0, 0, 1]),
        der::context_primitive(8, &[0xC0]),
        der::context_primitive(9, &[0]),
    ]);
    Extension::new(TCB_INFO, false, value)
}
