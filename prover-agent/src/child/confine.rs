//! The last stage confines itself, and says what is in force: each item is tried out after it was applied, where trying is
//! possible, so that the statement lists facts.

use std::{fs, io, net::UdpSocket, os::unix::net::UnixDatagram};

use rustix::{
    process::{Resource, Rlimit},
    thread::{CapabilitySet, CapabilitySets},
};

use super::{
    Sandbox,
    control::{Plan, Report},
    files, seccomp,
    shim::Surroundings,
};

/// Applies all that the kernel grants.
pub(super) fn confine(plan: &Plan, surroundings: Surroundings) -> Report {
    let mut report = Report { enforced: Vec::new(), missing: Vec::new() };
    let mut note = |item: Sandbox, outcome: Result<(), String>| {
        match outcome {
            Ok(()) => report.enforced.push(item),
            Err(why) => report.missing.push(format!("{}: {why}", item.name())),
        }
        report.enforced.contains(&item)
    };

    note(Sandbox::NoCore, no_core());
    note(Sandbox::PidNamespace, pid_namespace(surroundings));
    let may_filter = note(Sandbox::NoNewPrivs, no_new_privs());
    let unprivileged = || Err("needs no_new_privs".to_owned());
    let restricts_files = note(
        Sandbox::RestrictedFiles,
        if may_filter { files::restrict(plan, surroundings.devices) } else { unprivileged() },
    );
    let no_devices = if surroundings.devices || restricts_files {
        Ok(())
    } else {
        Err("neither a mount namespace nor Landlock".to_owned())
    };
    note(Sandbox::NoDevices, no_devices);
    note(Sandbox::NoCapabilities, no_capabilities());
    // The filter stands in any case; the item is about the network.
    let filtered = if may_filter { seccomp::apply(plan.network) } else { unprivileged() };
    let no_network = match (plan.network, filtered) {
        (true, _) => Err("the network was asked for".to_owned()),
        (false, Err(why)) => Err(why),
        (false, Ok(())) => no_socket(),
    };
    note(Sandbox::NoNetwork, no_network);
    report.enforced.sort_unstable();
    report
}

fn text(error: impl Into<io::Error>) -> String {
    error.into().to_string()
}

/// One byte, not none: the kernel hands the core to a handler in spite of a limit of 0, but never with a limit of 1
/// (fs/coredump.c), which is too small for a file as well.
fn no_core() -> Result<(), String> {
    let limit = Rlimit { current: Some(1), maximum: Some(1) };
    rustix::process::setrlimit(Resource::Core, limit).map_err(text)?;
    if rustix::process::getrlimit(Resource::Core) != limit {
        return Err("the limit did not hold".to_owned());
    }
    match fs::read("/proc/sys/kernel/core_pattern") {
        Ok(pattern) if pattern.starts_with(b"@") => Err("cores go to a socket, whatever the limit".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("core_pattern: {error}")),
    }
}

fn pid_namespace(surroundings: Surroundings) -> Result<(), String> {
    // Started by process 1, the stage before.
    let is_second = rustix::process::getppid() == Some(rustix::process::Pid::INIT);
    if surroundings.processes && is_second { Ok(()) } else { Err("the kernel gave none".to_owned()) }
}

fn no_new_privs() -> Result<(), String> {
    rustix::thread::set_no_new_privs(true).map_err(text)?;
    if rustix::thread::no_new_privs().map_err(text)? { Ok(()) } else { Err("it did not hold".to_owned()) }
}

fn no_capabilities() -> Result<(), String> {
    let none = CapabilitySet::empty();
    // What the kernel does not know is not in the bounding set; what we may not drop cannot be gained for want of it.
    for bit in 0..64_u32 {
        let _ = rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit));
    }
    let _ = rustix::thread::clear_ambient_capability_set();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .map_err(text)?;
    let held = rustix::thread::capabilities(None).map_err(text)?;
    if held.permitted.is_empty() && held.effective.is_empty() { Ok(()) } else { Err("some are left".to_owned()) }
}

fn no_socket() -> Result<(), String> {
    let refused = |outcome: io::Result<()>| outcome.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    let inet = refused(UdpSocket::bind("127.0.0.1:0").map(|_| ()));
    let local = refused(UnixDatagram::unbound().map(|_| ()));
    if inet && local { Ok(()) } else { Err("a socket could be made".to_owned()) }
}
