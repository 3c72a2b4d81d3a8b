//! docs/claims.md and docs/reason-codes.md are the tables of this crate, rendered. With `UPDATE_DOCS=1` in the
//! environment they are written; otherwise they are compared.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::{fmt::Write, fs, path::Path};

use prooftrail_result::{ReasonCode, Stage, claims::Family};

fn compare(name: &str, rendered: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    #[expect(clippy::disallowed_methods, reason = "how a developer asks for the files to be written")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, rendered).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == rendered, "docs/{name} is not the table; run the tests once with UPDATE_DOCS=1");
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn title(family: Family) -> &'static str {
    match family {
        Family::CrossVendor => "Cross-vendor",
        Family::Job => "What runs: the agent's statement",
        Family::Nitro => "AWS Nitro Enclaves (`aws-nitro`)",
        Family::NitroTpm => "AWS NitroTPM (`aws-nitrotpm`)",
        Family::Snp => "AMD SEV-SNP (`amd-sev-snp`)",
        Family::Tdx => "Intel TDX (`intel-tdx`)",
        Family::Sgx => "Intel SGX (`intel-sgx`)",
        Family::AzureVtpm => "Azure vTPM (`azure-snp-vtpm`, `azure-tdx-vtpm`)",
        Family::Gpu => "NVIDIA GPUs (`nvidia-gpu`)",
        Family::Switch => "NVIDIA NVSwitches (`nvidia-switch`)",
        Family::Gcs => "Google Confidential Space (`gcp-confidential-space`)",
        Family::Maa => "Microsoft Azure Attestation (`azure-maa`)",
        Family::Nras => "NVIDIA Remote Attestation Service (`nvidia-nras`)",
        Family::Ita => "Intel Trust Authority (`intel-trust-authority`)",
    }
}

#[test]
fn the_claim_dictionary_is_documented() {
    let mut page = String::from(
        "# Claims\n\n\
         What Prooftrail establishes about evidence, by name: results, policies, reports and the ledger use these names and\n\
         no others. This page is rendered from the table in `verifier/result/src/claims/table`; do not edit it.\n\n\
         - A result carries one flat map from names to values. `<n>` is a device index from 0, `<i>` a register number.\n\
         - Types: `bool`, `int`, `text` (as the vendor spells it), `hex` (lower case, of so many bytes, in the order in which\n  \
           they stand in the evidence), `mask` (a 64-bit register, 16 hex digits, most significant first), `time` (RFC 3339,\n  \
           UTC, milliseconds only where the source has them), `list`.\n\
         - **A claim that was not established is absent.** Absent is not false, not zero and not empty; it satisfies no rule.\n\
         - A claim comes from signed bytes, or from an endorsement that was itself verified. What a caller typed is no claim.\n\
         - The dictionary is wider than this build: it names what later kinds of evidence will establish, so that names never\n  \
           change. `prooftrail appraise --help` lists the kinds of this build.\n",
    );
    for family in Family::ALL {
        write!(page, "\n## {}\n\n| claim | type | meaning | where it comes from |\n|---|---|---|---|\n", title(family))
            .unwrap();
        for spec in family.table() {
            let (meaning, source) = (cell(spec.meaning), cell(spec.source));
            writeln!(page, "| `{}` | {} | {meaning} | {source} |", spec.pattern, spec.claim_type).unwrap();
        }
    }
    compare("claims.md", &page);
}

#[test]
fn the_reason_codes_are_documented() {
    let mut page = String::from(
        "# Reason codes\n\n\
         Every refusal carries a stable code; codes are never renamed or reused. The stage says how far the evidence came:\n\
         up to `binding` it is not shown to be authentic, from `tcb` on it is authentic and declined. This page is rendered\n\
         from the table in `verifier/result/src/reason.rs`; do not edit it.\n",
    );
    for stage in Stage::ALL {
        let codes: Vec<_> = ReasonCode::ALL.iter().filter(|code| code.stage() == stage).collect();
        if codes.is_empty() {
            continue;
        }
        write!(page, "\n## Stage `{stage}`\n\n| code | meaning | what to do next |\n|---|---|---|\n").unwrap();
        for code in codes {
            writeln!(page, "| `{code}` | {} | {} |", cell(code.meaning()), cell(code.remedy())).unwrap();
        }
    }
    compare("reason-codes.md", &page);
}
