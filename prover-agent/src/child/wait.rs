//! Waiting for processes, and ending every one that is left.

use std::{fs, io};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus},
};

/// The exit status as a shell would give it: the code, or 128 and the signal.
pub(super) fn exit_code(status: WaitStatus) -> i32 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 255,
    }
}

/// Reaps children, orphans that were handed to us included, until `process` has ended.
pub(super) fn reap_until(process: Pid) -> io::Result<WaitStatus> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if ended == process => return Ok(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Kills and reaps all children of this process, and what is handed to it meanwhile, until none is left.
///
/// With a process id namespace the kernel has done it already; this is for machines that have none. A process is a child
/// of ours because we are a subreaper, so one that hides behind a dead parent is found in the next round.
pub(super) fn kill_all_children() {
    // Each round kills at least every child that was seen; a fork bomb that outruns this many rounds is the machine's end.
    for _ in 0..1000 {
        for child in children() {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(child, Signal::KILL);
        }
        match rustix::process::wait(WaitOptions::NOHANG) {
            Err(Errno::CHILD) => return,
            Ok(None) => std::thread::sleep(std::time::Duration::from_millis(2)),
            _ => {}
        }
    }
}

fn children() -> Vec<Pid> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| pid.parse().ok()).filter_map(Pid::from_raw).collect::<Vec<_>>()
        })
        .collect()
}
