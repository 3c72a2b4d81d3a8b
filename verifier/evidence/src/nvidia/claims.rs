//! What authentic reports establish, by the names of docs/claims.md. In: what stands behind each device. Out: claims.

use prooftrail_result::{
    TrustAnchor,
    claims::{ClaimId, Claims, Value, cross_vendor, gpu, switch},
};

use super::{
    Device, Vouched,
    opaque::{Feature, Pdi},
    rim::RimKind,
    sample_nonces,
};
use crate::ocsp::RevocationReason;

/// The names that both kinds of device have.
struct Names {
    verified_by: ClaimId,
    arch: ClaimId,
    hwmodel: ClaimId,
    ueid: ClaimId,
    oemid: ClaimId,
    pdi: ClaimId,
    fwid: ClaimId,
    fwid_match: ClaimId,
    measurement: ClaimId,
    measres: ClaimId,
    mismatched_indices: ClaimId,
    ocsp_status: ClaimId,
    ocsp_reason: ClaimId,
}

/// The names of what is said of a RIM.
struct RimNames {
    kind: RimKind,
    status: ClaimId,
    sha256: ClaimId,
    id: ClaimId,
    version: ClaimId,
    not_after: ClaimId,
}

const RIMS: [RimNames; 3] = [
    RimNames {
        kind: RimKind::Driver,
        status: gpu::RIM_DRIVER_STATUS,
        sha256: gpu::RIM_DRIVER_SHA256,
        id: gpu::RIM_DRIVER_ID,
        version: gpu::RIM_DRIVER_VERSION,
        not_after: gpu::RIM_DRIVER_NOT_AFTER,
    },
    RimNames {
        kind: RimKind::Vbios,
        status: gpu::RIM_VBIOS_STATUS,
        sha256: gpu::RIM_VBIOS_SHA256,
        id: gpu::RIM_VBIOS_ID,
        version: gpu::RIM_VBIOS_VERSION,
        not_after: gpu::RIM_VBIOS_NOT_AFTER,
    },
    RimNames {
        kind: RimKind::Switch,
        status: switch::RIM_BIOS_STATUS,
        sha256: switch::RIM_BIOS_SHA256,
        id: switch::RIM_BIOS_ID,
        version: switch::RIM_BIOS_VERSION,
        not_after: switch::RIM_BIOS_NOT_AFTER,
    },
];

const GPU: Names = Names {
    verified_by: gpu::VERIFIED_BY,
    arch: gpu::ARCH,
    hwmodel: gpu::HWMODEL,
    ueid: gpu::UEID,
    oemid: gpu::OEMID,
    pdi: gpu::PDI,
    fwid: gpu::FWID,
    fwid_match: gpu::FWID_MATCH,
    measurement: gpu::MEASUREMENT,
    measres: gpu::MEASRES,
    mismatched_indices: gpu::MISMATCHED_INDICES,
    ocsp_status: gpu::OCSP_STATUS,
    ocsp_reason: gpu::OCSP_REASON,
};

const SWITCH: Names = Names {
    verified_by: switch::VERIFIED_BY,
    arch: switch::ARCH,
    hwmodel: switch::HWMODEL,
    ueid: switch::UEID,
    oemid: switch::OEMID,
    pdi: switch::PDI,
    fwid: switch::FWID,
    fwid_match: switch::FWID_MATCH,
    measurement: switch::MEASUREMENT,
    measres: switch::MEASRES,
    mismatched_indices: switch::MISMATCHED_INDICES,
    ocsp_status: switch::OCSP_STATUS,
    ocsp_reason: switch::OCSP_REASON,
};

/// Claims what holds of all devices of a piece.
pub(super) fn claim_piece(claims: &mut Claims, devices: &[Vouched<'_>]) {
    let Some(first) = devices.first() else { return };
    let root = first.chain.root;
    claims.insert_if(cross_vendor::VENDOR, root.vendor.as_deref());
    if let [only] = devices {
        claims.insert(cross_vendor::HARDWARE_ID, only.identity.pdi.as_slice());
    }
    claims.insert(cross_vendor::NONCE, first.report.nonce.as_slice());
    let trust_anchor = devices.iter().flat_map(Vouched::roots).map(|root| root.trust_anchor).max();
    claims.insert_if(cross_vendor::TRUST_ANCHOR, trust_anchor.map(TrustAnchor::as_str));
    let mut roots: Vec<_> = devices.iter().flat_map(Vouched::roots).map(|root| root.sha256).collect();
    roots.sort_unstable();
    roots.dedup();
    let roots: Vec<_> = roots.iter().map(|sha256| Value::from(sha256.as_slice())).collect();
    claims.insert(cross_vendor::ROOT_SHA256, roots);
    claims.insert(cross_vendor::SIMULATED, devices.iter().flat_map(Vouched::roots).any(|root| root.simulated));
}

/// Claims what a device establishes as number `n` of its piece.
pub(super) fn claim_device(claims: &mut Claims, n: u16, vouched: &Vouched<'_>, device: Device) {
    let Vouched { report, identity, revocation, compared, .. } = vouched;
    let opaque = &report.opaque;
    let names = match device {
        Device::Gpu => &GPU,
        Device::Switch => &SWITCH,
    };
    // In the order of the dictionary, where insertion costs nothing.
    if device == Device::Switch {
        claims.insert_if(switch::BIOS_VERSION.device(n), opaque.bios_version.as_deref());
        claims.insert_if(switch::GPU_PDIS.device(n), opaque.gpu_pdis.as_deref().map(list));
    }
    claims.insert(names.verified_by.device(n), "report");
    if device == Device::Gpu {
        claims.insert(gpu::SAMPLE_NONCE.device(n), sample_nonces::contains(&report.nonce));
    }
    claims.insert(names.arch.device(n), identity.architecture);
    claims.insert(names.hwmodel.device(n), identity.model.as_str());
    claims.insert(names.ueid.device(n), identity.ueid.as_str());
    let manufacturer = compared.used().map(|verified| verified.rim.manufacturer_id.as_str()).next();
    claims.insert_if(names.oemid.device(n), manufacturer);
    claims.insert(names.pdi.device(n), identity.pdi.as_slice());
    if device == Device::Gpu {
        claims.insert_if(gpu::DRIVER_VERSION.device(n), opaque.driver_version.as_deref());
        claims.insert_if(gpu::VBIOS_VERSION.device(n), opaque.bios_version.as_deref());
        claims.insert_if(gpu::PROJECT.device(n), opaque.project.as_deref());
        claims.insert_if(gpu::PROJECT_SKU.device(n), opaque.project_sku.as_deref());
        claims.insert_if(gpu::CHIP_SKU.device(n), opaque.chip_sku.as_deref());
    }
    claims.insert_if(names.fwid.device(n), opaque.fwid.as_ref().map(<[u8; 48]>::as_slice));
    // Another one than the certificate's has refused the report.
    claims.insert_if(names.fwid_match.device(n), opaque.fwid.map(|_| true));
    if device == Device::Gpu {
        claims.insert_if(gpu::FEATURE.device(n), opaque.feature.map(Feature::as_str));
        claims.insert_if(gpu::PROTECTED_PCIE.device(n), opaque.protected_pcie);
        claims.insert_if(gpu::NVDEC0_ENABLED.device(n), opaque.nvdec0_enabled);
        claims.insert_if(gpu::OPAQUE_DATA_VERSION.device(n), opaque.version.map(u64::from));
        claims.insert_if(gpu::SWITCH_PDIS.device(n), opaque.switch_pdis.as_deref().map(list));
        for (id, svn) in &opaque.min_svns {
            claims.insert(gpu::MIN_SVN.device_at(n, *id), u64::from(*svn));
        }
    }
    for measurement in &report.measurements {
        claims.insert(names.measurement.device_at(n, measurement.index.into()), measurement.value.as_slice());
    }
    let result = compared.succeeded.map(|succeeded| if succeeded { "success" } else { "fail" });
    claims.insert_if(names.measres.device(n), result);
    let indices = compared.mismatched.as_deref();
    let indices = indices.map(|indices| indices.iter().map(|index| Value::Int((*index).into())).collect::<Vec<_>>());
    claims.insert_if(names.mismatched_indices.device(n), indices);
    for rim in &RIMS {
        let Some(verified) = compared.rim(rim.kind) else { continue };
        claims.insert(rim.status.device(n), verified.status.as_str());
        claims.insert(rim.sha256.device(n), verified.rim.sha256.as_slice());
        claims.insert(rim.id.device(n), verified.rim.id.as_str());
        claims.insert(rim.version.device(n), verified.rim.version.as_str());
        claims.insert(rim.not_after.device(n), verified.not_after);
    }
    claims.insert_if(names.ocsp_status.device(n), revocation.status);
    claims.insert_if(names.ocsp_reason.device(n), revocation.reason.map(RevocationReason::as_str));
}

fn list(pdis: &[Pdi]) -> Vec<Value> {
    pdis.iter().map(|pdi| Value::from(pdi.as_slice())).collect()
}
