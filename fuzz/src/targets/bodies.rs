//! Bodies, plain and `aws-chunked`: where they are cut on their way does not matter, and what comes out is what
//! the client said would.
//!
//! Input: a byte for the mode, one for the stated length, four for the cuts; then the body.

use crate::input::Input;
use bytes::Bytes;
use esker_s3::ErrorCode;
use esker_s3::auth::{ChunkSigner, CredentialScope, Payload, SigningKey, TrailerMode};
use esker_s3::body::{BodyKind, BodyPlan, BodyReader, BodySummary};
use esker_s3::checksum::{self, ChecksumState};
use esker_s3::md5::Md5;
use esker_s3::request::RequestHead;
use esker_types::ChecksumAlgorithm;
use http::{HeaderMap, HeaderValue, Method};
use sha2::{Digest as _, Sha256};

const HELLO: &[u8] = b"hello, world";
const CRC32: ChecksumAlgorithm = ChecksumAlgorithm::Crc32;

/// How a body arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Unsigned,
    UnsignedChecked,
    Signed,
    SignedChecked,
}

const MODES: [Mode; 5] =
    [Mode::Plain, Mode::Unsigned, Mode::UnsignedChecked, Mode::Signed, Mode::SignedChecked];

/// The body [`HELLO`] in every mode.
pub fn seeds() -> Vec<Vec<u8>> {
    let length = u8::try_from(HELLO.len()).unwrap_or_default();
    let seed = |(mode, at): (Mode, u8)| [&[at, length, 3, 7, 8, 20], body(mode).as_slice()].concat();
    MODES.into_iter().zip(0..).map(seed).collect()
}

fn scope() -> CredentialScope {
    CredentialScope { date: "20260304".to_owned(), region: "eu-west-1".to_owned() }
}

fn key() -> SigningKey {
    SigningKey::derive("secret", &scope())
}

fn payload(mode: Mode) -> Payload {
    // 2026-03-04T00:00:00Z
    let signer = || ChunkSigner::new(key(), 1_772_582_400, &scope(), "seed".to_owned());
    match mode {
        Mode::Plain => Payload::Unsigned,
        Mode::Unsigned | Mode::UnsignedChecked => Payload::StreamingUnsignedTrailer,
        Mode::Signed => Payload::StreamingSigned { signer: signer(), trailer: TrailerMode::Absent },
        Mode::SignedChecked => Payload::StreamingSigned { signer: signer(), trailer: TrailerMode::Present },
    }
}

fn body(mode: Mode) -> Vec<u8> {
    let (first, second) = HELLO.split_at(5);
    let trailer = format!("x-amz-checksum-crc32:{}", checksum::to_text(&ChecksumState::of(CRC32, HELLO)));
    match mode {
        Mode::Plain => HELLO.to_vec(),
        Mode::Unsigned => b"5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\n\r\n".to_vec(),
        Mode::UnsignedChecked => format!("c\r\nhello, world\r\n0\r\n{trailer}\r\n\r\n").into_bytes(),
        Mode::Signed => signed(&[first, second, b""], None),
        Mode::SignedChecked => signed(&[HELLO, b""], Some(&trailer)),
    }
}

/// Signs by the book: each signature covers the one before it.
fn signed(chunks: &[&[u8]], trailer: Option<&str>) -> Vec<u8> {
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let mut previous = "seed".to_owned();
    let mut sign = |kind: &str, hashes: &str| {
        let text = format!("AWS4-HMAC-SHA256-{kind}\n20260304T000000Z\n{}\n{previous}\n{hashes}", scope());
        previous = key().sign(text.as_bytes());
        previous.clone()
    };
    let mut body = Vec::new();
    for chunk in chunks {
        let signature = sign("PAYLOAD", &format!("{}\n{}", hash(b""), hash(chunk)));
        body.extend_from_slice(format!("{:x};chunk-signature={signature}\r\n", chunk.len()).as_bytes());
        if !chunk.is_empty() {
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
    }
    if let Some(trailer) = trailer {
        let signature = sign("TRAILER", &hash(format!("{trailer}\n").as_bytes()));
        body.extend_from_slice(format!("{trailer}\r\nx-amz-trailer-signature:{signature}\r\n").as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    body
}

fn plan(mode: Mode, length: u8) -> BodyPlan {
    let mut headers = HeaderMap::new();
    let stated = if mode == Mode::Plain { "content-length" } else { "x-amz-decoded-content-length" };
    headers.insert(stated, HeaderValue::from(u64::from(length)));
    if matches!(mode, Mode::UnsignedChecked | Mode::SignedChecked) {
        headers.insert("x-amz-trailer", HeaderValue::from_static("x-amz-checksum-crc32"));
    }
    let head = RequestHead { method: &Method::PUT, path: "/b/k", query: "", host: "h", headers: &headers };
    let plan = BodyPlan::parse(&head, payload(mode), BodyKind::Object).expect("a sound head");
    plan.or_compute(ChecksumAlgorithm::Crc64Nvme)
}

type Read = Result<(Vec<u8>, BodySummary), ErrorCode>;

/// Reads a body that arrives cut at these places, in ascending order.
fn read(plan: BodyPlan, body: &[u8], cuts: &[usize]) -> Read {
    let mut reader = BodyReader::new(plan);
    let mut payload = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([body.len()]) {
        let mut input = Bytes::copy_from_slice(&body[start..end]);
        while let Some(piece) = reader.decode(&mut input).map_err(|error| error.code)? {
            assert!(!piece.is_empty());
            payload.extend_from_slice(&piece);
            assert!(payload.len() <= end, "more came out than went in");
        }
        assert!(input.is_empty(), "all input is taken");
        start = end;
    }
    let summary = reader.finish(Md5::of(&payload)).map_err(|error| error.code)?;
    Ok((payload, summary))
}

/// Reads one body whole, cut, byte by byte, and with another length than was stated.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = MODES[usize::from(input.byte()) % MODES.len()];
    let length = input.byte();
    let cuts = input.array::<4>();
    let body = input.rest();
    let mut cuts = cuts.map(|cut| usize::from(cut) * body.len() / 255);
    cuts.sort_unstable();
    let whole = read(plan(mode, length), body, &[]);
    assert_eq!(read(plan(mode, length), body, &cuts), whole);
    if body.len() < 2000 {
        assert_eq!(read(plan(mode, length), body, &(1..body.len()).collect::<Vec<_>>()), whole);
    }
    let Ok((payload, summary)) = whole else { return };
    assert_eq!(payload.len(), usize::from(length), "the length is the stated one");
    assert_eq!(summary.size, u64::from(length));
    let checksum = summary.checksum.expect("one is stated or computed");
    assert_eq!(checksum, ChecksumState::of(checksum.algorithm(), &payload));
    match mode {
        Mode::Plain => assert_eq!(payload, body),
        Mode::Signed | Mode::SignedChecked => assert_eq!(payload, HELLO, "nobody signed anything else"),
        Mode::Unsigned | Mode::UnsignedChecked => {
            let again = format!("{:x}\r\n", payload.len()).into_bytes();
            let again = [&again, payload.as_slice(), b"\r\n0\r\n\r\n"].concat();
            let again = if payload.is_empty() { b"0\r\n\r\n".to_vec() } else { again };
            let (same, _) = read(plan(Mode::Unsigned, length), &again, &[]).expect("one chunk");
            assert_eq!(same, payload, "how it is divided into chunks does not matter");
        }
    }
    for other in [length.wrapping_add(1), length.wrapping_sub(1)] {
        assert!(read(plan(mode, other), body, &[]).is_err(), "{length} bytes instead of {other}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_the_same_body() {
        let length = u8::try_from(HELLO.len()).expect("short");
        for mode in MODES {
            let (payload, _) = read(plan(mode, length), &body(mode), &[]).expect("a sound body");
            assert_eq!(payload, HELLO);
        }
    }
}
