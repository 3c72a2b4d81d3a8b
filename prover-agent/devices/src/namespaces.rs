//! Leaving the namespaces of the parent: unshare(2).
//!
//! It is `unsafe` in rustix because of `CLONE_FILES`, which pulls descriptors from under other threads; the type here
//! cannot say `CLONE_FILES`.

use std::io;

use rustix::thread::UnshareFlags;

/// Namespaces to leave. The process id namespace takes effect for children only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Namespaces {
    /// With a user namespace of its own, an unprivileged process may leave the others as well.
    pub user: bool,
    /// No interface but a loopback that is down.
    pub network: bool,
    /// Process ids of its own; the first child is process 1, and with it all others die.
    pub process: bool,
    /// A table of mounts of its own.
    pub mount: bool,
}

/// Leaves `which` namespaces (and, with the mounts, System V IPC and the host name) for new ones.
///
/// # Errors
/// The kernel's: `EPERM` where namespaces are not for this user, `EINVAL` in a process with threads.
pub fn unshare(which: Namespaces) -> io::Result<()> {
    let mut flags = UnshareFlags::empty();
    flags.set(UnshareFlags::NEWUSER, which.user);
    flags.set(UnshareFlags::NEWNET, which.network);
    flags.set(UnshareFlags::NEWPID, which.process);
    flags.set(UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS, which.mount);
    // SAFETY: without `UnshareFlags::FILES`, no thread loses a descriptor that it was promised.
    #[expect(unsafe_code, reason = "see SAFETY above")]
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(io::Error::from)
}
