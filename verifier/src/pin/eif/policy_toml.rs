//! Measurements as reference values of a policy: TOML to paste, `[[reference]]` as docs/policy.md has it.

use std::fmt::Write;

use super::Measurements;

/// The longest name that a policy gives to something, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// What is kept of a certificate's subject in a note, in characters.
const MAX_SUBJECT_CHARS: usize = 256;

impl Measurements {
    /// The measurements as `[[reference]]` tables named `<name>-pcr0` and so on, one value each.
    ///
    /// Names in policies have at most 64 of `a`–`z`, `0`–`9` and `-`. Letters of `name` become small, other characters
    /// hyphens, and what does not fit is cut off, so any text will do: the name of the image's file, for one.
    #[must_use]
    pub fn to_policy_toml(&self, name: &str) -> String {
        let name = reference_name(name);
        let architecture = self.architecture;
        let boot = match self.stock_boot() {
            Some(seen) => format!("; a stock kernel and init of AWS, seen in {seen}"),
            None => String::new(),
        };
        let application = match self.has_application_ramdisk() {
            true => "the ramdisks after the first",
            false => "no ramdisk follows the first, so every such image has this value",
        };
        let mut toml = String::new();
        let whole = format!("{architecture} enclave image: kernel, command line and ramdisks");
        reference(&mut toml, &name, 0, &self.pcr0, &whole);
        let boot = format!("{architecture} enclave image: kernel, command line and first ramdisk{boot}");
        reference(&mut toml, &name, 1, &self.pcr1, &boot);
        let application = format!("{architecture} enclave image: {application}");
        reference(&mut toml, &name, 2, &self.pcr2, &application);
        if let Some(signer) = &self.signer {
            let subject: String = signer.subject.chars().take(MAX_SUBJECT_CHARS).collect();
            let (first, last) = (signer.not_before, signer.not_after);
            let note = format!("signing certificate of {subject}, valid from {first} to {last}");
            reference(&mut toml, &name, 8, &signer.pcr8, &note);
        }
        toml
    }
}

/// The part of the name that the registers share, with room for theirs.
fn reference_name(name: &str) -> String {
    let room = MAX_NAME_BYTES - "-pcr0".len();
    let permitted = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '-',
    };
    let name: String = name.chars().map(permitted).take(room).collect();
    match name.trim_matches('-') {
        "" => "image".to_owned(),
        name => name.to_owned(),
    }
}

/// Writes one reference with one value.
fn reference(toml: &mut String, name: &str, register: u8, value: &[u8; 48], note: &str) {
    let separator = if toml.is_empty() { "" } else { "\n" };
    let (value, note) = (hex::encode(value), basic_string(note));
    // Writing to a string does not fail.
    let _ = write!(
        toml,
        "{separator}[[reference]]\nname = \"{name}-pcr{register}\"\n\n[[reference.value]]\nvalue = \"{value}\"\nnote = {note}\n"
    );
}

/// A basic string of TOML 1.0. A certificate's subject is somebody else's text: what neither is ASCII that prints nor a
/// letter or digit is escaped, so that it can neither end the string nor play with a terminal.
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
