//! Reading header values without losing bytes.

use http::{HeaderMap, HeaderValue};

/// A value as a text with one `char` (U+0000–U+00FF) per byte.
pub(crate) fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().map(|&byte| char::from(byte)).collect()
}

/// All values of a header, joined with `,`; `None` if it is absent.
pub(crate) fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    Some(values.map(latin1).collect::<Vec<_>>().join(","))
}

/// A header's first value, if it is ASCII text; surrounding white space removed.
pub(crate) fn header_ascii<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}
