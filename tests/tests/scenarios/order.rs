//! The order that clients rely on to roll back: strict in time per key, total per bucket, visible at once.

use e2e::bucket::{Bucket, State};
use e2e::http::send;
use e2e::request::Request;
use e2e::server::Server;

/// `LastModified` texts of a bucket's versions and markers, in the order of the list.
fn dates(server: &Server, bucket: &Bucket, prefix: &str) -> Vec<String> {
    let request = Request::new("GET", &format!("/{}?versions", bucket.name)).query("prefix", prefix);
    send(server, request).expect_status(200).elements("LastModified")
}

/// A date as a number that orders like the time: fractions of three and of six digits compare.
fn padded(date: &str) -> String {
    let (seconds, fraction) = date.trim_end_matches('Z').split_once('.').expect("a fraction");
    assert!(fraction.len() == 3 || fraction.len() == 6, "{date}: three digits, six where a tie needs them");
    format!("{seconds}.{fraction:0<6}")
}

#[tokio::test]
async fn order_times_of_one_key_are_strictly_increasing_however_fast_it_is_written() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8_u8 {
        let bucket = bucket.clone();
        writers.spawn(async move {
            for round in 0..25_u8 {
                bucket.put("k", &[writer, round]).await;
                if round % 5 == 0 {
                    bucket.delete("k").await;
                }
            }
        });
    }
    writers.join_all().await;
    let dates: Vec<String> = dates(&server, &bucket, "k").iter().map(|date| padded(date)).collect();
    assert_eq!(dates.len(), 8 * 30);
    assert!(dates.windows(2).all(|pair| pair[0] > pair[1]), "newest first, no two alike: {dates:?}");
}

#[tokio::test]
async fn order_times_of_a_bucket_never_decrease_across_keys() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for round in 0..100 {
        bucket.put(&format!("k{round:03}"), b"").await;
    }
    let dates: Vec<String> = dates(&server, &bucket, "k").iter().map(|date| padded(date)).collect();
    assert_eq!(dates.len(), 100);
    assert!(dates.windows(2).all(|pair| pair[0] <= pair[1]), "{dates:?}");
}

#[tokio::test]
async fn order_ids_and_times_of_one_key_agree() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let mut written = Vec::new();
    for round in 0..20_u8 {
        written.push(bucket.put_id("k", &[round]).await);
    }
    let page = bucket.client.list_object_versions().bucket(&bucket.name).send().await.expect("List");
    let mut by_time: Vec<_> =
        page.versions().iter().map(|v| (v.last_modified, v.version_id.clone())).collect();
    by_time.sort_by_key(|(time, _)| time.map(|time| time.as_nanos()));
    let by_time: Vec<String> = by_time.into_iter().filter_map(|(_, id)| id).collect();
    assert_eq!(by_time, written);
}

#[tokio::test]
async fn order_an_acknowledged_write_is_seen_by_every_read_that_starts_after_it() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for round in 0..50_u8 {
        let id = bucket.put_id("k", &[round]).await;
        assert_eq!(bucket.get("k").await.expect("there"), [round]);
        let page = bucket.client.list_objects_v2().bucket(&bucket.name).send().await.expect("List");
        assert_eq!(page.contents()[0].e_tag.as_deref(), Some(e2e::digest::etag(&[round]).as_str()));
        let page = bucket.client.list_object_versions().bucket(&bucket.name).max_keys(1).send().await;
        assert_eq!(page.expect("List").versions()[0].version_id.as_ref(), Some(&id));
    }
}

#[tokio::test]
async fn order_concurrent_writers_agree_with_the_list_about_who_was_last() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for _ in 0..5 {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8_u8 {
            let bucket = bucket.clone();
            writers.spawn(async move { (bucket.put_id("k", &[writer]).await, writer) });
        }
        let written: std::collections::BTreeMap<String, u8> = writers.join_all().await.into_iter().collect();
        let current = &bucket.history("k").await[0].0;
        assert_eq!(bucket.get("k").await.expect("there"), [written[current]]);
        assert_eq!(written.keys().next(), Some(current), "the newest id sorts first");
    }
}
