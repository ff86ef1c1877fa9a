//! Large objects go up and down unchanged, and the server's memory does not grow with them.

use crate::multipart::Upload;
use e2e::bucket::{Bucket, State};
use e2e::http::{download, upload};
use e2e::payload::Payload;
use e2e::report::{by_length, note};
use e2e::request::Request;
use e2e::server::Server;
use sha2::{Digest as _, Sha256};
use std::time::Instant;

/// Memory that serving a large object may add, in bytes: buffers of streams, and caches that fill once.
const GROWTH_MAX: u64 = 256 << 20;

fn object_bytes() -> u64 {
    by_length(300 << 20, 5 << 30)
}

/// Reads the object; its SHA-256.
fn read(server: &Server, bucket: &Bucket, length: u64) -> Vec<u8> {
    let mut digest = Sha256::new();
    let request = Request::new("GET", &format!("/{}/k", bucket.name));
    let reply = download(server, request, |piece| digest.update(piece)).expect("the whole object");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-length"), Some(length.to_string().as_str()));
    digest.finalize().to_vec()
}

fn report(server: &Server, what: &str, length: u64, baseline: u64, seconds: f64) {
    let peak = server.rss_peak_bytes();
    let mebibytes = length >> 20;
    note(&format!(
        "{what}: {mebibytes} MiB up and down in {seconds:.1} s, memory at most {} MiB",
        peak >> 20
    ));
    let grown = peak.saturating_sub(baseline);
    assert!(grown < GROWTH_MAX, "{what} of {mebibytes} MiB grew the server by {} MiB", grown >> 20);
}

#[tokio::test]
async fn large_single_put_goes_up_and_down_in_bounded_memory() {
    let server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let (length, baseline, start) = (object_bytes(), server.rss_bytes(), Instant::now());
    let (mut stream, mut digest) = (Payload::new(1), Sha256::new());
    let request = Request::new("PUT", &format!("/{}/k", bucket.name));
    let reply = upload(&server, request, length, |buffer| {
        stream.fill(buffer);
        digest.update(buffer);
    });
    reply.expect("an answer").expect_status(200);
    assert_eq!(read(&server, &bucket, length), digest.finalize().to_vec());
    report(&server, "single PUT", length, baseline, start.elapsed().as_secs_f64());
}

#[tokio::test]
async fn large_multipart_goes_up_in_parallel_and_down_in_bounded_memory() {
    const PART_BYTES: u64 = 64 << 20;
    let server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let (length, baseline, start) = (object_bytes(), server.rss_bytes(), Instant::now());
    let target = Upload::create(&server, &bucket, "k", &[]);
    let count = u16::try_from(length.div_ceil(PART_BYTES)).expect("few parts");
    let length_of = |number: u16| PART_BYTES.min(length - u64::from(number - 1) * PART_BYTES);
    let put_part = |number: u16| {
        let mut stream = Payload::new(u64::from(number));
        let request = target.request("PUT").query("partNumber", &number.to_string());
        let reply = upload(&server, request, length_of(number), |buffer| stream.fill(buffer));
        let reply = reply.expect("an answer").expect_status(200);
        reply.header("etag").expect("an ETag").to_owned()
    };
    let mut tags: Vec<(u16, String)> = std::thread::scope(|scope| {
        let put_part = &put_part;
        let put_lane = move |lane: u16| {
            let numbers = (1..=count).filter(|number| number % 4 == lane);
            numbers.map(|number| (number, put_part(number))).collect::<Vec<_>>()
        };
        let lanes: Vec<_> = (0..4).map(|lane| scope.spawn(move || put_lane(lane))).collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("no panic")).collect()
    });
    tags.sort();
    let parts: Vec<(u16, &str)> = tags.iter().map(|(number, tag)| (*number, tag.as_str())).collect();
    target.complete(&parts).expect_status(200);

    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    for number in 1..=count {
        let (mut stream, mut left) = (Payload::new(u64::from(number)), length_of(number));
        while left > 0 {
            let piece = &mut buffer[..usize::try_from(left.min(1 << 20)).expect("at most a MiB")];
            stream.fill(piece);
            digest.update(&*piece);
            left -= piece.len() as u64;
        }
    }
    assert_eq!(read(&server, &bucket, length), digest.finalize().to_vec());
    report(&server, "multipart", length, baseline, start.elapsed().as_secs_f64());
}
