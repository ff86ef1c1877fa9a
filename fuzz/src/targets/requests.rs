//! Heads of requests: whose signature is right, what they ask for, and where they point.
//!
//! Input is a head as HTTP/1 writes it: a line `METHOD TARGET`, then a line for each header.

use crate::leaves::{leaves, texts};
use esker_s3::auth::{SignedRequest, SigningKey};
use esker_s3::body::{BodyKind, BodyPlan};
use esker_s3::encoding::encode_path;
use esker_s3::request::target::Resource;
use esker_s3::request::{Caller, Hosting, Request, RequestHead};
use esker_s3::xml::write::error_document;
use esker_s3::{ErrorCode, S3Error};
use esker_types::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

const REGION: &str = "eu-west-1";
const SECRET: &str = "secret/Example+Key";
/// 2026-03-04T05:06:07Z
const NOW: Timestamp = Timestamp(1_772_600_767_000_000);

/// A request whose head is at hand.
struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    /// `None` for what an HTTP server would refuse by itself. Malformed headers are left out.
    fn parse(data: &[u8]) -> Option<Head> {
        let mut lines = data.split(|byte| *byte == b'\n');
        let first = lines.next()?;
        let space = first.iter().position(|byte| *byte == b' ')?;
        let method = Method::from_bytes(&first[..space]).ok()?;
        let uri = Uri::try_from(&first[space + 1..]).ok()?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let name = HeaderName::from_bytes(&line[..colon]);
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        Some(Head { method, uri, headers })
    }

    fn borrow(&self) -> RequestHead<'_> {
        RequestHead::new(&self.method, &self.uri, &self.headers)
    }

    fn signed(&self) -> Result<Option<SignedRequest>, S3Error> {
        SignedRequest::parse(&self.borrow(), NOW, REGION)
    }
}

/// Requests of every kind, signed in every way.
pub fn seeds() -> Vec<Vec<u8>> {
    let unsigned = [
        "GET /\nhost: s3.example.com",
        "GET /my-bucket?list-type=2&prefix=a%2Fb&delimiter=/&max-keys=10&encoding-type=url\nhost: localhost:9000",
        "GET /my-bucket?versions&key-marker=k&version-id-marker=ffffffff-ffff-8ffe-8123-456789abcdef\nhost: h",
        "PUT /a/b%20c/%C3%BC//../d?partNumber=3&uploadId=01890a5d-ac96-774b-bcce-b302099a8057\n\
         host: my-bucket.s3.example.com\ncontent-length: 5\ncontent-md5: XUFAKrxLKna5cZ2REBfFkg==",
        "PUT /my-bucket/k\nhost: h\nx-amz-copy-source: /other/a%20b?versionId=null\n\
         x-amz-copy-source-range: bytes=0-9\nx-amz-copy-source-if-match: \"d41d8cd98f00b204e9800998ecf8427e\"",
        "GET /my-bucket/k?versionId=null&response-content-type=text/plain\nhost: h\nrange: bytes=-5\n\
         if-modified-since: Wed, 04 Mar 2026 05:06:07 GMT\nif-none-match: \"d41d8cd98f00b204e9800998ecf8427e-2\"",
        "POST /my-bucket/k?uploads\nhost: h\nx-amz-checksum-algorithm: CRC64NVME\nx-amz-meta-a: b",
        "POST /my-bucket?delete\nhost: h\ncontent-length: 100\nx-amz-checksum-crc32: AAEC/w==",
        "OPTIONS /my-bucket/k\nhost: h\norigin: http://localhost",
    ];
    let mut seeds: Vec<Vec<u8>> = unsigned.iter().map(|head| head.as_bytes().to_vec()).collect();
    seeds.extend(signable().map(|head| sign(head.as_bytes()).expect("a seed that can be signed")));
    seeds
}

/// Requests that lack only the right signature.
fn signable() -> [String; 4] {
    let scope = "AKIAESKEREXAMPLE/20260304/eu-west-1/s3/aws4_request";
    let (date, zeros) = ("20260304T050607Z", "0".repeat(64));
    let by_header = |target: &str, signed: &str, headers: &str| {
        format!(
            "{target}\nhost: localhost:9000\nx-amz-date: {date}\n{headers}\nauthorization: AWS4-HMAC-SHA256 \
             Credential={scope}, SignedHeaders={signed}, Signature={zeros}"
        )
    };
    let credential = scope.replace('/', "%2F");
    [
        by_header(
            "PUT /my-bucket/a%20b?x-id=PutObject",
            "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-name",
            "content-length: 5\ncontent-type: text/plain\nx-amz-meta-name: Value  two  spaces\n\
             x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ),
        by_header(
            "PUT /my-bucket/k",
            "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer",
            "x-amz-decoded-content-length: 5\nx-amz-trailer: x-amz-checksum-crc32\n\
             x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        ),
        by_header(
            "GET /my-bucket?location",
            "host;x-amz-content-sha256;x-amz-date",
            "x-amz-content-sha256: UNSIGNED-PAYLOAD",
        ),
        format!(
            "GET /my-bucket/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}\
             &X-Amz-Expires=600&X-Amz-SignedHeaders=host&x-amz-meta-a=b&X-Amz-Signature={zeros}\n\
             host: localhost:9000"
        ),
    ]
}

/// Reads one head in every way.
pub fn run(data: &[u8]) {
    let Some(head) = Head::parse(data) else { return };
    match head.signed() {
        Err(error) => document_is_sound(&error, &head),
        Ok(None) => {}
        Ok(Some(signed)) => signature(data, &head, signed),
    }
    let hosting = Hosting { domains: vec!["s3.example.com".to_owned(), "example.com".to_owned()] };
    for hosting in [Hosting::default(), hosting] {
        resource(&head, &hosting);
        for caller in [Caller::Signed, Caller::Anonymous] {
            let request = Request::parse(&head.borrow(), &hosting, caller);
            assert_eq!(request, Request::parse(&head.borrow(), &hosting, caller));
            if let Err(error) = request {
                document_is_sound(&error, &head);
            }
        }
    }
}

/// A signature is right for one key and one request, and an error says what a right one must cover.
fn signature(data: &[u8], head: &Head, signed: SignedRequest) {
    assert!(signed.clone().verify("another secret").is_err());
    match signed.verify(SECRET) {
        Ok(verified) => {
            other_requests_are_refused(head);
            for kind in [BodyKind::Object, BodyKind::DeleteObjects, BodyKind::Document] {
                match BodyPlan::parse(&head.borrow(), verified.payload.clone(), kind) {
                    Ok(plan) => assert!(plan.length().unwrap_or(0) <= kind.bytes_max()),
                    Err(error) => document_is_sound(&error, head),
                }
            }
        }
        Err(error) => {
            assert_eq!(error.code, ErrorCode::SignatureDoesNotMatch);
            document_is_sound(&error, head);
            if let Some(corrected) = sign(data) {
                let head = Head::parse(&corrected).expect("only the signature changed");
                let signed = head.signed().expect("as before").expect("signed");
                assert!(signed.verify(SECRET).is_ok(), "signed as the error says: {:?}", head.borrow());
                other_requests_are_refused(&head);
            }
        }
    }
}

/// What `data` would be with a right signature, computed from what the error for a wrong one shows. `None` if
/// the wrong one cannot be replaced without touching something else.
fn sign(data: &[u8]) -> Option<Vec<u8>> {
    let signed = Head::parse(data)?.signed().ok()??;
    let key = SigningKey::derive(SECRET, signed.scope());
    let error = signed.verify(SECRET).err()?;
    let extra = |name: &str| error.extras.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_bytes());
    let (text, wrong) = (extra("StringToSign")?, extra("SignatureProvided")?);
    let mut places = (0..data.len()).filter(|at| data[*at..].starts_with(wrong));
    let (Some(at), None, 64) = (places.next(), places.next(), wrong.len()) else { return None };
    let right = key.sign(text);
    Some([&data[..at], right.as_bytes(), &data[at + wrong.len()..]].concat())
}

/// The signature of `head` is not that of a request that differs in its method, path, query or host.
fn other_requests_are_refused(head: &Head) {
    let verifies = |head: RequestHead<'_>| match SignedRequest::parse(&head, NOW, REGION) {
        Ok(Some(signed)) => signed.verify(SECRET).is_ok(),
        Ok(None) | Err(_) => false,
    };
    let same = head.borrow();
    assert!(verifies(same));
    let method = Method::from_bytes(b"OTHER").expect("a token");
    assert!(!verifies(RequestHead { method: &method, ..same }));
    assert!(!verifies(RequestHead { path: &format!("{}x", same.path), ..same }));
    assert!(!verifies(RequestHead { query: &format!("{}&x-other", same.query), ..same }));
    assert!(!verifies(RequestHead { host: &format!("{}x", same.host), ..same }));
}

/// A bucket and a key that a path names are named by that path, and by the one that clients make of them.
fn resource(head: &Head, hosting: &Hosting) {
    let head = head.borrow();
    let resource = hosting.resolve(&head);
    assert_eq!(hosting.resolve(&head), resource);
    let path = match &resource {
        Ok(Resource::Object(bucket, key)) => format!("/{bucket}/{}", encode_path(key.as_str())),
        Ok(Resource::Bucket(bucket)) => format!("/{bucket}"),
        Ok(Resource::Service) => "/".to_owned(),
        Err(_) => return,
    };
    let by_path = RequestHead { path: &path, host: "localhost", ..head };
    assert_eq!(Hosting::default().resolve(&by_path), resource);
}

/// The error's document is XML and says what the error says.
fn document_is_sound(error: &S3Error, head: &Head) {
    let head = head.borrow();
    let leaves = leaves(&error_document(error, head.path, "id"));
    assert_eq!(texts(&leaves, "Code"), [error.code.text()]);
    assert_eq!(texts(&leaves, "Message"), [&*error.message]);
    assert_eq!(texts(&leaves, "Resource"), [head.path]);
    for (name, value) in &error.extras {
        assert!(texts(&leaves, name).contains(&value.as_str()), "{name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_seeds_verify() {
        for seed in signable() {
            let head = Head::parse(&sign(seed.as_bytes()).expect("signed")).expect("a head");
            assert!(head.signed().expect("well-formed").expect("signed").verify(SECRET).is_ok(), "{seed}");
        }
    }
}
