//! What Google signs of a build of its firmware: `VMGoldenMeasurement` (google/gce-tcb-verifier, proto/endorsement.proto).
//!
//! In: the signed bytes. Out: [`Golden`], the fields that a verdict needs. Fields that are not known here are passed over.

use prooftrail_result::Timestamp;

use super::protobuf::{Field, Malformed, Message, once};

/// From then on every endorsement says what the firmware was built from: 2024-08-02T00:00:00Z. Google's own verifier demands
/// it of younger ones, since releases before lost it.
const PROVENANCE_SINCE: i64 = 1_722_556_800;
/// More measurements than Google has shapes of machines.
const MAX_MEASUREMENTS: usize = 4096;
/// SHA-384.
const DIGEST_BYTES: usize = 48;

/// A build of the firmware.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Golden {
    /// When it was signed, to the second.
    pub(super) timestamp: Timestamp,
    /// The signer's certificate, DER.
    pub(super) certificate: Vec<u8>,
    /// SHA-384 of the firmware's file.
    pub(super) uefi_digest: [u8; DIGEST_BYTES],
    pub(super) snp: Option<Launched>,
    pub(super) tdx: Option<Launched>,
}

/// How the firmware launches on a kind of TEE.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Launched {
    /// Google's security version number.
    pub(super) svn: u32,
    /// What the hardware measures: by the number of virtual CPUs (SEV-SNP), or by memory and how it is accepted (TDX).
    pub(super) measurements: Vec<[u8; DIGEST_BYTES]>,
}

impl Golden {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (mut timestamp, mut certificate, mut digest) = (None, None, None);
        let (mut change, mut commit) = (None, None);
        let (mut snp, mut tdx) = (None, None);
        Message::new(bytes).read(|number, field| match number {
            1 => once(&mut timestamp, instant(field.bytes()?)?),
            2 => once(&mut change, field.varint()?),
            3 => once(&mut commit, field.bytes()?),
            4 => once(&mut certificate, field.bytes()?.to_vec()),
            5 => once(&mut digest, sha384(field)?),
            7 => once(&mut snp, launched_on_snp(field.bytes()?)?),
            8 => once(&mut tdx, launched_on_tdx(field.bytes()?)?),
            _ => Ok(()),
        })?;
        let timestamp = timestamp.ok_or("it does not say when it was signed")?;
        if timestamp.unix_seconds() > PROVENANCE_SINCE
            && change.unwrap_or(0) == 0
            && commit.unwrap_or_default().is_empty()
        {
            return Err("it does not say what the firmware was built from");
        }
        Ok(Self {
            timestamp,
            certificate: certificate.ok_or("it has no certificate of its signer")?,
            uefi_digest: digest.ok_or("it has no digest of the firmware")?,
            snp,
            tdx,
        })
    }
}

/// `google.protobuf.Timestamp`.
fn instant(bytes: &[u8]) -> Result<Timestamp, Malformed> {
    let (mut seconds, mut nanoseconds) = (None, None);
    Message::new(bytes).read(|number, field| match number {
        1 => once(&mut seconds, field.varint()?.cast_signed()),
        2 => once(&mut nanoseconds, field.varint()?),
        _ => Ok(()),
    })?;
    let in_range = nanoseconds.unwrap_or(0) < 1_000_000_000;
    let instant = Timestamp::from_unix_seconds(seconds.unwrap_or(0)).filter(|_| in_range);
    instant.ok_or("its time is none")
}

/// `VMSevSnp`.
fn launched_on_snp(bytes: &[u8]) -> Result<Launched, Malformed> {
    let (mut svn, mut svsm) = (None, None);
    let mut by_processors: Vec<(u64, [u8; DIGEST_BYTES])> = Vec::new();
    Message::new(bytes).read(|number, field| match number {
        1 => once(&mut svn, security_version(field)?),
        2 => {
            let entry = snp_measurement(field.bytes()?)?;
            by_processors.push(entry);
            check_count(by_processors.len())
        }
        7 => once(&mut svsm, sha384(field)?),
        _ => Ok(()),
    })?;
    // A map: of two entries with one key, readers take the last.
    by_processors.sort_unstable();
    if by_processors.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other)) {
        return Err("it has two measurements for one number of virtual CPUs");
    }
    let measurements = by_processors.into_iter().map(|(_, measurement)| measurement).chain(svsm).collect();
    Ok(Launched { svn: svn.unwrap_or(0), measurements })
}

/// An entry of `map<uint32, bytes>`: the number of virtual CPUs, and the measurement.
fn snp_measurement(bytes: &[u8]) -> Result<(u64, [u8; DIGEST_BYTES]), Malformed> {
    let (mut processors, mut measurement) = (None, None);
    Message::new(bytes).read(|number, field| match number {
        1 => once(&mut processors, field.varint()?),
        2 => once(&mut measurement, sha384(field)?),
        _ => Ok(()),
    })?;
    Ok((processors.unwrap_or(0), measurement.ok_or(NO_MEASUREMENT)?))
}

/// `VMTdx`.
fn launched_on_tdx(bytes: &[u8]) -> Result<Launched, Malformed> {
    let mut svn = None;
    let mut measurements = Vec::new();
    Message::new(bytes).read(|number, field| match number {
        1 => once(&mut svn, security_version(field)?),
        2 => {
            measurements.push(tdx_measurement(field.bytes()?)?);
            check_count(measurements.len())
        }
        _ => Ok(()),
    })?;
    Ok(Launched { svn: svn.unwrap_or(0), measurements })
}

/// `VMTdx.Measurement`: for how much memory, and whether all of it is accepted early, makes no difference here.
fn tdx_measurement(bytes: &[u8]) -> Result<[u8; DIGEST_BYTES], Malformed> {
    let mut mrtd = None;
    Message::new(bytes).read(|number, field| match number {
        3 => once(&mut mrtd, sha384(field)?),
        _ => Ok(()),
    })?;
    mrtd.ok_or(NO_MEASUREMENT)
}

fn check_count(count: usize) -> Result<(), Malformed> {
    if count > MAX_MEASUREMENTS { Err("it has more measurements than there are machines") } else { Ok(()) }
}

fn security_version(field: Field<'_>) -> Result<u32, Malformed> {
    u32::try_from(field.varint()?).map_err(|_| "a security version number has more than 32 bits")
}

fn sha384(field: Field<'_>) -> Result<[u8; DIGEST_BYTES], Malformed> {
    field.bytes()?.try_into().map_err(|_| "a digest has not 48 bytes")
}

const NO_MEASUREMENT: Malformed = "a measurement has no value";
