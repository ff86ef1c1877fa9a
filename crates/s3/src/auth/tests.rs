//! s3-rules 34 to 36 for the `Authorization` header, on a request that is signed here by the book.

use super::*;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;

const SECRET: &str = "secret";
pub(super) const REGION: &str = "eu-west-1";
/// 2013-05-24T00:00:00Z
pub(super) const NOW: Timestamp = Timestamp(1_369_353_600_000_000);
pub(super) const DATE: &str = "20130524T000000Z";

/// What goes into an `Authorization` header; tests change a field at a time.
#[derive(Clone)]
struct Signing {
    scheme: &'static str,
    credential: String,
    signed_headers: &'static str,
    headers: Vec<(&'static str, String)>,
    target: &'static str,
    signature: Option<String>,
}

impl Default for Signing {
    fn default() -> Signing {
        Signing {
            scheme: "AWS4-HMAC-SHA256",
            credential: format!("AKID/20130524/{REGION}/s3/aws4_request"),
            signed_headers: "host;x-amz-content-sha256;x-amz-date",
            headers: vec![
                ("host", "localhost:9000".to_owned()),
                ("x-amz-content-sha256", "UNSIGNED-PAYLOAD".to_owned()),
                ("x-amz-date", DATE.to_owned()),
            ],
            target: "/bucket/k",
            signature: None,
        }
    }
}

impl Signing {
    fn header(mut self, name: &'static str, value: &str) -> Signing {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &'static str) -> Signing {
        self.headers.retain(|(n, _)| *n != name);
        self
    }

    /// By the book, for requests without query whose headers need no normalising.
    fn sign(&self) -> String {
        let value = |name: &str| self.headers.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value);
        let lines: String = self.signed_headers.split(';').map(|n| format!("{n}:{}\n", value(n))).collect();
        let hash = value("x-amz-content-sha256");
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let query = if query.is_empty() { String::new() } else { format!("{query}=") };
        let canonical = format!("GET\n{path}\n{query}\n{lines}\n{}\n{hash}", self.signed_headers);
        let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(canonical));
        let (_, scope) = self.credential.split_once('/').expect("scope");
        let region = scope.split('/').nth(1).expect("region").to_owned();
        let key = SigningKey::derive(SECRET, &CredentialScope { date: "20130524".to_owned(), region });
        key.sign(format!("AWS4-HMAC-SHA256\n{DATE}\n{scope}\n{hash}").as_bytes())
    }

    fn parse(&self, now: Timestamp) -> Result<SignedRequest, S3Error> {
        let signature = self.signature.clone().unwrap_or_else(|| self.sign());
        let authorization = format!(
            "{} Credential={}, SignedHeaders={}, Signature={signature}",
            self.scheme, self.credential, self.signed_headers
        );
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::try_from(value).expect("value"));
        }
        headers.insert("authorization", HeaderValue::try_from(authorization).expect("ASCII"));
        let uri = self.target.parse().expect("target");
        let head = RequestHead::new(&Method::GET, &uri, &headers);
        SignedRequest::parse(&head, now, REGION).map(|signed| signed.expect("signed"))
    }

    fn verify(&self) -> Result<Verified, S3Error> {
        self.parse(NOW)?.verify(SECRET)
    }

    fn error(&self) -> S3Error {
        self.verify().map(|verified| verified.access_key).expect_err("refused")
    }

    fn code(&self) -> ErrorCode {
        self.error().code
    }
}

pub(super) fn extra<'a>(error: &'a S3Error, name: &str) -> Option<&'a str> {
    error.extras.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_right_signature_verifies_and_a_wrong_secret_does_not() {
    let signing = Signing::default();
    assert_eq!(signing.verify().expect("right").access_key, "AKID");
    let wrong = signing.parse(NOW).expect("well-formed").verify("other").expect_err("wrong secret");
    assert_eq!(wrong.code, ErrorCode::SignatureDoesNotMatch);
    let slashes = Signing { credential: format!("AK/ID/20130524/{REGION}/s3/aws4_request"), ..signing };
    assert_eq!(slashes.parse(NOW).expect("well-formed").access_key(), "AK/ID");
}

// s3-rules 34
#[test]
fn an_anonymous_request_is_none() {
    let headers = HeaderMap::new();
    let head = RequestHead { method: &Method::GET, path: "/", query: "", host: "h", headers: &headers };
    assert!(SignedRequest::parse(&head, NOW, REGION).expect("anonymous").is_none());
}

// s3-rules 34
#[test]
fn the_clock_may_differ_by_fifteen_minutes() {
    let signing = Signing::default();
    let minutes = |n: i64| Timestamp(NOW.0.wrapping_add_signed(n * 60_000_000));
    for offset in [-15, 0, 15] {
        assert!(signing.parse(minutes(offset)).is_ok(), "{offset}");
    }
    for offset in [-16, 16, 60 * 24 * 365] {
        let error = signing.parse(minutes(offset)).map(|_| ()).expect_err("skewed");
        assert_eq!(error.code, ErrorCode::RequestTimeTooSkewed, "{offset}");
        assert_eq!(extra(&error, "RequestTime"), Some(DATE));
    }
}

#[test]
fn the_date_may_come_in_the_date_header() {
    let signing = Signing { signed_headers: "date;host;x-amz-content-sha256", ..Signing::default() }
        .without("x-amz-date")
        .header("date", "Fri, 24 May 2013 00:00:00 GMT");
    assert!(signing.verify().is_ok());
    assert_eq!(signing.clone().header("date", "yesterday").code(), ErrorCode::AccessDenied);
    assert_eq!(signing.without("date").code(), ErrorCode::AccessDenied);
}

// s3-rules 35
#[test]
fn a_wrong_region_names_the_right_one() {
    let credential = |region: &str| Signing {
        credential: format!("AKID/20130524/{region}/s3/aws4_request"),
        ..Signing::default()
    };
    let error = credential("us-east-1").error();
    assert_eq!(error.code, ErrorCode::AuthorizationHeaderMalformed);
    assert_eq!(extra(&error, "Region"), Some(REGION));
    let location = |region| Signing { target: "/bucket?location", ..credential(region) };
    assert!(location("us-east-1").verify().is_ok(), "minio-go and s3cmd ask so");
    assert!(location(REGION).verify().is_ok());
    let error = location("us-west-2").error();
    assert_eq!(extra(&error, "Region"), Some(REGION), "never a region that signing rejects");
}

#[test]
fn a_malformed_authorization_says_what_is_wrong() {
    use ErrorCode::{AuthorizationHeaderMalformed, InvalidArgument, InvalidRequest};
    let credential = |text: &str| Signing {
        credential: text.to_owned(),
        signature: Some("0".repeat(64)),
        ..Signing::default()
    };
    for text in [
        "AKID",
        "AKID/20130524/eu-west-1/s3",
        "/20130524/eu-west-1/s3/aws4_request",
        "AKID/2013/eu-west-1/s3/aws4_request",
        "AKID/20130525/eu-west-1/s3/aws4_request",
        "AKID/20130524/eu-west-1/iam/aws4_request",
        "AKID/20130524/eu-west-1/s3/aws5_request",
        "AKID/20130524//s3/aws4_request",
    ] {
        assert_eq!(credential(text).code(), AuthorizationHeaderMalformed, "{text}");
    }
    let scheme = |scheme| Signing { scheme, ..Signing::default() }.error();
    assert_eq!(scheme("AWS").code, InvalidRequest);
    assert!(scheme("AWS").message.ends_with("Please use AWS4-HMAC-SHA256."));
    assert_eq!(scheme("AWS4-ECDSA-P256-SHA256").code, InvalidRequest);
    assert_eq!(scheme("Bearer").code, InvalidArgument);
    let empty = Signing { signature: Some(String::new()), ..Signing::default() };
    assert_eq!(empty.code(), AuthorizationHeaderMalformed);
}

#[test]
fn the_host_and_every_amz_header_must_be_signed() {
    let added = Signing::default().header("x-amz-meta-a", "1").header("x-amz-acl", "private");
    let error = added.error();
    assert_eq!(error.code, ErrorCode::AccessDenied);
    assert_eq!(extra(&error, "HeadersNotSigned"), Some("x-amz-acl, x-amz-meta-a"));
    let hostless = Signing { signed_headers: "x-amz-content-sha256;x-amz-date", ..Signing::default() };
    assert_eq!(extra(&hostless.error(), "HeadersNotSigned"), Some("host"));
    assert!(Signing::default().header("user-agent", "x").verify().is_ok());
    let hash = Signing { signed_headers: "host;x-amz-date", ..Signing::default() };
    assert!(hash.verify().is_ok(), "the payload hash is signed as such");
    let signature = Some(hash.sign());
    let forged = Signing { signature, ..hash }.header("x-amz-content-sha256", &"ab".repeat(32));
    assert_eq!(forged.code(), ErrorCode::SignatureDoesNotMatch);
}

#[test]
fn payload_modes_are_read_from_the_signed_header() {
    let mode =
        |text: &str| Signing::default().header("x-amz-content-sha256", text).verify().map(|v| v.payload);
    assert!(matches!(mode("UNSIGNED-PAYLOAD"), Ok(Payload::Unsigned)));
    assert!(matches!(mode(&"ab".repeat(32)), Ok(Payload::Sha256([0xab, ..]))));
    assert!(matches!(mode("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), Ok(Payload::StreamingUnsignedTrailer)));
    let signed = mode("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
    assert!(matches!(signed, Ok(Payload::StreamingSigned { trailer: TrailerMode::Present, .. })));
    let code = |text: &str| mode(text).map(|_| ()).expect_err(text).code;
    assert_eq!(code("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), ErrorCode::NotImplemented);
    assert_eq!(code("abcd"), ErrorCode::InvalidArgument);
    let missing = Signing { signed_headers: "host;x-amz-date", ..Signing::default() };
    assert_eq!(missing.without("x-amz-content-sha256").code(), ErrorCode::InvalidRequest);
}

#[test]
fn session_tokens_are_refused() {
    let signing = Signing {
        signed_headers: "host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
        ..Signing::default()
    };
    assert_eq!(signing.header("x-amz-security-token", "token").code(), ErrorCode::InvalidToken);
}

// s3-rules 36
#[test]
fn a_mismatch_shows_what_was_signed() {
    let wrong = Signing { signature: Some("00".repeat(32)), ..Signing::default() };
    let text = crate::xml::write::error_document(&wrong.error(), "/bucket/k", "1").replace("><", ">\n<");
    expect_test::expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <Error>
        <Code>SignatureDoesNotMatch</Code>
        <Message>The request signature we calculated does not match the signature you provided. Check your key and signing method.</Message>
        <AWSAccessKeyId>AKID</AWSAccessKeyId>
        <StringToSign>AWS4-HMAC-SHA256
        20130524T000000Z
        20130524/eu-west-1/s3/aws4_request
        af87b536614398c0861abfc44491825bcb5612fc88fa5433fc97469564cc080c</StringToSign>
        <SignatureProvided>0000000000000000000000000000000000000000000000000000000000000000</SignatureProvided>
        <StringToSignBytes>41 57 53 34 2d 48 4d 41 43 2d 53 48 41 32 35 36 0a 32 30 31 33 30 35 32 34 54 30 30 30 30 30 30 5a 0a 32 30 31 33 30 35 32 34 2f 65 75 2d 77 65 73 74 2d 31 2f 73 33 2f 61 77 73 34 5f 72 65 71 75 65 73 74 0a 61 66 38 37 62 35 33 36 36 31 34 33 39 38 63 30 38 36 31 61 62 66 63 34 34 34 39 31 38 32 35 62 63 62 35 36 31 32 66 63 38 38 66 61 35 34 33 33 66 63 39 37 34 36 39 35 36 34 63 63 30 38 30 63</StringToSignBytes>
        <CanonicalRequest>GET
        /bucket/k

        host:localhost:9000
        x-amz-content-sha256:UNSIGNED-PAYLOAD
        x-amz-date:20130524T000000Z

        host;x-amz-content-sha256;x-amz-date
        UNSIGNED-PAYLOAD</CanonicalRequest>
        <CanonicalRequestBytes>47 45 54 0a 2f 62 75 63 6b 65 74 2f 6b 0a 0a 68 6f 73 74 3a 6c 6f 63 61 6c 68 6f 73 74 3a 39 30 30 30 0a 78 2d 61 6d 7a 2d 63 6f 6e 74 65 6e 74 2d 73 68 61 32 35 36 3a 55 4e 53 49 47 4e 45 44 2d 50 41 59 4c 4f 41 44 0a 78 2d 61 6d 7a 2d 64 61 74 65 3a 32 30 31 33 30 35 32 34 54 30 30 30 30 30 30 5a 0a 0a 68 6f 73 74 3b 78 2d 61 6d 7a 2d 63 6f 6e 74 65 6e 74 2d 73 68 61 32 35 36 3b 78 2d 61 6d 7a 2d 64 61 74 65 0a 55 4e 53 49 47 4e 45 44 2d 50 41 59 4c 4f 41 44</CanonicalRequestBytes>
        <Resource>/bucket/k</Resource>
        <RequestId>1</RequestId>
        </Error>"#]].assert_eq(&text);
}

#[test]
fn one_mechanism_at_a_time_and_no_older_one() {
    let both = Signing { target: "/bucket/k?X-Amz-Signature", ..Signing::default() };
    assert_eq!(both.code(), ErrorCode::InvalidArgument);
    let headers = HeaderMap::new();
    let query = "AWSAccessKeyId=AKID&Expires=1&Signature=x";
    let head = RequestHead { method: &Method::GET, path: "/", query, host: "h", headers: &headers };
    let error = SignedRequest::parse(&head, NOW, REGION).map(|_| ()).expect_err("version 2");
    assert_eq!(error.code, ErrorCode::InvalidRequest);
}

#[test]
fn secrets_are_not_printed() {
    let verified = Signing::default()
        .header("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        .verify()
        .expect("right");
    assert!(format!("{verified:?}").contains("SigningKey(…)"));
}

proptest! {
    #[test]
    fn parsing_never_panics(authorization in "(AWS4-HMAC-SHA256 )?[ -~]{0,80}", query in "[ -~]{0,80}", date in "[ -~]{0,20}") {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::try_from(authorization).expect("ASCII"));
        headers.insert("x-amz-date", HeaderValue::try_from(date).expect("ASCII"));
        for query in [query.clone(), format!("X-Amz-Signature=1&{query}")] {
            let head = RequestHead { method: &Method::GET, path: "/%", query: &query, host: "h", headers: &headers };
            let _ = SignedRequest::parse(&head, NOW, REGION);
        }
    }
}
