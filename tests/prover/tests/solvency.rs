//! The circuit as a table of lies, and the program end to end: its files are judged by the verifier of the product.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ark_bn254::Fr;
use ark_relations::gr1cs::{ConstraintSynthesizer as _, ConstraintSystem};
use prooftrail_demo_prover::{Account, Commitment, Hashes, Solvency, Witness, commit, sample};
use prooftrail_proofs::{Documents, ProofError, Verdict, judge};

fn accounts(balances: [Fr; 4]) -> Vec<Account> {
    (1u64..).zip(balances).map(|(id, balance)| Account { id: id.into(), balance }).collect()
}

fn satisfied(hashes: &Hashes, accounts: &[Account], claimed: Commitment) -> bool {
    let cs = ConstraintSystem::new_ref();
    Solvency { hashes, accounts, claimed }.generate_constraints(cs.clone()).unwrap();
    cs.finalize();
    cs.is_satisfied().unwrap()
}

#[test]
fn what_the_circuit_accepts_and_what_it_refuses() {
    let hashes = Hashes::default();
    let most = Fr::from(u64::MAX);
    let beyond = most + Fr::from(1);
    let n = |number: u64| Fr::from(number);
    let honest = [n(10), n(20), n(30), n(40)];
    let of = |balances| commit(&hashes, &accounts(balances)).unwrap();
    let full = most * n(4);
    let wrapped = Fr::from(u64::MAX - 3);

    // What is claimed, what the witness has, and whether there may be a proof.
    let cases: [(&str, [Fr; 4], Commitment, bool); 14] = [
        ("the truth", honest, of(honest), true),
        ("nothing owed", [n(0); 4], of([n(0); 4]), true),
        ("balances at the limit; the total passes 2^64", [most; 4], of([most; 4]), true),
        ("a total that is one less", honest, Commitment { total: n(99), ..of(honest) }, false),
        ("a total that is one more", honest, Commitment { total: n(101), ..of(honest) }, false),
        ("no total", honest, Commitment { total: n(0), ..of(honest) }, false),
        ("a total wrapped at 2^64", [most; 4], Commitment { total: wrapped, ..of([most; 4]) }, false),
        ("a total with the modulus taken off", [most; 4], Commitment { total: full - n(1), ..of([most; 4]) }, false),
        (
            "a negative balance, with a tree built over it",
            [n(10), -n(5), n(30), n(40)],
            of([n(10), -n(5), n(30), n(40)]),
            false,
        ),
        ("two that cancel out", [n(10), n(20), most, -most], of([n(10), n(20), most, -most]), false),
        ("a balance beyond the range", [n(10), beyond, n(30), n(40)], of([n(10), beyond, n(30), n(40)]), false),
        ("another root", honest, Commitment { root: of(honest).root + n(1), ..of(honest) }, false),
        ("another account than the root's", [n(10), n(20), n(31), n(39)], of(honest), false),
        ("the root's accounts in another order", [n(20), n(10), n(30), n(40)], of(honest), false),
    ];
    for (name, balances, claimed, may_be_proved) in cases {
        assert_eq!(satisfied(&hashes, &accounts(balances), claimed), may_be_proved, "{name}");
    }

    let mut renamed = accounts(honest);
    renamed[2].id += n(1);
    assert!(!satisfied(&hashes, &renamed, of(honest)), "another id");
}

#[test]
fn the_circuit_of_sixty_four_accounts_fits_the_domain_it_is_meant_for() {
    let hashes = Hashes::default();
    let witness = Witness::parse(sample(64, "size").unwrap().as_bytes()).unwrap();
    let claimed = commit(&hashes, witness.accounts()).unwrap();
    let cs = ConstraintSystem::new_ref();
    Solvency { hashes: &hashes, accounts: witness.accounts(), claimed }.generate_constraints(cs.clone()).unwrap();
    assert!((38_000..1 << 16).contains(&cs.num_constraints()), "{}", cs.num_constraints());
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str], input: Option<&str>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvency-prover"));
        command.args(arguments);
        if let Some(input) = input {
            command.stdin(File::open(self.0.join(input)).unwrap());
        } else {
            command.stdin(std::process::Stdio::null());
        }
        command.output().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn judge(&self, public: &str) -> Verdict {
        judge(
            "groth16-bn254",
            Documents {
                verifying_key: self.read("verification_key.json").as_bytes(),
                proof: self.read("proof.json").as_bytes(),
                public_inputs: public.as_bytes(),
            },
        )
    }
}

#[test]
fn the_program_proves_and_the_verifier_accepts_exactly_that() {
    let folder = Folder::new("end-to-end");
    let out = folder.path("");
    let key = folder.path("proving.key");

    let setup = folder.run(&["setup", "--accounts", "4", "--out", &out], None);
    assert!(setup.status.success());
    assert!(String::from_utf8(setup.stdout).unwrap().contains("For demonstration only"));
    assert!(folder.run(&["witness", "--accounts", "4", "--out", &folder.path("witness.json")], None).status.success());
    assert!(folder.run(&["witness", "--accounts", "8", "--out", &folder.path("eight.json")], None).status.success());

    let proved = folder.run(&["prove", "--pk", &key, "--out", &out], Some("witness.json"));
    assert!(proved.status.success(), "{proved:?}");
    let public: Vec<String> = serde_json::from_str(&folder.read("public.json")).unwrap();
    let balances: serde_json::Value = serde_json::from_str(&folder.read("witness.json")).unwrap();
    let balances = balances["accounts"].as_array().unwrap().iter();
    let total: u64 = balances.map(|account| account["balance"].as_str().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(public[1], total.to_string());

    let verdict = folder.judge(&folder.read("public.json"));
    let Verdict::Verified(verified) = verdict else { panic!("{verdict:?}") };
    assert_eq!(verified.weakness, None);
    let lies = [
        ("a lower total", format!(r#"["{}","{}"]"#, public[0], total - 1)),
        ("another root", format!(r#"["1","{total}"]"#)),
        ("the two exchanged", format!(r#"["{total}","{}"]"#, public[0])),
    ];
    for (name, lie) in lies {
        assert_eq!(folder.judge(&lie), Verdict::Refused(ProofError::DoesNotVerify), "{name}");
    }

    // What is refused leaves no proof behind.
    let refused = Folder::new("refused");
    fs::write(refused.0.join("nothing"), "").unwrap();
    let mut damaged = fs::read(&key).unwrap();
    let last = damaged.len() - 40;
    damaged[last] ^= 1;
    fs::write(refused.0.join("damaged.key"), damaged).unwrap();
    fs::write(refused.0.join("foreign.key"), "not a key").unwrap();
    let cases = [
        ("no witness", &*key, refused.path("nothing"), 1, "not as expected"),
        ("too many accounts", &*key, folder.path("eight.json"), 1, "8 accounts and the proving key is for 4"),
        ("a damaged key", &*refused.path("damaged.key"), folder.path("witness.json"), 1, "the key is damaged"),
        ("no key at all", &*refused.path("foreign.key"), folder.path("witness.json"), 2, "is not a proving key"),
        ("no key file", &*refused.path("absent.key"), folder.path("witness.json"), 2, "absent.key"),
    ];
    for (name, key, witness, status, message) in cases {
        let ended = refused.run(&["prove", "--pk", key, "--out", &refused.path("out")], Some(&witness));
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(status), "{name}: {said}");
        assert!(said.contains(message), "{name}: {said}");
        assert!(!refused.0.join("out/proof.json").exists(), "{name}");
    }
}

#[test]
fn numbers_of_accounts_that_no_tree_has() {
    let folder = Folder::new("counts");
    for accounts in ["0", "1", "3", "63", "512"] {
        let ended = folder.run(&["setup", "--accounts", accounts, "--out", &folder.path("")], None);
        assert_eq!(ended.status.code(), Some(2), "{accounts}");
        assert!(String::from_utf8(ended.stderr).unwrap().contains("power of two"), "{accounts}");
    }
    assert!(sample(5, "seed").is_err());
    assert!(commit(&Hashes::default(), &accounts([Fr::from(1); 4])[..3]).is_err());
}

#[test]
fn the_witness_is_for_its_owner_only_and_setups_repeat() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("repeats");
    for name in ["first", "second"] {
        let file = folder.path(&format!("{name}.json"));
        assert!(folder.run(&["witness", "--accounts", "2", "--out", &file], None).status.success());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let out = folder.path(name);
        assert!(folder.run(&["setup", "--accounts", "2", "--out", &out], None).status.success());
    }
    assert_eq!(folder.read("first.json"), folder.read("second.json"));
    for file in ["proving.key", "verification_key.json"] {
        let both = ["first", "second"].map(|name| fs::read(folder.0.join(name).join(file)).unwrap());
        assert_eq!(both[0], both[1], "{file}");
    }
}
