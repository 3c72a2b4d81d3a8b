//! The command's own view of `/proc`, `/dev`, `/run`, `/sys`: what it may see of devices, launchers and other processes.
//!
//! Runs in a mount namespace of its own (stage *init*). `/dev` is new and holds the harmless nodes and those asked for;
//! `/run` (launcher sockets) and configfs (TSM reports) are empty; `/proc` shows this process id namespace only; `/proc` and
//! `/sys` cannot be written, because a process with the user id of root may change the kernel there without a capability.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::symlink,
    },
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change, mount_remount},
};

/// Device nodes that every program may expect.
pub(super) const HARMLESS: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Hidden behind an empty folder, where they exist: launchers' sockets, TSM reports and EFI variables.
const HIDDEN: [&str; 4] = ["/run", "/var/run", "/sys/kernel/config", "/sys/firmware/efi/efivars"];

const NOTHING: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

/// Arranges them all; what fails leaves the namespace unusable as a confinement, and the caller does not count it as one.
pub(super) fn arrange(devices: &[&str]) -> io::Result<()> {
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    private_dev(devices)?;
    for path in HIDDEN {
        // A symbolic link leads to a folder that is hidden under its own name.
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
            mount("tmpfs", path, "tmpfs", NOTHING | MountFlags::RDONLY, Some(c"size=0,mode=555"))?;
        }
    }
    // A container that masks parts of /proc does not let it be mounted anew; the old one is then made read-only.
    if mount("proc", "/proc", "proc", NOTHING | MountFlags::RDONLY, None).is_err() {
        read_only("/proc")?;
    }
    if Path::new("/sys").exists() {
        read_only("/sys")?;
    }
    Ok(())
}

fn read_only(path: &str) -> io::Result<()> {
    rustix::mount::mount_bind_recursive(path, path)?;
    mount_remount(path, MountFlags::BIND | MountFlags::RDONLY | NOTHING, c"")?;
    Ok(())
}

fn private_dev(devices: &[&str]) -> io::Result<()> {
    // Opened before they are covered, and bound from their descriptors.
    let nodes: Vec<(&str, OwnedFd)> = HARMLESS
        .iter()
        .chain(devices)
        .map(|&path| Ok((path, rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)))
        .collect::<io::Result<_>>()?;
    mount("tmpfs", "/dev", "tmpfs", MountFlags::NOSUID | MountFlags::NOEXEC, Some(c"mode=755,size=64k"))?;
    for (path, node) in &nodes {
        if let Some(folder) = Path::new(path).parent() {
            fs::create_dir_all(folder)?;
        }
        File::create(path)?;
        mount_bind(format!("/proc/self/fd/{}", node.as_raw_fd()), *path)?;
    }
    for (target, link) in [
        ("/proc/self/fd", "/dev/fd"),
        ("/proc/self/fd/0", "/dev/stdin"),
        ("/proc/self/fd/1", "/dev/stdout"),
        ("/proc/self/fd/2", "/dev/stderr"),
    ] {
        symlink(target, link)?;
    }
    fs::create_dir("/dev/shm")?;
    mount("tmpfs", "/dev/shm", "tmpfs", NOTHING, Some(c"mode=1777"))?;
    mount_remount("/dev", MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NOEXEC, c"")?;
    Ok(())
}
