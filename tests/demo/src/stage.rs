//! The stage: the folder where everything stands, and the processes that run in it. In: a command line and the exit status
//! that it must end with; out: what it printed. Nothing of the caller's environment reaches a process.

use std::{
    env,
    fs::{self, File, Permissions},
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::narrator::{Narrator, quoted, shortened};

/// The names under which this program is another one.
pub(crate) const PROOFTRAIL: &str = "prooftrail";
pub(crate) const AGENT: &str = "prover-agent";
pub(crate) const PROVER: &str = "solvency-prover";

/// The stage.
pub(crate) struct Stage {
    pub(crate) narrator: Narrator,
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

/// A command line.
pub(crate) struct Line<'a> {
    stage: &'a Stage,
    words: Vec<String>,
    variables: Vec<(&'static str, &'static str)>,
    folder: &'static str,
    input: Option<&'static str>,
    status: i32,
}

/// What a command printed to standard output.
pub(crate) struct Printed(pub(crate) String);

impl Stage {
    /// Clears the folder, and puts the programs there.
    #[expect(clippy::disallowed_methods, reason = "the edge: where cargo builds")]
    pub(crate) fn set() -> anyhow::Result<Self> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        let folder = env::current_dir()?.join(target).join("demo");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        let programs = folder.join("bin");
        fs::create_dir_all(&programs).with_context(|| format!("cannot make {}", programs.display()))?;
        let ourselves = env::current_exe()?;
        symlink(&ourselves, programs.join(PROOFTRAIL))?;
        symlink(&ourselves, programs.join(AGENT))?;
        // What an agent runs must be writable by nobody else, which cargo leaves to the umask.
        fs::copy(&ourselves, programs.join(PROVER))?;
        fs::set_permissions(programs.join(PROVER), Permissions::from_mode(0o755))?;
        let narrator = Narrator::new(&folder.join("transcript.txt"))?;
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
        Ok(Self { narrator, folder, variables: vec![("PATH", path)] })
    }

    /// Sets a variable for every process that starts from now on.
    pub(crate) fn export(&mut self, name: &'static str, value: &str) {
        self.variables.push((name, value.to_owned()));
    }

    /// Where `name` is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        fs::write(self.path(name), bytes).with_context(|| format!("cannot write {name}"))
    }

    /// Writes a file that is nobody else's business.
    pub(crate) fn write_secret(&self, name: &str, text: &str) -> anyhow::Result<()> {
        self.write(name, "")?;
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600))?;
        self.write(name, text)
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        fs::read(self.path(name)).with_context(|| format!("cannot read {name}"))
    }

    /// A folder to prove in, as the first one: nothing stands where the proof will.
    pub(crate) fn provers_folder(&self, name: &str) -> anyhow::Result<()> {
        self.make_folder(&format!("{name}/proof"))?;
        for key in ["proving.key", "verification_key.json"] {
            fs::copy(self.path(key), self.path(name).join(key))?;
        }
        Ok(())
    }

    /// Makes a folder.
    pub(crate) fn make_folder(&self, name: &str) -> anyhow::Result<()> {
        fs::create_dir_all(self.path(name)).with_context(|| format!("cannot make {name}"))
    }

    /// A word as it would be typed: what a variable stands for by the variable's name.
    fn typed(&self, word: &str) -> String {
        let known = self.variables.iter().filter(|(name, _)| *name != "PATH");
        let named = known.fold(word.to_owned(), |word, (name, value)| word.replace(value, &format!("${name}")));
        if named == word { quoted(word) } else { format!("\"{named}\"") }
    }

    /// A process that is not started yet.
    pub(crate) fn process(&self, program: &str) -> Command {
        let mut process = Command::new(self.path("bin").join(program));
        process.arg0(program).current_dir(&self.folder).env_clear().envs(self.variables.iter().cloned());
        process
    }

    /// A command line that must end well.
    pub(crate) fn line(&self, words: &[&str]) -> Line<'_> {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        Line { stage: self, words, variables: Vec::new(), folder: "", input: None, status: 0 }
    }
}

impl Line<'_> {
    /// Further words.
    pub(crate) fn and(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|&word| word.to_owned()));
        self
    }

    /// With a variable.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// In a folder below the stage's.
    pub(crate) fn within(self, folder: &'static str) -> Self {
        Self { folder, ..self }
    }

    /// With a file on standard input.
    pub(crate) fn reading(self, input: &'static str) -> Self {
        Self { input: Some(input), ..self }
    }

    /// It must end with this status.
    pub(crate) fn ends_with(self, status: i32) -> Self {
        Self { status, ..self }
    }

    /// Shows it, runs it, and shows what it prints.
    pub(crate) fn run(self) -> anyhow::Result<Printed> {
        let narrator = &self.stage.narrator;
        let printed = self.quietly()?;
        narrator.output(&shortened(printed.0.trim_end()));
        Ok(printed)
    }

    /// Shows it, runs it, and tells the events that it prints as JSON lines, but for those that are not worth telling.
    pub(crate) fn run_agent(self, untold: &[&str]) -> anyhow::Result<Vec<Value>> {
        let narrator = &self.stage.narrator;
        let Printed(text) = self.quietly()?;
        let events = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
        for event in
            events.iter().filter(|event| !untold.iter().any(|name| event.get("event").is_some_and(|e| e == name)))
        {
            narrator.output(&told(event));
        }
        Ok(events)
    }

    /// Shows it, runs it, and keeps what it prints.
    pub(crate) fn quietly(&self) -> anyhow::Result<Printed> {
        let Self { stage, words, variables, folder, input, status } = self;
        let mut shown = Vec::new();
        if !folder.is_empty() {
            shown.extend(["(cd".to_owned(), quoted(folder), "&&".to_owned()]);
        }
        shown.extend(variables.iter().map(|(name, value)| format!("{name}={}", quoted(value))));
        shown.extend(words.iter().map(|word| stage.typed(word)));
        shown.extend(input.iter().flat_map(|input| ["<".to_owned(), quoted(input)]));
        if let (false, Some(last)) = (folder.is_empty(), shown.last_mut()) {
            last.push(')');
        }
        stage.narrator.command(&shown);
        let (program, arguments) = words.split_first().context("a command line has a program")?;
        let mut process = stage.process(program);
        process.args(arguments).envs(variables.iter().copied()).current_dir(stage.path(folder));
        process
            .stdin(input.map(|input| File::open(stage.path(input))).transpose()?.map_or_else(Stdio::null, Stdio::from));
        let ended = process.output().with_context(|| program.clone())?;
        let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&ended.stderr);
        ensure!(
            ended.status.code() == Some(*status),
            "this should have ended with status {status}, not with {}:\n{printed}{complaint}",
            ended.status
        );
        stage.narrator.output(&shortened(complaint.trim_end()));
        Ok(Printed(printed))
    }
}

/// An event of the agent in a line, or a refusal in one for each reason.
fn told(event: &Value) -> String {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| event.get(name).and_then(Value::as_u64).unwrap_or_default();
    let list = |name: &str| {
        let items = event.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    match text("event") {
        "confined" => {
            let missing = list("missing");
            let but = if missing.is_empty() { String::new() } else { format!("; this machine withholds {missing}") };
            format!("confined    the command waits in a sandbox: {}{but}", list("sandbox"))
        }
        "challenged" => format!("challenged  by {}, nonce {}", text("log_origin"), shortened(text("nonce"))),
        "attested" => format!("attested    {}", list("kinds")),
        "released" => format!(
            "released    the witness's key, sealed to this enclave; entry {} of the ledger; the command runs",
            number("leaf_index")
        ),
        "ended" => format!("ended       exit status {}, {} ms", number("exit_status"), number("millis")),
        "registered" => {
            format!("registered  the proof ({}); entry {} of the ledger", text("verified"), number("leaf_index"))
        }
        "warning" => format!("warning     {}", text("message")),
        "refused" => refusal(event),
        _ => event.to_string(),
    }
}

/// A refusal: the code, and every reason beside it.
pub(crate) fn refusal(problem: &Value) -> String {
    let text = |value: &Value, name: &str| shortened(value.get(name).and_then(Value::as_str).unwrap_or_default());
    let mut lines = vec![format!("✗ refused   {}", text(problem, "code"))];
    for reason in problem.get("reasons").and_then(Value::as_array).into_iter().flatten() {
        let (rule, have, need) = (text(reason, "rule"), text(reason, "have"), text(reason, "need"));
        let what = if rule.is_empty() { text(reason, "detail") } else { format!("(rule {rule})") };
        lines.push(format!("              {} {what}", text(reason, "code")));
        if !have.is_empty() {
            lines.push(format!("                have {have}, need {need}"));
        }
    }
    if lines.len() == 1 {
        lines.push(format!("              {}", text(problem, "detail")));
    }
    lines.join("\n")
}
