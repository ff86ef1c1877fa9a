//! The other engine keeps the same promises through `kill -9`, and a data directory keeps its engine.

use std::sync::Arc;
use std::time::Duration;

use e2e::bucket::{Bucket, State};
use e2e::payload;
use e2e::sdk;
use e2e::server::{Options, Server, scratch_dir};

const WRITERS: u64 = 4;

fn sled() -> Options {
    Options::default().args(&["--engine", "sled"])
}

/// Objects on both sides of what the index keeps itself.
fn body_of(seed: u64) -> Vec<u8> {
    payload::bytes(seed, if seed.is_multiple_of(3) { 50_000 } else { 700 })
}

/// Writes objects under fresh keys until the server is gone, and returns the keys of those that were acknowledged.
async fn write(bucket: Bucket, mut seed: u64) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    loop {
        let call = bucket.client.put_object().bucket(&bucket.name).key(format!("k{seed}"));
        match call.body(body_of(seed).into()).send().await {
            Ok(_) => acknowledged.push(seed),
            Err(_) => return acknowledged,
        }
        seed += WRITERS;
    }
}

#[tokio::test]
async fn sled_keeps_every_acknowledged_object_through_kill_9() {
    let mut server = Server::start_with(sled());
    let mut bucket = Bucket::create(&server, State::Enabled).await;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(bucket.clone(), (round << 32) + writer));
        }
        // sleep: the writers must be under way; how far they get is what the rounds vary
        tokio::time::sleep(Duration::from_millis(300 + 150 * round)).await;
        server.kill9();
        acknowledged.extend(writers.join_all().await.concat());
        server.restart();
        bucket = Bucket { client: sdk::client(&server), ..bucket };
        for seed in &acknowledged {
            let body = bucket.get(&format!("k{seed}")).await;
            assert!(body.as_ref() == Some(&body_of(*seed)), "round {round}: k{seed}");
        }
    }
    assert!(!acknowledged.is_empty(), "nothing was written, so nothing was tested");
}

#[tokio::test]
async fn a_data_directory_keeps_the_engine_that_made_it() {
    for (made, asked) in [("sled", "fjall"), ("fjall", "sled")] {
        let data = Arc::new(scratch_dir());
        let with = |engine: &str| Server::start_on(&data, Options::default().args(&["--engine", engine]));
        let server = with(made).unwrap_or_else(|failure| panic!("{failure}"));
        let bucket = Bucket::create(&server, State::Enabled).await;
        bucket.put("k", b"value").await;
        drop(server);
        let refusal = with(asked).err().unwrap_or_else(|| panic!("{asked} started on what {made} made"));
        assert!(refusal.contains(&format!("was made by the engine {made}, not {asked}")), "{refusal}");
        let server = with(made).unwrap_or_else(|failure| panic!("{failure}"));
        let bucket = Bucket { client: sdk::client(&server), ..bucket };
        assert_eq!(bucket.get("k").await.as_deref(), Some(&b"value"[..]));
    }
}
