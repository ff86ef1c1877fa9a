//! Percent-encoding exactly as S3 does it: strict decoding, and AWS's own set of unreserved characters.
//!
//! Source: "Create a signed AWS API request", `UriEncode()`; s3-rules 24.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

/// All but AWS's unreserved characters `A-Z a-z 0-9 - . _ ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, but `/` stays as it is.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');
/// What `encoding-type=url` encodes; S3 leaves `*` alone there, as Java's form encoder does.
const RESERVED_IN_LIST: &AsciiSet = &RESERVED_IN_PATH.remove(b'*');

/// The text has a `%` that two hex digits do not follow, or its bytes are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed percent-encoding")]
pub struct MalformedEncoding;

/// What `+` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {
    /// Itself, as in a path.
    Literal,
    /// A space, as in a query.
    Space,
}

/// Encodes everything but unreserved characters, as in a canonical query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Encodes everything but unreserved characters and `/`, as in a canonical path.
pub fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_IN_PATH).to_string()
}

/// Encodes bytes that need not be UTF-8, as in a canonical path.
pub fn encode_path_bytes(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED_IN_PATH).to_string()
}

/// Encodes a key, prefix, delimiter or marker for `encoding-type=url` (s3-rules 24).
pub fn encode_for_list(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_IN_LIST).to_string()
}

/// Decodes to bytes; every `%` must begin a valid escape.
pub fn decode_bytes(text: &str, plus: Plus) -> Result<Vec<u8>, MalformedEncoding> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let (high, low) = (hex_digit(bytes.next())?, hex_digit(bytes.next())?);
                high << 4 | low
            }
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    Ok(decoded)
}

/// Decodes to text; every `%` must begin a valid escape, and the result must be UTF-8.
pub fn decode(text: &str, plus: Plus) -> Result<String, MalformedEncoding> {
    String::from_utf8(decode_bytes(text, plus)?).map_err(|_| MalformedEncoding)
}

fn hex_digit(byte: Option<u8>) -> Result<u8, MalformedEncoding> {
    match byte.ok_or(MalformedEncoding)? {
        digit @ b'0'..=b'9' => Ok(digit - b'0'),
        digit @ b'a'..=b'f' => Ok(digit - b'a' + 10),
        digit @ b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(MalformedEncoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decoding_is_strict() {
        for text in ["%", "%4", "%zz", "a%2", "%+1", "%-1", "%ff", "%C3%28"] {
            assert_eq!(decode(text, Plus::Literal), Err(MalformedEncoding), "{text}");
        }
        assert_eq!(decode_bytes("%ff%00", Plus::Literal), Ok(vec![0xff, 0]));
    }

    #[test]
    fn plus_is_a_space_in_a_query_only() {
        assert_eq!(decode("a+b%2Bc%20d", Plus::Literal).as_deref(), Ok("a+b+c d"));
        assert_eq!(decode("a+b%2Bc%20d", Plus::Space).as_deref(), Ok("a b+c d"));
    }

    // s3-rules 24
    #[test]
    fn lists_encode_space_and_plus_but_not_slash() {
        assert_eq!(encode_for_list("a b+c/d*e~f-g_h.i%é\u{1}"), "a%20b%2Bc/d*e~f-g_h.i%25%C3%A9%01");
    }

    proptest! {
        #[test]
        fn encoding_round_trips(text in any::<String>()) {
            for (encoded, plus) in [(encode(&text), Plus::Space), (encode(&text), Plus::Literal),
                (encode_path(&text), Plus::Literal), (encode_for_list(&text), Plus::Space)] {
                prop_assert!(encoded.is_ascii());
                prop_assert_eq!(decode(&encoded, plus), Ok(text.clone()));
            }
        }

        #[test]
        fn decoding_never_panics(text in any::<String>()) {
            let _ = decode(&text, Plus::Space);
        }
    }
}
