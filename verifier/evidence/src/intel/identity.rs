//! Whether the quoting enclave and the TDX module are Intel's own (Intel's quote verification library:
//! EnclaveReportVerifier.cpp, QuoteVerifier.cpp).
//!
//! In: what the quote says of them, and verified collateral. Out: nothing, or the field that differs.

use prooftrail_result::{Reason, ReasonCode};

use super::{
    collateral::{Module, QeIdentity, TcbInfo},
    quote::{EnclaveReport, TdReport},
    tcb::{module_id, module_version},
};

/// The quoting enclave is the one that the identity describes. Without this, any enclave could have made the quote.
pub(super) fn quoting_enclave(report: &EnclaveReport<'_>, identity: &QeIdentity) -> Result<(), Reason> {
    let masked =
        |bytes: &[u8], mask: &[u8]| -> Vec<u8> { bytes.iter().zip(mask).map(|(byte, mask)| byte & mask).collect() };
    let fields = [
        (
            "MISCSELECT",
            masked(report.miscselect, &identity.miscselect_mask),
            masked(&identity.miscselect, &identity.miscselect_mask),
        ),
        (
            "attributes",
            masked(report.attributes, &identity.attributes_mask),
            masked(&identity.attributes, &identity.attributes_mask),
        ),
        ("MRSIGNER", report.mrsigner.to_vec(), identity.mrsigner.to_vec()),
        ("ISVPRODID", report.isvprodid.to_be_bytes().to_vec(), identity.isvprodid.to_be_bytes().to_vec()),
    ];
    match fields.into_iter().find(|(_, have, need)| have != need) {
        None => Ok(()),
        Some((field, have, need)) => {
            let detail = format!("the quoting enclave's {field} is not that of its identity");
            Err(Reason::new(ReasonCode::BindingQeIdentity, detail).have(hex::encode(have)).need(hex::encode(need)))
        }
    }
}

/// The TDX module is signed by whom the TCB info says. Which of its modules it is stands in its version.
pub(super) fn tdx_module(report: &TdReport<'_>, info: &TcbInfo) -> Result<(), Reason> {
    let (_, major) = module_version(report.tee_tcb_svn);
    let module = if major == 0 {
        info.tdx_module.as_ref()
    } else {
        let id = module_id(major);
        let mut identities = info.tdx_module_identities.iter();
        identities.find(|identity| identity.id.eq_ignore_ascii_case(&id)).map(|identity| &identity.module)
    };
    let Some(Module { mrsigner, attributes, attributes_mask }) = module else {
        let known: Vec<_> = info.tdx_module_identities.iter().map(|identity| identity.id.as_str()).collect();
        let detail = "the TCB info has no identity of the TDX module";
        return Err(Reason::new(ReasonCode::BindingTdxModule, detail).have(module_id(major)).need(known.join(" or ")));
    };
    let differs = |field: &str, have: &[u8], need: &[u8]| {
        let detail = format!("the TDX module's {field} is not that of its identity");
        Err(Reason::new(ReasonCode::BindingTdxModule, detail).have(hex::encode(have)).need(hex::encode(need)))
    };
    if report.mrsignerseam != mrsigner {
        return differs("MRSIGNERSEAM", report.mrsignerseam, mrsigner);
    }
    // Version 1.5 of the module's specification leaves no attribute that may be set, whatever the mask.
    if *report.seam_attributes != [0; 8] {
        return differs("attributes", report.seam_attributes, &[0; 8]);
    }
    if attributes.iter().zip(attributes_mask).any(|(attribute, mask)| attribute & mask != 0) {
        return differs("attributes", report.seam_attributes, attributes);
    }
    Ok(())
}
