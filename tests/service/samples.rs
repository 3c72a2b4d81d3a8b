//! The samples of the configuration are configurations.

use std::{fs, path::Path};

use prooftrail::service::config::{Overrides, load};

#[test]
fn every_sample_is_read() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
    let mut count = 0;
    for file in fs::read_dir(examples).unwrap().map(|file| file.unwrap().path()) {
        if file.to_str().unwrap().ends_with(".service.toml") {
            let text = fs::read_to_string(&file).unwrap();
            load(Some(&text), [], Overrides::default()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            count += 1;
        }
    }
    assert_eq!(count, 3);
}

#[test]
fn every_setting_stands_in_the_operators_guide() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operator.md")).unwrap();
    // The complete sample says everything that can be said; the guide explains each.
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/complete.service.toml");
    let sample: toml::Table = toml::from_str(&fs::read_to_string(sample).unwrap()).unwrap();
    let mut names = Vec::new();
    for (name, value) in &sample {
        let inner = match value {
            toml::Value::Array(list) => list.first().and_then(toml::Value::as_table),
            other => other.as_table(),
        };
        match inner {
            Some(table) => names.extend(table.keys().map(|key| format!("{name}.{key}"))),
            None => names.push(name.clone()),
        }
    }
    assert!(names.len() > 30);
    for name in names {
        assert!(guide.contains(&format!("`{name}`")), "docs/operator.md does not explain {name}");
    }
}
