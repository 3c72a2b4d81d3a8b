//! Replays every body on every file of the repository's vectors, of the corpus, and of the vectors folder where there is
//! one. A body that panics fails here; one that has no target file, or a target file without a body, fails too.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use prooftrail_fuzz_bodies::BODIES;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn bodies_bear_every_file_there_is() {
    let mut files = Vec::new();
    files_below(&repository().join("tests/vectors"), &mut files);
    files_below(&repository().join("fuzz/corpus"), &mut files);
    assert!(files.len() > 50, "the repository's own vectors are there");
    #[expect(clippy::disallowed_methods, reason = "tests find the vectors folder by the environment")]
    if let Some(vectors) = std::env::var_os("PROOFTRAIL_VECTORS") {
        files_below(Path::new(&vectors), &mut files);
    }
    for file in &files {
        let bytes = fs::read(file).unwrap();
        for (_, body) in BODIES {
            body(&bytes);
        }
    }
}

#[test]
fn every_body_has_a_target_and_every_target_a_body() {
    let mut files = Vec::new();
    files_below(&repository().join("fuzz/fuzz_targets"), &mut files);
    let targets: BTreeSet<_> = files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap()).collect();
    let bodies: BTreeSet<_> = BODIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets, bodies);
    let manifest = fs::read_to_string(repository().join("fuzz/Cargo.toml")).unwrap();
    for name in bodies {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
    }
}
