//! The aws-chunked decoder: published vectors, cuts at every byte, tampering.

use super::*;
use crate::auth::{CredentialScope, SigningKey};
use proptest::prelude::*;

const SEED: &str = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const TIME: u64 = 1_369_353_600;

fn scope() -> CredentialScope {
    CredentialScope { date: "20130524".to_owned(), region: "us-east-1".to_owned() }
}

fn key() -> SigningKey {
    SigningKey::derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &scope())
}

fn signed(trailer: TrailerMode, seed: &str) -> ChunkedMode {
    ChunkedMode::Signed(ChunkSigner::new(key(), TIME, &scope(), seed.to_owned()), trailer)
}

/// Feeds `body` in pieces that end at `cuts`, and returns payload and trailers.
fn decode(
    mode: ChunkedMode,
    length: u64,
    body: &[u8],
    cuts: &[usize],
) -> Result<(Vec<u8>, Trailers), ChunkedError> {
    let mut decoder = AwsChunkedDecoder::new(mode, length);
    let mut payload = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([body.len()]) {
        let mut input = Bytes::copy_from_slice(&body[start..end.max(start)]);
        while let Some(piece) = decoder.decode(&mut input)? {
            assert!(!piece.is_empty());
            payload.extend_from_slice(&piece);
        }
        assert!(input.is_empty());
        start = end.max(start);
    }
    decoder.finish().map(|trailers| (payload, trailers))
}

fn whole(mode: ChunkedMode, length: u64, body: &[u8]) -> Result<(Vec<u8>, Trailers), ChunkedError> {
    decode(mode, length, body, &[])
}

/// The body of AWS's published example: 65 KiB of `a` in chunks of 64 KiB.
fn published(signatures: [&str; 3], trailer: &str) -> Vec<u8> {
    let [first, second, last] = signatures;
    let (a, b) = ("a".repeat(65536), "a".repeat(1024));
    format!(
        "10000;chunk-signature={first}\r\n{a}\r\n400;chunk-signature={second}\r\n{b}\r\n\
         0;chunk-signature={last}\r\n{trailer}\r\n"
    )
    .into_bytes()
}

const SIGNATURES: [&str; 3] = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];

// S3 API reference, "Transferring Payload in Multiple Chunks", example
#[test]
fn the_published_example_decodes() {
    let body = published(SIGNATURES, "");
    assert_eq!(body.len(), 66824, "the example's Content-Length");
    let (payload, trailers) = whole(signed(TrailerMode::Absent, SEED), 66560, &body).expect("valid");
    assert_eq!((payload.len(), trailers.len()), (66560, 0));
    assert!(payload.iter().all(|byte| *byte == b'a'));
}

// S3 API reference, "Transferring Payload in Multiple Chunks … Including Trailing Headers", example
#[test]
fn the_published_example_with_trailer_decodes() {
    let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let signatures = [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ];
    let signature =
        "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    let mode = || signed(TrailerMode::Present, seed);
    // The example's text shows a line feed before the trailer's line end; SDKs send none.
    for end in ["\r\n", "\n\r\n"] {
        let trailer = format!("x-amz-checksum-crc32c:sOO8/Q=={end}{signature}\r\n");
        let (payload, trailers) = whole(mode(), 66560, &published(signatures, &trailer)).expect("valid");
        assert_eq!(payload.len(), 66560);
        assert_eq!(trailers, [("x-amz-checksum-crc32c".to_owned(), "sOO8/Q==".to_owned())]);
    }
    let forged = format!("x-amz-checksum-crc32c:sOO8/A==\r\n{signature}\r\n");
    assert_eq!(whole(mode(), 66560, &published(signatures, &forged)), Err(ChunkedError::SignatureMismatch));
    let unsigned = "x-amz-checksum-crc32c:sOO8/Q==\r\n";
    assert_eq!(whole(mode(), 66560, &published(signatures, unsigned)), Err(ChunkedError::UnsignedTrailer));
}

#[test]
fn a_changed_swapped_or_unsigned_chunk_is_refused() {
    let mode = || signed(TrailerMode::Absent, SEED);
    let mut changed = published(SIGNATURES, "");
    changed[1000] = b'b';
    assert_eq!(whole(mode(), 66560, &changed), Err(ChunkedError::SignatureMismatch));
    let [first, second, last] = SIGNATURES;
    let swapped = published([second, first, last], "");
    assert_eq!(whole(mode(), 66560, &swapped), Err(ChunkedError::SignatureMismatch));
    let early_end = format!("0;chunk-signature={last}\r\n\r\n");
    assert_eq!(whole(mode(), 0, early_end.as_bytes()), Err(ChunkedError::SignatureMismatch));
    assert_eq!(whole(mode(), 1, b"1\r\na\r\n0\r\n\r\n"), Err(ChunkedError::UnsignedChunk));
    let smuggled = published(SIGNATURES, "x-amz-checksum-crc32c:sOO8/Q==\r\n");
    assert_eq!(whole(mode(), 66560, &smuggled), Err(ChunkedError::MalformedTrailer));
}

#[test]
fn an_unsigned_body_with_trailer_decodes() {
    let body = b"5\r\nhello\r\n1\r\n!\r\n0\r\nX-Amz-Checksum-CRC32: AAEC/w== \r\n\r\n";
    let (payload, trailers) = whole(ChunkedMode::Unsigned, 6, body).expect("valid");
    assert_eq!(payload, b"hello!");
    assert_eq!(trailers, [("x-amz-checksum-crc32".to_owned(), "AAEC/w==".to_owned())]);
    assert_eq!(whole(ChunkedMode::Unsigned, 0, b"0\r\n\r\n"), Ok((vec![], vec![])));
}

// s3-rules 10
#[test]
fn every_proper_prefix_of_a_body_is_incomplete() {
    let body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAEC/w==\r\n\r\n";
    for end in 0..body.len() {
        assert_eq!(whole(ChunkedMode::Unsigned, 5, &body[..end]), Err(ChunkedError::Incomplete), "{end}");
    }
    assert!(whole(ChunkedMode::Unsigned, 5, body).is_ok());
}

#[test]
fn malformed_bodies_have_their_own_errors() {
    let long_header = format!("5;a={}\r\nhello\r\n", "x".repeat(2000));
    let long_trailer = format!("0\r\na:{}\r\n\r\n", "x".repeat(9000));
    let many_trailers = format!("0\r\n{}\r\n", (0..2000).map(|n| format!("n{n}:v\r\n")).collect::<String>());
    let cases: [(&[u8], ChunkedError); 15] = [
        (b"x\r\n", ChunkedError::InvalidChunkSize),
        (b"\r\n", ChunkedError::InvalidChunkSize),
        (b"-5\r\nhello\r\n", ChunkedError::InvalidChunkSize),
        (b"fffffffffffffffff\r\n", ChunkedError::InvalidChunkSize),
        (b"ffffffffffffffff\r\n", ChunkedError::TooMuchData),
        (b"6\r\nhello!\r\n0\r\n\r\n", ChunkedError::TooMuchData),
        (b"4\r\nhell\r\n0\r\n\r\n", ChunkedError::Incomplete),
        (b"5\r\nhelloX\r\n", ChunkedError::MalformedChunk),
        (b"5\r\nhello0\r\n", ChunkedError::MalformedChunk),
        (b"5\r\nhello\r\n0\r\nnot a trailer\r\n\r\n", ChunkedError::MalformedTrailer),
        (b"5\r\nhello\r\n0\r\na:1\r\nA:2\r\n\r\n", ChunkedError::MalformedTrailer),
        (b"5\r\nhello\r\n0\r\n\r\nx", ChunkedError::TrailingData),
        (long_header.as_bytes(), ChunkedError::MalformedChunk),
        (b"5\r\nhello\r\n0\r\n\xff:1\r\n\r\n", ChunkedError::MalformedTrailer),
        (b"5\r\nhello\n\r\n0\r\n\r\n", ChunkedError::MalformedChunk),
    ];
    for (body, error) in cases {
        let text = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert_eq!(whole(ChunkedMode::Unsigned, 5, body), Err(error), "{text}");
    }
    for trailers in [long_trailer, many_trailers] {
        assert_eq!(whole(ChunkedMode::Unsigned, 0, trailers.as_bytes()), Err(ChunkedError::TrailersTooLong));
    }
}

// s3-rules 10
#[test]
fn errors_have_the_codes_that_s3_answers() {
    let code = |error: ChunkedError| crate::S3Error::from(error).code.text();
    for error in [ChunkedError::Incomplete, ChunkedError::TooMuchData, ChunkedError::MalformedChunk] {
        assert_eq!(code(error), "IncompleteBody", "{error}");
    }
    for error in [ChunkedError::UnsignedChunk, ChunkedError::UnsignedTrailer, ChunkedError::SignatureMismatch]
    {
        assert_eq!(code(error), "SignatureDoesNotMatch", "{error}");
    }
    assert_eq!(code(ChunkedError::MalformedTrailer), "MalformedTrailerError");
}

#[test]
fn a_decoder_is_of_no_use_after_an_error() {
    let mut decoder = AwsChunkedDecoder::new(ChunkedMode::Unsigned, 5);
    assert!(decoder.decode(&mut Bytes::from_static(b"x\r\n")).is_err());
    let again = decoder.decode(&mut Bytes::from_static(b"5\r\nhello\r\n0\r\n\r\n"));
    assert_eq!(again, Err(ChunkedError::AlreadyFailed));
    assert_eq!(decoder.finish(), Err(ChunkedError::AlreadyFailed));
}

#[test]
fn payload_is_passed_on_without_being_copied() {
    let body = Bytes::from_static(b"5\r\nhello\r\n0\r\n\r\n");
    let mut input = body.clone();
    let mut decoder = AwsChunkedDecoder::new(ChunkedMode::Unsigned, 5);
    let piece = decoder.decode(&mut input).expect("valid").expect("payload");
    assert_eq!(piece.as_ptr(), body[3..].as_ptr());
}

/// Signs a body as a client does, independently of `ChunkSigner`.
fn sign_body(chunks: &[Vec<u8>], trailer: Option<(&str, &str)>) -> Vec<u8> {
    let mut previous = SEED.to_owned();
    let mut body = Vec::new();
    let last = [Vec::new()];
    for chunk in chunks.iter().chain(&last) {
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n{previous}\n{}\n{}",
            hex::encode(Sha256::digest(b"")),
            hex::encode(Sha256::digest(chunk))
        );
        previous = key().sign(text.as_bytes());
        body.extend_from_slice(format!("{:x};chunk-signature={previous}\r\n", chunk.len()).as_bytes());
        if !chunk.is_empty() {
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
    }
    if let Some((name, value)) = trailer {
        let hash = hex::encode(Sha256::digest(format!("{name}:{value}\n")));
        let text = format!(
            "AWS4-HMAC-SHA256-TRAILER\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n{previous}\n{hash}"
        );
        let signature = key().sign(text.as_bytes());
        body.extend_from_slice(format!("{name}:{value}\r\n{TRAILER_SIGNATURE}:{signature}\r\n").as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    body
}

proptest! {
    #[test]
    fn where_a_body_is_cut_does_not_matter(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..4),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        with_trailer: bool,
        is_signed: bool,
    ) {
        let trailer = with_trailer.then_some(("x-amz-checksum-crc32", "AAEC/w=="));
        let mut body = sign_body(&chunks, trailer);
        let presence = if with_trailer { TrailerMode::Present } else { TrailerMode::Absent };
        let mode = || if is_signed { signed(presence, SEED) } else { ChunkedMode::Unsigned };
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.sort_unstable();
        let payload = chunks.concat();
        let expected = whole(mode(), payload.len() as u64, &body);
        prop_assert!(expected.is_ok());
        prop_assert_eq!(&expected.as_ref().expect("valid").0, &payload);
        prop_assert_eq!(decode(mode(), payload.len() as u64, &body, &cuts), expected);
        // A signed body with any byte changed is refused, wherever it is cut.
        if is_signed {
            let at = cuts.first().copied().unwrap_or(0).min(body.len() - 1);
            body[at] ^= 0x80;
            prop_assert!(decode(mode(), payload.len() as u64, &body, &cuts).is_err());
        }
    }

    #[test]
    fn decoding_never_panics(body in any::<Vec<u8>>(), text in "[0-9a-f;:\r\n]{0,60}", length: u64) {
        let _ = whole(ChunkedMode::Unsigned, length, &body);
        let _ = whole(ChunkedMode::Unsigned, length % 64, text.as_bytes());
        let _ = whole(signed(TrailerMode::Present, SEED), length, text.as_bytes());
    }
}
