//! Parameters that all lists share: encoding, page size, and opaque continuation tokens.

use crate::encoding::encode_for_list;
use crate::error::S3Error;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::borrow::Cow;

/// How a list's reply writes keys, prefixes, delimiters and markers (`encoding-type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EncodingType {
    /// As XML text.
    #[default]
    Plain,
    /// Percent-encoded (s3-rules 24).
    Url,
}

impl EncodingType {
    /// Parses the parameter.
    ///
    /// # Errors
    /// `InvalidArgument` for anything but `url`.
    pub fn parse(text: Option<&str>) -> Result<EncodingType, S3Error> {
        match text {
            None | Some("") => Ok(EncodingType::Plain),
            Some("url") => Ok(EncodingType::Url),
            Some(other) => Err(S3Error::invalid_argument(
                "encoding-type",
                other,
                "Invalid Encoding Method specified in Request",
            )),
        }
    }

    /// A key as the reply writes it, before XML escaping.
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            EncodingType::Plain => Cow::Borrowed(text),
            EncodingType::Url => Cow::Owned(encode_for_list(text)),
        }
    }
}

/// Parses a page size such as `max-keys`: `max` if absent or above it (s3-rules 23).
///
/// # Errors
/// `InvalidArgument` if negative or not a number.
pub fn page_size(name: &'static str, text: Option<&str>, max: u16) -> Result<u16, S3Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(max) };
    let invalid = |message: String| Err(S3Error::invalid_argument(name, text, message));
    match text.parse::<i64>() {
        Ok(size) if (0..=i64::from(i32::MAX)).contains(&size) => {
            Ok(u16::try_from(size).unwrap_or(u16::MAX).min(max))
        }
        Ok(_) => invalid(format!("Argument {name} must be an integer between 0 and {}", i32::MAX)),
        Err(_) => invalid(format!("Provided {name} not an integer or within integer range")),
    }
}

/// The first byte of every token: the version of its format.
const TOKEN_VERSION: u8 = 1;
/// Longest token that is looked at, in bytes: the longest marker is a key of 1024 bytes.
const TOKEN_BYTES_MAX: usize = 4096;

/// The opaque token that resumes a list after `marker`.
pub fn encode_token(marker: &str) -> String {
    let mut bytes = Vec::with_capacity(1 + marker.len());
    bytes.push(TOKEN_VERSION);
    bytes.extend_from_slice(marker.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The marker of a token.
///
/// # Errors
/// `InvalidArgument` if this server did not make it.
pub fn decode_token(token: &str) -> Result<String, S3Error> {
    let invalid = || {
        S3Error::invalid_argument("continuation-token", token, "The continuation token provided is incorrect")
    };
    if token.len() > TOKEN_BYTES_MAX {
        return Err(invalid());
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    match bytes.split_first() {
        Some((&TOKEN_VERSION, marker)) if !marker.is_empty() => {
            String::from_utf8(marker.to_vec()).map_err(|_| invalid())
        }
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use proptest::prelude::*;

    // s3-rules 23
    #[test]
    fn page_sizes_are_capped_and_checked() {
        assert_eq!(page_size("max-keys", None, 1000), Ok(1000));
        assert_eq!(page_size("max-keys", Some(""), 1000), Ok(1000));
        assert_eq!(page_size("max-keys", Some("0"), 1000), Ok(0));
        assert_eq!(page_size("max-keys", Some("999"), 1000), Ok(999));
        assert_eq!(page_size("max-keys", Some("2147483647"), 1000), Ok(1000));
        for bad in ["-1", "x", "1.5", "2147483648", "99999999999999999999", " 1"] {
            let error = page_size("max-keys", Some(bad), 1000).expect_err(bad);
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{bad}");
        }
    }

    #[test]
    fn only_url_encoding_is_known() {
        assert_eq!(EncodingType::parse(Some("url")), Ok(EncodingType::Url));
        assert_eq!(EncodingType::parse(None), Ok(EncodingType::Plain));
        assert!(EncodingType::parse(Some("base64")).is_err());
    }

    #[test]
    fn tokens_are_golden_and_foreign_ones_refused() {
        assert_eq!(encode_token("a/b c"), "AWEvYiBj");
        for bad in ["", "AQ", "AmEvYiBj", "AWEvYiBj=", "!", "Af8", &"A".repeat(TOKEN_BYTES_MAX + 1)] {
            assert_eq!(decode_token(bad).expect_err(bad).code, ErrorCode::InvalidArgument, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn tokens_round_trip(marker in ".{1,200}") {
            prop_assert_eq!(decode_token(&encode_token(&marker)), Ok(marker));
        }
    }
}
