//! Devices of a set: numbered over all pieces in the order given, none twice, and summed up in the claims that speak of
//! all of them (`gpu.count`, `gpu.measres`, `gpu.topology`).

use std::collections::BTreeSet;

use prooftrail_result::{
    Kind,
    claims::{ClaimId, ClaimName, Claims, Family, Value, cross_vendor, gpu, switch},
};

use super::{Discord, Piece, is_bound};

/// How many devices of each family stand before a piece.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbering {
    gpus: u16,
    switches: u16,
}

impl Numbering {
    /// The numbers after a piece's devices; `None` past what an index can hold.
    pub(super) fn after(self, piece: &Piece<'_>) -> Option<Self> {
        let mut extent = Self::default();
        for (name, _) in piece.claims.iter() {
            let devices = match name.family() {
                Family::Gpu => &mut extent.gpus,
                Family::Switch => &mut extent.switches,
                _ => continue,
            };
            *devices = (*devices).max(name.device_index().checked_add(1)?);
        }
        Some(Self { gpus: self.gpus.checked_add(extent.gpus)?, switches: self.switches.checked_add(extent.switches)? })
    }

    /// A device's name in the set; names without a device stay.
    pub(super) fn renumber(self, name: ClaimName) -> ClaimName {
        let first = match name.family() {
            Family::Gpu => self.gpus,
            Family::Switch => self.switches,
            _ => return name,
        };
        name.with_device(first.saturating_add(name.device_index()))
    }
}

/// Whether two pieces of one kind, or one piece twice, speak of the same device, or there are too many to number.
/// (Pieces of different kinds may: a token beside a report.)
pub(super) fn discord(pieces: &[Piece<'_>]) -> Option<Discord> {
    if pieces.iter().try_fold(Numbering::default(), Numbering::after).is_none() {
        return Some(Discord::TooManyDevices);
    }
    let mut seen: BTreeSet<(Kind, Family, &str)> = BTreeSet::new();
    for piece in pieces {
        for (name, value) in piece.claims.iter().filter(|(name, _)| [gpu::UEID, switch::UEID].contains(&name.id())) {
            if let Value::Text(device) = value
                && !seen.insert((piece.kind, name.family(), device))
            {
                return Some(Discord::SameDevice(device.to_string()));
            }
        }
    }
    None
}

/// Adds the claims that speak of all devices. `claims` has the devices of all pieces, renumbered.
pub(super) fn summarise(claims: &mut Claims, pieces: &[Piece<'_>]) {
    let Some(Numbering { gpus, switches }) = pieces.iter().try_fold(Numbering::default(), Numbering::after) else {
        return;
    };
    for (id, ueid, devices) in
        [(cross_vendor::GPU_COUNT, gpu::UEID, gpus), (cross_vendor::SWITCH_COUNT, switch::UEID, switches)]
    {
        let count = count(claims, ueid, devices).map(Value::Int).or_else(|| only(pieces, id).cloned());
        claims.insert_if(id, count);
    }
    let measres = if gpus > 0 { all_measured(claims, gpus) } else { only(pieces, cross_vendor::GPU_MEASRES).cloned() };
    claims.insert_if(cross_vendor::GPU_MEASRES, measres);
    claims.insert_if(cross_vendor::GPU_TOPOLOGY, topology(claims, gpus, switches));
    let mut devices = pieces.iter().filter(|piece| piece.kind.is_device()).peekable();
    let has_devices = devices.peek().is_some();
    if gpus > 0 && has_devices && is_bound(pieces) && devices.all(|device| device.nonce_matched) {
        claims.insert(cross_vendor::GPU_COLOCATION, "software-bound");
    }
}

/// The number of different devices; unknown where there are several and one does not say which it is.
fn count(claims: &Claims, ueid: ClaimId, devices: u16) -> Option<u64> {
    match devices {
        0 => None,
        1 => Some(1),
        _ => {
            let mut different: Vec<_> = each(claims, ueid, devices)?;
            different.sort_by(|a, b| crate::value_set::order(a, b));
            different.dedup();
            u64::try_from(different.len()).ok()
        }
    }
}

/// `success` if every GPU says so, `fail` if one says that, else nothing.
fn all_measured(claims: &Claims, gpus: u16) -> Option<Value> {
    let says = |device: u16, text: &str| claims.get(gpu::MEASRES.device(device)) == Some(&Value::from(text));
    if (0..gpus).any(|device| says(device, "fail")) {
        return Some("fail".into());
    }
    (0..gpus).all(|device| says(device, "success")).then(|| "success".into())
}

/// Whether every GPU names exactly the set's switches and every switch exactly the set's GPUs; nothing without both.
fn topology(claims: &Claims, gpus: u16, switches: u16) -> Option<bool> {
    if gpus == 0 || switches == 0 {
        return None;
    }
    let identities = |pdi, devices| Some(each(claims, pdi, devices)?.into_iter().map(bytes).collect::<BTreeSet<_>>());
    let (gpu_pdis, switch_pdis) = (identities(gpu::PDI, gpus)?, identities(switch::PDI, switches)?);
    let names = |list, devices, all: &BTreeSet<&[u8]>| {
        let lists = each(claims, list, devices)?;
        Some(lists.into_iter().all(|named| match named {
            Value::List(named) => named.iter().map(bytes).collect::<BTreeSet<_>>() == *all,
            _ => false,
        }))
    };
    Some(names(gpu::SWITCH_PDIS, gpus, &switch_pdis)? && names(switch::GPU_PDIS, switches, &gpu_pdis)?)
}

/// The claim of every device, or nothing where one lacks it.
fn each(claims: &Claims, id: ClaimId, devices: u16) -> Option<Vec<&Value>> {
    (0..devices).map(|device| claims.get(id.device(device))).collect()
}

/// The bytes of a hex claim.
fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Hex(bytes) => bytes,
        _ => &[],
    }
}

/// A claim that one piece alone makes.
fn only<'a>(pieces: &[Piece<'a>], id: ClaimId) -> Option<&'a Value> {
    let mut values = pieces.iter().filter_map(|piece| piece.claims.get(id));
    values.next().filter(|_| values.next().is_none())
}
