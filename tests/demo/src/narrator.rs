//! What the audience sees. In: headings, commands, what they printed; out: lines on the terminal, and the same without
//! colours in transcript.txt.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::Path,
};

/// Longer command lines are broken.
const WIDTH: usize = 116;

/// The narrator.
pub(crate) struct Narrator {
    transcript: File,
    is_terminal: bool,
}

impl Narrator {
    /// Opens the transcript.
    pub(crate) fn new(transcript: &Path) -> io::Result<Self> {
        Ok(Self { transcript: File::create(transcript)?, is_terminal: io::stdout().is_terminal() })
    }

    /// A line.
    pub(crate) fn say(&self, text: &str) {
        self.styled("", text);
    }

    /// A new part of the story.
    pub(crate) fn heading(&self, text: &str) {
        self.say("");
        self.styled("1", text);
    }

    /// What is typed at a prompt, as it stands.
    pub(crate) fn typed(&self, line: &str) {
        self.styled("36", &format!("$ {line}"));
    }

    /// A command that is about to run, in words that a shell reads as they are.
    pub(crate) fn command(&self, words: &[String]) {
        for line in broken(words) {
            self.styled("36", &line);
        }
    }

    /// What a command printed.
    pub(crate) fn output(&self, text: &str) {
        for line in text.lines() {
            self.say(&format!("    {line}"));
        }
    }

    fn styled(&self, style: &str, text: &str) {
        // Nobody is left to tell if the streams are gone.
        let _ = writeln!(&self.transcript, "{text}");
        let _ = match style {
            style if self.is_terminal && !style.is_empty() => writeln!(io::stdout(), "\x1b[{style}m{text}\x1b[0m"),
            _ => writeln!(io::stdout(), "{text}"),
        };
    }
}

/// A last line, for what went wrong.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A command line in as many lines as it needs.
fn broken(words: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = "$".to_owned();
    for word in words {
        if line.chars().count() + word.chars().count() + 3 > WIDTH {
            lines.push(format!("{line} \\"));
            line = "     ".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// A word as a shell must be given it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+#".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Digests in a sentence, cut to what an eye compares.
pub(crate) fn shortened(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut digits = String::new();
    let flush = |digits: &mut String, shown: &mut String| {
        match digits.get(..12) {
            Some(first) if digits.len() > 32 => {
                shown.push_str(first);
                shown.push('…');
            }
            _ => shown.push_str(digits),
        }
        digits.clear();
    };
    for c in text.chars() {
        if c.is_ascii_hexdigit() {
            digits.push(c);
        } else {
            flush(&mut digits, &mut shown);
            shown.push(c);
        }
    }
    flush(&mut digits, &mut shown);
    shown
}

#[cfg(test)]
mod tests {
    use super::{broken, quoted, shortened};

    #[test]
    fn a_command_is_shown_as_a_shell_reads_it() {
        assert_eq!(quoted("--key"), "--key");
        assert_eq!(quoted("{proof}"), "'{proof}'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        let words: Vec<_> = (0..40).map(|number| format!("word-{number}")).collect();
        let lines = broken(&words);
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= super::WIDTH));
        assert_eq!(lines.join(" ").replace('\\', " ").split_whitespace().skip(1).collect::<Vec<_>>(), words);
    }

    #[test]
    fn long_digests_are_cut_and_nothing_else() {
        let digest = "ab".repeat(24);
        assert_eq!(shortened(&format!("have {digest}, need a deadbeef")), "have abababababab…, need a deadbeef");
    }
}
