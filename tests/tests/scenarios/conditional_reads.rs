//! Conditions of reads and of copy sources, with the precedence of RFC 9110, section 13.2.2.

use e2e::bucket::{Bucket, State};
use e2e::digest::etag;
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

const LONG_AGO: &str = "Sat, 01 Jan 2000 00:00:00 GMT";
const FAR_AHEAD: &str = "Thu, 01 Jan 2099 00:00:00 GMT";

async fn bucket_with_object(server: &Server) -> Bucket {
    let bucket = Bucket::create(server, State::Enabled).await;
    bucket.put("k", b"one").await;
    bucket
}

fn read(server: &Server, bucket: &Bucket, method: &str, headers: &[(&str, &str)]) -> Response {
    let request = Request::new(method, &format!("/{}/k", bucket.name));
    send(server, headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
}

#[tokio::test]
async fn conditional_reads_follow_the_table() {
    let server = Server::shared();
    let bucket = bucket_with_object(&server).await;
    let (this, other) = (etag(b"one"), etag(b"two"));
    let both = format!("{other}, {this}");
    let cases: [(&[(&str, &str)], u16); 16] = [
        (&[("if-match", &this)], 200),
        (&[("if-match", &both)], 200),
        (&[("if-match", "*")], 200),
        (&[("if-match", &other)], 412),
        (&[("if-none-match", &this)], 304),
        (&[("if-none-match", &both)], 304),
        (&[("if-none-match", "*")], 304),
        (&[("if-none-match", &other)], 200),
        (&[("if-modified-since", LONG_AGO)], 200),
        (&[("if-modified-since", FAR_AHEAD)], 304),
        (&[("if-unmodified-since", LONG_AGO)], 412),
        (&[("if-unmodified-since", FAR_AHEAD)], 200),
        // A tag says more than a date: the date is not looked at.
        (&[("if-match", &this), ("if-unmodified-since", LONG_AGO)], 200),
        (&[("if-none-match", &other), ("if-modified-since", FAR_AHEAD)], 200),
        (&[("if-none-match", &this), ("if-modified-since", LONG_AGO)], 304),
        (&[("if-match", &other), ("if-none-match", &this)], 412),
    ];
    for (headers, status) in cases {
        for method in ["GET", "HEAD"] {
            assert_eq!(read(&server, &bucket, method, headers).status, status, "{method} {headers:?}");
        }
    }
}

#[tokio::test]
async fn rule_3_not_modified_carries_etag_date_and_version_and_no_body() {
    let server = Server::shared();
    let bucket = bucket_with_object(&server).await;
    let whole = read(&server, &bucket, "GET", &[]).expect_status(200);
    let reply = read(&server, &bucket, "GET", &[("if-none-match", &etag(b"one"))]).expect_status(304);
    assert!(reply.body.is_empty());
    for name in ["etag", "last-modified", "x-amz-version-id"] {
        assert!(reply.header(name).is_some(), "{name}");
        assert_eq!(reply.header(name), whole.header(name), "{name}");
    }
}

#[tokio::test]
async fn rule_3_dates_compare_in_whole_seconds() {
    let server = Server::shared();
    let bucket = bucket_with_object(&server).await;
    let whole = read(&server, &bucket, "GET", &[]).expect_status(200);
    let date = whole.header("last-modified").expect("a date").to_owned();
    read(&server, &bucket, "GET", &[("if-modified-since", &date)]).expect_status(304);
    read(&server, &bucket, "GET", &[("if-unmodified-since", &date)]).expect_status(200);
}

#[tokio::test]
async fn rule_3_a_failed_condition_on_a_copy_source_is_never_not_modified() {
    let server = Server::shared();
    let bucket = bucket_with_object(&server).await;
    let copy = |name: &str, value: &str| {
        let request = Request::new("PUT", &format!("/{}/copy", bucket.name));
        let request = request.header("x-amz-copy-source", &format!("{}/k", bucket.name));
        send(&server, request.header(name, value))
    };
    let (this, other) = (etag(b"one"), etag(b"two"));
    copy("x-amz-copy-source-if-match", &other).expect_error(412, "PreconditionFailed");
    copy("x-amz-copy-source-if-none-match", &this).expect_error(412, "PreconditionFailed");
    copy("x-amz-copy-source-if-unmodified-since", LONG_AGO).expect_error(412, "PreconditionFailed");
    assert_eq!(bucket.get("copy").await, None);
    copy("x-amz-copy-source-if-match", &this).expect_status(200);
    copy("x-amz-copy-source-if-none-match", &other).expect_status(200);
    copy("x-amz-copy-source-if-modified-since", LONG_AGO).expect_status(200);
    copy("x-amz-copy-source-if-unmodified-since", FAR_AHEAD).expect_status(200);
}

#[tokio::test]
async fn conditional_reads_of_a_named_version_look_at_that_version() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    bucket.put_id("k", b"two").await;
    let target = format!("/{}/k?versionId={one}", bucket.name);
    let read = |tag: &str| send(&server, Request::new("GET", &target).header("if-match", tag));
    read(&etag(b"one")).expect_status(200);
    read(&etag(b"two")).expect_error(412, "PreconditionFailed");
}
