//! Every file of the shared folders that no case mentions, by a table for each folder: a file without a verdict fails, and
//! so does a row without a file.
//!
//! The column `how` says what is done with a file: a kind appraises it as evidence of that kind (with the endorsements of
//! the column `with`, or with `root=` and a root); `endorsement` appraises the evidence of `with` (`kind=evidence`,
//! perhaps with further endorsements) with it; `root` names it as a root; `pin` measures it; `data` is for tests or for
//! people.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::vectors::{json, prooftrail, run, shared};

const TABLES: [(&str, &str); 5] = [
    ("nitro", include_str!("nitro-files.tsv")),
    ("nvgpu", include_str!("nvgpu-files.tsv")),
    ("snp", include_str!("snp-files.tsv")),
    ("tdx", include_str!("tdx-files.tsv")),
    ("tokens", include_str!("tokens-files.tsv")),
];

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_file_has_its_verdict() {
    let Some(folder) = shared("the files of the shared folders") else { return };
    for (topic, table) in TABLES {
        check(&folder, topic, table);
    }
}

fn check(folder: &Path, topic: &str, table: &str) {
    let mut files = Vec::new();
    files_below(&folder.join(topic), &mut files);
    let files: BTreeSet<String> =
        files.iter().map(|file| file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()).collect();
    let cases = fs::read_to_string(folder.join("CASES.tsv")).unwrap();
    let in_cases: BTreeSet<&str> =
        cases.split(['\t', ';', '\n']).map(|cell| cell.split('=').next_back().unwrap()).collect();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let in_table: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();

    let unmapped: Vec<_> =
        files.iter().filter(|file| !in_cases.contains(file.as_str()) && !in_table.contains(file.as_str())).collect();
    assert!(unmapped.is_empty(), "files without a verdict: {unmapped:?}");
    let gone: Vec<_> = in_table.iter().filter(|file| !files.contains(**file)).collect();
    assert!(gone.is_empty(), "rows without a file: {gone:?}");
    for row in rows {
        let [file, how, at, with, verdict, stage, _why] = row[..] else { panic!("{row:?}") };
        let path = folder.join(file);
        match how {
            "pin" => pin(&path, verdict),
            "root" => is_root(&path, verdict),
            "data" => assert!(verdict.is_empty(), "{file}"),
            "endorsement" => {
                let (kind, with) = with.split_once('=').expect("kind=evidence");
                let mut with = with.split(';').map(|file| folder.join(file));
                let mut command = prooftrail();
                command.args(["appraise", "--kind", kind, "--json", "--at", at]).arg(with.next().expect("evidence"));
                for file in with.chain([path]) {
                    command.arg("--endorsement").arg(file);
                }
                appraise(&mut command, verdict, stage);
            }
            kind => {
                let mut command = prooftrail();
                command.args(["appraise", "--kind", kind, "--json", "--at", at]).arg(&path);
                for with in with.split(';').filter(|with| !with.is_empty()) {
                    match with.strip_prefix("root=") {
                        Some(root) => command.arg("--root").arg(folder.join(root)),
                        None => command.arg("--endorsement").arg(folder.join(with)),
                    };
                }
                appraise(&mut command, verdict, stage);
            }
        }
    }
}

fn appraise(command: &mut Command, verdict: &str, stage: &str) {
    let (status, result) = json(&run(command));
    assert_eq!(result["verdict"], verdict, "{command:?}: {result}");
    assert_eq!(status, i32::from(verdict != "affirming"));
    if !stage.is_empty() {
        assert_eq!(result["reasons"][0]["stage"], stage, "{command:?}: {result}");
    }
}

fn pin(path: &Path, verdict: &str) {
    let output = run(prooftrail().args(["pin", "eif", "--json"]).arg(path));
    if verdict == "unusable" {
        assert_eq!(output.status.code(), Some(2), "{}", path.display());
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
        return;
    }
    let (status, measured) = json(&output);
    assert_eq!(status, 0);
    let expected = fs::read_to_string(format!("{}.json", path.display())).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    for pcr in ["PCR0", "PCR1", "PCR2"] {
        let found = find(&expected, pcr).unwrap_or_else(|| panic!("{} has no {pcr}", path.display()));
        assert_eq!(measured[pcr.to_lowercase()], found, "{}: {pcr}", path.display());
    }
}

/// A value by its key, wherever it stands.
fn find<'a>(json: &'a serde_json::Value, key: &str) -> Option<&'a str> {
    match json {
        serde_json::Value::Object(members) => {
            let here =
                members.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).and_then(|(_, value)| value.as_str());
            here.or_else(|| members.values().find_map(|value| find(value, key)))
        }
        _ => None,
    }
}

fn is_root(path: &Path, verdict: &str) {
    let (_, pinned) = json(&run(prooftrail().args(["roots", "list", "--json"])));
    let named = run(prooftrail().args(["roots", "list", "--json", "--root"]).arg(path));
    match verdict {
        "pinned" => {
            let (status, named) = json(&named);
            assert_eq!(status, 0);
            let pinned: Vec<_> = pinned.as_array().unwrap().iter().map(|root| &root["sha256"]).collect();
            assert!(pinned.contains(&&named[0]["sha256"]), "{}", path.display());
            assert_eq!(named[0]["simulated"], true, "a root that a person names by file counts as simulated");
        }
        _ => assert_eq!(named.status.code(), Some(2), "{}", path.display()),
    }
}
