//! Base64. Bytes come in; text goes out.

/// RFC 4648, section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: u32, shift: u32| {
        let index = usize::try_from(group >> shift & 0x3F).unwrap_or_default();
        ALPHABET.get(index).map_or('=', |byte| char::from(*byte))
    };
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().chain([&0, &0]).take(3).fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        text.push(digit(group, 18));
        text.push(digit(group, 12));
        text.push(if chunk.len() > 1 { digit(group, 6) } else { '=' });
        text.push(if chunk.len() > 2 { digit(group, 0) } else { '=' });
    }
    text
}

/// RFC 4648, section 5, with padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    base64(bytes).replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::{base64, base64url};

    #[test]
    fn base64_is_rfc_4648_s() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!((base64(&[0xFB, 0xFF]), base64url(&[0xFB, 0xFF])), ("+/8=".to_owned(), "-_8=".to_owned()));
    }
}
