//! Clients that send too much, too slowly, or nonsense: each gets an end, and the others don't notice.

use e2e::bucket::{Bucket, State};
use e2e::http::{connect, exchange, read_response, send};
use e2e::request::Request;
use e2e::server::Server;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// The server serves a request of somebody else.
async fn assert_serves(server: &Server) {
    let bucket = Bucket::create(server, State::Enabled).await;
    bucket.put("k", b"x").await;
    assert_eq!(bucket.get("k").await.expect("there"), b"x");
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let server = Server::shared();
    let many: String = (0..10_000).map(|n| format!("x-header-{n}: value\r\n")).collect();
    let long = format!("x-header: {}\r\n", "v".repeat(4 << 20));
    for headers in [many, long] {
        let bytes = format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        if let Ok(reply) = exchange(server.s3(), bytes.as_bytes()) {
            assert!((400..500).contains(&reply.status), "{}", reply.status);
        }
    }
    let target = format!("/{}", "a".repeat(1 << 20));
    let bytes = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
    if let Ok(reply) = exchange(server.s3(), bytes.as_bytes()) {
        assert!((400..500).contains(&reply.status), "{}", reply.status);
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn floods_of_nonsense_are_refused() {
    let server = Server::shared();
    let nonsense: [&[u8]; 8] = [
        b"\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    for bytes in nonsense {
        let mut stream = connect(server.s3());
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        if let Ok(reply) = read_response(&mut stream, "GET") {
            assert!((400..506).contains(&reply.status), "{bytes:?}: {}", reply.status);
        }
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn floods_of_methods_and_targets_that_mean_nothing_get_s3_errors() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let name = &bucket.name;
    for (method, target) in [
        ("PATCH", format!("/{name}/k")),
        ("POST", format!("/{name}/k")),
        ("DELETE", "/".to_owned()),
        ("PUT", "/".to_owned()),
        ("TRACE", format!("/{name}/k")),
        ("GET", "/%".to_owned()),
    ] {
        let reply = send(&server, Request::new(method, &target));
        assert!((400..=501).contains(&reply.status), "{method} {target}: {}", reply.status);
        assert!(reply.status != 500, "{method} {target}");
        assert!(!reply.failure().1.is_empty(), "{method} {target}: an S3 error, not {}", reply.text());
    }
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn floods_of_half_open_requests_do_not_keep_others_out() {
    let server = Server::start();
    let mut slow: Vec<_> = (0..200).map(|_| connect(server.s3())).collect();
    for stream in &mut slow {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ").expect("the server accepts");
    }
    assert_serves(&server).await;
    drop(slow);
    assert_serves(&server).await;
}

#[tokio::test]
async fn floods_of_one_byte_at_a_time_come_to_an_end() {
    let server = Server::start();
    let mut stream = connect(server.s3());
    let start = Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ").expect("the server accepts");
    // The head never ends; the server must end it, by an answer or by closing.
    let outcome = read_response(&mut stream, "GET");
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(50), "still open after {taken:?}: {outcome:?}");
    if let Ok(reply) = outcome {
        assert!((400..500).contains(&reply.status), "{}", reply.status);
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn floods_of_connections_leave_no_memory_behind() {
    let server = Server::start();
    assert_serves(&server).await;
    let before = server.rss_bytes();
    for _ in 0..5 {
        let streams: Vec<_> = (0..200).map(|_| connect(server.s3())).collect();
        for mut stream in streams {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let _ = read_response(&mut stream, "GET");
        }
    }
    let grown = server.rss_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "a thousand connections left {} MiB", grown >> 20);
    assert_serves(&server).await;
}
