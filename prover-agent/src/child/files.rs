//! Which files the command may read, execute and write (Landlock).
//!
//! Everything may be read but devices, launchers' sockets and configfs; only the folders of the plan may be written. Landlock
//! allows and never denies, so `/` is opened entry by entry. A kernel without Landlock, or one too old to guard truncation
//! (before 6.2), is an error: the item is then missing from the statement.

use std::{fs, path::PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};

use super::{control::Plan, mounts};

/// Guards truncation; from here on no older kernel will do.
const LEAST: ABI = ABI::V3;

/// Restricts this thread and what it becomes. `devices_are_private`: `/dev` holds nothing but what the plan allows.
pub(super) fn restrict(plan: &Plan, devices_are_private: bool) -> Result<(), String> {
    let everything = AccessFs::from_all(LEAST);
    let read = AccessFs::from_read(LEAST);
    let node = AccessFs::ReadFile | AccessFs::WriteFile;

    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(everything)
        .map_err(|error| error.to_string())?
        // Newer kernels keep signals and abstract sockets inside as well.
        .set_compatibility(CompatLevel::BestEffort)
        .scope(Scope::from_all(ABI::V6))
        .and_then(Ruleset::create)
        .map_err(|error| error.to_string())?;
    let mut rules: Vec<(PathBuf, BitFlags<AccessFs>)> = Vec::new();
    for entry in entries("/") {
        match entry.to_str() {
            Some("/dev") if devices_are_private => rules.push((entry, read | AccessFs::WriteFile)),
            Some("/dev") => {
                let nodes = mounts::HARMLESS.iter().map(PathBuf::from).chain(plan.devices.iter().cloned());
                rules.extend(nodes.map(|path| (path, node)));
            }
            Some("/run") => {}
            Some("/sys") => rules
                .extend(entries("/sys").into_iter().filter(|path| !path.ends_with("kernel")).map(|path| (path, read))),
            _ => rules.push((entry, read)),
        }
    }
    if devices_are_private {
        rules.push(("/dev/shm".into(), everything));
    }
    rules.extend(plan.writable.iter().map(|folder| (folder.clone(), everything)));

    let ruleset = rules.into_iter().try_fold(ruleset, |ruleset, (path, access)| {
        // An entry that has gone, or that may not be opened, is one that need not be allowed.
        let Ok(descriptor) = PathFd::new(&path) else { return Ok(ruleset) };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(LEAST) };
        ruleset.add_rule(PathBeneath::new(descriptor, access)).map_err(|error| format!("{}: {error}", path.display()))
    })?;
    ruleset.restrict_self().map(|_| ()).map_err(|error| error.to_string())
}

fn entries(folder: &str) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}
