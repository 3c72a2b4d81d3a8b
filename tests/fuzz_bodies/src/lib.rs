//! One body per parser of untrusted bytes. A body may return whatever it likes; it must not panic, hang, or allocate
//! beyond the cap of its parser. `fuzz/fuzz_targets` hands them to libFuzzer; `tests/replay.rs` runs them on the corpus.

mod agent;
mod eif;
mod endorsements;
mod evidence;
mod jose;
mod ledger;
mod log;
mod ovmf;
mod policy;
mod proofs;
mod protocol;
mod provenance;
mod secrets;
mod tokens;

/// A body: it is given bytes and returns.
pub type Body = fn(&[u8]);

/// Every body by the name of its target.
pub const BODIES: &[(&str, Body)] = &[
    ("nitro_enclave", evidence::nitro_enclave),
    ("nitro_tpm", evidence::nitro_tpm),
    ("intel_tdx", evidence::intel_tdx),
    ("intel_sgx", evidence::intel_sgx),
    ("intel_collateral", evidence::intel_collateral),
    ("snp_report", evidence::snp_report),
    ("azure_snp_vtpm", evidence::azure_snp_vtpm),
    ("azure_tdx_vtpm", evidence::azure_tdx_vtpm),
    ("nvidia_rim", evidence::nvidia_rim),
    ("ocsp_response", evidence::ocsp_response),
    ("gce_firmware", evidence::gce_firmware),
    ("azure_maa", tokens::azure_maa),
    ("nvidia_nras", tokens::nvidia_nras),
    ("jws", jose::jws),
    ("jwks", jose::jwks),
    ("gcs_token", jose::gcs),
    ("ita_token", jose::ita),
    ("nvidia_gpu", evidence::nvidia_gpu),
    ("nvidia_switch", evidence::nvidia_switch),
    ("endorsement", evidence::endorsement),
    ("endorsement_answer", endorsements::answer),
    ("endorsement_manifest", endorsements::manifest),
    ("root", evidence::root),
    ("text", evidence::text),
    ("eif", eif::eif),
    ("ovmf", ovmf::ovmf),
    ("policy", policy::policy),
    ("policy_cases", policy::policy_cases),
    ("ledger_note", ledger::note),
    ("ledger_tlog_proof", ledger::tlog_proof),
    ("ledger_tile", ledger::tile),
    ("ledger_trust", ledger::trust),
    ("log_entry", log::entry),
    ("log_guard", log::guard),
    ("log_batch", log::batch),
    ("proof_document", proofs::document),
    ("proof_verification", proofs::verification),
    ("secret_envelope", secrets::envelope),
    ("provenance_record", provenance::record),
    ("protocol_structure", protocol::structures),
    ("protocol_form", protocol::forms),
    ("witness_header", protocol::witness_header),
    ("provenance_bundle", provenance::bundle),
    ("agent_header", agent::header),
    ("agent_message", agent::message),
];

/// Runs the body of a target. A name without a body is a mistake in a target file.
///
/// # Panics
/// Where there is no such body, and where the body found a defect.
#[expect(clippy::panic, reason = "a fuzz target is only ever run by a developer or CI")]
pub fn run(name: &str, bytes: &[u8]) {
    match BODIES.iter().find(|(body, _)| *body == name) {
        Some((_, body)) => body(bytes),
        None => panic!("{name} has no body"),
    }
}
