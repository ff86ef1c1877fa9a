//! Headers that a presigned URL carries in its query.

use crate::error::S3Error;
use crate::request::query::Query;
use crate::request::target::RequestHead;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

/// The parameters of the signature itself, in lower case; and one that is a hint between layers of an SDK, which
/// those that presign leave behind although there is no body yet to have a checksum.
const NOT_HEADERS: [&str; 9] = [
    "x-amz-sdk-checksum-algorithm",
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// The headers that a request means. Some SDKs (Go, JavaScript) move `x-amz-*` headers into the query when they
/// presign, and S3 reads them there; a header that is also sent as such counts as sent.
///
/// # Errors
/// `InvalidURI` for a malformed query, `InvalidArgument` for a value that no header can have.
pub fn effective_headers<'a>(head: &RequestHead<'a>) -> Result<Cow<'a, HeaderMap>, S3Error> {
    let query = Query::parse(head.query)?;
    if !query.has("X-Amz-Signature") {
        return Ok(Cow::Borrowed(head.headers));
    }
    let mut headers = Cow::Borrowed(head.headers);
    for (name, value) in query.pairs() {
        let name = name.to_ascii_lowercase();
        if !name.starts_with("x-amz-")
            || NOT_HEADERS.contains(&name.as_str())
            || head.headers.contains_key(&name)
        {
            continue;
        }
        let invalid = || S3Error::invalid_argument("query", name.clone(), "Not a valid header");
        let header = HeaderName::try_from(&name).map_err(|_| invalid())?;
        let text = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
        headers.to_mut().append(header, text);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn effective(query: &str, headers: &HeaderMap) -> Vec<(String, String)> {
        let head = RequestHead { method: &Method::PUT, path: "/b/k", query, host: "h", headers };
        let effective = effective_headers(&head).expect("valid");
        effective.iter().map(|(n, v)| (n.to_string(), v.to_str().expect("text").to_owned())).collect()
    }

    #[test]
    fn presigned_parameters_are_headers_but_those_of_the_signature_are_not() {
        let query = "X-Amz-Signature=1&X-Amz-Date=2&X-Amz-Acl=private&x-amz-meta-a=b%20c&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject&acl";
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let none = HeaderMap::new();
        assert_eq!(effective(query, &none), [pair("x-amz-acl", "private"), pair("x-amz-meta-a", "b c")]);
        assert_eq!(effective("x-amz-acl=public-read", &none), [], "not presigned");
        let mut sent = HeaderMap::new();
        sent.insert("x-amz-acl", HeaderValue::from_static("public-read"));
        assert_eq!(effective(query, &sent)[0], pair("x-amz-acl", "public-read"));
    }
}
