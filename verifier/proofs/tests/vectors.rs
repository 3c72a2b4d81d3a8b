//! Proofs that others made, from the folder that `PROOFTRAIL_VECTORS` names. [`TABLE`] says for every file what becomes of
//! it; a file that the table does not name fails the test, and so does a row without its file.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper that fails fails its test")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use prooftrail_proofs::{
    Document, Documents, InvalidDecimal, InvalidPoint, KeyWeakness, Place, Proof, ProofError, ProofSystem,
    PublicInputs, Verdict, VerifyingKey, judge,
};

/// What becomes of a file.
enum Use {
    /// One of the documents of [`CASES`].
    Case,
    /// A key that no proof goes with; it parses, and this is its weakness.
    Key(Option<KeyWeakness>),
    /// Nothing here reads it, for this reason; as a proof it is refused.
    Unused(&'static str),
}
use Use::{Case, Key, Unused};

const PROVER: &str = "input of a prover (circuit, proving key or witness), no document of a verification";
const RISC0: &str = "a RISC Zero receipt: another encoding of a proof, with a key of RISC Zero's own";
const SP1: &str = "an SP1 proof or key in gnark's encoding, with inputs hashed as SP1 does";

const TABLE: &[(&str, Use)] = &[
    ("MANIFEST.tsv", Unused("the table of the folder itself")),
    ("circom-compat/circuit2.r1cs", Unused(PROVER)),
    ("circom-compat/mycircuit.r1cs", Unused(PROVER)),
    ("circom-compat/test.zkey", Unused(PROVER)),
    // Nobody contributed to its second phase: γ and δ are both the generator.
    ("circom-compat/verification_key.json", Key(Some(KeyWeakness::Forgeable))),
    ("circom-compat/witness.wtns", Unused(PROVER)),
    ("groth16/bls12_381/poseidon/circom.proof", Case),
    ("groth16/bls12_381/poseidon/circuit.r1cs", Unused(PROVER)),
    ("groth16/bls12_381/poseidon/circuit.zkey", Unused(PROVER)),
    ("groth16/bls12_381/poseidon/public.json", Case),
    ("groth16/bls12_381/poseidon/verification_key.json", Case),
    ("groth16/bls12_381/poseidon/witness.wtns", Unused(PROVER)),
    ("groth16/bn254/poseidon/circom.proof", Case),
    ("groth16/bn254/poseidon/circuit.r1cs", Unused(PROVER)),
    ("groth16/bn254/poseidon/circuit.zkey", Unused(PROVER)),
    ("groth16/bn254/poseidon/public.json", Case),
    ("groth16/bn254/poseidon/verification_key.json", Case),
    ("groth16/bn254/poseidon/witness.wtns", Unused(PROVER)),
    ("negative/poseidon_extra_public_input.json", Case),
    ("negative/poseidon_missing_public_input.json", Case),
    ("negative/poseidon_noncanonical_public_input.json", Case),
    ("negative/poseidon_proof_malleated_negA_negB.json", Case),
    ("negative/poseidon_proof_off_curve.json", Case),
    ("negative/risc0_V5_0_tampered_journal.json", Unused(RISC0)),
    ("negative/sp1_fibonacci_tampered_public_values.bin", Unused(SP1)),
    ("risc0-groth16/proof.json", Case),
    ("risc0-groth16/public.json", Case),
    ("risc0-groth16/verification_key.json", Case),
    ("risc0-receipts/receipt_V2_0.json", Unused(RISC0)),
    ("risc0-receipts/receipt_V2_2.json", Unused(RISC0)),
    ("risc0-receipts/receipt_V5_0.json", Unused(RISC0)),
    ("sp1-v5/fibonacci_proof.bin", Unused(SP1)),
    ("sp1-v5/groth16_vk_v5.0.0.bin", Unused(SP1)),
    ("sp1-vks/groth16_vk_v2.0.0.bin", Unused(SP1)),
    ("sp1-vks/groth16_vk_v3.0.0.bin", Unused(SP1)),
    ("sp1-vks/groth16_vk_v3.0.0rc4.bin", Unused(SP1)),
    ("sp1-vks/groth16_vk_v4.0.0-rc.3.bin", Unused(SP1)),
    ("sp1-vks/groth16_vk_v5.0.0.bin", Unused(SP1)),
    ("sp1-vks/groth16_vk_v6.10.0.bin", Unused(SP1)),
    ("sp1-vks/plonk_vk_v6.10.0.bin", Unused("a PLONK key, of a system that is unsupported")),
];

const BN254: [&str; 3] = [
    "groth16/bn254/poseidon/verification_key.json",
    "groth16/bn254/poseidon/circom.proof",
    "groth16/bn254/poseidon/public.json",
];
const BLS12_381: [&str; 3] = [
    "groth16/bls12_381/poseidon/verification_key.json",
    "groth16/bls12_381/poseidon/circom.proof",
    "groth16/bls12_381/poseidon/public.json",
];
const MULTIPLIER: [&str; 3] =
    ["risc0-groth16/verification_key.json", "risc0-groth16/proof.json", "risc0-groth16/public.json"];

/// [`BN254`] with another proof.
const fn proof(file: &'static str) -> [&'static str; 3] {
    let [key, _, inputs] = BN254;
    [key, file, inputs]
}

/// [`BN254`] with other inputs.
const fn inputs(file: &'static str) -> [&'static str; 3] {
    let [key, proof, _] = BN254;
    [key, proof, file]
}

/// System; key, proof and inputs; the key's weakness where they verify, otherwise the refusal.
type Row = (&'static str, [&'static str; 3], Result<Option<KeyWeakness>, ProofError>);

fn cases() -> Vec<Row> {
    let not_reduced =
        ProofError::Decimal { place: Place::whole(Document::PublicInputs).item(0), fault: InvalidDecimal::NotReduced };
    let off_curve = ProofError::Point { place: Place::field(Document::Proof, "pi_a"), fault: InvalidPoint::OffCurve };
    let [key, _, _] = MULTIPLIER;
    let [_, poseidon_proof, poseidon_inputs] = BN254;
    let other_key = [key, poseidon_proof, poseidon_inputs];
    let other_curve =
        ProofError::Curve { document: Document::VerifyingKey, have: "bls12381".to_owned(), need: "bn128" };
    vec![
        ("groth16-bn254", BN254, Ok(Some(KeyWeakness::Forgeable))),
        ("groth16-bls12-381", BLS12_381, Ok(None)),
        ("groth16-bn254", MULTIPLIER, Ok(None)),
        ("groth16-bn254", proof("negative/poseidon_proof_malleated_negA_negB.json"), Ok(Some(KeyWeakness::Forgeable))),
        ("groth16-bn254", proof("negative/poseidon_proof_off_curve.json"), Err(off_curve)),
        (
            "groth16-bn254",
            inputs("negative/poseidon_extra_public_input.json"),
            Err(ProofError::InputCount { have: 2, need: 1 }),
        ),
        (
            "groth16-bn254",
            inputs("negative/poseidon_missing_public_input.json"),
            Err(ProofError::InputCount { have: 0, need: 1 }),
        ),
        ("groth16-bn254", inputs("negative/poseidon_noncanonical_public_input.json"), Err(not_reduced)),
        ("groth16-bn254", other_key, Err(ProofError::DoesNotVerify)),
        ("groth16-bn254", BLS12_381, Err(other_curve)),
    ]
}

/// The folder, or `None` and a line that says how many vectors are skipped.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the vectors stay outside the repository, and a test without them must say so"
)]
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PROOFTRAIL_VECTORS").map(|root| Path::new(&root).join("prover"));
    if folder.is_none() {
        eprintln!("skipped: {} vectors (PROOFTRAIL_VECTORS names no folder)", TABLE.len());
    }
    folder
}

/// Every file below the folder with its bytes.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut folders, mut files) = (vec![root.to_owned()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("the folder is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).ok().and_then(Path::to_str).expect("names are UTF-8");
                files.insert(name.to_owned(), fs::read(&path).expect("files are readable"));
            }
        }
    }
    files
}

#[test]
fn every_file_has_its_row() {
    let Some(folder) = folder() else { return };
    let files = files(&folder);
    let named: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), named);
    let cases = cases();
    for ((name, use_), bytes) in TABLE.iter().zip(files.values()) {
        let in_a_case = cases.iter().any(|(_, files, _)| files.contains(name));
        assert_eq!(matches!(use_, Case), in_a_case, "{name}");
        match use_ {
            Case => {}
            Key(expected) => {
                let key = VerifyingKey::parse(ProofSystem::Groth16Bn254, bytes);
                assert_eq!(key.map(|key| key.weakness()), Ok(*expected), "{name}");
            }
            Unused(reason) => {
                assert!(!reason.is_empty());
                for system in ProofSystem::ALL {
                    assert!(VerifyingKey::parse(system, bytes).is_err(), "{name}");
                    assert!(Proof::parse(system, bytes).is_err(), "{name}");
                    assert!(PublicInputs::parse(system, bytes).is_err(), "{name}");
                }
            }
        }
    }
}

#[test]
fn cases_have_their_verdicts() {
    let Some(folder) = folder() else { return };
    let files = files(&folder);
    for (system, names, expected) in cases() {
        let [verifying_key, proof, public_inputs] = names.map(|name| files.get(name).expect("the file is there"));
        let verdict = judge(system, Documents { verifying_key, proof, public_inputs });
        match (verdict, expected) {
            (Verdict::Verified(verified), Ok(weakness)) => {
                assert_eq!((verified.system.as_str(), verified.weakness), (system, weakness), "{names:?}");
            }
            (Verdict::Refused(have), Err(need)) => assert_eq!(have, need, "{names:?}"),
            (other, expected) => panic!("{names:?}: {other:?}, not {expected:?}"),
        }
    }
}

/// A proof that others turned into another one is a proof of the same statement.
#[test]
fn the_malleated_proof_has_the_statement_of_the_genuine_one() {
    let Some(folder) = folder() else { return };
    let files = files(&folder);
    let [genuine, malleated] = [BN254, proof("negative/poseidon_proof_malleated_negA_negB.json")].map(|names| {
        let [verifying_key, proof, public_inputs] = names.map(|name| files.get(name).expect("the file is there"));
        match judge("groth16-bn254", Documents { verifying_key, proof, public_inputs }) {
            Verdict::Verified(verified) => verified,
            other => panic!("{names:?}: {other:?}"),
        }
    });
    assert_eq!(genuine.statement, malleated.statement);
    assert_ne!(genuine.proof, malleated.proof);
}

/// The lowest bit of any byte of a genuine proof, white space apart: nothing in the document is without meaning.
#[test]
fn no_flipped_byte_verifies() {
    let Some(folder) = folder() else { return };
    let files = files(&folder);
    let [verifying_key, genuine, public_inputs] = MULTIPLIER.map(|name| files.get(name).expect("the file is there"));
    for (at, _) in genuine.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()) {
        let proof: Vec<_> = genuine.iter().enumerate().map(|(i, byte)| byte ^ u8::from(i == at)).collect();
        let verdict = judge("groth16-bn254", Documents { verifying_key, proof: &proof, public_inputs });
        assert_eq!(verdict.as_str(), "refused", "byte {at}");
    }
}
