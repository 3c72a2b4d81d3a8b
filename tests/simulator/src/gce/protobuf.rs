//! Writes Protocol Buffers: fields with their numbers come in, bytes go out, in the order in which they came.

/// A field with its number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Field {
    /// A number; written also where it is zero, though writers leave such out.
    Varint(u64, u64),
    /// A string of bytes, a text or a message.
    Bytes(u64, Vec<u8>),
    /// A number of 64 bits in a fixed width.
    Fixed64(u64, u64),
    /// Bytes as they are, tag and all.
    Raw(Vec<u8>),
}

/// A message of these fields.
#[must_use]
pub fn message(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        match field {
            Field::Varint(number, value) => {
                bytes.extend(varint(number << 3));
                bytes.extend(varint(*value));
            }
            Field::Fixed64(number, value) => {
                bytes.extend(varint(number << 3 | 1));
                bytes.extend(value.to_le_bytes());
            }
            Field::Bytes(number, value) => {
                bytes.extend(varint(number << 3 | 2));
                bytes.extend(varint(u64::try_from(value.len()).unwrap_or(u64::MAX)));
                bytes.extend(value);
            }
            Field::Raw(raw) => bytes.extend(raw),
        }
    }
    bytes
}

/// Seven bits in a byte, the least significant first.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7F);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, message};

    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(message(&[Field::Varint(1, 150)]), b"\x08\x96\x01");
        assert_eq!(message(&[Field::Bytes(2, b"testing".to_vec())]), b"\x12\x07testing");
        assert_eq!(message(&[Field::Varint(3, 0), Field::Fixed64(1, 1)]), b"\x18\x00\x09\x01\0\0\0\0\0\0\0");
    }
}
