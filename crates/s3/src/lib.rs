//! The S3 protocol as pure functions: request heads to operations, signatures, body framing, checksums, XML.
//!
//! **Architecture Invariant:** no async, no clock, no randomness, no IO. The caller hands in the time, the secret
//! keys and the bytes; everything here can be tested with golden texts and fuzzed. No input makes it panic.
//!
//! How a gateway drives one PutObject: verify the signature, understand the head, plan the body, take it apart
//! as it arrives, and commit only what [`body::BodyReader::finish`] has vouched for.
//!
//! ```
//! use bytes::Bytes;
//! use esker_s3::auth::SignedRequest;
//! use esker_s3::body::{BodyKind, BodyPlan, BodyReader, BodySummary};
//! use esker_s3::md5::Md5;
//! use esker_s3::request::{Caller, Hosting, Operation, Request, RequestHead};
//! use esker_s3::{ErrorCode, S3Error};
//! use esker_types::{ChecksumAlgorithm, Timestamp};
//!
//! fn put(parts: &http::request::Parts, body: Vec<Bytes>, now: Timestamp) -> Result<BodySummary, S3Error> {
//!     let head = RequestHead::new(&parts.method, &parts.uri, &parts.headers);
//!     let signed = SignedRequest::parse(&head, now, "eu-west-1")?.ok_or(ErrorCode::AccessDenied)?;
//!     let secret_key = match signed.access_key() {
//!         "AKIAESKEREXAMPLE" => "secret/Example+Key",
//!         _ => return Err(ErrorCode::InvalidAccessKeyId.into()),
//!     };
//!     let verified = signed.verify(secret_key)?;
//!     let request = Request::parse(&head, &Hosting::default(), Caller::Signed)?;
//!     let Operation::PutObject(put) = request.operation else { panic!("for this example") };
//!     assert_eq!((put.bucket.as_str(), put.key.as_str()), ("my-bucket", "k"));
//!
//!     let plan = BodyPlan::parse(&head, verified.payload, BodyKind::Object)?
//!         .or_compute(ChecksumAlgorithm::Crc64Nvme);
//!     let (mut reader, mut md5) = (BodyReader::new(plan), Md5::default());
//!     for mut input in body {
//!         while let Some(payload) = reader.decode(&mut input)? {
//!             md5.update(&payload);
//!             // Write it, but do not let it take effect.
//!         }
//!     }
//!     reader.finish(md5.finish()) // Now commit put.headers, put.condition, and the summary's size, ETag and checksum.
//! }
//!
//! # let (parts, ()) = http::Request::put("/my-bucket/k")
//! #     .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIAESKEREXAMPLE/20260304/eu-west-1/s3/aws4_request, SignedHeaders=cache-control;content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-meta-name;x-amz-sdk-checksum-algorithm, Signature=f69803d91168cce45aae718201c4c20e8d553d0095d0ab53e4e70049c6893efc")
//! #     .header("cache-control", "no-cache")
//! #     .header("content-length", "5")
//! #     .header("content-type", "text/plain")
//! #     .header("host", "localhost:9000")
//! #     .header("x-amz-checksum-crc32", "NhCmhg==")
//! #     .header("x-amz-content-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
//! #     .header("x-amz-date", "20260304T050607Z")
//! #     .header("x-amz-meta-name", "Value  two  spaces")
//! #     .header("x-amz-sdk-checksum-algorithm", "CRC32")
//! #     .body(()).unwrap().into_parts();
//! # let now = Timestamp(1_772_600_767_000_000);
//! let summary = put(&parts, vec![Bytes::from_static(b"hel"), Bytes::from_static(b"lo")], now).unwrap();
//! assert_eq!(summary.etag().quoted(), "\"5d41402abc4b2a76b9719d911017c592\"");
//! assert_eq!(put(&parts, vec![Bytes::from_static(b"hel")], now).unwrap_err().code, ErrorCode::IncompleteBody);
//! ```

pub mod auth;
pub mod body;
pub mod checksum;
pub mod chunked;
pub mod encoding;
pub mod error;
pub mod md5;
pub mod request;
pub mod times;
pub mod xml;

pub use error::{ErrorCode, S3Error};
