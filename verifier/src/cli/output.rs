//! The one printer: text for people, JSON for scripts.
//!
//! Text from evidence reaches a terminal only through [`plain`], so that nobody can hide in control sequences.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

/// Standard output, buffered; errors surface when it is finished.
pub(super) struct Output {
    writer: Box<dyn Write>,
}

impl Output {
    pub(super) fn stdout() -> Self {
        Self { writer: Box::new(BufWriter::new(io::stdout())) }
    }

    /// The stream itself, for what prints by itself.
    pub(super) fn writer(&mut self) -> &mut dyn Write {
        &mut *self.writer
    }

    /// One line of text.
    pub(super) fn line(&mut self, text: impl AsRef<str>) -> anyhow::Result<()> {
        writeln!(self.writer, "{}", text.as_ref())?;
        Ok(())
    }

    /// One JSON object on a line of its own.
    pub(super) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.writer, value).map_err(io::Error::from)?;
        self.line("")
    }

    /// Hands everything to the reader.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        self.writer.flush()?;
        Ok(())
    }
}

/// Text as a terminal may show it: control and bidirectional-override characters are spelled out.
pub(super) fn plain(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_from_evidence_moves_the_cursor_or_turns_the_text() {
        assert_eq!(plain("i-0bee\u{1b}[2Jok\r\n\u{202e}x"), "i-0bee\\u{1b}[2Jok\\u{d}\\u{a}\\u{202e}x");
        assert_eq!(plain("Zürich ✓"), "Zürich ✓");
    }
}
