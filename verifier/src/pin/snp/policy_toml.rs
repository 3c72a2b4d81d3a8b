//! Launch digests as reference values of a policy: one `[[reference]]` with a value for each guest that is meant.

use super::{Launch, Measurement};
use crate::pin::reference;

/// The digests as one `[[reference]]` of that name, for the claim `measurement`.
///
/// Any text will do for a name: what names in policies cannot have becomes hyphens.
#[must_use]
pub fn to_policy_toml(name: &str, launch: Launch<'_>, measured: &[Measurement]) -> String {
    let mut toml = String::new();
    reference::begin(&mut toml, &reference::name(name, 0));
    let boot = if launch.boot.is_some() { "with kernel, initrd and command line" } else { "firmware only" };
    let (hypervisor, features) = (launch.hypervisor.as_str(), launch.features);
    for Measurement { digest, cpus, model } in measured {
        let model = model.as_ref().map(|model| format!(" {model}")).unwrap_or_default();
        let note = format!("SEV-SNP guest of {hypervisor}, {cpus} x vCPU{model}, features {features:#x}, {boot}");
        reference::value(&mut toml, digest, &note);
    }
    toml
}
