//! CSV. In: a section; out: RFC 4180 with a header, CRLF, and every text quoted. Spreadsheets take a cell that begins with
//! `=`, `+`, `-` or `@` for a formula, quoted or not, and denials repeat what strangers sent. So such a text gets an
//! apostrophe in front, and so does one that begins with an apostrophe: whoever reads the file back takes exactly one
//! leading apostrophe off.

use crate::{
    ComplianceReport, Section,
    table::{Cell, table},
    visible::visible,
};

/// A section as CSV.
#[must_use]
pub fn render_csv(report: &ComplianceReport, section: Section) -> String {
    let table = table(report, section);
    let mut out = String::new();
    for (place, column) in table.columns.iter().enumerate() {
        separate(&mut out, place);
        out.push_str(column.name);
    }
    out.push_str("\r\n");
    for row in &table.rows {
        for (place, cell) in row.iter().enumerate() {
            separate(&mut out, place);
            match cell {
                Cell::Absent => {}
                // Ours: digits, and a minus sign at most.
                Cell::Number(_) | Cell::Time(_) => out.push_str(&cell.to_string()),
                Cell::Text(_) | Cell::Code(_) | Cell::Badge(..) | Cell::Codes(_) => quote(&mut out, &cell.to_string()),
            }
        }
        out.push_str("\r\n");
    }
    out
}

fn separate(out: &mut String, place: usize) {
    if place > 0 {
        out.push(',');
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    if begins_a_formula(text) {
        out.push('\'');
    }
    for character in visible(text).chars() {
        if character == '"' {
            out.push('"');
        }
        out.push(character);
    }
    out.push('"');
}

/// Also after white space, which some spreadsheets skip, and in the full width that others take for the same.
fn begins_a_formula(text: &str) -> bool {
    text.trim_start().starts_with(['=', '+', '-', '@', '\'', '|', '%', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn no_text_is_a_formula() {
        let cases = [
            ("", r#""""#),
            ("plain", r#""plain""#),
            ("a,b", r#""a,b""#),
            (r#"say "no""#, r#""say ""no""""#),
            ("=1+1", r#""'=1+1""#),
            ("+1", r#""'+1""#),
            ("-1", r#""'-1""#),
            ("@SUM(A1)", r#""'@SUM(A1)""#),
            (r#"=HYPERLINK("http://x","y")"#, r#""'=HYPERLINK(""http://x"",""y"")""#),
            ("  =1", r#""'  =1""#),
            ("\t=1", r#""'\u{9}=1""#),
            ("\r=1", r#""'\u{d}=1""#),
            ("＝1", r#""'＝1""#),
            ("|calc", r#""'|calc""#),
            ("'=1", r#""''=1""#),
            ("a=1", r#""a=1""#),
            ("two\nlines", r#""two\u{a}lines""#),
        ];
        for (text, cell) in cases {
            let mut out = String::new();
            quote(&mut out, text);
            assert_eq!(out, cell, "{text:?}");
        }
    }
}
