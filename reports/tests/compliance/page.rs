//! The page: whole by itself, readable by everyone, and within its own policy.

use std::{collections::BTreeSet, fs, path::Path};

use prooftrail_reports::{PAGE_ROWS, content_security_policy, render_csv, render_html, render_json};

use crate::fixture::{OLD, Row, build, policy, release, rows};

fn page() -> String {
    let page = render_html(&build(rows())).unwrap();
    // For whoever wants to look at it.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compliance.html"), &page).unwrap();
    page
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let page = page();
    for part in [
        "<script", " src=", "<link", "@import", "url(", "<iframe", "<form", " style=", " onclick", "http://",
        "https://",
    ] {
        assert!(!page.contains(part), "{part}");
    }
    let hrefs = page.match_indices("href=\"").map(|(place, _)| &page[place + 6..place + 7]);
    assert!(hrefs.clone().count() > 10 && hrefs.clone().all(|first| first == "#"), "every link stays in the page");
    let policy = content_security_policy();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let in_page = policy.split("; frame-ancestors").next().unwrap().replace('\'', "&#39;");
    assert!(page.contains(&format!("content=\"{in_page}\"")), "{in_page}");
}

#[test]
fn every_table_has_a_caption_and_scoped_headings_and_every_link_a_target() {
    let page = page();
    let tables = page.matches("<table").count();
    assert_eq!(tables, 10);
    assert_eq!(page.matches("<caption>").count(), tables);
    assert_eq!(page.matches("<th ").count(), page.matches("scope=\"col\"").count());
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let different: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), different.len(), "ids are unique");
    let targets = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
    let labels = page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next());
    for target in targets.chain(labels.flat_map(str::split_whitespace)) {
        assert!(different.contains(target), "{target}");
    }
    for part in
        ["<html lang=\"en\">", "name=\"viewport\"", "<main id=\"main\">", "prefers-color-scheme: dark", "@media print"]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_long_section_is_cut_on_the_page_and_nowhere_else() {
    let releases = (0..PAGE_ROWS + 7)
        .map(|row| Row::Release(release(1000 + u64::try_from(row).unwrap(), "2026-07-02T00:00:00Z", OLD)));
    let report = build(releases.chain([Row::Policy(policy("p", OLD, 12, "2026-03-01T00:00:00Z", None))]));
    let page = render_html(&report).unwrap();
    assert!(page.contains("7 more rows are in the JSON and CSV of this report."));
    let csv = render_csv(&report, prooftrail_reports::Section::Releases);
    assert_eq!(csv.lines().count(), 1 + PAGE_ROWS + 7);
    assert_eq!(render_json(&report).unwrap().matches("\"witness_header\"").count(), PAGE_ROWS + 7);
}

/// WCAG 2.2, contrast of text (4.5) and of graphics (3): every pair of colours of the style sheet that meets.
#[test]
fn contrast_is_sufficient_in_both_schemes() {
    let page = page();
    let style = &page[page.find("<style>").unwrap()..page.find("</style>").unwrap()];
    let dark_at = style.find("prefers-color-scheme: dark").unwrap();
    for (scheme, sheet) in [("light", &style[..dark_at]), ("dark", &style[dark_at..])] {
        let colour = |name: &str| {
            let place = sheet.find(&format!("--{name}: #")).unwrap() + name.len() + 5;
            let channel = |offset: usize| u8::from_str_radix(&sheet[place + offset..place + offset + 2], 16).unwrap();
            luminance([channel(0), channel(2), channel(4)])
        };
        let text = [
            ("ink", "page"),
            ("ink", "sheet"),
            ("ink", "shade"),
            ("soft", "page"),
            ("soft", "sheet"),
            ("link", "page"),
            ("link", "sheet"),
            ("good", "good-shade"),
            ("warn", "warn-shade"),
            ("bad", "bad-shade"),
        ];
        let graphics = [("released", "sheet"), ("denied", "sheet"), ("warn", "sheet"), ("bad", "sheet")];
        let pairs = text.map(|pair| (pair, 4.5)).into_iter().chain(graphics.map(|pair| (pair, 3.0)));
        for ((front, back), needed) in pairs {
            let (a, b) = (colour(front), colour(back));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= needed, "{scheme}: {front} on {back} has {contrast:.2}");
        }
    }
}

fn luminance(channels: [u8; 3]) -> f64 {
    let linear = channels.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}
