//! Version ids as clients see them.

use e2e::bucket::{Bucket, STATES, State};
use e2e::http::send;
use e2e::request::Request;
use e2e::server::Server;

/// What is neither `null` nor a lower-case hyphenated UUID.
const MALFORMED: [&str; 6] = [
    "x",
    "NULL",
    "undefined",
    "FFFFFFFF-FFFF-8FFE-8123-456789ABCDEF",
    "ffffffffffff8ffe8123456789abcdef",
    "3HL4kqtJvjVBH40Nrjfkd",
];

#[tokio::test]
async fn versioning_malformed_version_id_is_an_invalid_argument_for_every_operation() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    for id in MALFORMED {
        for method in ["GET", "DELETE"] {
            let request = Request::new(method, &format!("/{}/k", bucket.name)).query("versionId", id);
            let response = send(&server, request).expect_error(400, "InvalidArgument");
            assert_eq!(response.element("Message").as_deref(), Some("Invalid version id specified"), "{id}");
        }
        let head = Request::new("HEAD", &format!("/{}/k", bucket.name)).query("versionId", id);
        assert_eq!(send(&server, head).status, 400, "{id}");
    }
    assert_eq!(bucket.rows().await.len(), 1, "nothing was deleted");
}

#[tokio::test]
async fn versioning_empty_version_id_is_an_invalid_argument() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    for method in ["GET", "DELETE"] {
        let request = Request::new(method, &format!("/{}/k?versionId=", bucket.name));
        send(&server, request).expect_error(400, "InvalidArgument");
    }
    assert_eq!(bucket.rows().await.len(), 1, "nothing was deleted");
}

#[tokio::test]
async fn versioning_ids_are_hyphenated_uuids_and_newer_ones_sort_first() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let mut ids = Vec::new();
    for round in 0..5_u8 {
        ids.push(bucket.put_id("k", &[round]).await);
        ids.push(bucket.delete_id("k").await);
    }
    for id in &ids {
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert!(id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{id}");
        assert_eq!(id.as_bytes()[14], b'8', "{id}: UUID version 8");
    }
    assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "{ids:?}");
}

#[tokio::test]
async fn versioning_a_removed_id_is_never_used_again() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..20_u8 {
        let id = bucket.put_id("k", &[round]).await;
        assert!(seen.insert(id.clone()), "{id} came again");
        bucket.delete_version("k", &id).await;
    }
}

#[tokio::test]
async fn rule_37_a_version_in_the_key_is_read_only_where_the_literal_key_has_no_version() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    bucket.put_id("k", b"two").await;
    let literal = format!("k?versionId={one}");
    assert_eq!(bucket.get(&literal).await.expect("the old version"), b"one");
    let head = bucket.client.head_object().bucket(&bucket.name).key(&literal).send().await.expect("HEAD");
    assert_eq!(head.version_id.as_deref(), Some(one.as_str()));

    bucket.put_id(&literal, b"a real key").await;
    assert_eq!(bucket.get(&literal).await.expect("the key itself"), b"a real key");
    bucket.delete_id(&literal).await;
    assert_eq!(bucket.get(&literal).await, None, "a deleted key is still that key");
    assert_eq!(bucket.get_version("k", &one).await.expect("untouched"), b"one");
}

#[tokio::test]
async fn rule_37_a_version_in_the_key_never_applies_to_writes_and_deletes() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, State::Enabled).await;
        let one = bucket.put_id("k", b"one").await;
        match state {
            State::Unversioned => continue,
            State::Enabled => {}
            State::Suspended => bucket.suspend().await,
        }
        bucket.delete(&format!("k?versionId={one}")).await;
        assert_eq!(bucket.get_version("k", &one).await.expect("untouched"), b"one", "{state:?}");
        bucket.put(&format!("k?versionId={one}"), b"other key").await;
        assert_eq!(bucket.get("k").await.expect("untouched"), b"one", "{state:?}");
    }
}
