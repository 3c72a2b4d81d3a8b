//! The three stages between the agent and the command, each this program started again.
//!
//! 1. *outer* leaves the namespaces (as far as the kernel lets it) and starts
//! 2. *init*, process 1 of the new process id namespace, which arranges the mounts, starts the next stage, reaps, and ends
//!    when the command has: the kernel then kills whatever is left in the namespace;
//! 3. *inner* receives the plan, confines itself, reports, waits for the word, and becomes the command.
//!
//! Each stage dies with its parent (`PR_SET_PDEATHSIG`), so that a killed agent leaves nothing behind. Standard input of
//! every stage is the control socket (the module `control` beside this one); nothing is said on standard output or error.

use std::{
    convert::Infallible,
    fs::{self, File},
    io::{self, Read},
    os::{fd::AsFd, fd::AsRawFd, fd::OwnedFd, unix::net::UnixStream, unix::process::CommandExt},
    process::{Command, ExitCode},
};

use prooftrail_devices::namespaces::{Namespaces, unshare};
use rustix::{
    process::{Pid, Signal},
    thread::CapabilitySet,
};

use super::{
    confine,
    control::{self, Answer, Plan, WitnessChannel},
    mounts, wait,
};

/// The hidden subcommand that starts a stage.
pub const SUBCOMMAND: &str = "child-shim";

/// The status with which a stage ends that could not do its work; the reason went to the agent.
const FAILED: u8 = 125;

/// What placeholder in an argument stands for the witness's memory file.
pub const WITNESS_PLACEHOLDER: &str = "{witness}";

/// Which namespaces a stage found itself in, told to the next in its arguments.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Surroundings {
    /// Its process ids are its own.
    pub(super) processes: bool,
    /// Its mounts are its own.
    pub(super) mounts: bool,
    /// Its `/dev`, `/run` and configfs were replaced.
    pub(super) devices: bool,
}

impl Surroundings {
    fn to_text(self) -> String {
        [(self.processes, 'p'), (self.mounts, 'm'), (self.devices, 'd')]
            .into_iter()
            .filter_map(|(is, letter)| is.then_some(letter))
            .collect()
    }

    fn from_text(text: &str) -> Self {
        Self { processes: text.contains('p'), mounts: text.contains('m'), devices: text.contains('d') }
    }
}

/// Runs the stage that `arguments` (all after [`SUBCOMMAND`]) name.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments.as_slice() {
        ["outer", network @ ("network" | "alone"), devices @ ..] => outer(*network == "network", devices),
        ["init", surroundings, devices @ ..] => init(Surroundings::from_text(surroundings), devices),
        ["inner", surroundings] => inner(Surroundings::from_text(surroundings)),
        _ => Err(io::Error::other("not started by the agent")),
    };
    match ended {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(FAILED)),
        Err(error) => {
            // A stage that has let go of the socket has nobody to tell.
            let _ = control_socket().and_then(|control| tell_the_agent(&control, &error));
            ExitCode::from(FAILED)
        }
    }
}

fn outer(network: bool, devices: &[&str]) -> io::Result<i32> {
    die_with_parent()?;
    // No terminal to push characters into. A session leader already is as good.
    let _ = rustix::process::setsid();
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let all = Namespaces { user: true, network: !network, process: true, mount: true };
    // In a user namespace first, whose capabilities end at its border; then as root without; then without any.
    let has_namespaces = if may_map(user)? && unshare(all).is_ok() {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
        true
    } else {
        unshare(Namespaces { user: false, ..all }).is_ok()
    };
    // Changing the user namespace may have cleared it.
    die_with_parent()?;
    let surroundings = Surroundings { processes: has_namespaces, mounts: has_namespaces, devices: false };
    let nothing = nothing()?;
    let init = next_stage(&["init", &surroundings.to_text()]).args(devices).spawn()?;
    let_go_of_the_socket(&nothing)?;
    Ok(wait::exit_code(wait::reap_until(pid_of(init.id())?)?))
}

fn init(mut surroundings: Surroundings, devices: &[&str]) -> io::Result<i32> {
    die_with_parent()?;
    // Orphans of the command come to this process, to be reaped and killed, where it is not process 1 as well.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let nothing = nothing()?;
    // The plan is for the last stage; only the names of devices matter here, and they are no secret.
    if surroundings.mounts {
        surroundings.devices = mounts::arrange(devices).is_ok();
    }
    let inner = next_stage(&["inner", &surroundings.to_text()]).spawn()?;
    let_go_of_the_socket(&nothing)?;
    let ended = wait::reap_until(pid_of(inner.id())?)?;
    wait::kill_all_children();
    Ok(wait::exit_code(ended))
}

fn inner(surroundings: Surroundings) -> io::Result<i32> {
    let control = control_socket()?;
    let Err(error) = become_the_command(&control, surroundings);
    // By the socket's own descriptor: standard input may be the witness by now.
    tell_the_agent(&control, &error)?;
    Ok(FAILED.into())
}

fn become_the_command(control: &UnixStream, surroundings: Surroundings) -> io::Result<Infallible> {
    die_with_parent()?;
    let (plan, descriptors): (Plan, Vec<OwnedFd>) = control::receive_with(control)?;
    let mut descriptors = descriptors.into_iter();
    let (Some(program), Some(stdin), Some(stdout), Some(stderr)) =
        (descriptors.next(), descriptors.next(), descriptors.next(), descriptors.next())
    else {
        return Err(io::Error::other("too few descriptors"));
    };
    let memory = descriptors.next();
    std::env::set_current_dir(&plan.directory)?;
    control::send(control, &Answer::Ok(confine::confine(&plan, surroundings)))?;

    // The agent asks the service now. When it dies or gives up, the socket closes and so does this process.
    let mut word = [0; 2];
    (&mut &*control).read_exact(&mut word)?;
    if &word != b"go" {
        return Err(io::Error::other("another word than go"));
    }
    rustix::stdio::dup2_stdin(&stdin)?;
    rustix::stdio::dup2_stdout(&stdout)?;
    rustix::stdio::dup2_stderr(&stderr)?;
    let witness = match (plan.witness, &memory) {
        (WitnessChannel::Memfd, Some(memory)) => {
            rustix::io::fcntl_setfd(memory, rustix::io::FdFlags::empty())?;
            format!("/proc/self/fd/{}", memory.as_raw_fd())
        }
        _ => String::new(),
    };
    let mut argv = plan.argv.iter().map(|argument| argument.replace(WITNESS_PLACEHOLDER, &witness));
    Err(Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
        .arg0(argv.next().unwrap_or_default())
        .args(argv)
        .env_clear()
        .envs(&plan.environment)
        .exec())
}

fn next_stage(arguments: &[&str]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    // Standard output and error are the agent's choice for the first stage: /dev/null.
    command.arg(SUBCOMMAND).args(arguments).env_clear();
    command
}

fn control_socket() -> io::Result<UnixStream> {
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

fn tell_the_agent(control: &UnixStream, error: &io::Error) -> io::Result<()> {
    control::send(control, &Answer::Err(error.to_string()))
}

/// To be opened before the next stage starts: from then on `/dev` is being rearranged, for this process as well.
fn nothing() -> io::Result<File> {
    File::open("/dev/null")
}

/// Only the last stage holds the control socket, so that its end is the end.
fn let_go_of_the_socket(nothing: &File) -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdin(nothing)?)
}

/// Whether `user` may become root of a user namespace of its own: root itself only with a capability for it, which a
/// container may lack (user_namespaces(7), since Linux 5.12). Without the mapping nothing could be mounted.
fn may_map(user: u32) -> io::Result<bool> {
    Ok(user != 0 || rustix::thread::capabilities(None)?.effective.contains(CapabilitySet::SETFCAP))
}

fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

fn pid_of(id: u32) -> io::Result<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no process"))
}

#[cfg(test)]
mod tests {
    use super::Surroundings;

    #[test]
    fn surroundings_survive_their_text() {
        for bits in 0..8 {
            let these = Surroundings { processes: bits & 1 != 0, mounts: bits & 2 != 0, devices: bits & 4 != 0 };
            assert_eq!(Surroundings::from_text(&these.to_text()), these);
        }
    }
}
