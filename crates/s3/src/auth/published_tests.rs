//! The examples that AWS publishes: "Authenticating Requests: Using the Authorization Header", "Using Query
//! Parameters", and "Signature Calculations … Transferring Payload in Multiple Chunks".

use super::*;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha2::{Digest as _, Sha256};

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// 2013-05-24T00:00:00Z
const NOW: Timestamp = Timestamp(1_369_353_600_000_000);
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Example {
    method: Method,
    target: &'static str,
    host: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    signature: &'static str,
}

/// Signs in the example's way: the signed headers are all that are given, and the host.
fn verify(example: &Example) -> Result<Verified, S3Error> {
    let mut headers = HeaderMap::new();
    let mut names = vec!["host"];
    for (name, value) in &example.headers {
        names.push(name);
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    names.sort_unstable();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders={},Signature={}",
        names.join(";"),
        example.signature
    );
    headers.insert("authorization", HeaderValue::try_from(authorization).expect("ASCII"));
    headers.insert("host", HeaderValue::from_static(example.host));
    let uri = example.target.parse().expect("target");
    let head = RequestHead::new(&example.method, &uri, &headers);
    SignedRequest::parse(&head, NOW, "us-east-1")?.expect("signed").verify(SECRET_KEY)
}

fn payload(example: &Example) -> Payload {
    verify(example).expect("AWS's own signature").payload
}

const HOST: &str = "examplebucket.s3.amazonaws.com";

fn get(target: &'static str, signature: &'static str) -> Example {
    let headers = vec![("x-amz-content-sha256", EMPTY), ("x-amz-date", "20130524T000000Z")];
    Example { method: Method::GET, target, host: HOST, headers, signature }
}

#[test]
fn get_object() {
    let mut example = get("/test.txt", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    example.headers.push(("range", "bytes=0-9"));
    assert!(matches!(payload(&example), Payload::Sha256(_)));
    example.headers.pop();
    assert_eq!(verify(&example).expect_err("a header less").code, ErrorCode::SignatureDoesNotMatch);
}

#[test]
fn put_object() {
    let hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    let example = Example {
        method: Method::PUT,
        target: "/test$file.text",
        host: HOST,
        headers: vec![
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-content-sha256", hash),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
        signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    };
    let Payload::Sha256(digest) = payload(&example) else { panic!("a signed body") };
    assert_eq!(hex::encode(digest), hash);
    let encoded = Example { target: "/test%24file.text", ..example };
    assert!(verify(&encoded).is_ok(), "how the path is encoded on the wire does not matter");
}

#[test]
fn get_bucket_lifecycle() {
    payload(&get("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

#[test]
fn list_objects() {
    let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    payload(&get("/?max-keys=2&prefix=J", signature));
    payload(&get("/?prefix=J&max-keys=2", signature));
}

#[test]
fn presigned_get_object() {
    let parse = |target: &str, now: Timestamp| {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(HOST));
        let uri = target.parse().expect("target");
        SignedRequest::parse(&RequestHead::new(&Method::GET, &uri, &headers), now, "us-east-1")
            .map(|signed| signed.expect("presigned"))
    };
    let url = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F\
               us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&\
               X-Amz-SignedHeaders=host&X-Amz-Signature=\
               aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let verified = parse(url, NOW).expect("valid").verify(SECRET_KEY).expect("AWS's own signature");
    assert_eq!(verified.access_key, ACCESS_KEY);
    assert!(matches!(verified.payload, Payload::Unsigned));
    // s3-rules 34
    let day = 86_400_000;
    assert!(parse(url, NOW.plus_millis(day)).is_ok());
    let expired = parse(url, NOW.plus_millis(day + 1000)).expect_err("expired");
    assert_eq!((expired.code, &*expired.message), (ErrorCode::AccessDenied, "Request has expired"));
    let longer = url.replace("Expires=86400", "Expires=86401");
    let forged = parse(&longer, NOW).expect("well-formed").verify(SECRET_KEY).expect_err("forged");
    assert_eq!(forged.code, ErrorCode::SignatureDoesNotMatch);
}

fn sha256_of_as(bytes: usize) -> [u8; 32] {
    Sha256::digest(vec![b'a'; bytes]).into()
}

#[test]
fn chunked_body() {
    let example = Example {
        method: Method::PUT,
        target: "/examplebucket/chunkObject.txt",
        host: "s3.amazonaws.com",
        headers: vec![
            ("content-encoding", "aws-chunked"),
            ("content-length", "66824"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
        signature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    };
    let Payload::StreamingSigned { mut signer, trailer: TrailerMode::Absent } = payload(&example) else {
        panic!("signed chunks")
    };
    let mut accept = |bytes, signature| signer.accept_chunk(sha256_of_as(bytes), signature);
    assert!(accept(65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"));
    assert!(!accept(1023, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"));
    assert!(accept(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"));
    assert!(accept(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"));
}

#[test]
fn chunked_body_with_trailer() {
    let example = Example {
        method: Method::PUT,
        target: "/examplebucket/chunkObject.txt",
        host: "s3.amazonaws.com",
        headers: vec![
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ],
        signature: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    };
    let Payload::StreamingSigned { mut signer, trailer: TrailerMode::Present } = payload(&example) else {
        panic!("signed chunks and trailer")
    };
    let mut chunk = |bytes, signature| signer.accept_chunk(sha256_of_as(bytes), signature);
    assert!(chunk(65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"));
    assert!(chunk(1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"));
    assert!(chunk(0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"));
    let signature = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    assert!(!signer.clone().accept_trailer(b"x-amz-checksum-crc32c:sOO8/A==\n", signature));
    assert!(signer.accept_trailer(b"x-amz-checksum-crc32c:sOO8/Q==\n", signature));
}
