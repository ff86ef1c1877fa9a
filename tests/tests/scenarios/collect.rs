//! Collection: data that nobody can reach any more goes away, whatever made it unreachable; data that somebody
//! can reach stays.

use e2e::bucket::{Bucket, State};
use e2e::http;
use e2e::payload;
use e2e::report::note;
use e2e::request::{Request, path_of};
use e2e::sdk;
use e2e::server::{Options, Server};
use e2e::sigv4::Signer;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Deletions wait for the deadlines of commands, which are at most a minute ahead.
const PATIENCE: Duration = Duration::from_secs(240);

/// Bytes of records in segments that are part of a blob.
fn live_bytes(server: &Server) -> u64 {
    http::metric(server, "esker_storage_live_bytes")
}

async fn await_live_bytes(server: &Server, what: &str, reached: impl Fn(u64) -> bool) -> Duration {
    let start = Instant::now();
    loop {
        let live = live_bytes(server);
        if reached(live) {
            return start.elapsed();
        }
        assert!(start.elapsed() < PATIENCE, "{what}: {live} bytes are still live\n{}", server.logs());
        // sleep: nothing tells from outside when collection is done
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Sends the greater part of a few bodies; the server dies before it gets the rest.
async fn die_in_mid_upload(server: &mut Server, bucket: &Bucket) {
    let length: usize = 48 << 20;
    let before = live_bytes(server);
    let mut connections = Vec::new();
    for n in 0..3 {
        let request = Request::new("PUT", &path_of(&bucket.name, &format!("lost-{n}")));
        let request = request.header("content-length", &length.to_string());
        let request = Signer::root(server).sign(request.header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"));
        let mut stream = http::connect(server.s3());
        stream.write_all(&request.head()).expect("the server reads");
        stream.write_all(&payload::bytes(n, length / 2)).expect("the server reads");
        connections.push(stream);
    }
    // Two chunks of 8 MiB of each are stored by then.
    await_live_bytes(server, "uploads under way", |live| live >= before + 3 * (16 << 20)).await;
    server.kill9();
}

#[tokio::test]
async fn collection_leaves_what_is_referenced_and_nothing_else() {
    let mut server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let kept = payload::bytes(1, 9 << 20);
    let kept_id = bucket.put_id("kept", &kept).await;
    let shared = payload::bytes(2, 3 << 20);
    let source_id = bucket.put_id("source", &shared).await;
    let source = format!("{}/source?versionId={source_id}", bucket.name);
    bucket
        .client
        .copy_object()
        .bucket(&bucket.name)
        .key("copy")
        .copy_source(source)
        .send()
        .await
        .expect("a copy");
    bucket.delete_version("source", &source_id).await;
    let replaced = crate::multipart::Upload::create(&server, &bucket, "parts", &[]);
    replaced.part(1, &payload::bytes(3, 5 << 20)).expect_status(200);
    replaced.part(1, &payload::bytes(4, 5 << 20)).expect_status(200);
    let aborted = crate::multipart::Upload::create(&server, &bucket, "aborted", &[]);
    aborted.part(1, &payload::bytes(5, 5 << 20)).expect_status(200);
    let target = format!("/{}/aborted?uploadId={}", bucket.name, aborted.id());
    let abort_replaced = format!("/{}/parts?uploadId={}", bucket.name, replaced.id());
    http::send(&server, Request::new("DELETE", &target)).expect_status(204);
    die_in_mid_upload(&mut server, &bucket).await;

    let eager =
        ["--garbage-grace-seconds", "0", "--orphan-age-seconds", "1", "--upkeep-interval-seconds", "1"];
    let server = Server::start_on(&server.data(), Options::default().args(&eager)).expect("it starts again");
    let bucket = Bucket { client: sdk::client(&server), ..bucket };
    assert_eq!(bucket.history("lost-0").await, [], "an upload that was never finished made a version");
    // Kept: 9 MiB, the 3 MiB that the copy shares, and the 5 MiB of the part that was uploaded last.
    let referenced = 17 << 20;
    let took = await_live_bytes(&server, "orphans and garbage", |live| {
        (referenced..referenced + (1 << 20)).contains(&live)
    })
    .await;
    assert!(bucket.get_version("kept", &kept_id).await.expect("kept") == kept);
    assert!(bucket.get("copy").await.expect("the copy outlives its source") == shared);

    for row in bucket.rows().await {
        bucket.delete_version(&row.key, &row.id).await;
    }
    http::send(&server, Request::new("DELETE", &abort_replaced)).expect_status(204);
    let took_all = await_live_bytes(&server, "everything deleted", |live| live == 0).await;
    note(&format!("collection: orphans gone after {took:?}, everything {took_all:?} after the last delete"));
}
