//! Bodies that are not what the headers say: a clear error, and no version of anything.

use e2e::bucket::{Bucket, State};
use e2e::http::{connect, read_response, send, send_unsigned};
use e2e::payload;
use e2e::request::Request;
use e2e::server::Server;
use e2e::sigv4::{Signer, UNSIGNED};
use std::io::Write as _;
use std::net::Shutdown;

#[tokio::test]
async fn rule_10_a_body_that_does_not_match_its_signed_hash_is_not_stored() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for size in [5, 3 << 20, 9 << 20] {
        let body = payload::bytes(1, size);
        let mut request =
            Signer::root(&server).sign(Request::new("PUT", &format!("/{}/k", bucket.name)).body(body));
        let last = request.body.len() - 1;
        request.body[last] ^= 1;
        send_unsigned(&server, &request).expect_error(400, "XAmzContentSHA256Mismatch");
        assert_eq!(bucket.rows().await, [], "{size} bytes");
    }
}

#[tokio::test]
async fn rule_10_a_body_that_ends_early_is_incomplete() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for (told, sent) in [(10, 0), (10, 9), (9 << 20, 8 << 20)] {
        let request = Request::new("PUT", &format!("/{}/k", bucket.name))
            .header("content-length", &told.to_string())
            .header("x-amz-content-sha256", UNSIGNED);
        let request = Signer::root(&server).sign(request);
        let mut stream = connect(server.s3());
        stream.write_all(&request.head()).expect("the server reads the head");
        let _ = stream.write_all(&payload::bytes(1, sent));
        stream.shutdown(Shutdown::Write).expect("connected");
        // With half a connection left the server may still answer; if it does, it says why.
        if let Ok(reply) = read_response(&mut stream, "PUT") {
            reply.expect_error(400, "IncompleteBody");
        }
        assert_eq!(bucket.rows().await, [], "{sent} of {told} bytes");
    }
    assert_eq!(bucket.put("k", b"x").await.map(|id| id.len()), Some(36), "the server goes on");
}

#[tokio::test]
async fn bodies_of_clients_that_vanish_leave_no_version() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for _ in 0..20 {
        let request = Request::new("PUT", &format!("/{}/k", bucket.name))
            .header("content-length", &(32 << 20).to_string())
            .header("x-amz-content-sha256", UNSIGNED);
        let request = Signer::root(&server).sign(request);
        let mut stream = connect(server.s3());
        stream.write_all(&request.head()).expect("the server reads the head");
        let _ = stream.write_all(&payload::bytes(1, 10 << 20));
        drop(stream);
    }
    assert_eq!(bucket.rows().await, []);
    bucket.put("k", b"x").await;
    assert_eq!(bucket.get("k").await.expect("there"), b"x");
}

#[tokio::test]
async fn bodies_with_malformed_lengths_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for lengths in
        [vec!["x"], vec!["-1"], vec!["1", "2"], vec!["99999999999999999999999"], vec!["1 2"], vec![""]]
    {
        let request =
            Request::new("PUT", &format!("/{}/k", bucket.name)).header("x-amz-content-sha256", UNSIGNED);
        let mut request = Signer::root(&server).sign(request).body("xx").framing_as_written();
        let told = lengths.iter().map(|length| ("content-length".to_owned(), (*length).to_owned()));
        request.headers.extend(told);
        let reply = send_unsigned(&server, &request);
        assert!((400..500).contains(&reply.status), "{lengths:?}: {}", reply.status);
    }
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn bodies_with_both_length_and_chunked_framing_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let request =
        Request::new("PUT", &format!("/{}/k", bucket.name)).header("x-amz-content-sha256", UNSIGNED);
    let request = Signer::root(&server).sign(request).framing_as_written();
    let request = request.header("content-length", "5").header("transfer-encoding", "chunked");
    let smuggled = format!("0\r\n\r\nDELETE /{}/other HTTP/1.1\r\nhost: x\r\n\r\n", bucket.name);
    bucket.put("other", b"x").await;
    let reply = e2e::http::exchange(server.s3(), &request.body(smuggled).bytes());
    // RFC 9112, section 6.3: either refuse, or let the chunks decide and close the connection.
    if let Ok(reply) = reply {
        assert!(reply.status == 200 || (400..500).contains(&reply.status), "{}", reply.status);
    }
    assert_eq!(bucket.get("other").await.expect("nothing was smuggled"), b"x");
}

#[tokio::test]
async fn bodies_with_malformed_chunked_framing_are_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for body in [
        "x\r\n",
        "5\r\nab\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n",
        "-1\r\nx\r\n0\r\n\r\n",
        "3\r\nabcdef\r\n0\r\n\r\n",
    ] {
        let request = Request::new("PUT", &format!("/{}/k", bucket.name))
            .header("x-amz-content-sha256", UNSIGNED)
            .header("transfer-encoding", "chunked")
            .framing_as_written();
        let request = Signer::root(&server).sign(request).body(body);
        let mut stream = connect(server.s3());
        stream.write_all(&request.bytes()).expect("the server reads");
        stream.shutdown(Shutdown::Write).expect("connected");
        if let Ok(reply) = read_response(&mut stream, "PUT") {
            assert!((400..500).contains(&reply.status), "{body:?}: {}", reply.status);
        }
        assert_eq!(bucket.rows().await, [], "{body:?}");
    }
}

#[tokio::test]
async fn bodies_are_asked_for_only_when_they_are_wanted() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let request = |key: &str| {
        Request::new("PUT", &format!("/{}/{key}", bucket.name))
            .header("expect", "100-continue")
            .header("content-length", "3")
    };
    let wrong = request("k").header("x-amz-content-sha256", &e2e::digest::sha256_hex(b"one"));
    let mut wrong = Signer::root(&server).sign(wrong);
    wrong = wrong.header("authorization", "AWS4-HMAC-SHA256 Credential=nobody");
    let mut stream = connect(server.s3());
    stream.write_all(&wrong.head()).expect("the server reads");
    let reply = read_response(&mut stream, "PUT").expect("an answer without the body");
    assert!((400..500).contains(&reply.status), "{}", reply.status);
    // And with the right signature the body is asked for and taken.
    let right = request("k").header("x-amz-content-sha256", &e2e::digest::sha256_hex(b"one"));
    let right = Signer::root(&server).sign(right).body("one");
    send_unsigned(&server, &right).expect_status(200);
    assert_eq!(bucket.get("k").await.expect("there"), b"one");
}

#[tokio::test]
async fn bodies_on_requests_that_have_none_do_no_harm() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let get = Request::new("GET", &format!("/{}/k", bucket.name)).body("a body");
    assert_eq!(send(&server, get).expect_status(200).body, b"x");
}
