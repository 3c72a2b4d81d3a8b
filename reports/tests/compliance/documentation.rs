//! docs/reports.md names every section and every column, every field of JSON, and nothing that is not there.

use prooftrail_reports::{Section, render_csv, render_json};
use serde_json::Value;

use crate::fixture::{build, rows};

const PAGE: &str = include_str!("../../../docs/reports.md");

#[test]
fn the_columns_are_the_documented_ones() {
    let report = build(rows());
    let mut documented: Vec<&str> =
        PAGE.lines().filter(|line| line.starts_with("| `") && line.contains(".csv`")).collect();
    documented.sort_unstable();
    let mut expected: Vec<String> = Section::ALL
        .into_iter()
        .map(|section| {
            let csv = render_csv(&report, section);
            let columns: Vec<String> = csv.lines().next().unwrap().split(',').map(|name| format!("`{name}`")).collect();
            format!("| `{}.csv` | {} |", section.name(), columns.join(" "))
        })
        .collect();
    expected.sort_unstable();
    assert_eq!(documented, expected);
}

#[test]
fn the_fields_are_the_documented_ones() {
    let json: Value = serde_json::from_str(&render_json(&build(rows())).unwrap()).unwrap();
    for (name, value) in json.as_object().unwrap() {
        let object = match value {
            Value::Array(rows) => rows.first().and_then(Value::as_object),
            other => other.as_object(),
        };
        let fields = object.map(|object| {
            let mut fields: Vec<&str> = object.keys().map(String::as_str).collect();
            fields.sort_unstable();
            fields.into_iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(" ")
        });
        let line = match fields {
            Some(fields) => format!("| `{name}` | {fields} |"),
            None => format!("| `{name}` |"),
        };
        assert!(PAGE.contains(&line), "docs/reports.md lacks: {line}");
    }
}
