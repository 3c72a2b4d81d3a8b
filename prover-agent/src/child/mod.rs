//! The command, confined: what goes in is a program, its arguments and a witness, what comes out are exit status and files.
//!
//! The agent starts itself again as a *shim* (three short-lived stages, [`shim`]), which leaves the namespaces, confines
//! itself by system calls that Rust can check, and becomes the command by exec. Nothing runs between fork and exec, so
//! nothing here is `unsafe`. The shim reports what it *really* enforced before the command starts, so that the statement
//! the hardware signs lists facts and not intentions; only then is the witness asked for, and the command let go.

mod confine;
mod control;
mod executable;
mod feed;
mod files;
mod guard;
mod mounts;
mod sandbox;
mod seccomp;
pub mod shim;
mod wait;

pub use self::{
    control::{Answer, Plan, Report, WitnessChannel, read_message},
    executable::{Executable, ExecutableError},
    guard::{Child, ChildError, Ended, Streams},
    sandbox::Sandbox,
};
