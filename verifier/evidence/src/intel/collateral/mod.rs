//! Collateral: what Intel signs about its platforms and enclaves from month to month, as JSON (Intel SGX and TDX
//! Provisioning Certification Service API, version 4).
//!
//! In: endorsement files, as a bundle or as the service's responses ([`mod@file`]). Out: [`Collateral`], from which an
//! appraisal takes the TCB info and the QE identity that it needs and verifies them ([`signed`]). Signatures are over the
//! verbatim bytes of the inner objects, whose digests are therefore kept.

mod file;
mod qe_identity;
mod signed;
mod tcb_info;
mod text;

use std::sync::Arc;

use prooftrail_result::{Reason, ReasonCode, Timestamp};

pub(crate) use file::{ReadFile, read};
pub(super) use qe_identity::QeIdentity;
pub(super) use signed::{Document, Signed};
pub(super) use tcb_info::{Module, TcbInfo, TcbLevel};
pub(super) use text::{Advisories, Status, SvnLevel};

use super::{pck::PckExtension, quote::Tee};

/// The collateral among an appraisal's endorsements.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collateral {
    tcb_infos: Vec<Arc<Signed<TcbInfo>>>,
    qe_identities: Vec<Arc<Signed<QeIdentity>>>,
}

impl Collateral {
    /// Adds what a file holds.
    pub(crate) fn add(&mut self, file: ReadFile) {
        self.tcb_infos.extend(file.tcb_info.map(Arc::new));
        self.qe_identities.extend(file.qe_identity.map(Arc::new));
    }

    /// Adds another file's.
    pub(crate) fn join(&mut self, other: &Self) {
        self.tcb_infos.extend_from_slice(&other.tcb_infos);
        self.qe_identities.extend_from_slice(&other.qe_identities);
    }

    /// Every TCB info.
    pub(super) fn tcb_infos(&self) -> impl Iterator<Item = &Signed<TcbInfo>> {
        self.tcb_infos.iter().map(AsRef::as_ref)
    }

    /// Every identity of a quoting enclave.
    pub(super) fn qe_identities(&self) -> impl Iterator<Item = &Signed<QeIdentity>> {
        self.qe_identities.iter().map(AsRef::as_ref)
    }

    /// How many documents there are.
    pub(crate) const fn len(&self) -> usize {
        self.tcb_infos.len() + self.qe_identities.len()
    }

    /// The TCB info of a platform.
    pub(super) fn tcb_info(&self, tee: Tee, pck: &PckExtension, at: Timestamp) -> Result<&Signed<TcbInfo>, Reason> {
        let describe = |tee: Tee, fmspc: &[u8], pce_id: &[u8]| {
            format!("{} of FMSPC {} and PCE-ID {}", tee.as_str(), hex::encode(fmspc), hex::encode(pce_id))
        };
        let need = describe(tee, &pck.fmspc, &pck.pce_id);
        if self.tcb_infos.is_empty() {
            let detail = "no TCB info was supplied, so that nothing says what the platform's versions are worth";
            return Err(Reason::new(ReasonCode::CollateralMissing, detail).need(need));
        }
        let fits = |info: &TcbInfo| info.tee == tee && info.fmspc == pck.fmspc && info.pce_id == pck.pce_id;
        best(&self.tcb_infos, fits, at).ok_or_else(|| {
            let have = self.tcb_infos.iter().map(|signed| &signed.content);
            let have: Vec<_> = have.map(|info| describe(info.tee, &info.fmspc, &info.pce_id)).collect();
            Reason::from(ReasonCode::BindingPlatform).have(have.join(", ")).need(need)
        })
    }

    /// The identity of a TEE's quoting enclave.
    pub(super) fn qe_identity(&self, tee: Tee, at: Timestamp) -> Result<&Signed<QeIdentity>, Reason> {
        let need = QeIdentity::id_of(tee);
        if self.qe_identities.is_empty() {
            let detail = "no QE identity was supplied, so that nothing says whether the quoting enclave is Intel's";
            return Err(Reason::new(ReasonCode::CollateralMissing, detail).need(need));
        }
        best(&self.qe_identities, |identity| identity.tee == tee, at).ok_or_else(|| {
            let have: Vec<_> = self.qe_identities.iter().map(|signed| QeIdentity::id_of(signed.content.tee)).collect();
            let detail = "the identity supplied is another quoting enclave's";
            Reason::new(ReasonCode::BindingQeIdentity, detail).have(have.join(", ")).need(need)
        })
    }
}

/// Of the documents that fit: one that is in force before one that is not, then the one with the highest number, then
/// the youngest. What is chosen must verify; nothing else is tried.
fn best<T: Document>(documents: &[Arc<Signed<T>>], fits: impl Fn(&T) -> bool, at: Timestamp) -> Option<&Signed<T>> {
    let fitting = documents.iter().map(Arc::as_ref).filter(|signed| fits(&signed.content));
    fitting.max_by_key(|signed| {
        let content = &signed.content;
        let in_force = content.issue_date() <= at && at < content.next_update();
        (in_force, content.evaluation_data_number(), content.issue_date())
    })
}
