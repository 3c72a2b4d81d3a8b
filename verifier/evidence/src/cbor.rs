//! A strict, borrowing CBOR reader for evidence (RFC 8949).
//!
//! In: untrusted bytes. Out: slices into them. It accepts what devices emit and nothing else: shortest forms only
//! (section 4.2.1), no chunked strings, no reserved encodings, no more depth than [`MAX_DEPTH`]; indefinite lengths only
//! where the caller allows them. It never allocates and never recurses, so an item's own claims about its size cost
//! nothing. Trailing bytes are an error.

use prooftrail_result::{Reason, ReasonCode};

/// Nesting beyond this is refused; genuine evidence nests three deep.
pub(crate) const MAX_DEPTH: usize = 8;

/// How a collection says where it ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Length {
    /// So many items (pairs, for a map) follow.
    Definite(u64),
    /// Items follow until a break.
    Indefinite,
}

/// The head of an item: major type, and the argument that follows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Head {
    Unsigned(u64),
    Negative(u64),
    Bytes(u64),
    Text(u64),
    Array(Length),
    Map(Length),
    Tag(u64),
    Null,
    /// `false`, `true`, other simple values and floats: evidence has no use for them but may contain them in unknown
    /// fields.
    Simple,
    Break,
}

/// Reads one item after another.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads one item that must be all there is.
    pub(crate) fn read_all<T>(
        bytes: &'a [u8],
        item: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, Reason>,
    ) -> Result<T, Reason> {
        let mut reader = Self::new(bytes);
        let value = read(&mut reader)?;
        if reader.rest.is_empty() {
            return Ok(value);
        }
        Err(Reason::new(ReasonCode::CborTrailingBytes, format!("{} bytes follow the {item}", reader.rest.len())))
    }

    /// Takes the tag `tag` if it stands here.
    pub(crate) fn optional_tag(&mut self, tag: u64) -> Result<(), Reason> {
        let mut ahead = self.clone();
        match ahead.head()? {
            Head::Tag(found) if found == tag => *self = ahead,
            _ => {}
        }
        Ok(())
    }

    /// The head of an array.
    pub(crate) fn array(&mut self) -> Result<Length, Reason> {
        match self.head()? {
            Head::Array(length) => Ok(length),
            head => Err(unexpected(head, "an array")),
        }
    }

    /// The head of a map.
    pub(crate) fn map(&mut self) -> Result<Length, Reason> {
        match self.head()? {
            Head::Map(length) => Ok(length),
            head => Err(unexpected(head, "a map")),
        }
    }

    /// Whether another item (or pair) of a collection follows; `taken` counts those already read.
    pub(crate) fn more(&mut self, length: Length, taken: u64) -> Result<bool, Reason> {
        match length {
            Length::Definite(count) => Ok(taken < count),
            Length::Indefinite => match self.rest.split_first() {
                Some((0xFF, rest)) => {
                    self.rest = rest;
                    Ok(false)
                }
                Some(_) => Ok(true),
                None => Err(truncated()),
            },
        }
    }

    /// A byte string of at most `cap` bytes.
    pub(crate) fn bytes(&mut self, cap: usize) -> Result<&'a [u8], Reason> {
        match self.head()? {
            Head::Bytes(length) => self.take(length, cap),
            head => Err(unexpected(head, "a byte string")),
        }
    }

    /// A byte string of at most `cap` bytes, or null.
    pub(crate) fn bytes_or_null(&mut self, cap: usize) -> Result<Option<&'a [u8]>, Reason> {
        match self.head()? {
            Head::Bytes(length) => self.take(length, cap).map(Some),
            Head::Null => Ok(None),
            head => Err(unexpected(head, "a byte string or null")),
        }
    }

    /// A text string of at most `cap` bytes.
    pub(crate) fn text(&mut self, cap: usize) -> Result<&'a str, Reason> {
        match self.head()? {
            Head::Text(length) => {
                let bytes = self.take(length, cap)?;
                std::str::from_utf8(bytes).map_err(|_| ReasonCode::CborInvalidUtf8.into())
            }
            head => Err(unexpected(head, "a text string")),
        }
    }

    /// An unsigned integer.
    pub(crate) fn unsigned(&mut self) -> Result<u64, Reason> {
        match self.head()? {
            Head::Unsigned(value) => Ok(value),
            head => Err(unexpected(head, "an unsigned integer")),
        }
    }

    /// Passes over one item of any type, checking its form. `depth` counts the collections around it.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), Reason> {
        /// A collection being passed over: the items still to come, or until a break; whether it is a map's.
        #[derive(Clone, Copy)]
        enum Open {
            Items(u64),
            UntilBreak { map: bool, odd: bool },
        }
        let mut open = [Open::Items(1); MAX_DEPTH + 1];
        let mut level = 0_usize;
        let mut tagged = false;
        loop {
            // Close every collection that is complete; the outermost one is the item itself.
            let Some(current) = open.get_mut(level) else { return Err(ReasonCode::CborTooDeep.into()) };
            if let (Open::Items(0), false) = (*current, tagged) {
                if level == 0 {
                    return Ok(());
                }
                level -= 1;
                continue;
            }
            let head = self.head()?;
            match (head, current) {
                // A tag belongs to the item that follows it.
                (Head::Tag(_), _) => {
                    tagged = true;
                    continue;
                }
                (Head::Break, Open::UntilBreak { map: true, odd: true }) => {
                    return Err(Reason::new(ReasonCode::CborReserved, "a map ends between a key and its value"));
                }
                (Head::Break, Open::UntilBreak { .. }) if !tagged => {
                    level -= 1;
                    continue;
                }
                (_, Open::Items(left)) => *left -= 1,
                (_, Open::UntilBreak { odd, .. }) => *odd = !*odd,
            }
            tagged = false;
            let inner = match head {
                Head::Bytes(length) | Head::Text(length) => {
                    let bytes = self.take(length, usize::MAX)?;
                    if matches!(head, Head::Text(_)) && std::str::from_utf8(bytes).is_err() {
                        return Err(ReasonCode::CborInvalidUtf8.into());
                    }
                    continue;
                }
                Head::Array(Length::Definite(count)) => Open::Items(count),
                Head::Map(Length::Definite(pairs)) => match pairs.checked_mul(2) {
                    Some(items) => Open::Items(items),
                    None => return Err(truncated()),
                },
                Head::Array(Length::Indefinite) => Open::UntilBreak { map: false, odd: false },
                Head::Map(Length::Indefinite) => Open::UntilBreak { map: true, odd: false },
                Head::Break => return Err(unexpected(head, "an item")),
                Head::Unsigned(_) | Head::Negative(_) | Head::Tag(_) | Head::Null | Head::Simple => continue,
            };
            level += 1;
            match open.get_mut(level) {
                Some(slot) if depth + level <= MAX_DEPTH => *slot = inner,
                _ => return Err(ReasonCode::CborTooDeep.into()),
            }
        }
    }

    /// The first byte's three high bits say the type, the rest how its argument is written (RFC 8949, section 3).
    fn head(&mut self) -> Result<Head, Reason> {
        let initial = self.byte()?;
        let (major, info) = (initial >> 5, initial & 0x1F);
        let argument = match info {
            0..=23 => u64::from(info),
            24 => self.argument::<1>(24)?,
            25 if major != 7 => self.argument::<2>(1 << 8)?,
            26 if major != 7 => self.argument::<4>(1 << 16)?,
            27 if major != 7 => self.argument::<8>(1 << 32)?,
            // Floats: their bytes are passed over, whatever they are.
            25 => self.fixed::<2>().map(|_| 25)?,
            26 => self.fixed::<4>().map(|_| 26)?,
            27 => self.fixed::<8>().map(|_| 27)?,
            31 => {
                return match major {
                    4 => Ok(Head::Array(Length::Indefinite)),
                    5 => Ok(Head::Map(Length::Indefinite)),
                    7 => Ok(Head::Break),
                    2 | 3 => Err(Reason::new(ReasonCode::CborIndefinite, "a string is sent in chunks")),
                    _ => Err(ReasonCode::CborReserved.into()),
                };
            }
            _ => return Err(ReasonCode::CborReserved.into()),
        };
        Ok(match major {
            0 => Head::Unsigned(argument),
            1 => Head::Negative(argument),
            2 => Head::Bytes(argument),
            3 => Head::Text(argument),
            4 => Head::Array(Length::Definite(argument)),
            5 => Head::Map(Length::Definite(argument)),
            6 => Head::Tag(argument),
            _ if info == 22 => Head::Null,
            // A simple value below 32 in two bytes is not well-formed (section 3.3).
            _ if info == 24 && argument < 32 => return Err(ReasonCode::CborReserved.into()),
            _ => Head::Simple,
        })
    }

    /// An argument of `N` bytes; smaller than `least`, it should have been written shorter.
    fn argument<const N: usize>(&mut self, least: u64) -> Result<u64, Reason> {
        let value = self.fixed::<N>()?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
        if value < least {
            return Err(ReasonCode::CborNotShortest.into());
        }
        Ok(value)
    }

    fn fixed<const N: usize>(&mut self) -> Result<&'a [u8; N], Reason> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or_else(truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, Reason> {
        self.fixed::<1>().map(|&[byte]| byte)
    }

    /// `length` bytes. The cap comes first, so that an absurd length has its own reason.
    fn take(&mut self, length: u64, cap: usize) -> Result<&'a [u8], Reason> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > cap {
            let reason = Reason::new(ReasonCode::CborTooLong, "a string is longer than its field allows");
            return Err(reason.have(format_args!("{length} bytes")).need(format_args!("at most {cap} bytes")));
        }
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

fn truncated() -> Reason {
    ReasonCode::CborTruncated.into()
}

fn unexpected(head: Head, need: &'static str) -> Reason {
    let have = match head {
        Head::Unsigned(_) => "an unsigned integer",
        Head::Negative(_) => "a negative integer",
        Head::Bytes(_) => "a byte string",
        Head::Text(_) => "a text string",
        Head::Array(_) => "an array",
        Head::Map(_) => "a map",
        Head::Tag(_) => "a tag",
        Head::Null => "null",
        Head::Simple => "a simple value or float",
        Head::Break => "a break",
    };
    Reason::from(ReasonCode::CborUnexpectedType).have(have).need(need)
}

/// Writes the head of a byte string, as the signed structures of COSE need it (RFC 9052, section 4.4).
pub(crate) fn byte_string_head(length: usize) -> ([u8; 9], usize) {
    let mut head = [0; 9];
    let bytes = u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes();
    let (info, width) = match length {
        0..=23 => (bytes[7], 0),
        24..=0xFF => (24, 1),
        0x100..=0xFFFF => (25, 2),
        0x1_0000..=0xFFFF_FFFF => (26, 4),
        _ => (27, 8),
    };
    head[0] = 0x40 | info;
    for (to, from) in head.iter_mut().skip(1).zip(bytes.iter().skip(8 - width)) {
        *to = *from;
    }
    (head, 1 + width)
}

#[cfg(test)]
mod tests {
    use prooftrail_result::ReasonCode as Code;

    use super::*;

    fn skip(bytes: &[u8]) -> Result<(), Code> {
        Reader::read_all(bytes, "item", |reader| reader.skip(0)).map_err(|reason| reason.code)
    }

    #[test]
    fn items_of_rfc_8949_appendix_a_are_passed_over() {
        for hex in [
            "00",
            "17",
            "1818",
            "1903e8",
            "1bffffffffffffffff",
            "20",
            "3903e7",
            "f4",
            "f6",
            "f7",
            "f0",
            "f8ff",
            "f90000",
            "fb3ff199999999999a",
            "c074323031332d30332d32315432303a30343a30305a",
            "4401020304",
            "6449455446",
            "80",
            "8301820203820405",
            "a26161016162820203",
            "9fff",
            "9f018202039f0405ffff",
            "bf6161019f0203ffff",
            "bf61610161629f0203ffff",
        ] {
            // The last but one is a map that ends between a key and its value; it stands here to show the difference.
            let expected = if hex == "bf6161019f0203ffff" { Err(Code::CborReserved) } else { Ok(()) };
            assert_eq!(skip(&hex::decode(hex).unwrap()), expected, "{hex}");
        }
    }

    #[test]
    fn what_no_device_emits_is_refused_for_its_own_reason() {
        for (hex, code) in [
            ("", Code::CborTruncated),
            ("18", Code::CborTruncated),
            ("1817", Code::CborNotShortest),
            ("1900ff", Code::CborNotShortest),
            ("1a0000ffff", Code::CborNotShortest),
            ("1b00000000ffffffff", Code::CborNotShortest),
            ("5800", Code::CborNotShortest),
            ("5f4100ff", Code::CborIndefinite),
            ("7f6161ff", Code::CborIndefinite),
            ("1f", Code::CborReserved),
            ("1c", Code::CborReserved),
            ("dc", Code::CborReserved),
            ("f818", Code::CborReserved),
            ("f800", Code::CborNotShortest),
            ("ff", Code::CborUnexpectedType),
            ("61ff", Code::CborInvalidUtf8),
            ("8201", Code::CborTruncated),
            ("9f01", Code::CborTruncated),
            ("0000", Code::CborTrailingBytes),
            ("5b7fffffffffffffff", Code::CborTruncated),
            ("9bffffffffffffffff", Code::CborTruncated),
            ("bbffffffffffffffff", Code::CborTruncated),
            ("c0", Code::CborTruncated),
            ("9fc0ff", Code::CborUnexpectedType),
            ("80c0", Code::CborTrailingBytes),
        ] {
            assert_eq!(skip(&hex::decode(hex).unwrap()), Err(code), "{hex}");
        }
    }

    #[test]
    fn depth_is_capped_and_costs_no_stack() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
        assert_eq!(skip(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(skip(&nested(MAX_DEPTH + 1)), Err(Code::CborTooDeep));
        assert_eq!(skip(&nested(1_000_000)), Err(Code::CborTooDeep));
        assert_eq!(skip(&vec![0x9f; 1_000_000]), Err(Code::CborTooDeep));
        let mut reader = Reader::new(&[0x80]);
        assert_eq!(reader.skip(MAX_DEPTH).map_err(|reason| reason.code), Err(Code::CborTooDeep));
    }

    #[test]
    fn a_cap_is_checked_before_the_length() {
        let mut reader = Reader::new(&[0x5b, 0, 0, 0, 0x80, 0, 0, 0, 0]);
        assert_eq!(reader.bytes(1024).unwrap_err().code, Code::CborTooLong);
    }

    #[test]
    fn heads_are_written_in_their_shortest_form() {
        for (length, head) in [
            (0, "40"),
            (23, "57"),
            (24, "5818"),
            (255, "58ff"),
            (256, "590100"),
            (65_535, "59ffff"),
            (65_536, "5a00010000"),
        ] {
            let (bytes, used) = byte_string_head(length);
            assert_eq!(hex::encode(&bytes[..used]), head);
        }
    }
}
