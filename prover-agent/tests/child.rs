//! Commands that do what they must not: each is run by the real shim, and shown refused or contained.
//!
//! A machine that has no namespaces or no Landlock says `skipped: …`, and there the report must not claim them either.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper that fails fails its test; a skipped test says so"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prooftrail_prover_agent::child::{Child, ChildError, Ended, Executable, Plan, Sandbox, Streams, WitnessChannel};

const SHIM: &str = env!("CARGO_BIN_EXE_prover-agent");
const LONG: Duration = Duration::from_secs(120);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Writes the witness.
type Witness = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

/// A shell script that runs in a folder of its own.
struct Script {
    folder: PathBuf,
    plan: Plan,
    streams: Streams,
    limit: Duration,
    witness: Witness,
    /// An agent runs one command, and ends whatever it finds below itself.
    _alone: MutexGuard<'static, ()>,
}

impl Script {
    fn new(name: &str, text: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("child-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let plan = Plan {
            argv: ["sh", "-c", text, "script"].map(str::to_owned).into(),
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            directory: folder.clone(),
            writable: vec![folder.clone()],
            devices: Vec::new(),
            network: false,
            witness: WitnessChannel::Stdin,
        };
        let streams = Streams { keep_stdout: 4096, forward_stderr: 0 };
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            folder,
            plan,
            streams,
            limit: LONG,
            witness: Box::new(|to| to.write_all(b"the witness\n")),
            _alone: alone,
        }
    }

    fn start(&self) -> Child {
        let shell = Executable::open("/bin/sh", "").unwrap();
        Child::start(SHIM, &shell, &self.plan, self.streams).unwrap()
    }

    fn run(self) -> Ran {
        let child = self.start();
        let enforced = child.enforced().to_vec();
        for missing in child.missing() {
            println!("skipped: {missing}");
        }
        let ended = child.run(self.witness, self.limit);
        Ran { folder: self.folder, enforced, ended }
    }
}

struct Ran {
    folder: PathBuf,
    enforced: Vec<Sandbox>,
    ended: Result<Ended, ChildError>,
}

impl Ran {
    fn has(&self, item: Sandbox) -> bool {
        self.enforced.contains(&item)
    }

    fn ended(&self) -> &Ended {
        self.ended.as_ref().unwrap()
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.ended().stdout.clone()).unwrap()
    }
}

#[test]
fn a_good_command_gets_its_witness_arguments_and_environment_and_nothing_else() {
    let mut script = Script::new("good", "cat > proof; echo \"$0 $1 $#\"; env; exit 3");
    script.plan.argv.push("an argument".into());
    script.plan.environment.insert("SHOWN".into(), "yes".into());
    let ran = script.run();
    assert_eq!(ran.ended().exit, 3);
    assert_eq!(fs::read_to_string(ran.folder.join("proof")).unwrap(), "the witness\n");
    let stdout = ran.stdout();
    assert!(stdout.starts_with("script an argument 1\n"), "{stdout}");
    let mut names: Vec<_> = stdout.lines().skip(1).filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    // The shell sets PWD, and dash OLDPWD; bash adds SHLVL and _.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    assert_eq!(names, ["PATH", "SHOWN"]);
    println!("enforced: {:?}", ran.enforced);
    assert!(ran.has(Sandbox::NoNewPrivs) && ran.has(Sandbox::NoCapabilities), "needs no privilege: {:?}", ran.enforced);
}

#[test]
fn a_witness_in_memory_is_a_sealed_file_at_its_placeholder() {
    let mut script = Script::new("memfd", "cat \"$1\"; echo no > \"$1\" || echo sealed; read line || echo no stdin");
    script.plan.argv.push("{witness}".into());
    script.plan.witness = WitnessChannel::Memfd;
    let ran = script.run();
    assert_eq!(ran.stdout(), "the witness\nsealed\nno stdin\n");
}

#[test]
fn half_a_witness_kills_the_command() {
    let mut script = Script::new("half", "cat > proof; sync; echo done");
    script.witness = Box::new(|to| to.write_all(b"half").and(Err(io::Error::other("damaged"))));
    assert!(matches!(script.run().ended, Err(ChildError::Witness(_))));
}

#[test]
fn a_program_that_cannot_be_executed_is_said_to_be_so() {
    let mut script = Script::new("not-executed", "true");
    script.plan.argv[0] = "x".repeat(200_000);
    assert!(matches!(script.run().ended, Err(ChildError::NotExecuted(_))));
}

#[test]
fn a_stage_that_fails_says_why() {
    let mut script = Script::new("no-folder", "true");
    script.plan.directory.push("not there");
    let shell = Executable::open("/bin/sh", "").unwrap();
    let failed = Child::start(SHIM, &shell, &script.plan, script.streams).unwrap_err();
    assert!(matches!(&failed, ChildError::NotConfined(why) if why.to_string().contains("No such file")), "{failed}");
}

#[test]
fn what_it_prints_is_counted_and_not_kept() {
    let mut script = Script::new("prints", "cat; head -c 2000000000 /dev/zero; echo to errors >&2");
    script.streams.keep_stdout = 0;
    let ran = script.run();
    assert_eq!(ran.ended().stdout, b"");
    assert_eq!((ran.ended().stdout_bytes, ran.ended().stderr_bytes), (2_000_000_012, 10));
}

#[test]
fn a_command_that_does_not_end_is_ended() {
    let mut script = Script::new("endless", "trap '' TERM INT HUP; while :; do sleep 1; done");
    script.limit = Duration::from_millis(300);
    let ran = script.run();
    assert!(ran.ended().timed_out);
    assert_eq!(ran.ended().exit, 137);
}

#[test]
fn a_command_that_never_reads_does_not_hold_the_witness_up() {
    let mut script = Script::new("deaf", "sleep 60");
    script.limit = Duration::from_millis(300);
    script.witness = Box::new(|to| (0..10_000).try_for_each(|_| to.write_all(&[0; 1 << 16])));
    let ran = script.run();
    assert!(ran.ended().timed_out);
}

#[test]
fn nothing_outlives_the_command() {
    let beat = "while :; do date +%s%N > beat; sleep 0.02; done";
    for (name, text, limit) in [
        ("daemon", format!("(setsid sh -c '{beat}' > /dev/null 2>&1 < /dev/null &) & sleep 0.3"), LONG),
        ("daemon-at-timeout", format!("(setsid sh -c '{beat}' &) & sleep 60"), Duration::from_millis(400)),
    ] {
        let mut script = Script::new(name, &text);
        script.limit = limit;
        let ran = script.run();
        ran.ended();
        let last = fs::read(ran.folder.join("beat")).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(fs::read(ran.folder.join("beat")).unwrap(), last, "{name} is still alive");
    }
}

#[test]
fn the_agent_cannot_be_seen_read_or_killed() {
    let agent = std::process::id();
    let ran = Script::new(
        "agent",
        &format!(
            "head -c 1 /proc/{agent}/mem && echo read; ls /proc/{agent}/fd && echo listed; kill -9 {agent} && echo killed; \
             ls -d /proc/[0-9]* | wc -l; exit 0"
        ),
    )
    .run();
    if !ran.has(Sandbox::PidNamespace) {
        println!("skipped: no process id namespace here");
        return;
    }
    // Process 1, this shell, and ls and wc.
    assert!(["3\n", "4\n"].contains(&ran.stdout().as_str()), "{}", ran.stdout());
}

#[test]
fn devices_are_the_harmless_ones() {
    let ran = Script::new(
        "devices",
        "ls /dev; cat /dev/kmsg; ls /run /sys/kernel/config; echo x > /dev/nsm; head -c 1 /dev/zero | wc -c",
    )
    .run();
    if !ran.has(Sandbox::NoDevices) {
        println!("skipped: devices cannot be withheld here");
        return;
    }
    // Without a mount namespace the folder is what it was, and may not be listed.
    let expected = "fd\nfull\nnull\nrandom\nshm\nstderr\nstdin\nstdout\nurandom\nzero\n";
    let stdout = ran.stdout();
    let shown: Vec<_> = stdout.strip_prefix(expected).unwrap_or(&stdout).lines().collect();
    assert_eq!(shown.last(), Some(&"1"), "{stdout}");
    assert!(shown.iter().all(|line| line.is_empty() || line.ends_with(':') || *line == "1"), "{stdout}");
}

#[test]
fn files_are_written_where_it_was_said_and_nowhere_else() {
    let ran = Script::new(
        "files",
        "echo in > in; for to in ../out /tmp/prover-agent-out /proc/sys/kernel/core_pattern /dev/null/x; do \
         (echo out > $to) 2> /dev/null && echo wrote $to; done; : > \"$0\" 2> /dev/null; \
         (: > /bin/sh) 2> /dev/null && echo truncated; exit 0",
    )
    .run();
    if !ran.has(Sandbox::RestrictedFiles) {
        println!("skipped: no Landlock here");
        return;
    }
    assert_eq!(ran.stdout(), "");
    assert_eq!(fs::read_to_string(ran.folder.join("in")).unwrap(), "in\n");
}

#[test]
fn no_privilege_comes_back() {
    let ran = Script::new(
        "privileges",
        "grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'; ulimit -c; \
         unshare -r true && echo unshared; unshare -n true && echo unshared; mount -t tmpfs x . && echo mounted; \
         chroot / true && echo chrooted; exit 0",
    )
    .run();
    let none = "0000000000000000";
    let expected = format!("CapPrm:{none}\nCapEff:{none}\nCapBnd:{none}\nCapAmb:{none}\nNoNewPrivs:1\nSeccomp:2\n");
    let stdout = ran.stdout();
    assert!(stdout.starts_with("Cap") && stdout.contains(&expected[..44]), "{stdout}");
    assert!(!stdout.contains("unshared") && !stdout.contains("mounted") && !stdout.contains("chrooted"), "{stdout}");
    assert!(stdout.contains("NoNewPrivs:1\nSeccomp:2\n"), "{stdout}");
    if ran.enforced.len() == Sandbox::ALL.len() {
        assert!(stdout.starts_with(&expected), "{stdout}");
    }
}
