//! An enclave's registers as reference values of a policy, one `[[reference]]` each.

use super::Measurements;
use crate::pin::reference;

/// What is kept of a certificate's subject in a note, in characters.
const MAX_SUBJECT_CHARS: usize = 256;

impl Measurements {
    /// The measurements as `[[reference]]` tables named `<name>-pcr0` and so on, one value each.
    ///
    /// Any text will do for a name: what names in policies cannot have becomes hyphens.
    #[must_use]
    pub fn to_policy_toml(&self, name: &str) -> String {
        let name = reference::name(name, "-pcr0".len());
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
        write(&mut toml, &name, 0, &self.pcr0, &whole);
        let boot = format!("{architecture} enclave image: kernel, command line and first ramdisk{boot}");
        write(&mut toml, &name, 1, &self.pcr1, &boot);
        let application = format!("{architecture} enclave image: {application}");
        write(&mut toml, &name, 2, &self.pcr2, &application);
        if let Some(signer) = &self.signer {
            let subject: String = signer.subject.chars().take(MAX_SUBJECT_CHARS).collect();
            let (first, last) = (signer.not_before, signer.not_after);
            let note = format!("signing certificate of {subject}, valid from {first} to {last}");
            write(&mut toml, &name, 8, &signer.pcr8, &note);
        }
        toml
    }
}

/// Writes one reference with one value.
fn write(toml: &mut String, name: &str, register: u8, value: &[u8; 48], note: &str) {
    reference::begin(toml, &format!("{name}-pcr{register}"));
    reference::value(toml, value, note);
}
