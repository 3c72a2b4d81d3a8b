//! Measurements as reference values of a policy: TOML to paste, `[[reference]]` as docs/policy.md has it.
//!
//! In: names, digests and notes. Out: text. A note may hold somebody else's words, so that it is escaped here and nowhere
//! else.

use std::fmt::Write;

/// The longest name that a policy gives to something, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A name for a reference, with room for `reserved` bytes behind it.
///
/// Names in policies have at most 64 of `a`–`z`, `0`–`9` and `-`. Letters become small, other characters hyphens, and what
/// does not fit is cut off, so any text will do: the name of the image's file, for one.
pub(super) fn name(text: &str, reserved: usize) -> String {
    let permitted = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '-',
    };
    let name: String = text.chars().map(permitted).take(MAX_NAME_BYTES.saturating_sub(reserved)).collect();
    match name.trim_matches('-') {
        "" => "image".to_owned(),
        name => name.to_owned(),
    }
}

/// Begins a reference; values follow. What [`name`] gives needs no quotes beyond these.
pub(super) fn begin(toml: &mut String, name: &str) {
    let separator = if toml.is_empty() { "" } else { "\n" };
    // Writing to a string does not fail.
    let _ = writeln!(toml, "{separator}[[reference]]\nname = \"{name}\"");
}

/// Writes one value of the reference begun last.
pub(super) fn value(toml: &mut String, digest: &[u8; 48], note: &str) {
    let (digest, note) = (hex::encode(digest), basic_string(note));
    let _ = writeln!(toml, "\n[[reference.value]]\nvalue = \"{digest}\"\nnote = {note}");
}

/// A basic string of TOML 1.0. What neither is ASCII that prints nor a letter or digit is escaped, so that it can neither
/// end the string nor play with a terminal.
fn basic_string(text: &str) -> String {
    let mut string = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => string.extend(['\\', c]),
            ' '..='~' => string.push(c),
            c if c.is_alphanumeric() => string.push(c),
            c => {
                let _ = write!(string, "\\U{:08X}", u32::from(c));
            }
        }
    }
    string.push('"');
    string
}
