//! The agent hardens itself before it makes a key: no core file, no debugger, no swap if it can be helped.

use std::fs;

use rustix::{
    mm::MlockAllFlags,
    process::{DumpableBehavior, Resource, Rlimit},
};

/// What could not be had, each a sentence to warn with. What *must* be had is an error.
///
/// # Errors
/// Memory stays readable for debuggers, or core files stay possible.
pub fn harden() -> std::io::Result<Vec<String>> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // One byte rather than none: see the child's limit.
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(1), maximum: Some(1) })?;
    let mut warnings = Vec::new();
    let unlimited = rustix::process::getrlimit(Resource::Memlock).current.is_none();
    if unlimited || rustix::process::geteuid().is_root() {
        // On fault, so that only what is used is held; children do not inherit it.
        let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
        if let Err(error) = rustix::mm::mlockall(all) {
            warnings.push(format!("memory cannot be locked: {error}"));
        }
    } else if fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() > 1) {
        warnings.push("this machine swaps, and the agent may not lock its memory".to_owned());
    }
    // The command's memory is never locked.
    if fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() > 1) {
        warnings.push("this machine swaps: the command's memory may reach a disk".to_owned());
    }
    Ok(warnings)
}
