//! The headers that are stored with an object and come back with it.

use crate::error::{ErrorCode, S3Error};
use crate::request::headers::{header_text, latin1};
use esker_types::limits::USER_METADATA_BYTES_MAX;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The `Content-Type` of an object that was stored without one (s3-rules 6).
pub const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";
/// The prefix of user metadata's header names.
pub const USER_METADATA_PREFIX: &str = "x-amz-meta-";
/// Largest sum of the values of the system headers, in bytes; S3's limit for a whole header section.
pub const SYSTEM_METADATA_BYTES_MAX: usize = 8 * 1024;

/// What a PUT stores beside the bytes.
///
/// Values are kept byte for byte: each `char` (U+0000–U+00FF) stands for one byte of the header. So UTF-8,
/// Latin-1 and RFC 2047 texts all come back as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ObjectHeaders {
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Content-Encoding`, without `aws-chunked` (s3-rules 11).
    pub content_encoding: Option<String>,
    /// `Content-Disposition`
    pub content_disposition: Option<String>,
    /// `Content-Language`
    pub content_language: Option<String>,
    /// `Cache-Control`
    pub cache_control: Option<String>,
    /// `Expires`: the exact text, which need not be a date.
    pub expires: Option<String>,
    /// User metadata: names in lower case without `x-amz-meta-`, sorted; values of one name joined with `,`.
    pub user: Vec<(String, String)>,
}

impl ObjectHeaders {
    /// Takes what is to be stored from a request.
    ///
    /// # Errors
    /// `MetadataTooLarge` (s3-rules 9).
    pub fn parse(headers: &HeaderMap) -> Result<ObjectHeaders, S3Error> {
        let text = |name: HeaderName| header_text(headers, name.as_str());
        let parsed = ObjectHeaders {
            content_type: text(header::CONTENT_TYPE),
            content_encoding: text(header::CONTENT_ENCODING).and_then(|value| without_aws_chunked(&value)),
            content_disposition: text(header::CONTENT_DISPOSITION),
            content_language: text(header::CONTENT_LANGUAGE),
            cache_control: text(header::CACHE_CONTROL),
            expires: text(header::EXPIRES),
            user: user_metadata(headers),
        };
        let user_bytes: usize =
            parsed.user.iter().map(|(name, value)| name.len() + value.chars().count()).sum();
        if user_bytes > USER_METADATA_BYTES_MAX {
            return Err(S3Error::new(ErrorCode::MetadataTooLarge)
                .with_extra("Size", user_bytes.to_string())
                .with_extra("MaxSizeAllowed", USER_METADATA_BYTES_MAX.to_string()));
        }
        let system_bytes: usize =
            parsed.system().filter_map(|(_, value)| value.as_ref()).map(String::len).sum();
        if system_bytes > SYSTEM_METADATA_BYTES_MAX {
            return Err(ErrorCode::RequestHeaderSectionTooLarge.into());
        }
        Ok(parsed)
    }

    /// As name and value pairs, which an index can store without knowing what they mean.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let system = self.system().filter_map(|(name, value)| Some((name.to_string(), value.clone()?)));
        let user =
            self.user.iter().map(|(name, value)| (format!("{USER_METADATA_PREFIX}{name}"), value.clone()));
        system.chain(user).collect()
    }

    /// The reverse of [`ObjectHeaders::to_pairs`]. Names that this version does not know are left out.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> ObjectHeaders {
        let mut headers = ObjectHeaders::default();
        for (name, value) in pairs {
            let field = match name.as_str() {
                "content-type" => &mut headers.content_type,
                "content-encoding" => &mut headers.content_encoding,
                "content-disposition" => &mut headers.content_disposition,
                "content-language" => &mut headers.content_language,
                "cache-control" => &mut headers.cache_control,
                "expires" => &mut headers.expires,
                other => {
                    let user = other.strip_prefix(USER_METADATA_PREFIX).map(str::to_owned);
                    headers.user.extend(user.map(|name| (name, value)));
                    continue;
                }
            };
            *field = Some(value);
        }
        headers
    }

    /// The headers of a reply that carries the object; `Content-Type` is always there (s3-rules 6).
    pub fn reply_headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut reply: Vec<_> = self
            .to_pairs()
            .iter()
            .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, header_value(value)?)))
            .collect();
        if self.content_type.is_none() {
            reply.push((header::CONTENT_TYPE, HeaderValue::from_static(DEFAULT_CONTENT_TYPE)));
        }
        reply
    }

    fn system(&self) -> impl Iterator<Item = (HeaderName, &Option<String>)> {
        [
            (header::CONTENT_TYPE, &self.content_type),
            (header::CONTENT_ENCODING, &self.content_encoding),
            (header::CONTENT_DISPOSITION, &self.content_disposition),
            (header::CONTENT_LANGUAGE, &self.content_language),
            (header::CACHE_CONTROL, &self.cache_control),
            (header::EXPIRES, &self.expires),
        ]
        .into_iter()
    }
}

/// A header value from a text whose chars are bytes; `None` if one is not a byte or not allowed in a header.
pub fn header_value(text: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

/// `aws-chunked` says how the body travels, not what it is (s3-rules 11).
fn without_aws_chunked(value: &str) -> Option<String> {
    let is_framing = |token: &&str| token.trim().eq_ignore_ascii_case("aws-chunked");
    if !value.split(',').any(|token| is_framing(&token)) {
        return Some(value.to_owned());
    }
    let kept: Vec<&str> = value
        .split(',')
        .filter(|token| !is_framing(token))
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

fn user_metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut user: Vec<(String, String)> = headers
        .keys()
        .filter_map(|name| {
            let short = name.as_str().strip_prefix(USER_METADATA_PREFIX)?;
            let values: Vec<String> = headers.get_all(name).iter().map(latin1).collect();
            Some((short.to_owned(), values.join(",")))
        })
        .collect();
    user.sort();
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &[u8])]) -> Result<ObjectHeaders, S3Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::try_from(*name).expect("name"),
                HeaderValue::from_bytes(value).expect("value"),
            );
        }
        ObjectHeaders::parse(&headers)
    }

    // s3-rules 11
    #[test]
    fn aws_chunked_is_not_stored() {
        let stored = |value: &[u8]| parse(&[("content-encoding", value)]).expect("valid").content_encoding;
        assert_eq!(stored(b"aws-chunked"), None);
        assert_eq!(stored(b"aws-chunked,gzip").as_deref(), Some("gzip"));
        assert_eq!(stored(b"gzip, AWS-Chunked ,br").as_deref(), Some("gzip,br"));
        assert_eq!(stored(b"aws-chunked,").as_deref(), None);
        assert_eq!(stored(b"gzip, br").as_deref(), Some("gzip, br"), "untouched without the token");
    }

    // s3-rules 9
    #[test]
    fn user_metadata_names_are_lower_case_and_values_are_kept_byte_for_byte() {
        let headers = parse(&[
            ("X-Amz-Meta-Zeta", b"a"),
            ("x-amz-meta-utf8", "é".as_bytes()),
            ("x-amz-meta-latin1", b"\xe9"),
            ("x-amz-meta-rfc2047", b"=?UTF-8?B?w6k=?="),
            ("x-amz-meta-zeta", b"b"),
            ("x-amz-meta-empty", b""),
        ])
        .expect("valid");
        let names: Vec<&str> = headers.user.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["empty", "latin1", "rfc2047", "utf8", "zeta"]);
        let back = ObjectHeaders::from_pairs(headers.to_pairs());
        assert_eq!(back, headers);
        let reply: HeaderMap = back.reply_headers().into_iter().collect();
        assert_eq!(reply["x-amz-meta-utf8"].as_bytes(), "é".as_bytes());
        assert_eq!(reply["x-amz-meta-latin1"].as_bytes(), b"\xe9");
        assert_eq!(reply["x-amz-meta-zeta"].as_bytes(), b"a,b");
        assert_eq!(reply["x-amz-meta-rfc2047"].as_bytes(), b"=?UTF-8?B?w6k=?=");
    }

    // s3-rules 9
    #[test]
    fn user_metadata_is_limited_to_2_kib_of_names_and_values() {
        let value = vec![b'v'; 2046];
        assert!(parse(&[("x-amz-meta-ab", &value)]).is_ok());
        let error = parse(&[("x-amz-meta-abc", &value)]).expect_err("2049 bytes");
        assert_eq!(error.code, ErrorCode::MetadataTooLarge);
        assert!(parse(&[("x-amz-meta-a", &[0xe9; 2047])]).is_ok(), "bytes are counted, not their UTF-8 form");
    }

    // s3-rules 6
    #[test]
    fn the_default_content_type_is_applied_on_reply_and_not_stored() {
        let none = parse(&[]).expect("valid");
        assert_eq!(none.to_pairs(), []);
        assert_eq!(
            none.reply_headers(),
            [(header::CONTENT_TYPE, HeaderValue::from_static("binary/octet-stream"))]
        );
        let all = parse(&[
            ("content-type", b"text/plain"),
            ("content-disposition", b"attachment"),
            ("content-language", b"de"),
            ("cache-control", b"no-cache"),
            ("expires", b"soon"),
        ])
        .expect("valid");
        assert_eq!(ObjectHeaders::from_pairs(all.to_pairs()), all);
        assert_eq!(all.reply_headers().len(), 5);
    }
}
