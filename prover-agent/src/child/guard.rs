//! The agent's side of the child: start it confined, let it go, watch it, end it.
//!
//! Everything runs on the caller's thread but the copying of the three streams. The child dies with the *thread* that
//! started it (that is how `PR_SET_PDEATHSIG` counts), so [`Child::start`] belongs on a thread that lasts: the main one.

use std::{
    fs::File,
    io::{self, PipeWriter, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use thiserror::Error;

use super::{
    Executable, Sandbox,
    control::{self, Answer, Plan, Report, WitnessChannel},
    feed, shim, wait,
};

/// The shim confines itself in milliseconds; on a machine that is swamped, in seconds.
const CONFINE_WITHIN: Duration = Duration::from_secs(30);

/// How often a running child is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Why there is no child, or none any more.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChildError {
    /// The machine.
    #[error("cannot run the command: {0}")]
    Io(#[from] io::Error),
    /// The shim could not do its work, or ended before it reported.
    #[error("the command could not be confined: {0}")]
    NotConfined(io::Error),
    /// The program could not be executed.
    #[error("the command could not be executed: {0}")]
    NotExecuted(String),
    /// The witness could not be read to its end; the command was killed.
    #[error("the witness could not be opened: {0}")]
    Witness(io::Error),
}

/// What becomes of the two output streams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Streams {
    /// This many bytes of standard output are kept; the rest is counted and dropped.
    pub keep_stdout: usize,
    /// This many bytes of standard error are passed on to ours; the rest is counted and dropped.
    pub forward_stderr: usize,
}

/// How the command ended.
#[derive(Debug, Eq, PartialEq)]
pub struct Ended {
    /// Its exit status, or 128 and the signal.
    pub exit: i32,
    /// Its time ran out.
    pub timed_out: bool,
    /// What was kept of standard output.
    pub stdout: Vec<u8>,
    /// How much there was.
    pub stdout_bytes: u64,
    /// How much there was on standard error.
    pub stderr_bytes: u64,
}

/// A confined child that waits for the word, or runs.
#[derive(Debug)]
pub struct Child {
    tree: Tree,
    control: UnixStream,
    enforced: Vec<Sandbox>,
    missing: Vec<String>,
    witness: Feed,
    stdout: JoinHandle<io::Result<(Vec<u8>, u64)>>,
    stderr: JoinHandle<io::Result<u64>>,
}

#[derive(Debug)]
enum Feed {
    Pipe(PipeWriter),
    Memory(File),
}

/// A feeder's outcome. The pipe of a failed one stays open, because its end would look like the witness's end.
type Fed = (io::Result<()>, Option<PipeWriter>);

impl Child {
    /// Starts the shim for `program` and waits until it is confined. `shim` is this program's own file
    /// (`/proc/self/exe`), whose `main` runs [`shim::main`] when asked for [`shim::SUBCOMMAND`].
    ///
    /// # Errors
    /// The machine refused; the shim died.
    pub fn start(shim: &str, program: &Executable, plan: &Plan, streams: Streams) -> Result<Self, ChildError> {
        // What the command leaves behind comes to us, where there is no process id namespace to end it.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(io::Error::from)?;
        let (control, theirs) = UnixStream::pair()?;
        let (stdout, stdout_end) = io::pipe()?;
        let (stderr, stderr_end) = io::pipe()?;
        let (stdin_end, witness, memory): (OwnedFd, _, _) = match plan.witness {
            WitnessChannel::Stdin => {
                let (reader, writer) = io::pipe()?;
                (reader.into(), Feed::Pipe(writer), None)
            }
            WitnessChannel::Memfd => {
                let memory = feed::memory_file()?;
                // A descriptor of its own, which cannot write.
                let theirs = feed::reopen(&memory)?;
                (File::open("/dev/null")?.into(), Feed::Memory(memory), Some(theirs.into()))
            }
        };
        let outer = Command::new(shim)
            .args([shim::SUBCOMMAND, "outer", if plan.network { "network" } else { "alone" }])
            .args(&plan.devices)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut tree = Tree { outer, ends_by_itself: false };
        let mut descriptors: Vec<OwnedFd> =
            vec![program.file().try_clone()?.into(), stdin_end, stdout_end.into(), stderr_end.into()];
        descriptors.extend(memory);
        control.set_read_timeout(Some(CONFINE_WITHIN))?;
        let exchange = || -> io::Result<Report> {
            control::send_with(&control, plan, &descriptors.iter().collect::<Vec<_>>())?;
            control::receive::<Answer>(&control)?.map_err(io::Error::other)
        };
        let report = exchange().map_err(ChildError::NotConfined)?;
        drop(descriptors);
        tree.ends_by_itself = report.enforced.contains(&Sandbox::PidNamespace);
        Ok(Self {
            tree,
            control,
            enforced: report.enforced,
            missing: report.missing,
            witness,
            stdout: thread::spawn(move || feed::keep(stdout, streams.keep_stdout)),
            stderr: thread::spawn(move || feed::forward(stderr, streams.forward_stderr)),
        })
    }

    /// What is in force, sorted.
    #[must_use]
    pub fn enforced(&self) -> &[Sandbox] {
        &self.enforced
    }

    /// What is not, and why.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Lets the command run on what `witness` writes, for no longer than `limit`, and waits for its end. Nothing of it is
    /// left when this returns.
    ///
    /// `witness` runs on a thread of its own. When it fails, the command is killed: it must not finish on half a witness.
    /// A command that stops reading does not stop `witness`, which may have to see the file's end.
    ///
    /// # Errors
    /// The witness failed; the program could not be executed; the machine refused.
    pub fn run<W>(self, witness: W, limit: Duration) -> Result<Ended, ChildError>
    where
        W: FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    {
        let Self { mut tree, control, witness: channel, stdout, stderr, .. } = self;
        let stop = Arc::new(AtomicBool::new(false));
        let feeder = match channel {
            Feed::Pipe(pipe) => {
                (&control).write_all(b"go")?;
                let stop = Arc::clone(&stop);
                thread::spawn(move || feed::pipe(pipe, &stop, witness))
            }
            Feed::Memory(memory) => {
                // The whole witness is there, sealed, before the command starts.
                feed::memory(memory, witness).map_err(ChildError::Witness)?;
                (&control).write_all(b"go")?;
                thread::spawn(|| (Ok(()), None))
            }
        };
        let watched = watch(&mut tree, feeder, limit, &stop);
        tree.end();
        let (exit, timed_out) = watched?;
        // The socket ends without a word when the program was executed.
        if let Ok(Err(why)) = control::receive::<Answer>(&control) {
            return Err(ChildError::NotExecuted(why));
        }
        let died = |_| io::Error::other("a stream's thread died");
        let (stdout, stdout_bytes) = stdout.join().map_err(died)??;
        let stderr_bytes = stderr.join().map_err(died)??;
        Ok(Ended { exit, timed_out, stdout, stdout_bytes, stderr_bytes })
    }
}

/// Waits for the child's end, and brings it about when time or the witness runs out.
#[expect(clippy::disallowed_methods, reason = "the edge: a running process is measured by the clock")]
fn watch(
    tree: &mut Tree,
    feeder: JoinHandle<Fed>,
    limit: Duration,
    stop: &AtomicBool,
) -> Result<(i32, bool), ChildError> {
    let started = Instant::now();
    let mut feeder = Some(feeder);
    let join = |feeder: JoinHandle<Fed>| feeder.join().map_err(|_| io::Error::other("the witness's thread died"));
    loop {
        if let Some(done) = feeder.take_if(|feeder| feeder.is_finished()) {
            let (fed, open_end) = join(done)?;
            if let Err(error) = fed {
                tree.end();
                drop(open_end);
                return Err(ChildError::Witness(error));
            }
        }
        let status = tree.outer.try_wait()?;
        let timed_out = status.is_none() && started.elapsed() >= limit;
        if timed_out {
            stop.store(true, Ordering::Relaxed);
            // All of it: whatever holds the reading end would hold the writer up.
            tree.end();
            // The writer fails on the closed pipe, or on the flag; either way time, and not the witness, ran out.
            feeder.take().map(join).transpose()?;
            return Ok((128 + rustix::process::Signal::KILL.as_raw(), true));
        }
        if let Some(status) = status {
            tree.end();
            if let Some((Err(error), _)) = feeder.take().map(join).transpose()? {
                return Err(ChildError::Witness(error));
            }
            return Ok((status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(255), false));
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The processes of the child, gone when this is dropped.
#[derive(Debug)]
struct Tree {
    outer: std::process::Child,
    /// A process id namespace dies with its first process.
    ends_by_itself: bool,
}

impl Tree {
    fn end(&mut self) {
        // It may have ended, and been waited for, already.
        let _ = self.outer.kill();
        let _ = self.outer.wait();
        if !self.ends_by_itself {
            wait::kill_all_children();
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.end();
    }
}
