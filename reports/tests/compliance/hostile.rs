//! Strings of strangers, in every field that can hold one.

use prooftrail_reports::{Builder, ComplianceReport, Section, Severity, render_csv, render_html, render_json};

use crate::fixture::{OLD, Row, add, checkpoint, denial, finding, key, pin, policy, proof, reason, release, scope};

/// A report whose every text is `text`.
fn full_of(text: &str) -> ComplianceReport {
    let own = || text.to_owned();
    let some = || Some(text.to_owned());
    let mut scope = scope();
    (scope.project, scope.origin) = (own(), own());
    let mut checkpoint = checkpoint();
    (checkpoint.root, checkpoint.note, checkpoint.cosigners) = (own(), own(), vec![own()]);

    let mut policy = policy("p", OLD, 12, "2026-03-01T00:00:00Z", None);
    (policy.name, policy.approved_by) = (own(), vec![own()]);
    for rule in &mut policy.rules {
        (rule.claim, rule.rationale, rule.controls) = (own(), own(), vec![own()]);
    }
    let mut release = release(1001, "2026-07-02T00:00:00Z", OLD);
    (release.release_id, release.key, release.witness_header, release.statement) = (own(), own(), own(), own());
    (release.evidence[0].kind, release.evidence[0].id) = (own(), own());
    let mut reason = reason(text, Some(text), text, text);
    (reason.stage, reason.detail) = (own(), own());
    let mut denial = denial(1002, "2026-07-02T00:00:00Z", OLD, vec![reason]);
    (denial.key, denial.platform) = (some(), some());
    let mut proof = proof(1003, "2026-07-02T00:00:00Z", &release, prooftrail_reports::ProofOutcome::Verified);
    (proof.system, proof.provenance_id) = (some(), some());
    proof.verified.as_mut().unwrap().weakness = some();
    let mut pin = pin(1, text, None, None);
    (pin.policy, pin.reference, pin.value) = (own(), own(), own());
    let mut key = key();
    (key.name, key.policy, key.recipient, key.state) = (own(), own(), own(), own());
    let mut finding = finding(Severity::Warning, text, "2026-07-02T00:00:00Z");
    (finding.subject, finding.detail) = (own(), own());

    let mut builder = Builder::new(scope, checkpoint).unwrap();
    let rows = [
        Row::Release(release),
        Row::Denial(denial),
        Row::Proof(proof),
        Row::Policy(policy),
        Row::Pin(pin),
        Row::Key(key),
        Row::Finding(finding),
    ];
    for row in rows {
        add(&mut builder, row).unwrap();
    }
    builder.finish().unwrap()
}

/// How often a page has each of the characters that make markup.
fn markup(page: &str) -> [usize; 4] {
    ['<', '>', '"', '\''].map(|character| page.matches(character).count())
}

#[test]
fn no_text_becomes_markup() {
    // A digest is cut and gets an attribute of its own; none of these texts looks like one.
    let harmless = markup(&render_html(&full_of("harmless")).unwrap());
    let texts = [
        "<script>alert(1)</script>",
        "</style><script>alert(1)</script>",
        "</title><img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)>",
        "' onmouseover='alert(1)",
        "--><b>",
        "]]><b>",
        "{{ 7 * 7 }}",
        "javascript:alert(1)",
        "&lt;b&gt;",
    ];
    for text in texts {
        let page = render_html(&full_of(text)).unwrap();
        assert_eq!(markup(&page), harmless, "{text}");
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"), "{text}");
        assert!(!page.contains("{{ 7") || text.contains("{{ 7"), "{text}");
    }
    let twice = render_html(&full_of("&lt;b&gt;")).unwrap();
    assert!(twice.contains("&#38;lt;b&#38;gt;") || twice.contains("&amp;lt;b&amp;gt;"), "an entity is text too");
}

#[test]
fn no_text_reorders_or_hides_what_stands_around_it() {
    for (text, seen) in [("a\u{202e}b", "a\\u{202e}b"), ("a\u{200b}b", "a\\u{200b}b"), ("a\u{0}b", "a\\u{0}b")] {
        let hidden = text.chars().nth(1).unwrap();
        let report = full_of(text);
        let page = render_html(&report).unwrap();
        assert!(page.contains(seen) && !page.contains(hidden), "{text:?}");
        for section in Section::ALL {
            assert!(!render_csv(&report, section).contains(hidden), "{text:?} in {}", section.name());
        }
    }
}

#[test]
fn no_text_is_a_formula_or_breaks_a_row() {
    for text in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "a\r\n=1", "\",=1", "a\n\"b\"", "＝1"] {
        let (report, harmless) = (full_of(text), full_of("harmless"));
        for section in Section::ALL {
            let (csv, plain) = (render_csv(&report, section), render_csv(&harmless, section));
            let name = section.name();
            assert_eq!(csv.lines().count(), plain.lines().count(), "{text:?} in {name}");
            let widths = |csv: &str| csv.lines().map(|line| cells(line).len()).collect::<Vec<_>>();
            assert_eq!(widths(&csv), widths(&plain), "{text:?} in {name}");
            for cell in csv.lines().skip(1).flat_map(cells) {
                let negative = cell.starts_with('-') && cell.parse::<i64>().is_ok();
                assert!(negative || !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{cell:?} in {name}");
            }
        }
    }
}

/// The cells of a line, as a reader of RFC 4180 has them.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cells.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    assert!(!quoted, "an open quotation in {line:?}");
    cells
}

#[test]
fn json_keeps_texts_as_they_are() {
    for text in ["=1", "</script>", "a\u{202e}b", "\0"] {
        let json: serde_json::Value = serde_json::from_str(&render_json(&full_of(text)).unwrap()).unwrap();
        assert_eq!(json["scope"]["project"], text);
        assert_eq!(json["denials"][0]["reasons"][0]["have"], text);
    }
}
