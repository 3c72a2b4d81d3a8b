//! XML, as much of it as NVIDIA's RIMs are written in (XML 1.0, fifth edition; Namespaces in XML 1.0).
//!
//! In: bytes, whose number the caller has capped. Out: a tree in which every name has its namespace and every text is what
//! it stands for, from which the canonical form is written and the content is read: what is digested and what is believed
//! are one tree. No DTD, no CDATA, no comments, no processing instructions but the XML declaration, no attributes of the
//! namespace `xml`, no names beyond ASCII: documents of this profile have none, and each is a way for two readers to see
//! two documents.

use std::borrow::Cow;

/// No element stands deeper; genuine certificates stand at 5.
const MAX_DEPTH: usize = 12;

/// No element has more attributes and declarations; genuine records have some 12.
const MAX_ATTRIBUTES: usize = 64;

/// No document has more elements; genuine ones have some 90.
const MAX_ELEMENTS: usize = 16_384;

/// An element.
#[derive(Debug)]
pub(super) struct Element<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    pub(super) namespace: &'a str,
    /// What it declares: prefix, empty for the default one, and namespace.
    pub(super) declarations: Vec<(&'a str, &'a str)>,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) children: Vec<Node<'a>>,
}

/// An attribute that is no declaration.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    /// Empty where it has no prefix.
    pub(super) namespace: &'a str,
    pub(super) value: Cow<'a, str>,
}

/// What stands in an element.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Element(Element<'a>),
    Text(Cow<'a, str>),
}

impl<'a> Element<'a> {
    /// Whether it has that name.
    pub(super) fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, namespace: &str, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|at| at.namespace == namespace && at.local == local);
        found.map(|at| at.value.as_ref())
    }

    /// The elements in it, where there is nothing but white space between them.
    pub(super) fn elements(&self) -> Option<Vec<&Element<'a>>> {
        let mut elements = Vec::new();
        for child in &self.children {
            match child {
                Node::Element(element) => elements.push(element),
                Node::Text(text) if text.bytes().all(is_space) => {}
                Node::Text(_) => return None,
            }
        }
        Some(elements)
    }

    /// The text in it, where there is nothing else.
    pub(super) fn text(&self) -> Option<&str> {
        match self.children.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// Reads a document: its one element.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn read(bytes: &[u8]) -> Result<Element<'_>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    if !text.chars().all(is_char) {
        return Err("it has characters that XML does not allow");
    }
    let mut reader = Reader { rest: text, elements: 0 };
    if reader.rest.starts_with("<?xml") {
        reader.declaration()?;
    }
    reader.spaces();
    let mut scope = Vec::new();
    let root = reader.element(&mut scope, 1)?;
    reader.spaces();
    if !reader.rest.is_empty() {
        return Err("something follows its one element");
    }
    Ok(root)
}

struct Reader<'a> {
    rest: &'a str,
    elements: usize,
}

/// An attribute as it is written, or a declaration.
struct Written<'a> {
    prefix: &'a str,
    local: &'a str,
    raw: &'a str,
}

impl<'a> Reader<'a> {
    /// Takes what must come next.
    fn take(&mut self, expected: &str) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes everything up to the first character for which `is_end` holds.
    fn until(&mut self, is_end: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.rest.split_at(self.rest.find(is_end).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Takes white space. Gives whether there was any.
    fn spaces(&mut self) -> bool {
        !self.until(|c| !u8::try_from(c).is_ok_and(is_space)).is_empty()
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, of which the last two may be left out.
    fn declaration(&mut self) -> Result<(), &'static str> {
        const WRONG: &str = "its XML declaration is not one of XML 1.0 in UTF-8";
        self.take("<?xml");
        let mut read = Vec::new();
        while !self.take("?>") {
            if !self.spaces() || self.rest.is_empty() {
                return Err(WRONG);
            }
            if self.take("?>") {
                break;
            }
            let Written { prefix, local, raw } = self.written()?;
            if !prefix.is_empty() {
                return Err(WRONG);
            }
            read.push((local, raw));
        }
        let rest = match read.as_slice() {
            [("version", "1.0"), rest @ ..] => rest,
            _ => return Err(WRONG),
        };
        let rest = match rest {
            [("encoding", encoding), rest @ ..] if encoding.eq_ignore_ascii_case("UTF-8") => rest,
            rest => rest,
        };
        matches!(rest, [] | [("standalone", "yes" | "no")]).then_some(()).ok_or(WRONG)
    }

    /// An element, in the namespaces that are declared above it.
    fn element(&mut self, scope: &mut Vec<(&'a str, &'a str)>, depth: usize) -> Result<Element<'a>, &'static str> {
        self.elements += 1;
        if depth > MAX_DEPTH || self.elements > MAX_ELEMENTS {
            return Err("it has more or deeper elements than any RIM");
        }
        if !self.take("<") {
            return Err("there is no element where one must be");
        }
        let (prefix, local) = self.name()?;
        let outer = scope.len();
        let (written, is_empty) = self.tag()?;
        let (declarations, plain): (Vec<_>, Vec<_>) = written.into_iter().partition(is_declaration);
        let declarations = declared(&declarations)?;
        scope.extend(declarations.iter().copied());
        let attributes = plain.into_iter().map(|written| attribute(&written, scope)).collect::<Result<Vec<_>, _>>()?;
        for (place, one) in attributes.iter().enumerate() {
            if attributes.iter().take(place).any(|other| other.local == one.local && other.namespace == one.namespace) {
                return Err("an element has an attribute twice");
            }
        }
        let namespace = in_scope(scope, prefix).ok_or("a name's namespace is not declared")?;
        let mut element = Element { prefix, local, namespace, declarations, attributes, children: Vec::new() };
        if !is_empty {
            self.content(&mut element, scope, depth)?;
        }
        scope.truncate(outer);
        Ok(element)
    }

    /// The rest of a start tag: its attributes, and whether the element ends with it.
    fn tag(&mut self) -> Result<(Vec<Written<'a>>, bool), &'static str> {
        let mut written = Vec::new();
        loop {
            let is_apart = self.spaces();
            if self.take("/>") {
                return Ok((written, true));
            }
            if self.take(">") {
                return Ok((written, false));
            }
            if !is_apart {
                return Err("a tag is not well-formed");
            }
            if written.len() == MAX_ATTRIBUTES {
                return Err("an element has more attributes than any RIM's");
            }
            written.push(self.written()?);
        }
    }

    /// What stands between the tags, and the end tag.
    fn content(
        &mut self,
        element: &mut Element<'a>,
        scope: &mut Vec<(&'a str, &'a str)>,
        depth: usize,
    ) -> Result<(), &'static str> {
        loop {
            let text = self.until(|c| c == '<');
            if text.contains("]]>") {
                return Err("a text has `]]>`");
            }
            if !text.is_empty() {
                element.children.push(Node::Text(text_of(text)?));
            }
            if self.take("</") {
                let name = self.name()?;
                self.spaces();
                if name != (element.prefix, element.local) || !self.take(">") {
                    return Err("an end tag is not that of its element");
                }
                return Ok(());
            }
            if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
                return Err("it has a comment, a CDATA section, a DTD or a processing instruction");
            }
            element.children.push(Node::Element(self.element(scope, depth + 1)?));
        }
    }

    /// A name: prefix, empty without one, and the rest.
    fn name(&mut self) -> Result<(&'a str, &'a str), &'static str> {
        const WRONG: &str = "a name is not well-formed, or not of ASCII";
        let name = self.until(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')));
        let (prefix, local) = match name.split_once(':') {
            Some(("", _)) => return Err(WRONG),
            Some(parts) => parts,
            None => ("", name),
        };
        let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_name = begins(local) && !local.contains(':') && (prefix.is_empty() || begins(prefix));
        is_name.then_some((prefix, local)).ok_or(WRONG)
    }

    /// `name="value"`.
    fn written(&mut self) -> Result<Written<'a>, &'static str> {
        let (prefix, local) = self.name()?;
        self.spaces();
        if !self.take("=") {
            return Err("an attribute has no value");
        }
        self.spaces();
        let quote = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => quote,
            _ => return Err("an attribute's value is not quoted"),
        };
        self.rest = self.rest.get(1..).unwrap_or_default();
        let raw = self.until(|c| c == quote || c == '<');
        self.take(quote.encode_utf8(&mut [0; 4]))
            .then_some(Written { prefix, local, raw })
            .ok_or("a value does not end")
    }
}

fn is_declaration(written: &Written<'_>) -> bool {
    written.prefix == "xmlns" || (written.prefix.is_empty() && written.local == "xmlns")
}

/// The declarations of an element: prefixes with absolute URIs, each once, and neither those that XML reserves nor an
/// undeclared default.
fn declared<'a>(written: &[Written<'a>]) -> Result<Vec<(&'a str, &'a str)>, &'static str> {
    let mut declarations: Vec<(&str, &str)> = Vec::with_capacity(written.len());
    for Written { prefix, local, raw } in written {
        let prefix = if prefix.is_empty() { "" } else { *local };
        // A reference, or a character that is to be normalised, would make one namespace of two spellings.
        let is_plain = raw.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'&') && raw.contains(':');
        if !is_plain || matches!(prefix, "xml" | "xmlns") || RESERVED.contains(raw) {
            return Err("a namespace is declared that is not of an absolute URI, or is reserved");
        }
        if declarations.iter().any(|(other, _)| *other == prefix) {
            return Err("an element declares a prefix twice");
        }
        declarations.push((prefix, raw));
    }
    Ok(declarations)
}

/// The namespaces that no prefix may be declared for (Namespaces in XML, section 3).
const RESERVED: [&str; 2] = ["http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"];

/// The namespace of a prefix; that of no prefix is the default one, or none.
fn in_scope<'a>(scope: &[(&'a str, &'a str)], prefix: &str) -> Option<&'a str> {
    let declared = scope.iter().rev().find(|(known, _)| *known == prefix).map(|(_, namespace)| *namespace);
    declared.or(prefix.is_empty().then_some(""))
}

fn attribute<'a>(written: &Written<'a>, scope: &[(&'a str, &'a str)]) -> Result<Attribute<'a>, &'static str> {
    let Written { prefix, local, raw } = *written;
    // The default namespace is not that of attributes.
    let namespace = match prefix {
        "" => "",
        prefix => in_scope(scope, prefix).ok_or("a name's namespace is not declared")?,
    };
    Ok(Attribute { prefix, local, namespace, value: value_of(raw)? })
}

/// A text: ends of lines as one line feed (XML 1.0, section 2.11), and references as what they stand for.
fn text_of(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    if !raw.contains(['&', '\r']) {
        return Ok(Cow::Borrowed(raw));
    }
    expand(&raw.replace("\r\n", "\n").replace('\r', "\n")).map(Cow::Owned)
}

/// An attribute's value (section 3.3.3). White space in it that a reader is to replace by spaces is refused, since not every
/// reader does; what references stand for stays.
fn value_of(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    if raw.contains(['\r', '\n', '\t']) {
        return Err("a value has white space other than spaces");
    }
    if !raw.contains('&') {
        return Ok(Cow::Borrowed(raw));
    }
    expand(raw).map(Cow::Owned)
}

/// Replaces the references: the five entities that XML has of itself, and characters by number.
fn expand(text: &str) -> Result<String, &'static str> {
    let mut parts = text.split('&');
    let mut expanded = String::with_capacity(text.len());
    expanded.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once(';').ok_or("a reference does not end")?;
        expanded.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "apos" => '\'',
            "quot" => '"',
            _ => by_number(name).ok_or("a reference is to no character, or to an entity")?,
        });
        expanded.push_str(rest);
    }
    Ok(expanded)
}

/// `#10` or `#xA`.
fn by_number(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    // A sign is no digit, whatever `from_str_radix` thinks.
    let all_digits = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    let code = all_digits.then(|| u32::from_str_radix(digits, radix).ok()).flatten()?;
    char::from_u32(code).filter(|c| is_char(*c))
}

/// White space (section 2.3).
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// What XML calls a character (section 2.2).
const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
