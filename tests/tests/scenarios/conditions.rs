//! Conditional writes and deletes: decided where writes are ordered, so that of many exactly one wins.

use e2e::bucket::{Bucket, Kind, STATES, State};
use e2e::digest::etag;
use e2e::http::send;
use e2e::request::Request;
use e2e::sdk::assert_fails;
use e2e::server::Server;

#[tokio::test]
async fn conditions_create_only_if_absent() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        let put = || {
            let call = bucket.client.put_object().bucket(&bucket.name).key("k").if_none_match("*");
            call.body(b"new".to_vec().into()).send()
        };
        put().await.expect("an absent key");
        let before = bucket.rows().await;
        assert_fails(put().await, 412, "PreconditionFailed");
        assert_eq!(bucket.rows().await, before, "{state:?}: a refused write leaves no version");
    }
}

#[tokio::test]
async fn conditions_a_deleted_key_counts_as_absent() {
    let server = Server::shared();
    for state in [State::Enabled, State::Suspended] {
        let bucket = Bucket::create(&server, state).await;
        bucket.put("k", b"old").await;
        bucket.delete("k").await;
        let call = bucket.client.put_object().bucket(&bucket.name).key("k").body(b"x".to_vec().into());
        let call = call.if_match(etag(b"old"));
        assert_fails(call.send().await, 404, "NoSuchKey");
        let call = bucket.client.put_object().bucket(&bucket.name).key("k").body(b"new".to_vec().into());
        call.if_none_match("*").send().await.expect("a deleted key is absent");
        assert_eq!(bucket.get("k").await.expect("there"), b"new", "{state:?}");
    }
}

#[tokio::test]
async fn conditions_overwrite_only_what_was_read() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        bucket.put("k", b"one").await;
        let put = |expected: String| {
            let call = bucket.client.put_object().bucket(&bucket.name).key("k").if_match(expected);
            call.body(b"two".to_vec().into()).send()
        };
        assert_fails(put(etag(b"other")).await, 412, "PreconditionFailed");
        assert_eq!(bucket.get("k").await.expect("there"), b"one", "{state:?}");
        put(etag(b"one")).await.expect("the ETag that is there");
        assert_fails(put(etag(b"one")).await, 412, "PreconditionFailed");
        assert_eq!(bucket.get("k").await.expect("there"), b"two", "{state:?}");
    }
}

#[tokio::test]
async fn rule_8_if_match_on_an_absent_key_is_no_such_key() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let call = bucket.client.put_object().bucket(&bucket.name).key("k").if_match(etag(b"one"));
    assert_fails(call.send().await, 404, "NoSuchKey");
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn rule_8_if_none_match_etag_and_if_match_star_are_accepted() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let target = format!("/{}/k", bucket.name);
    let put = |name: &str, value: &str, body: &str| {
        send(&server, Request::new("PUT", &target).header(name, value).body(body.as_bytes()))
    };
    put("if-match", "*", "x").expect_error(404, "NoSuchKey");
    put("if-none-match", &etag(b"one"), "one").expect_status(200);
    put("if-none-match", &etag(b"one"), "two").expect_error(412, "PreconditionFailed");
    put("if-match", "*", "two").expect_status(200);
    assert_eq!(bucket.get("k").await.expect("there"), b"two");
}

#[tokio::test]
async fn conditions_delete_only_what_was_read() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    let delete = |expected: String| {
        let call = bucket.client.delete_object().bucket(&bucket.name).key("k").if_match(expected);
        call.send()
    };
    assert_fails(delete(etag(b"other")).await, 412, "PreconditionFailed");
    assert_eq!(bucket.history("k").await, [(one, Kind::Version)]);
    assert_eq!(delete(etag(b"one")).await.expect("it is there").delete_marker, Some(true));
    assert_fails(delete(etag(b"one")).await, 404, "NoSuchKey");
    assert_eq!(bucket.history("k").await.len(), 2, "a refused delete leaves no marker");
}

#[tokio::test]
async fn rule_8_if_match_on_delete_by_id_looks_at_that_version() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    bucket.put_id("k", b"two").await;
    let delete = |expected: String| {
        let call = bucket.client.delete_object().bucket(&bucket.name).key("k").version_id(&one);
        call.if_match(expected).send()
    };
    assert_fails(delete(etag(b"two")).await, 412, "PreconditionFailed");
    assert!(bucket.get_version("k", &one).await.is_some());
    delete(etag(b"one")).await.expect("that version's ETag");
    assert_eq!(bucket.get_version("k", &one).await, None);
}

#[tokio::test]
async fn conditions_on_copy_hold_for_the_destination() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("source", b"source").await;
    let target = format!("/{}/k", bucket.name);
    let copy = |name: &str, value: &str| {
        let request = Request::new("PUT", &target).header(name, value);
        send(&server, request.header("x-amz-copy-source", &format!("{}/source", bucket.name)))
    };
    copy("if-none-match", "*").expect_status(200);
    copy("if-none-match", "*").expect_error(412, "PreconditionFailed");
    copy("if-match", &etag(b"other")).expect_error(412, "PreconditionFailed");
    copy("if-match", &etag(b"source")).expect_status(200);
    assert_eq!(bucket.history("k").await.len(), 2);
}

#[tokio::test]
async fn conditions_of_concurrent_creates_exactly_one_succeeds() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        for round in 0..5 {
            let key = format!("k{round}");
            let mut calls = tokio::task::JoinSet::new();
            for writer in 0..16_u8 {
                let (bucket, key) = (bucket.clone(), key.clone());
                calls.spawn(async move {
                    let call = bucket.client.put_object().bucket(&bucket.name).key(key).if_none_match("*");
                    (writer, call.body(vec![writer].into()).send().await)
                });
            }
            let mut winners = Vec::new();
            for (writer, result) in calls.join_all().await {
                match result {
                    Ok(_) => winners.push(writer),
                    refused => drop(assert_fails(refused, 412, "PreconditionFailed")),
                }
            }
            assert_eq!(winners.len(), 1, "{state:?}");
            assert_eq!(bucket.get(&key).await.expect("there"), winners, "{state:?}");
            assert_eq!(bucket.history(&key).await.len(), 1, "{state:?}");
        }
    }
}

#[tokio::test]
async fn conditions_of_concurrent_counters_none_is_lost() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("counter", b"0").await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let bucket = bucket.clone();
        writers.spawn(async move {
            for _ in 0..5 {
                increment(&bucket).await;
            }
        });
    }
    writers.join_all().await;
    assert_eq!(bucket.get("counter").await.expect("there"), b"20");
    assert_eq!(bucket.history("counter").await.len(), 21);
}

/// Reads and writes back until nobody came between.
async fn increment(bucket: &Bucket) {
    loop {
        let reply = bucket.client.get_object().bucket(&bucket.name).key("counter").send().await.expect("GET");
        let tag = reply.e_tag.expect("an ETag");
        let text = reply.body.collect().await.expect("the body").to_vec();
        let value: u32 = String::from_utf8(text).expect("ASCII").parse().expect("a number");
        let call = bucket.client.put_object().bucket(&bucket.name).key("counter").if_match(tag);
        match call.body((value + 1).to_string().into_bytes().into()).send().await {
            Ok(_) => return,
            refused => drop(assert_fails(refused, 412, "PreconditionFailed")),
        }
    }
}
