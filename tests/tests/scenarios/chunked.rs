//! `aws-chunked` bodies: signed chunk by chunk, or with a checksum in the trailer; tampering is found.

use e2e::bucket::{Bucket, State};
use e2e::digest::crc32_base64;
use e2e::http::{send, send_unsigned};
use e2e::payload;
use e2e::request::Request;
use e2e::server::Server;
use e2e::sigv4::{STREAMING_UNSIGNED_TRAILER, Signer};

const CHUNK_BYTES: usize = 64 << 10;

fn put(bucket: &Bucket) -> Request {
    Request::new("PUT", &format!("/{}/k", bucket.name))
}

/// A request whose trailer carries a CRC-32.
fn with_trailer(bucket: &Bucket, body: &[u8], decoded_length: usize, trailer: &str) -> Request {
    let mut encoded = Vec::new();
    for chunk in body.chunks(CHUNK_BYTES) {
        encoded.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        encoded.extend_from_slice(chunk);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend(format!("0\r\n{trailer}\r\n").into_bytes());
    put(bucket)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-content-sha256", STREAMING_UNSIGNED_TRAILER)
        .header("x-amz-decoded-content-length", &decoded_length.to_string())
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .body(encoded)
}

#[tokio::test]
async fn chunked_uploads_signed_chunk_by_chunk_are_stored_decoded() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for size in [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5, 9 << 20] {
        let body = payload::bytes(7, size);
        let request = Signer::root(&server).sign_chunked(put(&bucket).body(body.clone()), CHUNK_BYTES);
        send_unsigned(&server, &request).expect_status(200);
        assert!(bucket.get("k").await.expect("there") == body, "{size} bytes");
    }
    let head = bucket.client.head_object().bucket(&bucket.name).key("k").send().await.expect("HEAD");
    assert_eq!(head.content_encoding(), None, "rule 11");
}

#[tokio::test]
async fn chunked_uploads_with_one_changed_byte_are_refused_wherever_it_is() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let body = payload::bytes(7, 3 * CHUNK_BYTES);
    let signed = Signer::root(&server).sign_chunked(put(&bucket).body(body), CHUNK_BYTES);
    let text_at = |needle: &str, nth: usize| {
        let positions = signed.body.windows(needle.len()).enumerate();
        let mut found = positions.filter(|(_, window)| *window == needle.as_bytes()).map(|(at, _)| at);
        found.nth(nth).expect("a chunk header")
    };
    // In the data of the first and the last chunk, and in the signature of each chunk header.
    let in_signatures = (0..4).map(|nth| text_at("chunk-signature=", nth) + "chunk-signature=".len() + 3);
    let in_data = [100, text_at("\r\n0;chunk-signature=", 0) - 100];
    for at in in_signatures.chain(in_data) {
        let mut tampered = signed.clone();
        // Stays a hexadecimal digit where it was one, so that only the signature is wrong.
        tampered.body[at] = if tampered.body[at] == b'0' { b'1' } else { b'0' };
        send_unsigned(&server, &tampered).expect_error(403, "SignatureDoesNotMatch");
        assert_eq!(bucket.rows().await, [], "byte {at}");
    }
}

#[tokio::test]
async fn chunked_uploads_with_chunks_left_out_swapped_or_cut_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let body = payload::bytes(7, 3 * CHUNK_BYTES);
    let signed = Signer::root(&server).sign_chunked(put(&bucket).body(body), CHUNK_BYTES);
    let header = format!("{CHUNK_BYTES:x};chunk-signature=").len() + 64 + 2;
    let chunk = header + CHUNK_BYTES + 2;
    let piece = |from: usize, to: usize| signed.body[from * chunk..to * chunk].to_vec();
    let last = signed.body[3 * chunk..].to_vec();
    let left_out = [piece(0, 1), piece(2, 3), last.clone()].concat();
    let swapped = [piece(1, 2), piece(0, 1), piece(2, 3), last].concat();
    let without_end = piece(0, 3);
    for (what, body) in [("left out", left_out), ("swapped", swapped), ("without end", without_end)] {
        let reply = send_unsigned(&server, &signed.clone().body(body));
        assert!((400..=403).contains(&reply.status), "{what}: {}", reply.text());
        assert!(!reply.failure().1.is_empty(), "{what}");
        assert_eq!(bucket.rows().await, [], "{what}");
    }
}

#[tokio::test]
async fn chunked_uploads_with_a_checksum_in_the_trailer() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let body = payload::bytes(9, 2 * CHUNK_BYTES + 3);
    let right = format!("x-amz-checksum-crc32:{}\r\n", crc32_base64(&body));
    send(&server, with_trailer(&bucket, &body, body.len(), &right)).expect_status(200);
    assert!(bucket.get("k").await.expect("there") == body);
    let asked = Request::new("HEAD", &format!("/{}/k", bucket.name)).header("x-amz-checksum-mode", "ENABLED");
    let head = send(&server, asked).expect_status(200);
    assert_eq!(head.header("x-amz-checksum-crc32"), Some(crc32_base64(&body).as_str()));

    let wrong = format!("x-amz-checksum-crc32:{}\r\n", crc32_base64(b"other"));
    send(&server, with_trailer(&bucket, &body, body.len(), &wrong)).expect_error(400, "BadDigest");
    let missing = send(&server, with_trailer(&bucket, &body, body.len(), ""));
    assert_eq!(missing.status, 400, "an announced trailer must come: {}", missing.text());
    assert_eq!(bucket.rows().await.len(), 1);
}

#[tokio::test]
async fn chunked_uploads_must_have_the_length_that_was_told() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let trailer = format!("x-amz-checksum-crc32:{}\r\n", crc32_base64(b"12345"));
    for told in [4, 6] {
        let reply = send(&server, with_trailer(&bucket, b"12345", told, &trailer));
        assert_eq!(reply.failure(), (400, "IncompleteBody".to_owned()), "told {told}: {}", reply.text());
    }
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn chunked_uploads_with_malformed_or_endless_chunk_headers_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let endless = format!("5;{}", "x".repeat(1 << 20));
    for encoded in ["x\r\n", "\r\n", "5\r\nab\r\n", "fffffffffffffffff\r\n", "-5\r\n12345\r\n", &endless] {
        let mut request = with_trailer(&bucket, b"", 5, "");
        request.body = encoded.as_bytes().to_vec();
        let reply = send(&server, request);
        assert_eq!(reply.status, 400, "{:.20}: {}", encoded, reply.text());
        assert!(!reply.failure().1.is_empty());
    }
    assert_eq!(bucket.rows().await, []);
}
