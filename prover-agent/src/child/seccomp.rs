//! System calls that the command may not make (seccomp(2)).
//!
//! No socket of any family unless the network is allowed: a network namespace holds back neither vsock nor a socket file,
//! and io_uring makes sockets without the call. Beside them what attacks a kernel or another process's memory: a prover
//! needs none of it. Calls under the numbers of the x32 ABI are the same calls.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// What the x32 ABI adds to a system call's number.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;

/// Sockets, and the ring that makes them without asking.
const NETWORK: &[i64] =
    &[libc::SYS_socket, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Other processes' memory, mounts, namespaces, and parts of the kernel that provers have no use for.
const ALWAYS: &[i64] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
];

/// `CLONE_NEWUSER`: a user namespace gives capabilities.
const NEW_USER_NAMESPACE: u64 = 0x1000_0000;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Applies the filters to this thread and all that it becomes or starts. Needs `no_new_privs`.
///
/// # Errors
/// What the kernel said, or that there is no filter for this architecture.
pub(super) fn apply(network: bool) -> Result<(), String> {
    let mut refused = Rules::new();
    for &call in ALWAYS.iter().chain(if network { &[] } else { NETWORK }) {
        insert(&mut refused, call, Vec::new());
    }
    let makes_user_namespace = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(NEW_USER_NAMESPACE),
        NEW_USER_NAMESPACE,
    )
    .and_then(|condition| SeccompRule::new(vec![condition]))
    .map_err(|error| error.to_string())?;
    insert(&mut refused, libc::SYS_clone, vec![makes_user_namespace]);
    install(refused, libc::EPERM)?;

    // clone3 hides its flags behind a pointer; without it, libraries fall back on clone.
    let mut unknown = Rules::new();
    insert(&mut unknown, libc::SYS_clone3, Vec::new());
    install(unknown, libc::ENOSYS)
}

fn insert(rules: &mut Rules, call: i64, when: Vec<SeccompRule>) {
    #[cfg(target_arch = "x86_64")]
    rules.insert(X32 | call, when.clone());
    rules.insert(call, when);
}

fn install(rules: Rules, errno: i32) -> Result<(), String> {
    let architecture = std::env::consts::ARCH.try_into().map_err(|_| "no filter for this architecture".to_owned())?;
    let refuse = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture);
    let program: BpfProgram =
        filter.and_then(TryInto::try_into).map_err(|error: seccompiler::BackendError| error.to_string())?;
    seccompiler::apply_filter(&program).map_err(|error| error.to_string())
}
