//! CASES.tsv: one row, one call of `prooftrail appraise … --json`.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use crate::vectors::{json, own, prooftrail, run, shared};

/// Cases that do not hold yet, by their ids, each with the reason. One that begins to hold fails.
const LEFT_OUT: &[(&str, &str)] = &[];

/// A row, by its columns.
struct Case {
    id: String,
    kind: String,
    evidence: Vec<String>,
    endorsements: Vec<String>,
    roots: Vec<String>,
    at: String,
    nonce: String,
    verdict: String,
    stages: Vec<String>,
    claims: Vec<(String, String)>,
}

fn list(cell: &str) -> Vec<String> {
    cell.split(';').filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn read(folder: &Path) -> Vec<Case> {
    let text = fs::read_to_string(folder.join("CASES.tsv")).expect("CASES.tsv");
    let mut lines = text.lines();
    let head: Vec<_> = lines.next().expect("a header").split('\t').collect();
    let cases = lines.map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        let cell = |name: &str| {
            let column = head.iter().position(|head| *head == name).expect("a known column");
            cells.get(column).copied().unwrap_or_default()
        };
        Case {
            id: cell("id").to_owned(),
            kind: cell("kind").to_owned(),
            evidence: list(cell("evidence")),
            endorsements: list(cell("endorsements")),
            roots: list(cell("roots")),
            at: cell("at").to_owned(),
            nonce: cell("nonce").to_owned(),
            verdict: cell("verdict").to_owned(),
            stages: cell("stage").split('|').map(str::to_owned).collect(),
            claims: list(cell("claims"))
                .iter()
                .map(|claim| claim.split_once('=').expect("name=value"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    });
    cases.collect()
}

/// A claim's JSON as CASES.tsv spells it: lists joined by commas.
fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(members) => members.iter().map(spelled).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

impl Case {
    fn appraise(&self, folder: &Path, more: &[&str]) -> (i32, Value) {
        let mut command = prooftrail();
        command.arg("appraise").args(["--at", &self.at, "--json"]).args(more);
        for piece in &self.evidence {
            let (kind, file) = piece.split_once('=').filter(|_| self.kind == "set").unwrap_or((&self.kind, piece));
            command.arg(format!("{kind}={}", folder.join(file).display()));
        }
        for file in &self.endorsements {
            command.arg("--endorsement").arg(folder.join(file));
        }
        for file in &self.roots {
            command.arg("--root").arg(folder.join(file));
        }
        if !self.nonce.is_empty() {
            command.args(["--nonce", &self.nonce]);
        }
        json(&run(&mut command))
    }

    fn check(&self, folder: &Path) -> Result<(), String> {
        let (status, result) = self.appraise(folder, &[]);
        let expect =
            |what: &str, holds: bool| if holds { Ok(()) } else { Err(format!("{}: {what}: {result}", self.id)) };
        let reasons = result["reasons"].as_array().cloned().unwrap_or_default();
        let stage_named = reasons.iter().any(|reason| self.stages.iter().any(|stage| reason["stage"] == **stage));
        match self.verdict.as_str() {
            "affirming" => {
                expect("exit status 0", status == 0)?;
                expect("affirming without reasons", result["verdict"] == "affirming" && reasons.is_empty())?;
            }
            "refused" | "malformed" => {
                expect("exit status 1", status == 1)?;
                expect("refused", result["verdict"] == "refused")?;
                expect("a reason of the stage", stage_named)?;
            }
            "debug" => {
                expect("exit status 1", status == 1)?;
                expect("authentic debug evidence", result["authentic"] == true && result["debug"] == true)?;
                let (status, allowed) = self.appraise(folder, &["--allow-debug"]);
                expect("exit status 0 with --allow-debug", status == 0 && allowed["verdict"] == "affirming")?;
            }
            other => return Err(format!("{}: unknown verdict {other}", self.id)),
        }
        for (name, value) in &self.claims {
            let have = result["claims"].get(name).map(spelled);
            expect(&format!("{name}={value}"), have.as_ref() == Some(value))?;
        }
        Ok(())
    }
}

/// The kinds that the binary says it knows.
fn supported() -> String {
    let help = run(prooftrail().args(["appraise", "--help"]));
    // The list may be folded into several lines.
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let (_, kinds) = help.split_once("[possible values:").expect("kinds");
    kinds.split_once(']').expect("the end of the kinds").0.to_owned()
}

fn check_all(folder: &Path, at_least: usize) {
    let supported = supported();
    let supported: Vec<_> = supported.split([' ', ',', '\n']).filter(|kind| !kind.is_empty()).collect();
    let (cases, others): (Vec<_>, Vec<_>) = read(folder).into_iter().partition(|case| {
        let mut kinds = case.evidence.iter().map(|piece| match case.kind.as_str() {
            "set" => piece.split('=').next().unwrap_or_default(),
            kind => kind,
        });
        kinds.all(|kind| supported.contains(&kind))
    });
    let others: BTreeSet<_> = others.iter().map(|case| case.kind.as_str()).collect();
    #[expect(clippy::print_stderr, reason = "a skipped case says so")]
    if !others.is_empty() {
        eprintln!("skipped: cases of the kinds that this build does not verify: {others:?}");
    }
    assert!(cases.len() >= at_least, "only {} cases", cases.len());
    let failures: Vec<_> = cases
        .iter()
        .filter(|case| !LEFT_OUT.iter().any(|(id, _)| *id == case.id))
        .filter_map(|case| case.check(folder).err())
        .collect();
    // A case that is left out must not pass unnoticed either.
    for (id, why) in LEFT_OUT {
        let passes = cases.iter().any(|case| case.id == *id && case.check(folder).is_ok());
        assert!(!passes, "{id} passes now, but is left out because {why}");
    }
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn the_repository_s_cases() {
    check_all(&own(), 91);
}

#[test]
fn the_shared_cases() {
    if let Some(folder) = shared("the shared acceptance cases") {
        check_all(&folder, 239);
    }
}

#[test]
fn twins_and_tagged_documents_have_one_evidence_id() {
    let id_of = |file: &str| {
        let case = read(&own()).into_iter().find(|case| case.evidence == [file]).expect(file);
        case.appraise(&own(), &[]).1["evidence_id"].clone()
    };
    let id = id_of("nitro/mock/ok-definite.cose");
    assert!(id.as_str().expect("an id").starts_with("aws-nitro:"));
    for twin in ["nitro/mock/ok-tagged18.cose", "nitro/mock/warn-malleable-twin.cose"] {
        assert_eq!(id_of(twin), id, "{twin}");
    }
}
