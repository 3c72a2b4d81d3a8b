//! Inclusive Canonical XML 1.1 without comments (W3C, 2 May 2008), of trees of the profile that [`super::xml`] reads.
//!
//! In: an element, and what is declared above it. Out: its canonical bytes. The profile has no comments, no processing
//! instructions, no attributes of the namespace `xml` and no undeclared default namespace, so that what 1.1 does about those
//! is not here; what remains is the same in 1.0.

use std::cmp::Ordering;

use super::xml::{Attribute, Element, Node};

/// Prefixes, empty for the default one, and namespaces.
pub(super) type Declarations<'a> = Vec<(&'a str, &'a str)>;

/// The canonical form of a whole document, whose element is `root`, without one of its children: what the transform
/// `enveloped-signature` leaves out. The text around that child stays.
pub(super) fn document_without(root: &Element<'_>, left_out: usize) -> Vec<u8> {
    let mut out = Vec::new();
    write(root, &root.declarations, &mut root.declarations.clone(), Some(left_out), &mut out);
    out
}

/// The canonical form of an element that stands below others, which it takes `above` from: everything that they declare,
/// the outermost first.
pub(super) fn subtree(element: &Element<'_>, above: &[(&str, &str)]) -> Vec<u8> {
    let mut scope: Declarations<'_> = Vec::new();
    for (prefix, namespace) in above.iter().chain(&element.declarations) {
        scope.retain(|(known, _)| known != prefix);
        scope.push((prefix, namespace));
    }
    let mut out = Vec::new();
    write(element, &scope.clone(), &mut scope, None, &mut out);
    out
}

/// Writes an element that renders `rendered`; `scope` is what is in force inside it.
fn write<'a>(
    element: &Element<'a>,
    rendered: &[(&'a str, &'a str)],
    scope: &mut Declarations<'a>,
    left_out: Option<usize>,
    out: &mut Vec<u8>,
) {
    out.push(b'<');
    name(element.prefix, element.local, out);
    let mut rendered = rendered.to_vec();
    rendered.sort_unstable();
    for (prefix, namespace) in rendered {
        out.extend_from_slice(if prefix.is_empty() { b" xmlns" } else { b" xmlns:" });
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(b"=\"");
        escape(namespace, in_value, out);
        out.push(b'"');
    }
    let mut attributes: Vec<&Attribute<'_>> = element.attributes.iter().collect();
    attributes.sort_unstable_by(|one, other| order(one, other));
    for at in attributes {
        out.push(b' ');
        name(at.prefix, at.local, out);
        out.extend_from_slice(b"=\"");
        escape(&at.value, in_value, out);
        out.push(b'"');
    }
    out.push(b'>');
    for (place, child) in element.children.iter().enumerate() {
        match child {
            _ if left_out == Some(place) => {}
            Node::Text(text) => escape(text, in_text, out),
            Node::Element(child) => {
                // What is in force already is not rendered again.
                let outer = scope.len();
                let new = child.declarations.iter().filter(|declared| !is_in_force(scope, declared));
                let new: Vec<_> = new.copied().collect();
                scope.extend(&new);
                write(child, &new, scope, None, out);
                scope.truncate(outer);
            }
        }
    }
    out.extend_from_slice(b"</");
    name(element.prefix, element.local, out);
    out.push(b'>');
}

/// By namespace, then by name. Of most, the namespace is the very same text, and the names are a few bytes long.
fn order(one: &Attribute<'_>, other: &Attribute<'_>) -> Ordering {
    let by_namespace = match std::ptr::eq(one.namespace, other.namespace) {
        true => Ordering::Equal,
        false => one.namespace.cmp(other.namespace),
    };
    by_namespace.then_with(|| one.local.bytes().cmp(other.local.bytes()))
}

fn is_in_force(scope: &[(&str, &str)], (prefix, namespace): &(&str, &str)) -> bool {
    let found = scope.iter().rev().find(|(known, _)| known == prefix);
    found.is_some_and(|(_, known)| known == namespace)
}

fn name(prefix: &str, local: &str, out: &mut Vec<u8>) {
    if !prefix.is_empty() {
        out.extend_from_slice(prefix.as_bytes());
        out.push(b':');
    }
    out.extend_from_slice(local.as_bytes());
}

fn escape(text: &str, escaped: fn(u8) -> Option<&'static [u8]>, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match escaped(byte) {
            Some(reference) => out.extend_from_slice(reference),
            None => out.push(byte),
        }
    }
}

/// Section 2.3, text nodes.
fn in_text(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'\r' => b"&#xD;",
        _ => return None,
    })
}

/// Section 2.3, attribute nodes.
fn in_value(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'"' => b"&quot;",
        b'\t' => b"&#x9;",
        b'\n' => b"&#xA;",
        b'\r' => b"&#xD;",
        _ => return None,
    })
}
