//! Checkpoints: a log's statement of its size and root. In: the text of a note; out: origin, size and root, or the
//! reason why it is no checkpoint. C2SP tlog-checkpoint.
//!
//! A checkpoint parsed from a note is to be believed only after [`crate::Note::verify`]; [`crate::TrustPolicy`] does
//! both.

use std::fmt;

use crate::{
    Hash, InvalidDecimal, InvalidHash, MAX_TREE_SIZE, decimal,
    note::{InvalidText, NoteText},
};

/// The most extension lines that a checkpoint may have. The specification recommends none.
pub const MAX_EXTENSION_LINES: usize = 16;

/// The head of a log: its origin, its size and its root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
    text: NoteText,
}

impl Checkpoint {
    /// The checkpoint of the log `origin` at `size` leaves with the root `root`, without extension lines.
    ///
    /// # Errors
    /// [`CheckpointError`] if there can be no such checkpoint.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if origin.contains('\n') {
            return Err(CheckpointError::OriginLines);
        }
        Self::parse(&NoteText::new(&format!("{origin}\n{size}\n{root}\n"))?)
    }

    /// Reads the text of a note as a checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &NoteText) -> Result<Self, CheckpointError> {
        let mut lines = text.as_str().split_terminator('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::TooFewLines);
        };
        if origin.is_empty() {
            return Err(CheckpointError::EmptyOrigin);
        }
        let size = decimal::parse(size, MAX_TREE_SIZE).map_err(CheckpointError::Size)?;
        let root = Hash::from_base64(root).map_err(CheckpointError::Root)?;
        if size == 0 && root != Hash::EMPTY_ROOT {
            return Err(CheckpointError::EmptyTreeRoot { have: root });
        }
        let extensions: Vec<String> = lines.by_ref().take(MAX_EXTENSION_LINES).map(str::to_owned).collect();
        if lines.next().is_some() {
            return Err(CheckpointError::TooManyExtensions { max: MAX_EXTENSION_LINES });
        }
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::EmptyExtension);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions, text: text.clone() })
    }

    /// Which log it is, such as `example.com/log`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of that size.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// Lines after the root, which nobody can audit.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The text that is signed. Inverse of [`Checkpoint::parse`].
    #[must_use]
    pub const fn text(&self) -> &NoteText {
        &self.text
    }
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// Why a text is not a checkpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Fewer lines than origin, size and root.
    #[error("a checkpoint has at least an origin, a size and a root")]
    TooFewLines,
    /// The origin has no characters.
    #[error("the origin is empty")]
    EmptyOrigin,
    /// The origin of a checkpoint to be made has several lines.
    #[error("the origin has several lines")]
    OriginLines,
    /// The size is not a number from 0 to 2^63 − 1.
    #[error("the tree size is not a number: {0}")]
    Size(InvalidDecimal),
    /// The root is not a hash.
    #[error("the root: {0}")]
    Root(InvalidHash),
    /// The tree has no leaves, but not the empty tree's root.
    #[error("a tree without leaves cannot have the root {have}")]
    EmptyTreeRoot {
        /// The root given.
        have: Hash,
    },
    /// More lines after the root than are accepted.
    #[error("the checkpoint has more than {max} extension lines")]
    TooManyExtensions {
        /// The cap.
        max: usize,
    },
    /// A line after the root is empty.
    #[error("an extension line is empty")]
    EmptyExtension,
    /// The text of a checkpoint to be made cannot be that of a note.
    #[error(transparent)]
    Text(#[from] InvalidText),
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, CheckpointError, MAX_EXTENSION_LINES};
    use crate::{
        Hash, InvalidDecimal, InvalidHash, MAX_TREE_SIZE,
        note::{InvalidText, NoteText},
    };

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn parse(text: &str) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::parse(&NoteText::new(text).unwrap())
    }

    #[test]
    fn checkpoints_come_back_as_they_were() {
        let text = format!("go.sum database tree\n20852163\n{ROOT}\nTimestamp: 1\n—\n");
        let checkpoint = parse(&text).unwrap();
        assert_eq!(checkpoint.to_string(), text);
        assert_eq!(checkpoint.origin(), "go.sum database tree");
        assert_eq!(checkpoint.size(), 20_852_163);
        assert_eq!(checkpoint.root().to_string(), ROOT);
        assert_eq!(checkpoint.extensions(), ["Timestamp: 1", "—"]);
        let largest = Checkpoint::new("origin", MAX_TREE_SIZE, checkpoint.root()).unwrap();
        assert_eq!(largest.to_string(), format!("origin\n9223372036854775807\n{ROOT}\n"));
        assert!(Checkpoint::new("origin", 0, Hash::EMPTY_ROOT).is_ok());
    }

    #[test]
    fn each_defect_has_its_reason() {
        let too_large = InvalidDecimal::TooLarge { max: MAX_TREE_SIZE };
        for (text, reason) in [
            ("\n".to_owned(), CheckpointError::TooFewLines),
            ("origin\n7\n".to_owned(), CheckpointError::TooFewLines),
            (format!("\n7\n{ROOT}\n"), CheckpointError::EmptyOrigin),
            (format!("origin\n\n{ROOT}\n"), CheckpointError::Size(InvalidDecimal::Empty)),
            (format!("origin\n07\n{ROOT}\n"), CheckpointError::Size(InvalidDecimal::LeadingZero)),
            (format!("origin\n+7\n{ROOT}\n"), CheckpointError::Size(InvalidDecimal::NotADigit)),
            (format!("origin\n9223372036854775808\n{ROOT}\n"), CheckpointError::Size(too_large)),
            ("origin\n7\nCsUY\n".to_owned(), CheckpointError::Root(InvalidHash::Length { characters: 4 })),
            (format!("origin\n7\n{}\n", ROOT.replace('/', "_")), CheckpointError::Root(InvalidHash::Base64)),
            (format!("origin\n0\n{ROOT}\n"), CheckpointError::EmptyTreeRoot { have: Hash::from_base64(ROOT).unwrap() }),
            (format!("origin\n7\n{ROOT}\n\n"), CheckpointError::EmptyExtension),
            (format!("origin\n7\n{ROOT}\n\nx\n"), CheckpointError::EmptyExtension),
            (
                format!("origin\n7\n{ROOT}\n{}", "x\n".repeat(MAX_EXTENSION_LINES + 1)),
                CheckpointError::TooManyExtensions { max: MAX_EXTENSION_LINES },
            ),
        ] {
            assert_eq!(parse(&text), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn an_origin_cannot_bring_lines_of_its_own() {
        let root = Hash::of_leaf(b"");
        assert_eq!(Checkpoint::new("a\n1", 1, root), Err(CheckpointError::OriginLines));
        assert_eq!(Checkpoint::new("", 1, root), Err(CheckpointError::EmptyOrigin));
        assert_eq!(
            Checkpoint::new("a\tb", 1, root),
            Err(CheckpointError::Text(InvalidText::ControlCharacter { byte: b'\t' }))
        );
    }
}
