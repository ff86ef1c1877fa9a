//! Bodies: published chunks, every cut, every mismatch.

use super::*;
use crate::auth::{ChunkSigner, CredentialScope, SigningKey};
use crate::md5::Md5;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use sha2::{Digest as _, Sha256};

const BODY: &[u8] = b"hello";

fn plan(pairs: &[(&'static str, &str)], payload: Payload, kind: BodyKind) -> Result<BodyPlan, S3Error> {
    let headers: HeaderMap = pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(*value).expect("value")))
        .collect();
    let head = RequestHead { method: &Method::PUT, path: "/b/k", query: "", host: "h", headers: &headers };
    BodyPlan::parse(&head, payload, kind)
}

fn object(pairs: &[(&'static str, &str)]) -> Result<BodyPlan, S3Error> {
    plan(pairs, Payload::Unsigned, BodyKind::Object)
}

/// Reads a body that arrives byte by byte.
fn read(plan: BodyPlan, body: &[u8]) -> Result<(Vec<u8>, BodySummary), S3Error> {
    let mut reader = BodyReader::new(plan);
    let mut payload = Vec::new();
    for byte in body {
        let mut input = Bytes::copy_from_slice(&[*byte]);
        while let Some(piece) = reader.decode(&mut input)? {
            payload.extend_from_slice(&piece);
        }
    }
    let md5 = Md5::of(&payload);
    Ok((payload, reader.finish(md5)?))
}

fn code<T>(result: Result<T, S3Error>) -> ErrorCode {
    result.map(|_| ()).expect_err("refused").code
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

#[test]
fn a_plain_body_is_summed_up() {
    let plan = object(&[("content-length", "5")]).expect("valid").or_compute(ChecksumAlgorithm::Crc64Nvme);
    let (payload, summary) = read(plan, BODY).expect("valid");
    assert_eq!((payload.as_slice(), summary.size), (BODY, 5));
    assert_eq!(summary.etag().to_string(), "5d41402abc4b2a76b9719d911017c592");
    let checksum = summary.checksum.expect("computed by default");
    assert_eq!(checksum, crate::checksum::ChecksumState::of(ChecksumAlgorithm::Crc64Nvme, BODY));
}

#[test]
fn checksum_headers_of_a_complete_are_not_about_its_document() {
    let stated = [("content-length", "5"), ("x-amz-checksum-crc32", "AAAAAA==")];
    let complete = plan(&stated, Payload::Unsigned, BodyKind::CompleteMultipartUpload).expect("valid");
    assert!(read(complete, BODY).is_ok());
    assert_eq!(code(read(object(&stated).expect("valid"), BODY)), ErrorCode::BadDigest);
}

// s3-rules 9
#[test]
fn an_object_needs_a_length_or_chunks() {
    assert_eq!(code(object(&[])), ErrorCode::MissingContentLength);
    let chunked = object(&[("transfer-encoding", "Chunked")]).expect("plain chunked is accepted");
    assert_eq!(chunked.length(), None);
    assert_eq!(read(chunked, BODY).expect("valid").1.size, 5);
    assert!(plan(&[], Payload::Unsigned, BodyKind::Document).is_ok(), "a document may be absent");
    let streaming = plan(&[("content-length", "100")], Payload::StreamingUnsignedTrailer, BodyKind::Object);
    assert_eq!(code(streaming), ErrorCode::MissingContentLength);
    let unframed = object(&[("content-length", "5"), ("x-amz-decoded-content-length", "5")]);
    assert_eq!(code(unframed), ErrorCode::InvalidRequest);
}

// s3-rules 9
#[test]
fn a_body_has_a_limit_announced_or_not() {
    assert!(object(&[("content-length", "5368709120")]).is_ok());
    assert_eq!(code(object(&[("content-length", "5368709121")])), ErrorCode::EntityTooLarge);
    assert_eq!(code(object(&[("content-length", "99999999999999999999")])), ErrorCode::EntityTooLarge);
    assert_eq!(code(object(&[("content-length", "x")])), ErrorCode::InvalidArgument);
    let long = vec![b' '; 65537];
    let announced = plan(&[("content-length", "65537")], Payload::Unsigned, BodyKind::Document);
    assert_eq!(code(announced), ErrorCode::MaxMessageLengthExceeded);
    let unannounced = plan(&[], Payload::Unsigned, BodyKind::Document).expect("valid");
    assert_eq!(code(read(unannounced.clone(), &long)), ErrorCode::MaxMessageLengthExceeded);
    let mut reader = BodyReader::new(unannounced);
    assert!(reader.decode(&mut Bytes::from(long)).is_err());
    assert_eq!(
        code(reader.finish(Md5::of(b""))),
        ErrorCode::MaxMessageLengthExceeded,
        "an error cannot be overlooked"
    );
}

// s3-rules 10
#[test]
fn short_and_long_bodies_are_incomplete() {
    let plan = || object(&[("content-length", "5")]).expect("valid");
    assert_eq!(code(read(plan(), b"hell")), ErrorCode::IncompleteBody);
    assert_eq!(code(read(plan(), b"hello!")), ErrorCode::IncompleteBody);
}

// s3-rules 10
#[test]
fn content_md5_is_checked() {
    let with = |md5: &str| object(&[("content-length", "5"), ("content-md5", md5)]);
    assert!(read(with(&base64(Md5::of(BODY))).expect("valid"), BODY).is_ok());
    assert_eq!(code(read(with(&base64(Md5::of(b"x"))).expect("valid"), BODY)), ErrorCode::BadDigest);
    for malformed in ["", "x", "AAAA", &base64([0; 17])] {
        assert_eq!(code(with(malformed)), ErrorCode::InvalidDigest, "{malformed}");
    }
}

// s3-rules 10
#[test]
fn the_payload_hash_is_checked() {
    let with = |digest: [u8; 32]| {
        plan(&[("content-length", "5")], Payload::Sha256(digest), BodyKind::Object).expect("valid")
    };
    assert!(read(with(Sha256::digest(BODY).into()), BODY).is_ok());
    assert_eq!(code(read(with([0; 32]), BODY)), ErrorCode::XAmzContentSha256Mismatch);
}

// s3-rules 10
#[test]
fn a_stated_checksum_is_checked_and_kept() {
    let with = |value: &str| object(&[("content-length", "5"), ("x-amz-checksum-sha256", value)]);
    let right = with(&base64(Sha256::digest(BODY))).expect("valid").or_compute(ChecksumAlgorithm::Crc64Nvme);
    let checksum = read(right, BODY).expect("valid").1.checksum.expect("stated");
    assert_eq!(
        (checksum.algorithm(), checksum.digest()),
        (ChecksumAlgorithm::Sha256, &Sha256::digest(BODY)[..])
    );
    let wrong = with(&base64([0; 32])).expect("valid");
    assert_eq!(code(read(wrong, BODY)), ErrorCode::BadDigest);
}

#[test]
fn a_part_has_its_uploads_checksum() {
    let plan = |pairs: &[(&'static str, &str)]| {
        object(&[&[("content-length", "5")], pairs].concat())
            .expect("valid")
            .require_algorithm(ChecksumAlgorithm::Crc32)
    };
    let computed = read(plan(&[]).expect("valid"), BODY).expect("valid").1.checksum.expect("computed");
    assert_eq!(base64(computed.digest()), "NhCmhg==");
    assert!(read(plan(&[("x-amz-checksum-crc32", "NhCmhg==")]).expect("valid"), BODY).is_ok());
    let sha = base64(Sha256::digest(BODY));
    assert_eq!(code(plan(&[("x-amz-checksum-sha256", &sha)])), ErrorCode::InvalidRequest);
}

const STREAMING: [(&str, &str); 2] =
    [("x-amz-decoded-content-length", "5"), ("x-amz-trailer", "x-amz-checksum-crc32")];

// boto3 sends every upload so: unsigned chunks, a CRC-32 in the trailer
#[test]
fn a_checksum_in_the_trailer_is_checked() {
    let plan = || plan(&STREAMING, Payload::StreamingUnsignedTrailer, BodyKind::Object).expect("valid");
    let body = |trailer: &str| format!("5\r\nhello\r\n0\r\n{trailer}\r\n").into_bytes();
    let (payload, summary) = read(plan(), &body("x-amz-checksum-crc32:NhCmhg==\r\n")).expect("valid");
    assert_eq!((payload.as_slice(), summary.size), (BODY, 5));
    assert_eq!(base64(summary.checksum.expect("stated").digest()), "NhCmhg==");
    for (trailer, expected) in [
        ("x-amz-checksum-crc32:NhCmhA==\r\n", ErrorCode::BadDigest),
        ("x-amz-checksum-crc32:NhCm\r\n", ErrorCode::InvalidRequest),
        ("", ErrorCode::MalformedTrailer),
        ("x-amz-checksum-crc32c:NhCmhg==\r\n", ErrorCode::MalformedTrailer),
        ("x-amz-checksum-crc32:NhCmhg==\r\nx-amz-meta-a:1\r\n", ErrorCode::MalformedTrailer),
    ] {
        assert_eq!(code(read(plan(), &body(trailer))), expected, "{trailer}");
    }
    assert_eq!(code(read(plan(), b"5\r\nhello\r\n")), ErrorCode::IncompleteBody);
}

#[test]
fn a_trailer_must_be_announced_by_the_signature() {
    let announced = plan(
        &[("content-length", "5"), ("x-amz-trailer", "x-amz-checksum-crc32")],
        Payload::Unsigned,
        BodyKind::Object,
    );
    assert_eq!(code(announced), ErrorCode::InvalidRequest);
}

#[test]
fn a_signed_chunk_that_was_changed_never_finishes() {
    let scope = CredentialScope { date: "20130524".to_owned(), region: "us-east-1".to_owned() };
    let signer = ChunkSigner::new(SigningKey::derive("secret", &scope), 0, &scope, "seed".to_owned());
    let payload = Payload::StreamingSigned { signer, trailer: TrailerMode::Absent };
    let plan = plan(&[("x-amz-decoded-content-length", "5")], payload, BodyKind::Object).expect("valid");
    let body = b"5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n";
    assert_eq!(code(read(plan, body)), ErrorCode::SignatureDoesNotMatch);
}

// s3-rules 19
#[test]
fn delete_objects_needs_a_digest() {
    let with = |pairs: &[(&'static str, &str)]| {
        plan(&[&[("content-length", "5")], pairs].concat(), Payload::Sha256([0; 32]), BodyKind::DeleteObjects)
    };
    assert_eq!(code(with(&[])), ErrorCode::InvalidRequest);
    assert!(with(&[("content-md5", &base64(Md5::of(BODY)))]).is_ok());
    assert!(with(&[("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-sdk-checksum-algorithm", "CRC32")]).is_ok());
}
