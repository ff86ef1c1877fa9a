//! `kill -9` under concurrent writes: what was acknowledged is there with its bytes, what was not is absent
//! or whole.

use e2e::bucket::{Bucket, Kind, Row, State, rows};
use e2e::payload;
use e2e::report::{by_length, note};
use e2e::sdk;
use e2e::server::Server;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const WRITERS: u64 = 8;

/// What one writer did to its key, in its order.
#[derive(Default)]
struct Ledger {
    /// Acknowledged writes and deletes.
    acknowledged: Vec<Row>,
    /// Seed of each acknowledged object, by version id.
    seeds: BTreeMap<String, u64>,
    /// Seeds of objects whose write got no answer; each may be there or not.
    unknown: Vec<u64>,
    /// Deletes that got no answer.
    unknown_markers: usize,
}

/// Sizes around what the store treats differently: inlined, one block, several blocks, several chunks.
fn length_of(seed: u64) -> usize {
    let draw = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match draw % 32 {
        0 => 0,
        1..=18 => usize::try_from(draw % 5000).expect("small"),
        19..=28 => 100_000 + usize::try_from(draw % 50_000).expect("small"),
        29..=30 => 1 << 20,
        _ => 9 << 20,
    }
}

/// The object of a seed tells its own seed, so that one that got no answer can be recognised.
fn body_of(seed: u64) -> Vec<u8> {
    let mut body = seed.to_le_bytes().to_vec();
    body.extend(payload::bytes(seed, length_of(seed)));
    body
}

/// Writes and deletes until the server is gone.
async fn write(bucket: Bucket, key: String, mut seed: u64, mut ledger: Ledger) -> Ledger {
    loop {
        seed += WRITERS;
        if seed.is_multiple_of(7) {
            match bucket.client.delete_object().bucket(&bucket.name).key(&key).send().await {
                Ok(reply) => ledger.note(&key, reply.version_id.expect("a marker has an id"), Kind::Marker),
                Err(_) => {
                    ledger.unknown_markers += 1;
                    return ledger;
                }
            }
        } else {
            let call = bucket.client.put_object().bucket(&bucket.name).key(&key).body(body_of(seed).into());
            match call.send().await {
                Ok(reply) => {
                    let id = reply.version_id.expect("an enabled bucket replies with an id");
                    ledger.seeds.insert(id.clone(), seed);
                    ledger.note(&key, id, Kind::Version);
                }
                Err(_) => {
                    ledger.unknown.push(seed);
                    return ledger;
                }
            }
        }
    }
}

impl Ledger {
    fn note(&mut self, key: &str, id: String, kind: Kind) {
        self.acknowledged.push(Row { key: key.to_owned(), id, kind, latest: false });
    }

    /// Checks the rows of the ledger's key, newest first, against what was promised.
    async fn check(&self, bucket: &Bucket, key: &str, found: &[Row]) {
        assert_eq!(found.iter().filter(|row| row.latest).count(), usize::from(!found.is_empty()), "{key}");
        let of_kind = |kind: Kind| found.iter().filter(move |row| row.kind == kind);
        let mut promised = self.acknowledged.iter().rev().peekable();
        for row in found {
            if promised.peek().is_some_and(|next| next.id == row.id && next.kind == row.kind) {
                promised.next();
            }
        }
        assert_eq!(promised.next(), None, "{key}: an acknowledged version is gone, or out of order");
        let extra_markers = of_kind(Kind::Marker).count() - self.of_kind(Kind::Marker);
        assert!(extra_markers <= self.unknown_markers, "{key}: {extra_markers} markers that nobody wrote");
        for row in of_kind(Kind::Version) {
            let body = bucket.get_version(key, &row.id).await.expect("a listed version can be read");
            let seed = u64::from_le_bytes(body[..8].try_into().expect("every body starts with its seed"));
            match self.seeds.get(&row.id) {
                Some(written) => assert_eq!(seed, *written, "{key}: {}", row.id),
                None => assert!(self.unknown.contains(&seed), "{key}: a version that nobody wrote"),
            }
            assert!(body == body_of(seed), "{key}: {} has other bytes", row.id);
        }
    }

    fn of_kind(&self, kind: Kind) -> usize {
        self.acknowledged.iter().filter(|row| row.kind == kind).count()
    }
}

/// All rows of a bucket, page by page.
async fn all_rows(bucket: &Bucket) -> Vec<Row> {
    let pages = bucket.client.list_object_versions().bucket(&bucket.name);
    let (mut found, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let call = pages.clone().set_key_marker(key).set_version_id_marker(id);
        let page = call.send().await.expect("ListObjectVersions");
        found.extend(rows(&page));
        if page.is_truncated != Some(true) {
            return found;
        }
        (key, id) = (page.next_key_marker, page.next_version_id_marker);
    }
}

#[tokio::test]
async fn crash_by_kill_9_under_writes_keeps_every_acknowledged_version() {
    let rounds: u64 = by_length(4, 100);
    let mut server = Server::start();
    let mut bucket = Bucket::create(&server, State::Enabled).await;
    let mut ledgers: Vec<Ledger> = (0..WRITERS).map(|_| Ledger::default()).collect();
    let mut recovery_max = Duration::ZERO;
    for round in 0..rounds {
        let mut writers = tokio::task::JoinSet::new();
        for (writer, ledger) in (0..WRITERS).zip(std::mem::take(&mut ledgers)) {
            let (bucket, seed) = (bucket.clone(), (round << 32) + writer);
            writers.spawn(async move { (writer, write(bucket, format!("k{writer}"), seed, ledger).await) });
        }
        // sleep: the writers must be under way; how far they get is what the rounds vary
        tokio::time::sleep(Duration::from_millis(150 + round * 137 % 600)).await;
        server.kill9();
        let mut done = writers.join_all().await;
        done.sort_by_key(|(writer, _)| *writer);
        ledgers = done.into_iter().map(|(_, ledger)| ledger).collect();
        let start = Instant::now();
        server.restart();
        recovery_max = recovery_max.max(start.elapsed());
        bucket = Bucket { client: sdk::client(&server), ..bucket };
        let found = all_rows(&bucket).await;
        // Reading every byte in every round would be quadratic: presence is checked now, order and bytes of
        // all rounds at the end.
        for (writer, ledger) in (0..WRITERS).zip(&ledgers) {
            let key = format!("k{writer}");
            let ids: Vec<&str> =
                found.iter().filter(|row| row.key == key).map(|row| row.id.as_str()).collect();
            for row in &ledger.acknowledged {
                assert!(ids.contains(&row.id.as_str()), "round {round}: {key} lost {}", row.id);
            }
        }
    }
    let found = all_rows(&bucket).await;
    for (writer, ledger) in (0..WRITERS).zip(&ledgers) {
        let key = format!("k{writer}");
        let of_key: Vec<Row> = found.iter().filter(|row| row.key == key).cloned().collect();
        ledger.check(&bucket, &key, &of_key).await;
    }
    let acknowledged: usize = ledgers.iter().map(|ledger| ledger.acknowledged.len()).sum();
    assert!(acknowledged > 0, "nothing was written, so nothing was tested");
    note(&format!(
        "kill -9: {rounds} rounds, {acknowledged} acknowledged versions, none lost, recovery at most {recovery_max:?}"
    ));
}

#[tokio::test]
async fn crash_by_kill_9_keeps_uploads_and_their_parts() {
    let mut server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = crate::multipart::Upload::create(&server, &bucket, "k", &[]);
    let id = upload.id().to_owned();
    let first = payload::bytes(1, crate::multipart::PART_BYTES);
    upload.part(1, &first).expect_status(200);
    server.kill9();
    server.restart();
    let target = format!("/{}/k?uploadId={id}", bucket.name);
    let part = e2e::request::Request::new("PUT", &target).query("partNumber", "2").body("end");
    e2e::http::send(&server, part).expect_status(200);
    let tags = [e2e::digest::etag(&first), e2e::digest::etag(b"end")];
    let document = crate::multipart::document(&[(1, &tags[0]), (2, &tags[1])]);
    let complete =
        || e2e::http::send(&server, e2e::request::Request::new("POST", &target).body(document.as_str()));
    let reply = complete().expect_status(200);
    let version = reply.header("x-amz-version-id").expect("an id").to_owned();
    let bucket = Bucket { client: sdk::client(&server), ..bucket };
    assert!(bucket.get_version("k", &version).await.expect("there") == [&first[..], b"end"].concat());
}

#[tokio::test]
async fn crash_by_kill_9_keeps_the_replay_of_a_complete() {
    let mut server = Server::start();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = crate::multipart::Upload::create(&server, &bucket, "k", &[]);
    upload.part(1, b"x").expect_status(200);
    let tag = e2e::digest::etag(b"x");
    let first = upload.complete(&[(1, &tag)]).expect_status(200);
    let request =
        e2e::request::Request::new("POST", &format!("/{}/k", bucket.name)).query("uploadId", upload.id());
    let request = request.body(crate::multipart::document(&[(1, &tag)]));
    server.kill9();
    server.restart();
    let again = e2e::http::send(&server, request).expect_status(200);
    assert_eq!(again.header("x-amz-version-id"), first.header("x-amz-version-id"));
    let bucket = Bucket { client: sdk::client(&server), ..bucket };
    assert_eq!(bucket.history("k").await.len(), 1);
}
