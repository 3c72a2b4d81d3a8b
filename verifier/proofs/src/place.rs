//! Where in the documents something stands, so that a refusal can name it.

use std::fmt;

/// One of the three documents of a verification.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Document {
    /// `verification_key.json`.
    VerifyingKey,
    /// `proof.json`.
    Proof,
    /// `public.json`.
    PublicInputs,
}

impl Document {
    /// The most bytes it may have. A key or a list at the limit of [`crate::MAX_PUBLIC_INPUTS`] fits, indented as
    /// snarkjs indents it.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::VerifyingKey => 384 * 1024,
            Self::Proof => 8 * 1024,
            Self::PublicInputs => 96 * 1024,
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VerifyingKey => "the verifying key",
            Self::Proof => "the proof",
            Self::PublicInputs => "the public inputs",
        })
    }
}

/// A place in a document: the whole of it, a field, or an item.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Place {
    /// The document.
    pub document: Document,
    /// The field of its object.
    pub field: Option<&'static str>,
    /// The item of the field's list, or of the document where it is a list itself; from 0.
    pub item: Option<usize>,
}

impl Place {
    /// The whole document.
    #[must_use]
    pub const fn whole(document: Document) -> Self {
        Self { document, field: None, item: None }
    }

    /// A field of the document.
    #[must_use]
    pub const fn field(document: Document, field: &'static str) -> Self {
        Self { document, field: Some(field), item: None }
    }

    /// An item of the list that stands here.
    #[must_use]
    pub const fn item(self, item: usize) -> Self {
        Self { item: Some(item), ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(item) = self.item {
            write!(f, "item {item} of ")?;
        }
        if let Some(field) = self.field {
            write!(f, "`{field}` of ")?;
        }
        self.document.fmt(f)
    }
}
