//! Text of strangers, made visible. In: any text; out: the same text with every character that is invisible, or that
//! reorders what stands around it, written as its code point. An auditor must see what is there, and nothing that is not.

use std::borrow::Cow;

/// Replaces control, bidirectional and zero-width characters by `\u{…}`. Line breaks too: a cell is one line.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if hidden(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Unicode 16: general category Cc; Bidi_Control; the zero-width and other format characters; line and paragraph
/// separators; tags.
fn hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_is_made_visible() {
        let cases = [
            ("plain text, ünïcödé and 漢字", "plain text, ünïcödé and 漢字"),
            ("a\nb\r\tc", "a\\u{a}b\\u{d}\\u{9}c"),
            ("abc\u{202e}cba", "abc\\u{202e}cba"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("\0", "\\u{0}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("\u{e0041}", "\\u{e0041}"),
        ];
        for (text, seen) in cases {
            assert_eq!(visible(text), seen);
        }
    }
}
