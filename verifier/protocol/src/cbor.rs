//! Deterministic CBOR (RFC 8949, section 4.2): a writer that cannot fail, and a reader that refuses whatever the writer
//! would have written otherwise.
//!
//! Strictness has one rule: decode, encode again, compare. So no list of the ways in which CBOR can say one thing twice
//! needs to be complete.

use minicbor::{Decoder, Encoder, data::Type};

use crate::{
    digest::sha384,
    malformed::{Fault, Malformed},
};

/// Writes CBOR to memory.
pub struct Writer(Encoder<Vec<u8>>);

/// Writing to memory does not fail, and no item here has an encoding that can.
macro_rules! write {
    ($self:ident, $method:ident($($argument:expr)?)) => {{
        let written = $self.0.$method($($argument)?).is_ok();
        debug_assert!(written, "memory takes every write");
        $self
    }};
}

impl Writer {
    /// The head of an array.
    #[must_use]
    pub fn array(items: usize) -> Self {
        let mut writer = Self(Encoder::new(Vec::new()));
        writer.nested_array(items);
        writer
    }

    /// The head of a map.
    #[must_use]
    pub fn map(entries: usize) -> Self {
        let mut writer = Self(Encoder::new(Vec::new()));
        let written = writer.0.map(u64::try_from(entries).unwrap_or(u64::MAX)).is_ok();
        debug_assert!(written, "memory takes every write");
        writer
    }

    /// The head of an array inside.
    pub fn nested_array(&mut self, items: usize) -> &mut Self {
        write!(self, array(u64::try_from(items).unwrap_or(u64::MAX)))
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        write!(self, str(text))
    }

    /// A byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        write!(self, bytes(bytes))
    }

    /// An unsigned integer.
    pub fn uint(&mut self, number: u64) -> &mut Self {
        write!(self, u64(number))
    }

    /// An integer.
    pub fn int(&mut self, number: i64) -> &mut Self {
        write!(self, i64(number))
    }

    /// Null.
    pub fn null(&mut self) -> &mut Self {
        write!(self, null())
    }

    /// A byte string, or null.
    pub fn bytes_or_null(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.null(),
        }
    }

    /// A text, or null.
    pub fn text_or_null(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// An array of texts.
    pub fn texts<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a str>) -> &mut Self {
        self.nested_array(texts.len());
        for text in texts {
            self.text(text);
        }
        self
    }

    /// An item that was encoded before.
    pub fn encoded(&mut self, item: &[u8]) -> &mut Self {
        self.0.writer_mut().extend_from_slice(item);
        self
    }

    /// The bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }
}

/// Reads the CBOR of one structure.
pub struct Reader<'b> {
    decoder: Decoder<'b>,
    what: &'static str,
}

impl<'b> Reader<'b> {
    /// Reads a structure, whole and in its deterministic encoding.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn strict<T>(
        what: &'static str,
        bytes: &'b [u8],
        max: usize,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
        encode: impl FnOnce(&T) -> Vec<u8>,
    ) -> Result<T, Malformed> {
        if bytes.len() > max {
            return Err(Malformed::new(what, Fault::TooLarge { have: bytes.len(), max }));
        }
        let mut reader = Self { decoder: Decoder::new(bytes), what };
        let value = read(&mut reader)?;
        if reader.decoder.position() != bytes.len() {
            return Err(Malformed::new(what, Fault::Trailing));
        }
        if encode(&value) != bytes {
            return Err(Malformed::new(what, Fault::NotDeterministic));
        }
        Ok(value)
    }

    /// A fault of this structure.
    #[must_use]
    pub const fn fault(&self, fault: Fault) -> Malformed {
        Malformed::new(self.what, fault)
    }

    /// An array of exactly so many items, the first of which is the structure's name.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn named_array(&mut self, items: usize, name: &'static str) -> Result<(), Malformed> {
        self.array_of(items, "array")?;
        match self.decoder.str() {
            Ok(found) if found == name => Ok(()),
            _ => Err(self.fault(Fault::Domain(name))),
        }
    }

    /// An array of exactly so many items.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn array_of(&mut self, items: usize, field: &'static str) -> Result<(), Malformed> {
        if self.array(items, field)? == items { Ok(()) } else { Err(self.fault(Fault::Cbor(field))) }
    }

    /// An array of at most so many items: how many.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn array(&mut self, max: usize, field: &'static str) -> Result<usize, Malformed> {
        let items = self.decoder.array().ok().flatten().and_then(|items| usize::try_from(items).ok());
        items.filter(|items| *items <= max).ok_or(self.fault(Fault::Cbor(field)))
    }

    /// A map of at most so many entries: how many.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn map(&mut self, max: usize) -> Result<usize, Malformed> {
        let entries = self.decoder.map().ok().flatten().and_then(|entries| usize::try_from(entries).ok());
        entries.filter(|entries| *entries <= max).ok_or(self.fault(Fault::Cbor("map")))
    }

    /// A text.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn text(&mut self, field: &'static str) -> Result<&'b str, Malformed> {
        self.decoder.str().map_err(|_| self.fault(Fault::Cbor(field)))
    }

    /// A byte string.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn bytes(&mut self, field: &'static str) -> Result<&'b [u8], Malformed> {
        self.decoder.bytes().map_err(|_| self.fault(Fault::Cbor(field)))
    }

    /// A byte string of exactly that length.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn exactly<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        self.bytes(field)?.try_into().map_err(|_| self.fault(Fault::Field(field)))
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn uint(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.decoder.u64().map_err(|_| self.fault(Fault::Cbor(field)))
    }

    /// An integer.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn int(&mut self, field: &'static str) -> Result<i64, Malformed> {
        self.decoder.i64().map_err(|_| self.fault(Fault::Cbor(field)))
    }

    /// What `read` reads, or null.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn or_null<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        match self.decoder.datatype() {
            Ok(Type::Null) => self.decoder.null().map(|()| None).map_err(|_| self.fault(Fault::Cbor(field))),
            _ => read(self, field).map(Some),
        }
    }

    /// An array of texts.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn texts(&mut self, max: usize, field: &'static str) -> Result<Vec<String>, Malformed> {
        (0..self.array(max, field)?).map(|_| self.text(field).map(str::to_owned)).collect()
    }
}

/// SHA-384 of the deterministic CBOR array of a command's arguments: the claim `job.argv_sha384`.
#[must_use]
pub fn argv_sha384<'a>(argv: impl ExactSizeIterator<Item = &'a str>) -> [u8; 48] {
    let mut out = Writer::array(argv.len());
    for argument in argv {
        out.text(argument);
    }
    sha384(&[&out.finish()])
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};
    use crate::malformed::{Fault, Malformed};

    fn read(bytes: &[u8]) -> Result<(u64, Option<Vec<u8>>), Fault> {
        let read = |reader: &mut Reader<'_>| {
            reader.named_array(3, "name")?;
            Ok((reader.uint("number")?, reader.or_null("bytes", |reader, field| Ok(reader.bytes(field)?.to_vec()))?))
        };
        let encode = |(number, bytes): &(u64, Option<Vec<u8>>)| {
            let mut out = Writer::array(3);
            out.text("name").uint(*number).bytes_or_null(bytes.as_deref());
            out.finish()
        };
        Reader::strict("test", bytes, 16, read, encode).map_err(|Malformed { fault, .. }| fault)
    }

    #[test]
    fn only_the_one_encoding_is_read() {
        assert_eq!(read(b"\x83\x64name\x07\x41a"), Ok((7, Some(b"a".to_vec()))));
        assert_eq!(read(b"\x83\x64name\x07\xf6"), Ok((7, None)));
        for (bytes, fault) in [
            (&b"\x83\x64name\x18\x07\xf6"[..], Fault::NotDeterministic), // a longer integer
            (b"\x98\x03\x64name\x07\xf6", Fault::NotDeterministic),      // a longer length
            (b"\x83\x78\x04name\x07\xf6", Fault::NotDeterministic),
            (b"\x9f\x64name\x07\xf6\xff", Fault::Cbor("array")), // an indefinite length
            (b"\x83\x64name\x07\x5f\x41a\xff", Fault::Cbor("bytes")),
            (b"\x83\x64name\x07\xf7", Fault::Cbor("bytes")), // undefined is not null
            (b"\x83\x64name\x07\xf6\x00", Fault::Trailing),
            (b"\x83\x64name\x20\xf6", Fault::Cbor("number")),
            (b"\x83\x64Name\x07\xf6", Fault::Domain("name")),
            (b"\x82\x64name\x07", Fault::Cbor("array")),
            (b"\xc1\x83\x64name\x07\xf6", Fault::Cbor("array")), // a tag
            (b"\x83\x64name\x07", Fault::Cbor("bytes")),
            (b"", Fault::Cbor("array")),
            (&[0; 17], Fault::TooLarge { have: 17, max: 16 }),
        ] {
            assert_eq!(read(bytes), Err(fault), "{bytes:02x?}");
        }
    }
}
