//! The wire format of Protocol Buffers (protobuf.dev, "Encoding"), as much of it as Google's endorsements need.
//!
//! In: the bytes of a message. Out: its fields in order, numbers and byte strings; others are passed over by their length. What
//! could be read in two ways is refused: numbers in more bytes than they need, groups, and, by [`once`], a singular field
//! that stands twice, of which some readers take the last and some merge.

/// Why bytes are no such message.
pub(super) type Malformed = &'static str;

/// A field's value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field<'a> {
    /// A number (wire type 0).
    Varint(u64),
    /// A byte string, a text or a message (wire type 2).
    Bytes(&'a [u8]),
    /// A number of fixed width (wire types 1 and 5); no field that is read here has one.
    Fixed,
}

impl<'a> Field<'a> {
    /// The number that it must be.
    pub(super) fn varint(self) -> Result<u64, Malformed> {
        match self {
            Self::Varint(number) => Ok(number),
            Self::Bytes(_) | Self::Fixed => Err("a field that is a number is not one"),
        }
    }

    /// The bytes that it must be.
    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Fixed => Err("a field that is a string of bytes is not one"),
        }
    }
}

/// What is left of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Hands every field to `read`, by its number.
    pub(super) fn read(
        mut self,
        mut read: impl FnMut(u64, Field<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        while !self.0.is_empty() {
            let (number, field) = self.field()?;
            read(number, field)?;
        }
        Ok(())
    }

    /// Takes the first field.
    pub(super) fn field(&mut self) -> Result<(u64, Field<'a>), Malformed> {
        let tag = self.varint()?;
        let number = tag >> 3;
        // Language guide, "Assigning Field Numbers".
        if !(1..1 << 29).contains(&number) {
            return Err("a field has a number that no field can have");
        }
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => self.take(8).map(|_| Field::Fixed)?,
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(usize::try_from(length).map_err(|_| TRUNCATED)?)?)
            }
            5 => self.take(4).map(|_| Field::Fixed)?,
            _ => return Err("a field is a group, or of a type that there is not"),
        };
        Ok((number, field))
    }

    /// A number in groups of seven bits, the least significant first.
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(TRUNCATED)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && byte > 1 {
                return Err("a number has more than 64 bits");
            }
            number |= bits << shift;
            if byte < 0x80 {
                if byte == 0 && shift > 0 {
                    return Err("a number stands in more bytes than it needs");
                }
                return Ok(number);
            }
        }
        Err("a number has more than 64 bits")
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(taken)
    }
}

const TRUNCATED: Malformed = "it ends in the middle of a field";

/// Sets a field that stands at most once.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Malformed> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err("a field stands twice that may stand once"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Malformed, Message, once};

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Malformed> {
        let mut fields = Vec::new();
        Message::new(bytes).read(|number, field| {
            fields.push((number, field));
            Ok(())
        })?;
        Ok(fields)
    }

    #[test]
    fn fields_come_in_their_order() {
        assert_eq!(fields(b""), Ok(vec![]));
        // The examples of the specification: 150 in field 1, "testing" in field 2.
        assert_eq!(fields(b"\x08\x96\x01"), Ok(vec![(1, Field::Varint(150))]));
        assert_eq!(fields(b"\x12\x07testing"), Ok(vec![(2, Field::Bytes(b"testing"))]));
        assert_eq!(
            fields(b"\x09\x00\x00\x00\x00\x00\x00\x00\x00\x15\x00\x00\x00\x00\x18\x00\x1a\x00"),
            Ok(vec![(1, Field::Fixed), (2, Field::Fixed), (3, Field::Varint(0)), (3, Field::Bytes(b""))])
        );
        assert_eq!(fields(b"\xf8\xff\xff\xff\x0f\x00"), Ok(vec![((1 << 29) - 1, Field::Varint(0))]));
        assert_eq!(fields(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Ok(vec![(1, Field::Varint(u64::MAX))]));
    }

    #[test]
    fn what_is_no_message_or_could_be_read_in_two_ways_is_refused() {
        for (name, bytes) in [
            ("a tag without a value", &b"\x08"[..]),
            ("a number cut short", b"\x08\x96"),
            ("a string cut short", b"\x12\x02a"),
            ("a length beyond memory", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            ("a fixed number cut short", b"\x15\x00\x00\x00"),
            ("a wide fixed number cut short", b"\x09\x00\x00\x00\x00"),
            ("field 0", b"\x00\x00"),
            ("a field number of 30 bits", b"\x80\x80\x80\x80\x10\x00"),
            ("a group", b"\x0b\x0c"),
            ("wire type 6", b"\x0e\x00"),
            ("a number in too many bytes", b"\x08\x96\x81\x00"),
            ("a zero in two bytes", b"\x08\x80\x00"),
            ("a number of 65 bits", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03"),
            ("a number without end", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ] {
            assert!(fields(bytes).is_err(), "{name}");
        }
    }

    #[test]
    fn singular_fields_stand_once_and_have_their_type() {
        let mut place = None;
        assert_eq!(once(&mut place, 1), Ok(()));
        assert!(once(&mut place, 1).is_err());
        assert!(Field::Fixed.varint().is_err() && Field::Bytes(b"").varint().is_err());
        assert!(Field::Fixed.bytes().is_err() && Field::Varint(0).bytes().is_err());
    }
}
