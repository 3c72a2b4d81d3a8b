//! No pure crate reaches a network, a runtime or a file: neither by what it depends on nor by what it calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The crates that turn bytes into verdicts.
const PURE: [&str; 9] = [
    "prooftrail-evidence",
    "prooftrail-ledger",
    "prooftrail-policy",
    "prooftrail-proofs",
    "prooftrail-protocol",
    "prooftrail-provenance",
    "prooftrail-release",
    "prooftrail-result",
    "prooftrail-trust-roots",
];

/// What does I/O, or waits for it.
const IMPURE: [&str; 14] = [
    "actix-web",
    "async-std",
    "curl",
    "hyper",
    "hyper-util",
    "mio",
    "native-tls",
    "reqwest",
    "rustls",
    "socket2",
    "sqlx",
    "tokio",
    "tokio-rustls",
    "ureq",
];

/// Calls of the standard library that do.
const CALLS: [&str; 7] =
    ["std::net", "std::fs", "std::process", "std::thread", "std::time::SystemTime", "std::time::Instant", "std::env"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Name and folder of each package by its id, and the ids of what each depends on.
type Packages = BTreeMap<String, (String, PathBuf)>;
type Dependencies = BTreeMap<String, Vec<String>>;

/// The workspace as cargo resolves it: each package's name and folder by id, and what each depends on outside tests.
fn workspace() -> (Packages, Dependencies) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(repository()).args(["metadata", "--format-version", "1", "--offline", "--all-features"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let packages = list(&metadata["packages"]).into_iter().map(|package| {
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
        (text(&package["id"]), (text(&package["name"]), folder))
    });
    let nodes = list(&metadata["resolve"]["nodes"]).into_iter().map(|node| {
        let is_normal = |dependency: &Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let dependencies = list(&node["deps"]).into_iter().filter(is_normal).map(|dependency| text(&dependency["pkg"]));
        (text(&node["id"]), dependencies.collect())
    });
    (packages.collect(), nodes.collect())
}

#[test]
fn no_pure_crate_reaches_a_network() {
    let (packages, nodes) = workspace();
    let id = |name: &str| packages.iter().find(|(_, (known, _))| known == name).unwrap().0.clone();
    let reached = |name: &str| {
        let mut found = BTreeSet::new();
        let mut left = vec![id(name)];
        while let Some(next) = left.pop() {
            if found.insert(next.clone()) {
                left.extend(nodes[&next].iter().cloned());
            }
        }
        found.iter().map(|id| packages[id].0.clone()).collect::<BTreeSet<_>>()
    };
    for name in PURE {
        let reached = reached(name);
        let impure: Vec<_> = IMPURE.iter().filter(|impure| reached.contains(**impure)).collect();
        assert!(impure.is_empty(), "{name} depends on {impure:?}");
    }
    // The walk finds what it looks for.
    assert!(reached("prooftrail").is_superset(&["reqwest", "tokio", "hyper"].map(str::to_owned).into()));
}

#[test]
fn no_pure_crate_calls_what_does_input_or_output() {
    let (packages, _) = workspace();
    let mut count = 0;
    for name in PURE {
        let (_, folder) = packages.values().find(|(known, _)| known == name).unwrap();
        let mut left = vec![folder.join("src")];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            // Tests may read vectors.
            let text = fs::read_to_string(&path).unwrap();
            let is_test = path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().split("#[test]").next().unwrap();
            let calls = CALLS.iter().find(|call| !is_test && code.contains(*call));
            assert_eq!(calls, None, "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 100, "{count} files");
}
