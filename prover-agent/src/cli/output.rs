//! The one printer: text for people, JSON lines for scripts. Progress goes to standard error, and only to a terminal.

use std::io::{self, BufWriter, IsTerminal, Write};

use serde::Serialize;

/// Standard output, buffered; errors surface when it is finished.
pub(super) struct Output {
    writer: BufWriter<io::Stdout>,
}

impl Output {
    pub(super) fn stdout() -> Self {
        Self { writer: BufWriter::new(io::stdout()) }
    }

    /// One line of text.
    pub(super) fn line(&mut self, text: impl AsRef<str>) -> anyhow::Result<()> {
        writeln!(self.writer, "{}", plain(text.as_ref()))?;
        Ok(())
    }

    /// One JSON object on a line of its own, handed over at once: a reader may follow along.
    pub(super) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.writer, value).map_err(io::Error::from)?;
        writeln!(self.writer)?;
        self.finish()
    }

    /// One line for whoever watches.
    pub(super) fn progress(&self, text: &str) {
        let mut stderr = io::stderr();
        if stderr.is_terminal() {
            // A terminal that has gone watches no more.
            let _ = writeln!(stderr, "{}", plain(text));
        }
    }

    /// Hands everything to the reader.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        self.writer.flush()?;
        Ok(())
    }
}

/// Text as a terminal may show it: what the service says can move no cursor.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let is_hidden = c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
        if is_hidden { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_from_the_service_moves_the_cursor_or_turns_the_text() {
        assert_eq!(super::plain("no\u{1b}[2Jok\n\u{202e}x"), "no\\u{1b}[2Jok\\u{a}\\u{202e}x");
    }
}
