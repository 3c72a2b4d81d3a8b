//! COSE_Sign1 (RFC 9052, section 4.2) around a payload. The payload and the leaf's key come in, the document goes out.

use crate::{
    cbor::{Head, Item},
    key::{Key, SignatureEdit},
};

/// Everything about the envelope that is not the payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The CBOR tag in front, 18 for COSE_Sign1; genuine documents have none.
    pub tag: Option<u64>,
    /// How the head of the array is written.
    pub head: Head,
    /// The elements of the array.
    pub elements: Vec<Element>,
    /// The protected header that is signed, by default `{1: -35}`.
    pub protected: Vec<u8>,
    /// The unprotected header, by default `{}`.
    pub unprotected: Item,
    /// The context of the Sig_structure (RFC 9052, section 4.4), by default `Signature1`.
    pub context: String,
    /// The external additional authenticated data of the Sig_structure, by default empty.
    pub external_aad: Vec<u8>,
    /// What happens to the signature.
    pub signature: Option<SignatureEdit>,
    /// Bytes after the end.
    pub trailing: Vec<u8>,
}

/// An element of the array.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    /// The protected header in a byte string.
    Protected,
    /// The unprotected header.
    Unprotected,
    /// The payload in a byte string.
    Payload,
    /// The signature in a byte string.
    Signature,
    /// Something else.
    Item(Item),
}

impl Default for Envelope {
    fn default() -> Self {
        Self {
            tag: None,
            head: Head::Shortest,
            elements: vec![Element::Protected, Element::Unprotected, Element::Payload, Element::Signature],
            protected: vec![0xA1, 0x01, 0x38, 0x22],
            unprotected: Item::Map(Vec::new()),
            context: "Signature1".to_owned(),
            external_aad: Vec::new(),
            signature: None,
            trailing: Vec::new(),
        }
    }
}

impl Envelope {
    /// The Sig_structure: the bytes that are signed.
    pub(super) fn signed_bytes(&self, payload: &[u8]) -> Vec<u8> {
        let context = Item::from(self.context.as_str());
        let [protected, external_aad, payload] = [&self.protected, &self.external_aad, payload].map(Item::bytes);
        Item::Array(vec![context, protected, external_aad, payload]).encode()
    }

    /// The document: `payload` in this envelope, signed by `key`.
    pub(super) fn seal(&self, payload: &[u8], key: &Key) -> Vec<u8> {
        let signature = key.sign(&self.signed_bytes(payload)).fixed_edited(self.signature.as_ref());
        let item = |element: &Element| match element {
            Element::Protected => Item::bytes(&self.protected),
            Element::Unprotected => self.unprotected.clone(),
            Element::Payload => Item::bytes(payload),
            Element::Signature => Item::bytes(&signature),
            Element::Item(item) => item.clone(),
        };
        let array = Item::Array(self.elements.iter().map(item).collect()).headed(self.head);
        let document = match self.tag {
            Some(tag) => Item::Tagged(tag, Box::new(array)),
            None => array,
        };
        [document.encode(), self.trailing.clone()].concat()
    }
}
