//! Complete, told twice or refused: what a replay returns in each state, and what a refusal leaves.

use crate::multipart::{PART_BYTES, Upload};
use e2e::bucket::{Bucket, Kind, STATES, State};
use e2e::digest::etag;
use e2e::http::send;
use e2e::payload;
use e2e::request::Request;
use e2e::server::Server;

#[tokio::test]
async fn rule_17_a_replay_changes_nothing_in_any_state_whatever_came_between() {
    let server = Server::shared();
    for state in STATES {
        for deleted in [false, true] {
            let bucket = Bucket::create(&server, state).await;
            let upload = Upload::create(&server, &bucket, "k", &[]);
            upload.part(1, b"x").expect_status(200);
            let tag = etag(b"x");
            let first = upload.complete(&[(1, &tag)]).expect_status(200);
            if deleted {
                bucket.delete("k").await;
            } else {
                bucket.put("k", b"newer").await;
            }
            let before = bucket.rows().await;
            let again = upload.complete(&[(1, &tag)]).expect_status(200);
            assert_eq!(again.header("x-amz-version-id"), first.header("x-amz-version-id"), "{state:?}");
            assert_eq!(again.header("x-amz-version-id").is_some(), state == State::Enabled, "{state:?}");
            assert_eq!(again.element("ETag"), first.element("ETag"), "{state:?}");
            assert_eq!(bucket.rows().await, before, "{state:?}");
            let body = (!deleted).then(|| b"newer".to_vec());
            assert_eq!(bucket.get("k").await, body, "{state:?}: the replay hides nothing");
        }
    }
}

#[tokio::test]
async fn rule_17_other_parts_or_another_key_are_no_replay() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    upload.part(1, b"x").expect_status(200);
    let (tag, other) = (etag(b"x"), etag(b"other"));
    upload.complete(&[(1, &tag)]).expect_status(200);
    upload.complete(&[(2, &tag)]).expect_error(404, "NoSuchUpload");
    upload.complete(&[(1, &other)]).expect_error(404, "NoSuchUpload");
    let elsewhere = Request::new("POST", &format!("/{}/other", bucket.name)).query("uploadId", upload.id());
    let document = crate::multipart::document(&[(1, &tag)]);
    send(&server, elsewhere.body(document)).expect_error(404, "NoSuchUpload");
    upload.part(2, b"y").expect_error(404, "NoSuchUpload");
    assert_eq!(bucket.rows().await.len(), 1);
}

#[tokio::test]
async fn rule_17_a_version_is_dated_by_complete_and_not_by_create() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        let upload = Upload::create(&server, &bucket, "k", &[]);
        upload.part(1, b"x").expect_status(200);
        bucket.put("between", b"").await;
        upload.complete(&[(1, &etag(b"x"))]).expect_status(200);
        let list = Request::new("GET", &format!("/{}?versions", bucket.name));
        let list = send(&server, list).expect_status(200);
        assert_eq!(list.elements("Key"), ["between", "k"]);
        // Texts of one length order like their times; only a tie of one key has six digits.
        let dates = list.elements("LastModified");
        assert!(dates[0] <= dates[1], "{state:?}: {dates:?}");
    }
}

#[tokio::test]
async fn rule_18_a_complete_or_copy_that_fails_has_the_status_of_its_error() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let part = payload::bytes(1, PART_BYTES);
    upload.part(1, &part).expect_status(200);
    let copy = |algorithm: &str| {
        let request = Request::new("PUT", &format!("/{}/k", bucket.name));
        let request = request.header("x-amz-copy-source", &format!("{}/missing", bucket.name));
        send(&server, request.header("x-amz-checksum-algorithm", algorithm))
    };
    let failed = [
        upload.complete(&[(2, &etag(&part))]).expect_error(400, "InvalidPart"),
        copy("CRC64NVME").expect_error(404, "NoSuchKey"),
        copy("SHA256").expect_error(404, "NoSuchKey"),
    ];
    let done = upload.complete(&[(1, &etag(&part))]).expect_status(200);
    for reply in failed.iter().chain([&done]) {
        assert!(reply.text().starts_with("<?xml"), "nothing comes before the document: {}", reply.text());
        assert!(!reply.text().contains("<Error>") || reply.status >= 400, "{}", reply.status);
    }
}

#[tokio::test]
async fn rule_8_conditions_of_complete_see_the_key_as_it_is_in_every_state() {
    let server = Server::shared();
    let (this, other) = (etag(b"there"), etag(b"other"));
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        let upload = Upload::create(&server, &bucket, "k", &[]);
        upload.part(1, b"x").expect_status(200);
        let tag = etag(b"x");
        let complete = |name: &str, value: &str| {
            send(&server, upload.complete_request(&[(1, &tag)]).header(name, value))
        };
        complete("if-match", &this).expect_error(404, "NoSuchKey");
        bucket.put("k", b"there").await;
        let before = bucket.rows().await;
        complete("if-match", &other).expect_error(412, "PreconditionFailed");
        complete("if-none-match", "*").expect_error(412, "PreconditionFailed");
        complete("if-none-match", &this).expect_error(412, "PreconditionFailed");
        assert_eq!(bucket.rows().await, before, "{state:?}: a refused Complete leaves no version");
        let parts = send(&server, upload.request("GET")).expect_status(200);
        assert_eq!(parts.elements("PartNumber"), ["1"], "{state:?}: and keeps its upload");
        complete("if-match", &this).expect_status(200);
        assert_eq!(bucket.get("k").await.expect("there"), b"x", "{state:?}");
    }
}

#[tokio::test]
async fn rule_8_a_deleted_key_counts_as_absent_for_complete() {
    let server = Server::shared();
    for state in [State::Enabled, State::Suspended] {
        let bucket = Bucket::create(&server, state).await;
        bucket.put("k", b"there").await;
        bucket.delete("k").await;
        let upload = Upload::create(&server, &bucket, "k", &[]);
        upload.part(1, b"x").expect_status(200);
        let tag = etag(b"x");
        let complete = |name: &str, value: &str| {
            send(&server, upload.complete_request(&[(1, &tag)]).header(name, value))
        };
        complete("if-match", "*").expect_error(404, "NoSuchKey");
        complete("if-none-match", "*").expect_status(200);
        assert_eq!(bucket.history("k").await[0].1, Kind::Version, "{state:?}");
    }
}
