//! Lists in every bucket state, and pages that resume after a null version or null marker that is gone.

use e2e::bucket::{Bucket, STATES, State};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

fn list(server: &Server, bucket: &Bucket, query: &[(&str, &str)]) -> Response {
    let request = Request::new("GET", &format!("/{}", bucket.name));
    let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
    send(server, request).expect_status(200)
}

#[tokio::test]
async fn versioning_object_lists_follow_writes_and_deletes_in_every_state() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        let shows = |expected: &[&str], when: &str| {
            for query in [("list-type", "2"), ("prefix", ""), ("delimiter", "/")] {
                let keys = list(&server, &bucket, &[query]).elements("Key");
                assert_eq!(keys, expected, "{state:?} {query:?}: {when}");
            }
        };
        shows(&[], "empty");
        bucket.put("a", b"1").await;
        bucket.put("b", b"1").await;
        bucket.put("b", b"2").await;
        shows(&["a", "b"], "a key is shown once, however often it was written");
        bucket.delete("a").await;
        shows(&["b"], "deleted");
        bucket.delete("a").await;
        bucket.delete("c").await;
        shows(&["b"], "markers over markers and over nothing");
        bucket.put("a", b"3").await;
        shows(&["a", "b"], "written again");
        for row in bucket.rows().await {
            bucket.delete_version(&row.key, &row.id).await;
        }
        shows(&[], "every version was removed");
        assert_eq!(bucket.rows().await, [], "{state:?}");
    }
}

#[tokio::test]
async fn versioning_pages_resume_after_a_null_version_or_marker_that_was_removed() {
    let server = Server::shared();
    for marker in [false, true] {
        let bucket = Bucket::create(&server, State::Enabled).await;
        let older = bucket.put_id("k", b"older").await;
        bucket.suspend().await;
        bucket.put("k", b"null").await;
        if marker {
            bucket.delete("k").await;
        }
        bucket.enable().await;
        let newer = bucket.put_id("k", b"newer").await;
        bucket.put("l", b"").await;
        let first = list(&server, &bucket, &[("versions", ""), ("max-keys", "2")]);
        assert_eq!(first.elements("VersionId"), [newer.as_str(), "null"]);
        let next = first.element("NextVersionIdMarker").expect("truncated");
        bucket.delete_version("k", "null").await;
        let query = [("versions", ""), ("key-marker", "k"), ("version-id-marker", next.as_str())];
        let rest = list(&server, &bucket, &query);
        assert_eq!(rest.elements("Key"), ["k", "l"], "marker: {marker}");
        assert_eq!(rest.elements("VersionId")[0], older, "marker: {marker}");
    }
}

#[tokio::test]
async fn order_every_kind_of_read_sees_an_acknowledged_delete_and_undelete() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let head = || send(&server, Request::new("HEAD", &format!("/{}/k", bucket.name))).status;
    for round in 0..30 {
        let marker = bucket.delete_id("k").await;
        assert_eq!(head(), 404, "round {round}");
        assert_eq!(list(&server, &bucket, &[]).elements("Key"), Vec::<String>::new(), "round {round}");
        let versions = list(&server, &bucket, &[("versions", ""), ("max-keys", "1")]);
        assert_eq!(versions.element("VersionId").as_ref(), Some(&marker), "round {round}");
        bucket.delete_version("k", &marker).await;
        assert_eq!(head(), 200, "round {round}");
        assert_eq!(list(&server, &bucket, &[]).elements("Key"), ["k"], "round {round}");
    }
}
