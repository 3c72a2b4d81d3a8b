//! A document, written twice: as NVIDIA writes it, and in its canonical form (Canonical XML 1.1), by rules that are written
//! down here once more. In: nodes. Out: text.

/// A piece of a document.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Name, attributes and declarations in the order written, children.
    Element(&'static str, Vec<(String, String)>, Vec<Node>),
    /// Text that needs no escaping.
    Text(&'static str),
    /// Text as it is: what the canonical form is made without.
    Raw(String),
}

pub(super) fn element(name: &'static str, attributes: Vec<(&str, String)>, children: Vec<Node>) -> Node {
    Node::Element(name, attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), children)
}

pub(super) const fn text(text: &'static str) -> Node {
    Node::Text(text)
}

/// As NVIDIA writes it.
pub(super) fn written(node: &Node) -> String {
    match node {
        Node::Text(text) => (*text).to_owned(),
        Node::Raw(text) => text.clone(),
        Node::Element(name, attributes, children) => {
            let attributes: String = attributes.iter().map(attribute).collect();
            let inside: String = children.iter().map(written).collect();
            if inside.is_empty() {
                return format!("<{name}{attributes}/>");
            }
            format!("<{name}{attributes}>{inside}</{name}>")
        }
    }
}

/// In canonical form. Every declaration of these documents is a new one, so that each is rendered where it stands.
pub(super) fn canonical(root: &Node) -> String {
    let mut namespaces = Vec::new();
    form(root, &mut namespaces)
}

fn form(node: &Node, namespaces: &mut Vec<(String, String)>) -> String {
    match node {
        Node::Text(text) => (*text).to_owned(),
        Node::Raw(_) => String::new(),
        Node::Element(name, attributes, children) => {
            let (mut declared, mut others): (Vec<_>, Vec<_>) =
                attributes.iter().partition(|(name, _)| name.starts_with("xmlns"));
            namespaces.extend(declared.iter().map(|(name, uri)| (name.replace("xmlns:", ""), uri.clone())));
            let namespace = |name: &str| {
                let prefix = name.split_once(':').map(|(prefix, _)| prefix)?;
                namespaces.iter().rev().find(|(known, _)| known == prefix).map(|(_, uri)| uri.clone())
            };
            declared.sort();
            others.sort_by_key(|(name, _)| {
                let local = name.split_once(':').map_or(name.as_str(), |(_, local)| local);
                (namespace(name).unwrap_or_default(), local.to_owned())
            });
            let attributes: String = declared.into_iter().chain(others).map(attribute).collect();
            let inside: String = children.iter().map(|child| form(child, namespaces)).collect();
            format!("<{name}{attributes}>{inside}</{name}>")
        }
    }
}

fn attribute((name, value): &(String, String)) -> String {
    format!(" {name}=\"{value}\"")
}
