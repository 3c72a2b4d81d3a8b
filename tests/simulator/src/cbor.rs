//! Writes CBOR (RFC 8949), well-formed or not. An [`Item`] comes in, its bytes go out. Left alone, every head is in its
//! shortest form and every length is definite; [`Item::headed`] and [`Item::Raw`] leave that path on purpose.

/// One data item.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An unsigned integer (major type 0).
    Unsigned(u64),
    /// The negative integer −1 − n (major type 1).
    Negative(u64),
    /// A byte string (major type 2).
    Bytes(Vec<u8>),
    /// A text string (major type 3).
    Text(String),
    /// An array (major type 4).
    Array(Vec<Item>),
    /// A map (major type 5), in the order given and with every key given, duplicates too.
    Map(Vec<(Item, Item)>),
    /// A tagged item (major type 6).
    Tagged(u64, Box<Item>),
    /// `false` or `true`.
    Bool(bool),
    /// `null`.
    Null,
    /// `undefined`.
    Undefined,
    /// A double-precision float.
    Float(f64),
    /// A string of indefinite length in chunks, of the first chunk's type (bytes where there is none).
    Chunked(Vec<Item>),
    /// An item whose head is written in another way.
    Headed(Head, Box<Item>),
    /// Bytes written as they are.
    Raw(Vec<u8>),
}

/// How the head of an item (its major type and its argument) is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Head {
    /// As short as the argument allows; what RFC 8949, section 4.2.1 calls preferred.
    Shortest,
    /// The argument in one byte that follows, also where it would fit without.
    OneByte,
    /// The argument in two bytes that follow.
    TwoBytes,
    /// The argument in four bytes that follow.
    FourBytes,
    /// The argument in eight bytes that follow.
    EightBytes,
    /// An indefinite length, closed by a break. A string becomes one chunk; an integer or a tag becomes ill-formed.
    Indefinite,
    /// This argument, whatever the content: a length or a count that lies.
    Claims(u64),
}

const BREAK: u8 = 0xFF;

impl Item {
    /// A byte string.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }

    /// This item with its head written as `head` says.
    #[must_use]
    pub fn headed(self, head: Head) -> Self {
        Self::Headed(head, Box::new(self))
    }

    /// The bytes of the item.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(Head::Shortest, &mut out);
        out
    }

    fn write(&self, head: Head, out: &mut Vec<u8>) {
        match self {
            Self::Unsigned(value) => write_head(0, head, *value, out),
            Self::Negative(value) => write_head(1, head, *value, out),
            Self::Bytes(bytes) => write_string(2, head, bytes, out),
            Self::Text(text) => write_string(3, head, text.as_bytes(), out),
            Self::Array(items) => write_collection(4, head, items.len(), out, |out| {
                items.iter().for_each(|item| item.write(Head::Shortest, out));
            }),
            Self::Map(entries) => write_collection(5, head, entries.len(), out, |out| {
                for (key, value) in entries {
                    key.write(Head::Shortest, out);
                    value.write(Head::Shortest, out);
                }
            }),
            Self::Tagged(tag, item) => {
                write_head(6, head, *tag, out);
                item.write(Head::Shortest, out);
            }
            Self::Bool(value) => out.push(if *value { 0xF5 } else { 0xF4 }),
            Self::Null => out.push(0xF6),
            Self::Undefined => out.push(0xF7),
            Self::Float(value) => {
                out.push(0xFB);
                out.extend_from_slice(&value.to_be_bytes());
            }
            Self::Chunked(chunks) => {
                let major = if matches!(chunks.first(), Some(Self::Text(_))) { 3 } else { 2 };
                write_head(major, Head::Indefinite, 0, out);
                chunks.iter().for_each(|chunk| chunk.write(Head::Shortest, out));
                out.push(BREAK);
            }
            Self::Headed(head, item) => item.write(*head, out),
            Self::Raw(bytes) => out.extend_from_slice(bytes),
        }
    }
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

fn write_string(major: u8, head: Head, bytes: &[u8], out: &mut Vec<u8>) {
    write_head(major, head, length(bytes.len()), out);
    if head == Head::Indefinite {
        write_head(major, Head::Shortest, length(bytes.len()), out);
    }
    out.extend_from_slice(bytes);
    if head == Head::Indefinite {
        out.push(BREAK);
    }
}

fn write_collection(major: u8, head: Head, count: usize, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    write_head(major, head, length(count), out);
    content(out);
    if head == Head::Indefinite {
        out.push(BREAK);
    }
}

fn write_head(major: u8, head: Head, argument: u64, out: &mut Vec<u8>) {
    let (argument, following) = match head {
        Head::Indefinite => return out.push(major << 5 | 31),
        Head::Shortest => (argument, shortest(argument)),
        Head::Claims(other) => (other, shortest(other)),
        Head::OneByte => (argument, 1),
        Head::TwoBytes => (argument, 2),
        Head::FourBytes => (argument, 4),
        Head::EightBytes => (argument, 8),
    };
    let bytes = argument.to_be_bytes();
    assert!(bytes.iter().take(8 - following.max(1)).all(|byte| *byte == 0), "an argument that fits the head asked for");
    let [.., low] = bytes;
    match following {
        0 => return out.push(major << 5 | low),
        1 => out.push(major << 5 | 24),
        2 => out.push(major << 5 | 25),
        4 => out.push(major << 5 | 26),
        _ => out.push(major << 5 | 27),
    }
    out.extend(bytes.into_iter().skip(8 - following));
}

/// How many bytes follow the first byte of the shortest head.
fn shortest(argument: u64) -> usize {
    match argument {
        0..=23 => 0,
        24..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFFFF_FFFF => 4,
        _ => 8,
    }
}

#[expect(clippy::expect_used, reason = "no platform has a usize wider than 64 bits")]
fn length(length: usize) -> u64 {
    u64::try_from(length).expect("a usize fits into 64 bits")
}

#[cfg(test)]
mod tests {
    use super::{Head, Item};

    fn hex(item: &Item) -> String {
        hex::encode(item.encode())
    }

    /// The examples of RFC 8949, appendix A, that this writer can spell.
    #[test]
    fn examples_of_the_rfc() {
        let one_two = || vec![Item::Unsigned(1), Item::Unsigned(2)];
        let table = [
            (Item::Unsigned(0), "00"),
            (Item::Unsigned(23), "17"),
            (Item::Unsigned(24), "1818"),
            (Item::Unsigned(100), "1864"),
            (Item::Unsigned(1000), "1903e8"),
            (Item::Unsigned(1_000_000), "1a000f4240"),
            (Item::Unsigned(1_000_000_000_000), "1b000000e8d4a51000"),
            (Item::Unsigned(u64::MAX), "1bffffffffffffffff"),
            (Item::Negative(u64::MAX), "3bffffffffffffffff"),
            (Item::Negative(999), "3903e7"),
            (Item::Float(1.1), "fb3ff199999999999a"),
            (Item::Bool(false), "f4"),
            (Item::Bool(true), "f5"),
            (Item::Null, "f6"),
            (Item::Undefined, "f7"),
            (Item::Tagged(1, Box::new(Item::Unsigned(1_363_896_240))), "c11a514b67b0"),
            (Item::bytes(&[1, 2, 3, 4]), "4401020304"),
            (Item::from("IETF"), "6449455446"),
            (Item::Array(vec![]), "80"),
            (Item::Array(vec![Item::Unsigned(1), Item::Array(one_two())]), "82018201 02"),
            (Item::Map(vec![(Item::from("a"), Item::Unsigned(1))]), "a1616101"),
            (Item::Chunked(vec![Item::bytes(&[1, 2]), Item::bytes(&[3, 4, 5])]), "5f42010243030405ff"),
            (Item::Chunked(vec![Item::from("strea"), Item::from("ming")]), "7f657374726561646d696e67ff"),
            (Item::Array(one_two()).headed(Head::Indefinite), "9f0102ff"),
            (Item::Map(vec![(Item::from("a"), Item::Unsigned(1))]).headed(Head::Indefinite), "bf616101ff"),
        ];
        for (item, expected) in table {
            assert_eq!(hex(&item), expected.replace(' ', ""), "{item:?}");
        }
    }

    #[test]
    fn heads_leave_the_shortest_form_only_when_asked() {
        assert_eq!(hex(&Item::Unsigned(0).headed(Head::OneByte)), "1800");
        assert_eq!(hex(&Item::Unsigned(0).headed(Head::TwoBytes)), "190000");
        assert_eq!(hex(&Item::Array(vec![Item::Null]).headed(Head::FourBytes)), "9a00000001f6");
        assert_eq!(hex(&Item::from("a").headed(Head::EightBytes)), "7b000000000000000161");
        assert_eq!(hex(&Item::bytes(b"").headed(Head::Claims(1 << 39))), "5b0000008000000000");
        assert_eq!(hex(&Item::bytes(b"a").headed(Head::Indefinite)), "5f4161ff");
        assert_eq!(hex(&Item::Unsigned(7).headed(Head::Indefinite)), "1f");
        assert_eq!(hex(&Item::Raw(vec![0xFE])), "fe");
    }

    #[test]
    #[should_panic(expected = "fits the head asked for")]
    fn an_argument_too_large_for_its_head_is_refused() {
        let _ = Item::Unsigned(256).headed(Head::OneByte).encode();
    }
}
