//! The certificates above a report, with the names, lives and extensions of genuine ones. A seed and what is certified
//! come in, specifications go out.

use super::{platform::Line, report::Tcb};
use crate::{
    der::{self, Oid},
    key::Key,
    x509::{
        Algorithm, CertificateSpec, Extension,
        KeyUsage::{CrlSign, KeyCertSign},
        Name, Signing, oid,
    },
};

/// structVersion.
pub const STRUCT_VERSION: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 1];
/// productName.
pub const PRODUCT_NAME: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 2];
const BOOTLOADER_SPL: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 3, 1];
const TEE_SPL: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 3, 2];
const SNP_SPL: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 3, 3];
/// One of the reserved levels.
pub const RESERVED_SPL: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 3, 5];
/// ucodeSPL.
pub const MICROCODE_SPL: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 3, 8];
/// fmcSPL, Turin's.
pub const FMC_SPL: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 3, 9];
/// hwID, a VCEK's.
pub const HWID: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 4];
/// cspID, a VLEK's.
pub const CSP_ID: Oid = &[1, 3, 6, 1, 4, 1, 3704, 1, 5];

/// 2020-10-22T17:23:05Z.
const ROOT_NOT_BEFORE: i64 = 1_603_387_385;
const YEAR: i64 = 365 * 24 * 3600;

/// Which issuer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Issuer {
    /// ASK.
    OfVceks,
    /// ASVK.
    OfVleks,
}

/// AMD's attributes, with an organization that says what this is, and the seed, so that no two roots share a name.
fn name(seed: &str, common_name: &str) -> Name {
    Name::new(&[
        (oid::ORGANIZATIONAL_UNIT, "Engineering"),
        (oid::COUNTRY, "US"),
        (oid::LOCALITY, "Santa Clara"),
        (oid::STATE, "CA"),
        (oid::ORGANIZATION, &format!("Simulated Micro Devices {seed}")),
        (oid::COMMON_NAME, common_name),
    ])
}

/// AMD's CAs spell out the trailer field.
fn ca_signing() -> Signing {
    Signing::with_algorithm(&Algorithm::rsa_pss_sha384(true))
}

fn crl_distribution_point(line: Line, key: &str) -> Extension {
    // The name .invalid never resolves (RFC 6761).
    Extension::crl_distribution_point(&format!("https://simulated-kds.invalid/{key}/v1/{}/crl", line.name()))
}

/// The ARK.
pub(super) fn root(seed: &str, line: Line) -> CertificateSpec {
    let common_name = format!("ARK-{}", line.name());
    let extensions = vec![
        Extension::key_usage(&[KeyCertSign, CrlSign]),
        Extension::subject_key_identifier(),
        Extension::basic_constraints(true, None),
        crl_distribution_point(line, "vcek"),
    ];
    let key = Key::rsa4096(&format!("{seed}/{common_name}"));
    let spec = CertificateSpec::new(name(seed, &common_name), key, vec![1, 0, 0], ROOT_NOT_BEFORE, after(25));
    CertificateSpec { extensions, signing: ca_signing(), ..spec }
}

/// The ASK or the ASVK.
pub(super) fn issuer(seed: &str, line: Line, issuer: Issuer) -> CertificateSpec {
    let (common_name, serial, key) = match issuer {
        Issuer::OfVceks => (format!("SEV-{}", line.name()), vec![1, 0, 1], "vcek"),
        Issuer::OfVleks => (format!("SEV-VLEK-{}", line.name()), vec![1, 1, 1], "vlek"),
    };
    let extensions = vec![
        Extension::subject_key_identifier(),
        Extension::authority_key_identifier(),
        Extension::basic_constraints(true, Some(0)),
        Extension::key_usage(&[KeyCertSign]),
        crl_distribution_point(line, key),
    ];
    let key = Key::rsa4096(&format!("{seed}/{common_name}"));
    let spec = CertificateSpec::new(name(seed, &common_name), key, serial, ROOT_NOT_BEFORE + 3600, after(25));
    CertificateSpec { extensions, signing: ca_signing(), ..spec }
}

fn after(years: i64) -> i64 {
    ROOT_NOT_BEFORE + years * YEAR
}

/// A VCEK, seven years from `at`. The chip id stands bare in its extension, as the key server writes it.
pub(super) fn vcek(seed: &str, line: Line, chip_id: &[u8], tcb: Tcb, at: i64) -> CertificateSpec {
    let label = format!("{seed}/{}/vcek/{}/{tcb:?}", line.name(), hex::encode(chip_id));
    let owner = Extension::new(HWID, false, chip_id.to_vec());
    let product = if line == Line::Milan { "Milan-B0" } else { line.name() };
    leaf(seed, "SEV-VCEK", &label, extensions(line, product, tcb, owner), at, 7)
}

/// A VLEK, one year from `at`.
pub(super) fn vlek(seed: &str, line: Line, cloud: &str, tcb: Tcb, at: i64) -> CertificateSpec {
    let label = format!("{seed}/{}/vlek/{cloud}/{tcb:?}", line.name());
    let owner = Extension::new(CSP_ID, false, ia5_string(cloud));
    leaf(seed, "SEV-VLEK", &label, extensions(line, line.name(), tcb, owner), at, 1)
}

fn leaf(
    seed: &str,
    common_name: &str,
    label: &str,
    extensions: Vec<Extension>,
    at: i64,
    years: i64,
) -> CertificateSpec {
    let key = Key::p384(label);
    // Every genuine one has the serial number 0.
    let spec = CertificateSpec::new(name(seed, common_name), key, vec![0], at, at.saturating_add(years * YEAR));
    CertificateSpec { extensions, ..spec }
}

fn extensions(line: Line, product: &str, tcb: Tcb, owner: Extension) -> Vec<Extension> {
    let level = |oid, level: u8| Extension::new(oid, false, der::small_integer(level.into()));
    let is_turin = line == Line::Turin;
    let fmc = is_turin.then(|| level(FMC_SPL, tcb.fmc));
    [level(STRUCT_VERSION, is_turin.into()), Extension::new(PRODUCT_NAME, false, ia5_string(product))]
        .into_iter()
        .chain(fmc)
        .chain([
            level(BOOTLOADER_SPL, tcb.bootloader),
            level(TEE_SPL, tcb.tee),
            level(SNP_SPL, tcb.snp),
            level(RESERVED_SPL, 0),
            level(MICROCODE_SPL, tcb.microcode),
            owner,
        ])
        .collect()
}

fn ia5_string(text: &str) -> Vec<u8> {
    der::element(0x16, text.as_bytes())
}
