//! The report of one device: an SPDM 1.1 GET_MEASUREMENTS request and its MEASUREMENTS response, one behind the other.
//!
//! In: bytes, and whether a GPU or a switch is meant. Out: a [`Report`], every length exact. The signature stands where the
//! response's own lengths put it, never at the end of whatever was sent, so that a byte behind it is an error.
//! DMTF DSP0274 1.1, sections 10.11.1 and 10.11.2; what NVIDIA's devices put there, by the offsets below.

use prooftrail_result::{Reason, ReasonCode};

use super::{Device, opaque::Opaque};
use crate::bytes::Bytes;

/// No driver's report is larger (NVML_CC_GPU_ATTESTATION_REPORT_SIZE).
pub(super) const MAX_REPORT_BYTES: usize = 0x2000;

/// SPDM 1.1.
const SPDM_VERSION: u8 = 0x11;
/// Codes of request and response.
const GET_MEASUREMENTS: u8 = 0xE0;
const MEASUREMENTS: u8 = 0x60;
/// Param1 of the request: a signature is asked for.
const SIGNATURE_REQUESTED: u8 = 0x01;
/// Param2 of the request: all blocks are.
const ALL_MEASUREMENTS: u8 = 0xFF;
/// MeasurementSpecification: DMTF.
const DMTF: u8 = 0x01;
/// DMTFSpecMeasurementValueType: the bit of values that are no digest.
const RAW_BIT_STREAM: u8 = 0x80;
/// A value with its type and size.
const VALUE_BYTES: u16 = 48;
const MEASUREMENT_BYTES: u16 = VALUE_BYTES + 3;

/// A report that has the format. Nobody has vouched for it yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Report {
    /// The nonce of the request: the caller's.
    pub(super) nonce: [u8; 32],
    /// The measurements, indices ascending.
    pub(super) measurements: Vec<Measurement>,
    /// What the device says beside them.
    pub(super) opaque: Opaque,
    /// How many bytes of the report are signed: all before the signature.
    pub(super) signed_bytes: usize,
    /// r ‖ s, each most significant byte first.
    pub(super) signature: [u8; 96],
}

/// One measurement block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Measurement {
    /// SPDM's index, from 1.
    pub(super) index: u8,
    /// SHA-384.
    pub(super) value: [u8; 48],
}

impl Report {
    /// Reads a report.
    pub(super) fn parse(bytes: &[u8], device: Device) -> Result<Self, Reason> {
        if bytes.len() > MAX_REPORT_BYTES {
            return Err(Reason::from(ReasonCode::EvidenceTooLarge)
                .have(format_args!("a report of {} bytes", bytes.len()))
                .need(format_args!("at most {MAX_REPORT_BYTES} bytes")));
        }
        let mut rest = Bytes::new(bytes);
        let nonce = read_request(&mut rest)?;
        let (blocks, record) = read_response_head(&mut rest)?;
        let measurements = read_measurements(blocks, record)?;
        // The device's own nonce, which nothing else refers to.
        rest.take(32).ok_or_else(|| truncated("the response's nonce"))?;
        let opaque = rest.with_u16_length().ok_or_else(|| truncated("the opaque data"))?;
        let opaque = Opaque::parse(opaque, device)?;
        let signed_bytes = bytes.len().saturating_sub(rest.rest().len());
        let signature = *rest.array::<96>().ok_or_else(|| truncated("the signature"))?;
        if !rest.rest().is_empty() {
            let have = format!("{} bytes behind the signature", rest.rest().len());
            return Err(Reason::from(ReasonCode::NvidiaTrailingBytes).have(have).need("none"));
        }
        Ok(Self { nonce, measurements, opaque, signed_bytes, signature })
    }

    /// The measurement at an index of NVIDIA's reference values, which count from 0 where SPDM counts from 1.
    pub(super) fn reference_index(&self, index: u16) -> Option<&[u8; 48]> {
        let index = index.checked_add(1).and_then(|index| u8::try_from(index).ok())?;
        let found = self.measurements.binary_search_by_key(&index, |measurement| measurement.index).ok()?;
        self.measurements.get(found).map(|measurement| &measurement.value)
    }
}

/// Bytes 0 to 36: version, code, Param1, Param2, nonce, slot.
fn read_request(rest: &mut Bytes<'_>) -> Result<[u8; 32], Reason> {
    let head = rest.array::<4>().ok_or_else(|| truncated("the request"))?;
    if *head != [SPDM_VERSION, GET_MEASUREMENTS, SIGNATURE_REQUESTED, ALL_MEASUREMENTS] {
        let why = "it does not begin with the SPDM 1.1 request for all measurements and a signature";
        return Err(malformed(why).have(hex::encode(head)));
    }
    let nonce = *rest.array::<32>().ok_or_else(|| truncated("the request's nonce"))?;
    match rest.u8() {
        Some(0) => Ok(nonce),
        Some(slot) => Err(malformed("the request names another slot than 0").have(slot)),
        None => Err(truncated("the request's slot")),
    }
}

/// Bytes 37 to 44 and the measurement record: its number of blocks, and its bytes.
fn read_response_head<'a>(rest: &mut Bytes<'a>) -> Result<(u8, &'a [u8]), Reason> {
    let head = rest.array::<4>().ok_or_else(|| truncated("the response"))?;
    if *head != [SPDM_VERSION, MEASUREMENTS, 0, 0] {
        return Err(malformed("the response is not SPDM 1.1's to that request").have(hex::encode(head)));
    }
    let blocks = rest.u8().ok_or_else(|| truncated("the number of blocks"))?;
    let &[low, middle, high] = rest.array::<3>().ok_or_else(|| truncated("the length of the measurements"))?;
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let record = rest.take(length).ok_or_else(|| truncated("the measurements"))?;
    Ok((blocks, record))
}

/// Blocks of 55 bytes: index, specification, size, then the value's type, size and 48 bytes.
fn read_measurements(blocks: u8, record: &[u8]) -> Result<Vec<Measurement>, Reason> {
    let malformed = |why: &'static str| Reason::new(ReasonCode::NvidiaMeasurements, why);
    let mut rest = Bytes::new(record);
    let mut measurements: Vec<Measurement> = Vec::with_capacity(blocks.into());
    for _ in 0..blocks {
        let head = (rest.u8(), rest.u8(), rest.u16(), rest.u8(), rest.u16(), rest.array::<48>());
        let (Some(index), Some(specification), Some(size), Some(value_type), Some(value_size), Some(value)) = head
        else {
            return Err(malformed("the record ends before its blocks do"));
        };
        let is_sha384 = (size, value_size) == (MEASUREMENT_BYTES, VALUE_BYTES) && value_type & RAW_BIT_STREAM == 0;
        if specification != DMTF || !is_sha384 {
            return Err(malformed("a block is not a digest of 48 bytes by DMTF's specification").have(index));
        }
        if measurements.last().map_or(0, |last| last.index) >= index {
            return Err(malformed("the blocks do not stand in ascending order of their indices").have(index));
        }
        measurements.push(Measurement { index, value: *value });
    }
    if !rest.rest().is_empty() {
        return Err(malformed("the record has more bytes than its blocks"));
    }
    Ok(measurements)
}

fn truncated(what: &'static str) -> Reason {
    malformed("it ends too early").need(what)
}

fn malformed(why: &'static str) -> Reason {
    Reason::new(ReasonCode::NvidiaReportMalformed, format!("the report is not of its form: {why}"))
}
