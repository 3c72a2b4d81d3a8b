//! Writes DER (X.690): contents come in, the encoded element goes out. Plain functions over bytes, so a test composes
//! whatever it needs; nothing here checks that the result makes sense.

use time::OffsetDateTime;

/// An object identifier by its arcs, such as `&[2, 5, 29, 15]`.
pub type Oid = &'static [u64];

/// An element of any tag, with its length in the shortest form.
#[must_use]
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = length.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    let mut out = vec![tag];
    match *significant.as_slice() {
        [] => out.push(0),
        [short] if short < 0x80 => out.push(short),
        _ => {
            out.push(significant.iter().fold(0x80, |marker, _| marker + 1));
            out.extend_from_slice(&significant);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A SEQUENCE of the elements given.
#[must_use]
pub fn sequence(elements: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    element(0x30, &concatenation(elements))
}

/// A SET of the elements given, in the order given.
#[must_use]
pub fn set(elements: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    element(0x31, &concatenation(elements))
}

/// `[number]` EXPLICIT around an element; also the constructed form of an IMPLICIT tag around contents.
#[must_use]
pub fn context(number: u8, content: &[u8]) -> Vec<u8> {
    element(0xA0 | number, content)
}

/// `[number]` IMPLICIT of a primitive type.
#[must_use]
pub fn context_primitive(number: u8, content: &[u8]) -> Vec<u8> {
    element(0x80 | number, content)
}

/// An INTEGER with these content octets, as they are: also negative, padded or too long ones.
#[must_use]
pub fn integer(content: &[u8]) -> Vec<u8> {
    element(0x02, content)
}

/// The content octets of the INTEGER whose value is the big-endian `magnitude`: no padding but the one zero that keeps
/// it positive.
#[must_use]
pub fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let mut content = magnitude.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    content
}

/// An INTEGER with a small value.
#[must_use]
pub fn small_integer(value: u64) -> Vec<u8> {
    integer(&unsigned(&value.to_be_bytes()))
}

/// An ENUMERATED value.
#[must_use]
pub fn enumerated(value: u8) -> Vec<u8> {
    element(0x0A, &unsigned(&[value]))
}

/// A BOOLEAN.
#[must_use]
pub fn boolean(value: bool) -> Vec<u8> {
    element(0x01, &[if value { 0xFF } else { 0x00 }])
}

/// A NULL.
#[must_use]
pub fn null() -> Vec<u8> {
    element(0x05, &[])
}

/// An OCTET STRING.
#[must_use]
pub fn octet_string(bytes: &[u8]) -> Vec<u8> {
    element(0x04, bytes)
}

/// A BIT STRING whose last byte has `unused` unused bits.
#[must_use]
pub fn bit_string(unused: u8, bytes: &[u8]) -> Vec<u8> {
    element(0x03, &concatenation([vec![unused], bytes.to_vec()]))
}

/// A UTF8String.
#[must_use]
pub fn utf8_string(text: &str) -> Vec<u8> {
    element(0x0C, text.as_bytes())
}

/// A PrintableString; the alphabet is the caller's business.
#[must_use]
pub fn printable_string(text: &str) -> Vec<u8> {
    element(0x13, text.as_bytes())
}

/// An OBJECT IDENTIFIER.
///
/// # Panics
/// On fewer than two arcs.
#[must_use]
#[expect(clippy::expect_used, reason = "object identifiers are literals of at least two arcs")]
pub fn object_identifier(oid: &[u64]) -> Vec<u8> {
    let ([first, second], rest) = oid.split_first_chunk().expect("an object identifier has two arcs");
    let arcs = std::iter::once(first * 40 + second).chain(rest.iter().copied());
    element(0x06, &concatenation(arcs.map(base128)))
}

/// A Time of RFC 5280, section 4.1.2.5: UTCTime from 1950 to 2049, GeneralizedTime for other years.
///
/// # Panics
/// When `seconds` since the Unix epoch is outside the years 0 to 9999, which neither form can spell.
#[must_use]
#[expect(clippy::expect_used, reason = "a time that X.509 cannot spell is an error of the test that asks for it")]
pub fn time(seconds: i64) -> Vec<u8> {
    let instant = OffsetDateTime::from_unix_timestamp(seconds).expect("a year from 0 to 9999");
    let (year, month, day) = instant.to_calendar_date();
    let (hour, minute, second) = instant.to_hms();
    assert!((0..=9999).contains(&year), "a year from 0 to 9999");
    let rest = format!("{:02}{day:02}{hour:02}{minute:02}{second:02}Z", u8::from(month));
    if (1950..2050).contains(&year) {
        element(0x17, format!("{:02}{rest}", year % 100).as_bytes())
    } else {
        element(0x18, format!("{year:04}{rest}").as_bytes())
    }
}

fn concatenation(parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    parts.into_iter().flatten().collect()
}

/// Seven bits a byte, most significant first, all but the last marked (X.690, section 8.19).
fn base128(arc: u64) -> Vec<u8> {
    let septet = |shift: u32| {
        let [.., low] = (arc >> shift).to_be_bytes();
        low & 0x7F
    };
    let higher =
        (1..10).rev().map(|index| index * 7).skip_while(|shift| arc >> shift == 0).map(|shift| septet(shift) | 0x80);
    higher.chain([septet(0)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_shortest() {
        assert_eq!(element(0x04, &[]), [0x04, 0x00]);
        for (length, head) in
            [(0x7F, "047f"), (0x80, "048180"), (0xFF, "0481ff"), (0x100, "04820100"), (0x1_0000, "0483010000")]
        {
            let encoded = hex::encode(octet_string(&vec![0; length]));
            assert_eq!(encoded.get(..head.len()), Some(head));
            assert_eq!(encoded.len(), head.len() + 2 * length);
        }
    }

    #[test]
    fn integers_are_positive_and_short() {
        assert_eq!(small_integer(0), [0x02, 0x01, 0x00]);
        assert_eq!(small_integer(127), [0x02, 0x01, 0x7F]);
        assert_eq!(small_integer(128), [0x02, 0x02, 0x00, 0x80]);
        assert_eq!(unsigned(&[0, 0, 1, 0]), [1, 0]);
        assert_eq!(integer(&[0xFF]), [0x02, 0x01, 0xFF]);
    }

    #[test]
    fn object_identifiers() {
        assert_eq!(hex::encode(object_identifier(&[1, 2, 840, 10045, 4, 3, 3])), "06082a8648ce3d040303");
        assert_eq!(hex::encode(object_identifier(&[2, 5, 29, 19])), "0603551d13");
        assert_eq!(hex::encode(object_identifier(&[2, 999, u64::MAX])), "060c883781ffffffffffffffff7f");
    }

    #[test]
    fn times_change_form_in_2050() {
        let text = |seconds| String::from_utf8(time(seconds)).unwrap();
        assert_eq!(text(1_766_678_659), "\u{17}\u{d}251225160419Z");
        assert_eq!(text(2_524_607_999), "\u{17}\u{d}491231235959Z");
        assert_eq!(text(2_524_608_000), "\u{18}\u{f}20500101000000Z");
        assert_eq!(text(-631_152_001), "\u{18}\u{f}19491231235959Z");
        assert_eq!(text(253_402_300_799), "\u{18}\u{f}99991231235959Z");
    }
}
