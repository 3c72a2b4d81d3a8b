//! Where the names and the key stand in a certificate's bytes (RFC 5280, section 4.1), found without reading the rest.
//!
//! In: DER. Out: an [`Outline`], by which certificates that were supplied in no particular order are told apart before
//! any of them is read. It says nothing of whether the certificate is well-formed; the chain engine does.

use std::ops::Range;

use der::{Decode, Header, Length, Reader, SliceReader, Tag};

/// Positions in a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Outline {
    issuer: Range<usize>,
    subject: Range<usize>,
    public_key: Range<usize>,
}

impl Outline {
    /// Finds them; nothing where the bytes do not begin as a certificate does, or do not end with it.
    pub(crate) fn of(der: &[u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        let whole = enter(&mut reader)?;
        if whole != reader.remaining_len() {
            return None;
        }
        enter(&mut reader)?;
        if Tag::peek(&reader).ok()?.is_context_specific() {
            skip(&mut reader, |_| true)?;
        }
        skip(&mut reader, |tag| tag == Tag::Integer)?;
        skip(&mut reader, is_sequence)?;
        let issuer = skip(&mut reader, is_sequence)?;
        skip(&mut reader, is_sequence)?;
        let subject = skip(&mut reader, is_sequence)?;
        let public_key = skip(&mut reader, is_sequence)?;
        Some(Self { issuer, subject, public_key })
    }

    /// The issuer's name in DER.
    pub(crate) fn issuer<'a>(&self, der: &'a [u8]) -> &'a [u8] {
        der.get(self.issuer.clone()).unwrap_or_default()
    }

    /// The subject's name in DER.
    pub(crate) fn subject<'a>(&self, der: &'a [u8]) -> &'a [u8] {
        der.get(self.subject.clone()).unwrap_or_default()
    }

    /// The SubjectPublicKeyInfo in DER.
    pub(crate) fn public_key<'a>(&self, der: &'a [u8]) -> &'a [u8] {
        der.get(self.public_key.clone()).unwrap_or_default()
    }
}

/// Goes into a SEQUENCE, whose length it gives.
fn enter(reader: &mut SliceReader<'_>) -> Option<Length> {
    let header = Header::decode(reader).ok()?;
    (header.tag() == Tag::Sequence).then(|| header.length())
}

/// Goes past one element of the right tag. Gives where it stands.
fn skip(reader: &mut SliceReader<'_>, is_right: impl Fn(Tag) -> bool) -> Option<Range<usize>> {
    let start = usize::try_from(reader.position()).ok()?;
    let tag = Tag::peek(reader).ok()?;
    reader.tlv_bytes().ok()?;
    let end = usize::try_from(reader.position()).ok()?;
    is_right(tag).then_some(start..end)
}

fn is_sequence(tag: Tag) -> bool {
    tag == Tag::Sequence
}

#[cfg(test)]
mod tests {
    use der::{Decode, Encode};
    use prooftrail_trust_roots::{Form, RootSet};

    use super::Outline;

    #[test]
    fn it_finds_what_a_full_reading_finds() {
        for root in RootSet::pinned().iter().filter(|root| root.form == Form::Certificate) {
            let outline = Outline::of(&root.der).unwrap();
            let read = x509_cert::Certificate::from_der(&root.der).unwrap();
            let tbs = read.tbs_certificate();
            assert_eq!(outline.issuer(&root.der), tbs.issuer().to_der().unwrap(), "{}", root.id);
            assert_eq!(outline.subject(&root.der), tbs.subject().to_der().unwrap(), "{}", root.id);
            assert_eq!(outline.public_key(&root.der), tbs.subject_public_key_info().to_der().unwrap(), "{}", root.id);
        }
    }

    #[test]
    fn it_finds_nothing_in_what_is_no_certificate() {
        let roots = RootSet::pinned();
        let der = &roots.iter().next().unwrap().der;
        let longer = [der.as_slice(), &[0]].concat();
        for other in [&der[..der.len() - 1], &longer, &der[4..], b"", b"0\x80", &[0x30, 0x03, 0x30, 0x01, 0xA0]] {
            assert_eq!(Outline::of(other), None);
        }
    }
}
