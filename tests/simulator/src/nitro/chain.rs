//! The certificates of a document: root, regional, zonal, instance and leaf, with the names, lives and extensions of
//! genuine ones. A hypervisor and a time come in, specifications go out. Issuers are renewed on a fixed grid of time, so
//! that documents made close together share them.

use super::hypervisor::Hypervisor;
use crate::{
    der, derive,
    key::Key,
    x509::{
        CertificateSpec, Extension,
        KeyUsage::{self, ContentCommitment, CrlSign, DigitalSignature, KeyCertSign},
        Name, oid,
    },
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// 2020-01-01T00:00:00Z.
const ROOT_NOT_BEFORE: i64 = 1_577_836_800;
/// 2049-12-31T23:59:59Z, the last second that UTCTime can spell.
const ROOT_NOT_AFTER: i64 = 2_524_607_999;
/// How long before the document its leaf begins, in seconds.
const LEAF_LEAD: i64 = 3;
/// How long after the document its leaf ends, in seconds.
const LEAF_TAIL: i64 = 3 * HOUR;

/// Issuers are renewed at 05:17:29 or 17:17:29, so that tests, which like round times, do not straddle a renewal.
const GRID: i64 = 5 * HOUR + 17 * 60 + 29;

/// How often an issuer is renewed and how long each certificate lives, in seconds. A shorter period divides a longer
/// one, so an issuer's certificate never begins after those that it issues.
struct Renewal {
    period: i64,
    life: i64,
}

// The authority backdates by an hour and counts the last second in: 20 days and an hour, less a second.
const REGIONAL: Renewal = Renewal { period: 10 * DAY, life: 20 * DAY + HOUR - 1 };
const ZONAL: Renewal = Renewal { period: 2 * DAY, life: 5 * DAY + 21 * HOUR - 1 };
const INSTANCE: Renewal = Renewal { period: DAY / 2, life: DAY };

const CA_USAGE: &[KeyUsage] = &[DigitalSignature, KeyCertSign, CrlSign];

/// The self-signed root of `seed`.
pub(super) fn root(seed: &str) -> CertificateSpec {
    let label = format!("{seed}/root");
    let subject = Name::new(&[
        (oid::COUNTRY, "US"),
        (oid::ORGANIZATION, "Amazon"),
        (oid::ORGANIZATIONAL_UNIT, "AWS"),
        (oid::COMMON_NAME, "simulated.nitro-enclaves"),
    ]);
    let extensions = vec![
        Extension::basic_constraints(true, None),
        Extension::subject_key_identifier(),
        Extension::key_usage(CA_USAGE),
    ];
    CertificateSpec {
        extensions,
        ..CertificateSpec::new(
            subject,
            Key::p384(&label),
            derive::serial::<16>(&label),
            ROOT_NOT_BEFORE,
            ROOT_NOT_AFTER,
        )
    }
}

/// The regional issuer's certificate at `at`, seconds since the Unix epoch.
pub(super) fn regional(hypervisor: &Hypervisor, at: i64) -> CertificateSpec {
    let Hypervisor { seed, region, .. } = hypervisor;
    let label = format!("{seed}/{region}/regional");
    let subject = Name::new(&[
        (oid::COUNTRY, "US"),
        (oid::ORGANIZATION, "Amazon"),
        (oid::ORGANIZATIONAL_UNIT, "AWS"),
        (oid::COMMON_NAME, &format!("{}.{region}.aws.nitro-enclaves", derive::hex(&label, 16))),
    ]);
    // Genuine regional certificates share one CRL in all regions. The name .invalid never resolves (RFC 6761).
    let crl = derive::uuid(&format!("{seed}/crl"));
    let crl = format!("http://simulated-nitro-enclaves-crl.s3.invalid/crl/{crl}.crl");
    let extensions = vec![
        Extension::basic_constraints(true, Some(2)),
        Extension::authority_key_identifier(),
        Extension::subject_key_identifier(),
        Extension::key_usage(CA_USAGE),
        Extension::crl_distribution_point(&crl),
    ];
    issuer::<16>(&label, subject, extensions, &REGIONAL, at)
}

/// The zonal issuer's certificate, whose name begins with the common name, as genuine ones do.
fn zonal(hypervisor: &Hypervisor, at: i64) -> CertificateSpec {
    let Hypervisor { seed, region, .. } = hypervisor;
    let label = format!("{seed}/{region}/zonal");
    let subject = Name::new(&[
        (oid::COMMON_NAME, &format!("{}.zonal.{region}.aws.nitro-enclaves", derive::hex(&label, 16))),
        (oid::ORGANIZATIONAL_UNIT, "AWS"),
        (oid::ORGANIZATION, "Amazon"),
        (oid::COUNTRY, "US"),
        (oid::STATE, "WA"),
        (oid::LOCALITY, "Seattle"),
    ]);
    let crl = derive::uuid(&format!("{seed}/{region}/crl"));
    let crl = format!("http://crl-{region}-simulated-nitro-enclaves.s3.{region}.invalid/crl/{crl}.crl");
    let extensions = vec![
        Extension::basic_constraints(true, Some(1)),
        Extension::authority_key_identifier(),
        Extension::subject_key_identifier(),
        Extension::key_usage(CA_USAGE),
        Extension::crl_distribution_point(&crl),
    ];
    issuer::<16>(&label, subject, extensions, &ZONAL, at)
}

fn instance(hypervisor: &Hypervisor, at: i64) -> CertificateSpec {
    let Hypervisor { seed, region, instance_id, .. } = hypervisor;
    let label = format!("{seed}/{region}/{instance_id}/instance");
    let subject = below_zone(&format!("{instance_id}.{region}.aws.nitro-enclaves"));
    let extensions = vec![
        Extension::basic_constraints(true, Some(0)),
        Extension::key_usage(&[KeyCertSign]),
        Extension::subject_key_identifier(),
        Extension::authority_key_identifier(),
    ];
    issuer::<20>(&label, subject, extensions, &INSTANCE, at)
}

/// Root, regional, zonal, instance and leaf for a document of `module_id` at `at`, seconds since the Unix epoch. The
/// leaf's serial number is `serial_prefix` and the time as 8 bytes, as an INTEGER.
pub(super) fn certificates(
    hypervisor: &Hypervisor,
    module_id: &str,
    serial_prefix: &[u8],
    at: i64,
) -> Vec<CertificateSpec> {
    let Hypervisor { seed, region, .. } = hypervisor;
    let not_before = at.saturating_sub(LEAF_LEAD);
    let extensions = vec![
        Extension::basic_constraints(false, None),
        Extension { critical: false, ..Extension::key_usage(&[DigitalSignature, ContentCommitment]) },
    ];
    let key = Key::p384(&format!("{seed}/{region}/{module_id}/leaf"));
    let serial = der::unsigned(&[serial_prefix, &at.to_be_bytes()].concat());
    let subject = below_zone(&format!("{module_id}.{region}.aws"));
    let leaf = CertificateSpec {
        extensions,
        ..CertificateSpec::new(subject, key, serial, not_before, at.saturating_add(LEAF_TAIL))
    };
    vec![
        hypervisor.root.clone(),
        regional(hypervisor, not_before),
        zonal(hypervisor, not_before),
        instance(hypervisor, not_before),
        leaf,
    ]
}

/// A name as instances and leaves have it.
fn below_zone(common_name: &str) -> Name {
    Name::new(&[
        (oid::COUNTRY, "US"),
        (oid::STATE, "Washington"),
        (oid::LOCALITY, "Seattle"),
        (oid::ORGANIZATION, "Amazon"),
        (oid::ORGANIZATIONAL_UNIT, "AWS"),
        (oid::COMMON_NAME, common_name),
    ])
}

/// An issuer's certificate that began with the period around `at`, with a serial number of `N` bytes.
fn issuer<const N: usize>(
    label: &str,
    subject: Name,
    extensions: Vec<Extension>,
    renewal: &Renewal,
    at: i64,
) -> CertificateSpec {
    let not_before = at - (at - GRID).rem_euclid(renewal.period);
    let serial = derive::serial::<N>(&format!("{label}/{not_before}"));
    let not_after = not_before.saturating_add(renewal.life);
    CertificateSpec { extensions, ..CertificateSpec::new(subject, Key::p384(label), serial, not_before, not_after) }
}
