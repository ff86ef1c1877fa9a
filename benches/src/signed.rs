//! A signed request and signed bodies, as clients send them.

use esker_s3::auth::{ChunkSigner, CredentialScope, SigningKey};
use esker_types::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use sha2::{Digest as _, Sha256};

/// The server's region.
pub const REGION: &str = "eu-west-1";
/// The client's secret.
pub const SECRET: &str = "secret/Example+Key";
/// When the request was signed, 2026-03-04T05:06:07Z.
pub const NOW: Timestamp = Timestamp(1_772_600_767_000_000);

/// The head of a PutObject, with a right signature.
///
/// # Panics
/// Never: the texts are constant.
pub fn put_head() -> (Method, Uri, HeaderMap) {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAESKEREXAMPLE/20260304/eu-west-1/s3/aws4_request, \
                         SignedHeaders=cache-control;content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;\
                         x-amz-date;x-amz-meta-name;x-amz-sdk-checksum-algorithm, \
                         Signature=f69803d91168cce45aae718201c4c20e8d553d0095d0ab53e4e70049c6893efc";
    let headers = [
        ("authorization", authorization),
        ("cache-control", "no-cache"),
        ("content-length", "5"),
        ("content-type", "text/plain"),
        ("host", "localhost:9000"),
        ("x-amz-checksum-crc32", "NhCmhg=="),
        ("x-amz-content-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
        ("x-amz-date", "20260304T050607Z"),
        ("x-amz-meta-name", "Value  two  spaces"),
        ("x-amz-sdk-checksum-algorithm", "CRC32"),
    ];
    let header = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    (Method::PUT, Uri::from_static("/my-bucket/k"), headers.into_iter().map(header).collect())
}

fn scope() -> CredentialScope {
    CredentialScope { date: "20260304".to_owned(), region: REGION.to_owned() }
}

/// What verifies the chunks of [`signed_body`].
pub fn chunk_signer() -> ChunkSigner {
    let key = SigningKey::derive(SECRET, &scope());
    ChunkSigner::new(key, NOW.0 / 1_000_000, &scope(), "seed".to_owned())
}

/// `payload` as `aws-chunked` with signed chunks of `chunk_bytes`.
pub fn signed_body(payload: &[u8], chunk_bytes: usize) -> Vec<u8> {
    let key = SigningKey::derive(SECRET, &scope());
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let mut previous = "seed".to_owned();
    chunked(payload, chunk_bytes, |chunk| {
        let (scope, nothing, hash) = (scope(), hash(b""), hash(chunk));
        let text =
            format!("AWS4-HMAC-SHA256-PAYLOAD\n20260304T050607Z\n{scope}\n{previous}\n{nothing}\n{hash}");
        previous = key.sign(text.as_bytes());
        format!(";chunk-signature={previous}")
    })
}

/// `payload` as `aws-chunked` with unsigned chunks of `chunk_bytes`.
pub fn unsigned_body(payload: &[u8], chunk_bytes: usize) -> Vec<u8> {
    chunked(payload, chunk_bytes, |_| String::new())
}

fn chunked(payload: &[u8], chunk_bytes: usize, mut extension: impl FnMut(&[u8]) -> String) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in payload.chunks(chunk_bytes) {
        body.extend_from_slice(format!("{:x}{}\r\n", chunk.len(), extension(chunk)).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("0{}\r\n\r\n", extension(b"")).as_bytes());
    body
}
