//! The signature of a RIM: XML-DSig (W3C, second edition) in exactly the profile that NVIDIA signs with.
//!
//! In: the tree of a document. Out: [`Signed`]: the digests that were computed and stated, the signature, and the
//! certificates, of which the first is the signer's. One `Signature`, a child of the root; one `Reference` to the whole
//! document, of which `enveloped-signature` takes that `Signature` out and Canonical XML 1.1 makes bytes; SHA-384; ECDSA on
//! P-384 with SHA-384 over the canonical `SignedInfo`; certificates and no bare key. Everything else is refused, so that
//! nothing of XML-DSig that points, transforms or fetches has to be implemented safely.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    c14n,
    xml::{Element, Node, is_space},
};
use crate::crypto::Crypto;

/// The namespace of XML-DSig.
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const C14N_1_1: &str = "http://www.w3.org/2006/12/xml-c14n11";
const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// No signature brings more certificates; genuine ones bring four.
const MAX_CERTIFICATES: usize = 8;

/// What a signature says, and what it is over. Nothing is verified yet.
#[derive(Debug)]
pub(super) struct Signed {
    /// SHA-384 of the document without its signature, as computed.
    pub(super) document: [u8; 48],
    /// The same, as the signature states it.
    pub(super) stated: [u8; 48],
    /// SHA-384 of the canonical `SignedInfo`.
    pub(super) signed_info: [u8; 48],
    /// r ‖ s.
    pub(super) value: [u8; 96],
    /// The signer's certificate and those above it, in DER, in the order supplied.
    pub(super) certificates: Vec<Vec<u8>>,
}

impl Signed {
    /// Reads the one signature of a document.
    ///
    /// # Errors
    /// In words, what of it is not of the profile.
    pub(super) fn read(crypto: &dyn Crypto, root: &Element<'_>) -> Result<Self, &'static str> {
        let (place, signature) = only_signature(root)?;
        let [info, value, key_info] = parts(signature, "Signature", ["SignedInfo", "SignatureValue", "KeyInfo"])?;
        let stated = signed_info(info)?;
        let above: Vec<_> = root.declarations.iter().chain(&signature.declarations).copied().collect();
        Ok(Self {
            document: crypto.sha384(&[&c14n::document_without(root, place)]),
            stated,
            signed_info: crypto.sha384(&[&c14n::subtree(info, &above)]),
            value: base64_of(value).and_then(|value| value.try_into().ok()).ok_or("its value is not 96 bytes")?,
            certificates: certificates(key_info)?,
        })
    }
}

/// The one `Signature`, and its place among the root's children. Nothing else in the document is of that namespace.
fn only_signature<'d, 'a>(root: &'d Element<'a>) -> Result<(usize, &'d Element<'a>), &'static str> {
    let children = root.children.iter().enumerate();
    let mut found = children.filter_map(|(place, child)| match child {
        Node::Element(child) if child.is(DSIG, "Signature") => Some((place, child)),
        _ => None,
    });
    let signature = found.next().ok_or("the root has no signature among its children")?;
    if found.next().is_some() {
        return Err("the root has several signatures");
    }
    let mut others = root.children.iter().enumerate().filter(|(place, _)| *place != signature.0);
    if root.namespace == DSIG || others.any(|(_, child)| has_dsig(child)) {
        return Err("something of XML-DSig stands outside the signature");
    }
    Ok(signature)
}

fn has_dsig(node: &Node<'_>) -> bool {
    match node {
        Node::Text(_) => false,
        Node::Element(element) => element.namespace == DSIG || element.children.iter().any(has_dsig),
    }
}

/// The digest that a `SignedInfo` states, which says everything else as the profile has it.
fn signed_info(info: &Element<'_>) -> Result<[u8; 48], &'static str> {
    let [method, signing, reference] =
        parts(info, "SignedInfo", ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
    algorithm(method, C14N_1_1)?;
    algorithm(signing, ECDSA_SHA384)?;
    if reference.attributes.len() != 1 || reference.attribute("", "URI") != Some("") {
        return Err("it is not of the document that it stands in");
    }
    let [transforms, digest_method, digest] = children(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
    let [enveloped, canonical] = parts(transforms, "Transforms", ["Transform", "Transform"])?;
    algorithm(enveloped, ENVELOPED)?;
    algorithm(canonical, C14N_1_1)?;
    algorithm(digest_method, SHA384)?;
    base64_of(digest).and_then(|digest| digest.try_into().ok()).ok_or("its digest is not 48 bytes")
}

/// The certificates, where there is nothing but certificates.
fn certificates(key_info: &Element<'_>) -> Result<Vec<Vec<u8>>, &'static str> {
    const WRONG: &str = "it names its key otherwise than by a few certificates";
    let [data] = parts(key_info, "KeyInfo", ["X509Data"])?;
    let elements = data.elements().filter(|_| data.attributes.is_empty()).ok_or(WRONG)?;
    if elements.is_empty() || elements.len() > MAX_CERTIFICATES {
        return Err(WRONG);
    }
    let one = |element: &&Element<'_>| element.is(DSIG, "X509Certificate").then(|| base64_of(element)).flatten();
    elements.iter().map(one).collect::<Option<_>>().ok_or(WRONG)
}

/// The children of an element that has no attributes.
fn parts<'d, 'a, const N: usize>(
    element: &'d Element<'a>,
    name: &str,
    names: [&str; N],
) -> Result<[&'d Element<'a>; N], &'static str> {
    if element.attributes.is_empty() && element.is(DSIG, name) {
        return children(element, names);
    }
    Err("an element of it has attributes, or is another one")
}

/// The children of an element: exactly those, in that order.
fn children<'d, 'a, const N: usize>(
    element: &'d Element<'a>,
    names: [&str; N],
) -> Result<[&'d Element<'a>; N], &'static str> {
    const WRONG: &str = "it has not the elements of the profile, or has others";
    let elements: [&Element<'a>; N] = element.elements().and_then(|all| all.try_into().ok()).ok_or(WRONG)?;
    let are_right = elements.iter().zip(names).all(|(element, name)| element.is(DSIG, name));
    are_right.then_some(elements).ok_or(WRONG)
}

/// Checks that an element names that algorithm, without parameters.
fn algorithm(element: &Element<'_>, uri: &str) -> Result<(), &'static str> {
    let is_right = element.attributes.len() == 1
        && element.attribute("", "Algorithm") == Some(uri)
        && element.text().is_some_and(|text| text.bytes().all(is_space));
    is_right.then_some(()).ok_or("it names an algorithm or a transform that the profile does not have")
}

/// The base64 in an element that has no attributes, with white space anywhere in it, as XML Schema allows.
fn base64_of(element: &Element<'_>) -> Option<Vec<u8>> {
    let text = element.text().filter(|_| element.attributes.is_empty())?;
    let digits: Vec<u8> = text.bytes().filter(|byte| !is_space(*byte)).collect();
    STANDARD.decode(digits).ok()
}
