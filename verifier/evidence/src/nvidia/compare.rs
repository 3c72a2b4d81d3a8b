//! A device's measurements against NVIDIA's reference values (RIMs): of driver and VBIOS for a GPU, of the BIOS for a switch.
//!
//! In: an authentic report, and the RIMs among the endorsements. Out: [`Compared`]: which RIM was used for what, which
//! measurements differ, and what no policy can allow. A RIM is for a device if it is of the version that the device reports; of
//! several, all of them verified, the first that is met counts, and a RIM for no device of the piece is left alone. An index
//! of a RIM is SPDM's less one; index 35 is left out where the video decoder is disabled.

use prooftrail_result::{Reason, ReasonCode, Timestamp};

use super::{
    Device,
    chain::Identity,
    report::Report,
    rim::{Floor, Golden, Rim, RimKind, RimStatus, VerifiedRim},
};
use crate::context::Context;

/// The measurement of the video decoder's firmware, which is not loaded where the decoder is disabled.
const NVDEC0_INDEX: u16 = 35;

/// A value of 48 bytes.
const SHA384_BYTES: u16 = 48;

/// What a device was compared with, and how it came out.
#[derive(Debug, Default)]
pub(super) struct Compared<'a> {
    /// What there is for the parts of the device, each once; valid ones were compared with.
    pub(super) rims: Vec<VerifiedRim<'a>>,
    /// Whether every part has a valid one and nothing differs, or something does; absent otherwise.
    pub(super) succeeded: Option<bool>,
    /// Indices that differ; absent where nothing was compared.
    pub(super) mismatched: Option<Vec<u16>>,
    /// Why no policy can allow the device.
    pub(super) objections: Vec<Reason>,
}

impl<'a> Compared<'a> {
    /// The RIM for a part.
    pub(super) fn rim(&self, kind: RimKind) -> Option<&VerifiedRim<'a>> {
        self.rims.iter().find(|verified| verified.rim.kind == kind)
    }

    /// The RIMs that were compared with.
    pub(super) fn used(&self) -> impl Iterator<Item = &VerifiedRim<'a>> {
        self.rims.iter().filter(|verified| verified.status == RimStatus::Valid)
    }

    /// Until when this holds.
    pub(super) fn valid_until(&self) -> Timestamp {
        self.used().map(|verified| verified.valid_until).min().unwrap_or(Timestamp::MAX)
    }
}

/// The parts of a device that have reference values, and the versions that it reports of them.
fn parts(report: &Report, device: Device) -> Vec<(RimKind, Option<&str>)> {
    let (driver, bios) = (report.opaque.driver_version.as_deref(), report.opaque.bios_version.as_deref());
    match device {
        Device::Gpu => vec![(RimKind::Driver, driver), (RimKind::Vbios, bios)],
        Device::Switch => vec![(RimKind::Switch, bios)],
    }
}

/// Compares a device's report with the RIMs for it.
pub(super) fn compare<'a>(
    report: &Report,
    identity: &Identity,
    device: Device,
    context: &Context<'a>,
) -> Result<Compared<'a>, Reason> {
    if context.endorsements.rims().is_empty() {
        return Ok(Compared::default());
    }
    let parts = parts(report, device);
    let mut compared = Compared::default();
    for &(kind, version) in &parts {
        let Some(version) = version else { continue };
        compared.rims.extend(find(kind, version, identity.chip(), report, context)?);
    }
    if compared.used().next().is_none() {
        return Ok(compared);
    }
    let rims: Vec<&Rim> = compared.used().map(|verified| verified.rim).collect();
    let mut objections = conflicts(&rims);
    let mismatched: Vec<u16> = rims.iter().flat_map(|rim| mismatched(rim, report)).collect();
    if !mismatched.is_empty() {
        let have = mismatched.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        objections.push(
            Reason::from(ReasonCode::NvidiaMeasurementMismatch)
                .have(format_args!("device {}: {have}", hex::encode(identity.pdi))),
        );
    }
    objections.extend(rims.iter().flat_map(|rim| too_low(rim, report)));
    let is_complete = rims.len() == parts.len();
    compared.succeeded = (is_complete || !objections.is_empty()).then_some(objections.is_empty());
    compared.mismatched = Some(mismatched);
    compared.objections = objections;
    compared.mismatched.iter_mut().for_each(|indices| indices.sort_unstable());
    Ok(compared)
}

/// The RIM for one part. What is of that version is verified, so that a forged one refuses; of another product than the chip,
/// it is for another device.
fn find<'a>(
    kind: RimKind,
    version: &str,
    chip: &str,
    report: &Report,
    context: &Context<'a>,
) -> Result<Option<VerifiedRim<'a>>, Reason> {
    // Certificates write `LS_10` where RIMs write `LS10`.
    let product = chip.replace('_', "");
    let mut found: Option<VerifiedRim<'a>> = None;
    let rims = context.endorsements.rims().iter();
    for rim in rims.filter(|rim| rim.version.eq_ignore_ascii_case(version)) {
        let verified = rim.verify(context)?;
        if rim.kind != kind || rim.product != product {
            continue;
        }
        match (verified.status, found.as_ref().map(|found| found.status)) {
            (RimStatus::Revoked, _) => {
                let detail = "the signer of a RIM for this device is revoked";
                return Err(Reason::new(ReasonCode::RevocationRevoked, detail).have(hex::encode(rim.sha256)));
            }
            (RimStatus::Valid, _)
                if mismatched(rim, report).next().is_none() && too_low(rim, report).next().is_none() =>
            {
                return Ok(Some(verified));
            }
            (RimStatus::Valid, None | Some(RimStatus::Expired | RimStatus::Hold | RimStatus::Revoked)) | (_, None) => {
                found = Some(verified);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The indices of a RIM's active values that the report does not have.
fn mismatched<'a>(rim: &'a Rim, report: &'a Report) -> impl Iterator<Item = u16> + 'a {
    let without_nvdec0 = report.opaque.nvdec0_enabled == Some(false);
    let compared =
        rim.golden.iter().filter(move |golden| golden.active && !(golden.index == NVDEC0_INDEX && without_nvdec0));
    compared.filter(|golden| !is_met(golden, report)).map(|golden| golden.index)
}

fn is_met(golden: &Golden, report: &Report) -> bool {
    let value = report.reference_index(golden.index);
    golden.size == SHA384_BYTES && value.is_some_and(|value| golden.alternatives.contains(value))
}

/// The security versions that are below a RIM's floors, or missing.
fn too_low<'a>(rim: &'a Rim, report: &'a Report) -> impl Iterator<Item = Reason> + 'a {
    rim.floors.iter().filter_map(|Floor { type_id, name, min_svn, .. }| {
        let have = report.opaque.min_svns.iter().find(|(id, _)| id == type_id).map(|(_, svn)| *svn);
        if have.is_some_and(|have| u64::from(have) >= *min_svn) {
            return None;
        }
        let have = have.map_or_else(|| "none".to_owned(), |have| have.to_string());
        Some(
            Reason::from(ReasonCode::NvidiaSvnTooLow)
                .have(format_args!("{name} (type {type_id}) {have}"))
                .need(format_args!("{min_svn} or more")),
        )
    })
}

/// What two RIMs of one device both speak of: neither may be chosen over the other.
fn conflicts(rims: &[&Rim]) -> Vec<Reason> {
    let [one, other] = rims else { return Vec::new() };
    let indices = |rim: &Rim| -> Vec<u16> {
        rim.golden.iter().filter(|golden| golden.active).map(|golden| golden.index).collect()
    };
    let theirs = indices(other);
    let twice = indices(one).into_iter().filter(|index| theirs.contains(index));
    let mut conflicts: Vec<Reason> =
        twice.map(|index| Reason::from(ReasonCode::NvidiaRimConflict).have(format_args!("index {index}"))).collect();
    let floors = one
        .floors
        .iter()
        .filter(|floor| other.floors.iter().any(|theirs| theirs.type_id == floor.type_id || theirs.name == floor.name));
    conflicts.extend(
        floors.map(|floor| Reason::from(ReasonCode::NvidiaRimConflict).have(format_args!("type {}", floor.type_id))),
    );
    conflicts
}
