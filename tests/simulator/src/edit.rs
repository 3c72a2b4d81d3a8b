//! Damage to finished bytes. An edit comes in with the bytes of a certificate, a CRL or a signature; the damaged bytes
//! go out. Edits are data, so a specification that carries them can be cloned and printed.

/// One change to a byte string.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Edit {
    /// Inverts bit `bit` (0 is the least significant) of the byte at `offset`.
    FlipBit {
        /// The byte, counted from 0.
        offset: usize,
        /// The bit, 0 to 7.
        bit: u8,
    },
    /// Replaces the first occurrence of `find`.
    Replace {
        /// What stands there; not empty.
        find: Vec<u8>,
        /// What shall stand there, of any length.
        with: Vec<u8>,
    },
    /// Keeps the first `len` bytes.
    Truncate {
        /// The new length, below the old one.
        len: usize,
    },
    /// Adds bytes at the end.
    Append(Vec<u8>),
    /// Puts these bytes in place of all.
    Become(Vec<u8>),
}

impl Edit {
    /// Applies the edit to `bytes`.
    ///
    /// # Panics
    /// When the edit would change nothing (no such byte, nothing found, not longer than the new length): the test that
    /// asks for it would test nothing.
    #[expect(clippy::expect_used, reason = "an edit that hits nothing is an error of the test that made it")]
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::FlipBit { offset, bit } => {
                let mask = 1_u8.checked_shl(u32::from(*bit)).expect("a bit from 0 to 7");
                *bytes.get_mut(*offset).expect("the byte to flip exists") ^= mask;
            }
            Self::Replace { find, with } => {
                assert!(!find.is_empty() && find != with, "a replacement that changes something");
                let start = bytes.windows(find.len()).position(|window| window == find);
                let start = start.expect("the bytes to replace occur");
                bytes.splice(start..start + find.len(), with.iter().copied());
            }
            Self::Truncate { len } => {
                assert!(*len < bytes.len(), "a truncation that shortens");
                bytes.truncate(*len);
            }
            Self::Append(tail) => {
                assert!(!tail.is_empty(), "an addition that adds");
                bytes.extend_from_slice(tail);
            }
            Self::Become(other) => {
                assert_ne!(other, bytes, "other bytes than before");
                bytes.clone_from(other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Edit;

    fn edited(edit: &Edit) -> Vec<u8> {
        let mut bytes = b"abcabc".to_vec();
        edit.apply(&mut bytes);
        bytes
    }

    #[test]
    fn each_edit_does_what_it_says() {
        let replace = Edit::Replace { find: b"bc".to_vec(), with: b"X".to_vec() };
        assert_eq!(edited(&Edit::FlipBit { offset: 1, bit: 0 }), b"accabc");
        assert_eq!(edited(&replace), b"aXabc");
        assert_eq!(edited(&Edit::Truncate { len: 2 }), b"ab");
        assert_eq!(edited(&Edit::Append(b"!".to_vec())), b"abcabc!");
        assert_eq!(edited(&Edit::Become(Vec::new())), b"");
    }

    #[test]
    #[should_panic(expected = "the bytes to replace occur")]
    fn an_edit_that_finds_nothing_is_refused() {
        edited(&Edit::Replace { find: b"xyz".to_vec(), with: Vec::new() });
    }

    #[test]
    #[should_panic(expected = "the byte to flip exists")]
    fn an_edit_beyond_the_end_is_refused() {
        edited(&Edit::FlipBit { offset: 6, bit: 0 });
    }
}
