//! The payload of a document: an ordered list of keys and values, which a test may extend, cut, retype or duplicate
//! before the bytes are written. Two values are filled in late, from the certificates as they then are.

use crate::cbor::{Head, Item};

/// The payload map.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// How the map's head is written; genuine documents have had an indefinite length since 2025.
    pub head: Head,
    /// Keys and values in the order in which they are written.
    pub entries: Vec<(Item, Field)>,
}

/// A value of the payload map.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// A CBOR item.
    Item(Item),
    /// The last certificate of the chain, a byte string.
    Certificate,
    /// The other certificates of the chain, root first, an array of byte strings.
    CaBundle,
}

impl Payload {
    /// The value of the first entry with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Field> {
        self.entries.iter().find(|entry| is_named(entry, key)).map(|(_, value)| value)
    }

    /// Puts `value` where one with the same key stands, or at the end.
    pub fn set(&mut self, key: &str, value: impl Into<Field>) {
        match self.get_mut(key) {
            Some(present) => *present = value.into(),
            None => self.push(key, value),
        }
    }

    /// Adds an entry at the end, whether or not the key is there already.
    pub fn push(&mut self, key: impl Into<Item>, value: impl Into<Field>) {
        self.entries.push((key.into(), value.into()));
    }

    /// Takes away every entry with this key.
    ///
    /// # Panics
    /// When there is none.
    pub fn remove(&mut self, key: &str) {
        let before = self.entries.len();
        self.entries.retain(|entry| !is_named(entry, key));
        assert_ne!(self.entries.len(), before, "the payload has that key");
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Field> {
        self.entries.iter_mut().find(|entry| is_named(entry, key)).map(|(_, value)| value)
    }

    /// The map in CBOR, with `chain` (root first, in DER) where certificates belong.
    pub(super) fn encode(&self, chain: &[Vec<u8>]) -> Vec<u8> {
        let (leaf, bundle) = chain.split_last().map_or((None, chain), |(leaf, bundle)| (Some(leaf), bundle));
        let value = |field: &Field| match field {
            Field::Item(item) => item.clone(),
            Field::Certificate => Item::Bytes(leaf.cloned().unwrap_or_default()),
            Field::CaBundle => Item::Array(bundle.iter().cloned().map(Item::Bytes).collect()),
        };
        let entries = self.entries.iter().map(|(key, field)| (key.clone(), value(field)));
        Item::Map(entries.collect()).headed(self.head).encode()
    }
}

impl From<Item> for Field {
    fn from(item: Item) -> Self {
        Self::Item(item)
    }
}

fn is_named((key, _): &(Item, Field), name: &str) -> bool {
    matches!(key, Item::Text(text) if text == name)
}
