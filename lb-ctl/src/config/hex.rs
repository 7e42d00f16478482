//! Bytes as hexadecimal digits.

use std::fmt::Write;

/// The bytes that pairs of digits say, in either case; `None` where they do not.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    // Two digits are a byte.
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8)).collect()
}

/// Two digits for each byte.
pub fn text(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes(&text(&all)), Some(all));
        assert_eq!(bytes("00fFA0"), Some(vec![0, 0xff, 0xa0]));
        assert_eq!(bytes(""), Some(Vec::new()));
        for wrong in ["0", "zz", "001", "+1", "é"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
