//! Connections: their deadlines, their end, and the other protocol.

use crate::bytes;
use crate::support::client::Connection;
use crate::support::{FakeStorage, World};
use esker_index::command::CommandBody;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::Duration;
use tokio::net::TcpStream;

#[tokio::test]
async fn shutdown_lets_a_request_in_flight_finish_and_refuses_new_connections() {
    let world = World::with(FakeStorage::gated(), |_| {}).await;
    world.bucket("bucket", None).await;
    let mut idle = world.connect().await;
    idle.write(&world.get("/bucket").head(None)).await;
    idle.reply(false).await.unwrap().expect(200);
    let mut busy = world.connect().await;
    let request = world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD");
    busy.write(&request.head(Some(4 << 20))).await;
    busy.write(&bytes(2 << 20)).await;
    world.storage.until_begun().await;

    world.shutdown.cancel();
    assert!(idle.rest().await.is_empty(), "an idle connection ends at once");
    while TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!world.running.is_finished());
    world.storage.open_gate();
    busy.write(&bytes(2 << 20)).await;
    busy.reply(false).await.unwrap().expect(200);
    world.running.await.unwrap();
    assert_eq!(world.storage.blobs().len(), 1);
}

#[tokio::test]
async fn what_outlives_the_drain_is_cut_off_and_leaves_nothing_behind() {
    let world = World::with(FakeStorage::gated(), |settings| {
        settings.limits.drain = Duration::from_millis(50);
    })
    .await;
    world.bucket("bucket", None).await;
    let mut stuck = world.connect().await;
    stuck.write(&world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD").head(Some(4 << 20))).await;
    stuck.write(&bytes(2 << 20)).await;
    world.storage.until_begun().await;
    world.shutdown.cancel();
    world.running.await.unwrap();
    assert!(stuck.reply(false).await.is_none());
    assert!(world.storage.blobs().is_empty());
    let discards = |body: &CommandBody| matches!(body, CommandBody::Discard { .. });
    assert!(world.metadata.applied().iter().any(|(_, body)| discards(body)), "before the gateway ended");
}

#[tokio::test]
async fn a_connection_that_sends_no_request_in_time_is_closed() {
    let world = World::with(FakeStorage::new(), |settings| {
        settings.limits.header_read = Duration::from_millis(50);
    })
    .await;
    for start in [&b""[..], b"P", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut slow = world.connect().await;
        slow.write(start).await;
        let rest = slow.rest().await;
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{rest:?}");
    }
}

#[tokio::test]
async fn a_body_that_stops_coming_is_a_request_timeout() {
    let world = World::with(FakeStorage::new(), |settings| {
        settings.limits.idle = Duration::from_millis(100);
    })
    .await;
    world.bucket("bucket", None).await;
    let mut slow = world.connect().await;
    slow.write(&world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD").head(Some(10))).await;
    slow.write(b"12345").await;
    assert_eq!(slow.reply(false).await.unwrap().error(), (400, "RequestTimeout"));
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_loses_its_connection() {
    let world = World::with(FakeStorage::new(), |settings| {
        settings.limits.idle = Duration::from_millis(200);
        // Longer than any test runs: it must not be the drain that ends the connection.
        settings.limits.drain = Duration::from_secs(3600);
    })
    .await;
    world.bucket("bucket", None).await;
    let size = 64 << 20;
    world.put("/bucket/key", vec![7; size]).send().await.expect(200);
    let mut lazy = world.connect().await;
    lazy.write(&world.get("/bucket/key").head(None)).await;
    let (status, _) = lazy.head().await.unwrap();
    assert_eq!(status, 200);
    // It reads nothing until the gateway has nothing left to do, which is when it gave the connection up.
    world.shutdown.cancel();
    world.running.await.unwrap();
    assert!(lazy.rest().await.len() < size);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_one_to_end() {
    let world = World::with(FakeStorage::new(), |settings| settings.limits.connections_max = 1).await;
    let mut first = world.connect().await;
    first.write(&world.get("/").head(None)).await;
    first.reply(false).await.unwrap().expect(200);
    let mut second = world.connect().await;
    second.write(&world.get("/").head(None)).await;
    let waiting = tokio::time::timeout(Duration::from_millis(100), second.head()).await;
    assert!(waiting.is_err(), "the second is not served while the first is there");
    drop(first);
    second.reply(false).await.unwrap().expect(200);
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let mut connection = world.connect().await;
    for n in 0..3u8 {
        let body = vec![n; 1000];
        let put = world.put("/bucket/key", body.clone());
        connection.write(&put.head(Some(1000))).await;
        connection.write(&body).await;
        connection.reply(false).await.unwrap().expect(200);
        connection.write(&world.get("/bucket/key").head(None)).await;
        assert_eq!(connection.reply(false).await.unwrap().expect(200).body, body);
        connection.write(&world.request("HEAD", "/bucket/none").head(None)).await;
        connection.reply(true).await.unwrap().expect(404);
        connection.write(&world.request("DELETE", "/bucket/none").head(None)).await;
        connection.reply(false).await.unwrap().expect(204);
    }
}

/// Sends a signed GET over HTTP/2: the headers of the HTTP/1.1 head, with `host` as `:authority`.
async fn get_http_2(
    world: &World,
    path: &str,
    sender: &mut hyper::client::conn::http2::SendRequest<Full<hyper::body::Bytes>>,
) -> hyper::Response<hyper::body::Incoming> {
    let head = String::from_utf8(world.get(path).head(None)).unwrap();
    let mut request = hyper::Request::get(format!("http://{}{path}", world.address));
    for line in head.lines().skip(1).filter(|line| !line.is_empty() && !line.starts_with("host:")) {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    sender.send_request(request.body(Full::default()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_reply_that_nobody_takes_is_cut_off_while_its_http_2_connection_goes_on() {
    let world = World::with(FakeStorage::new(), |settings| {
        settings.limits.idle = Duration::from_millis(20);
    })
    .await;
    world.bucket("bucket", None).await;
    world.put("/bucket/key", bytes(16 << 20)).send().await.expect(200);
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let stalled = get_http_2(&world, "/bucket/key", &mut sender).await;
    // sleep: nothing tells a client that its reply was cut off before it reads on, so wait out the limit
    tokio::time::sleep(Duration::from_millis(400)).await;
    let other = get_http_2(&world, "/bucket?location=", &mut sender).await;
    assert_eq!(other.status().as_u16(), 200);
    assert!(stalled.into_body().collect().await.is_err());
}

#[tokio::test]
async fn http_2_is_spoken_to_clients_that_know_it() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let body = bytes((8 << 20) + 5);
    world.put("/bucket/key", body.clone()).send().await.expect(200);
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let reply = get_http_2(&world, "/bucket/key", &mut sender).await;
    assert_eq!((reply.status().as_u16(), reply.version()), (200, hyper::Version::HTTP_2));
    assert!(reply.into_body().collect().await.unwrap().to_bytes() == body);
}

#[tokio::test]
async fn buckets_can_be_named_by_the_host() {
    let world = World::with(FakeStorage::new(), |settings| {
        settings.domains = vec!["s3.example.com".to_owned()];
    })
    .await;
    world.bucket("bucket", None).await;
    let put = world.put("/a/key", "x").header("x-test-host", "bucket.s3.example.com:9000");
    put.send().await.expect(200);
    assert_eq!(world.get("/bucket/a/key").send().await.expect(200).text(), "x");
    let list = world.get("/").header("x-test-host", "bucket.s3.example.com").send().await.expect(200);
    assert_eq!(list.elements("Key"), ["a/key"]);
}

#[tokio::test]
async fn the_console_tells_health_and_metrics_without_a_signature() {
    let world = World::start().await;
    let get = |path: &'static str| async move {
        let mut connection = Connection::open(world.console).await;
        connection.write(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
        let reply = connection.reply(false).await.unwrap();
        let content_type = reply.header("content-type").unwrap_or_default().to_owned();
        (reply.status, content_type, reply.text().to_owned())
    };
    let told =
        |status: u16, content_type: &str, text: &str| (status, content_type.to_owned(), text.to_owned());
    let json = |status, text| told(status, "application/json", text);
    assert_eq!(
        get("/health/live").await,
        json(200, "{\"check\":\"live\",\"status\":\"ok\",\"reasons\":[]}\n")
    );
    assert_eq!(
        get("/health/ready").await,
        json(200, "{\"check\":\"ready\",\"status\":\"ok\",\"reasons\":[]}\n")
    );
    let failing =
        r#"{"check":"cluster","status":"failing","reasons":["no leader","data has no places yet"]}"#;
    assert_eq!(get("/health/cluster").await, json(503, &format!("{failing}\n")));
    let metrics = told(200, "text/plain; version=0.0.4; charset=utf-8", "esker_up 1\n");
    assert_eq!(get("/metrics").await, metrics);
    assert_eq!(get("/").await.0, 404);
    assert_eq!(get("/health").await.0, 404);
}
