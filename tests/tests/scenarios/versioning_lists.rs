//! ListObjectVersions: order, one current version per key, and what deletions leave.

use e2e::bucket::{Bucket, Kind, STATES, State};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

fn list(server: &Server, bucket: &Bucket, query: &str) -> Response {
    send(server, Request::new("GET", &format!("/{}?versions&{query}", bucket.name))).expect_status(200)
}

/// Version ids in the order of the XML, versions and markers as they come.
fn ids(page: &Response) -> Vec<String> {
    page.elements("VersionId")
}

#[tokio::test]
async fn versioning_list_interleaves_versions_and_markers_newest_first() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let a1 = bucket.put_id("a", b"1").await;
    let b1 = bucket.put_id("b", b"1").await;
    let a2 = bucket.delete_id("a").await;
    let a3 = bucket.put_id("a", b"3").await;
    let a4 = bucket.delete_id("a").await;
    let page = list(&server, &bucket, "");
    assert_eq!(ids(&page), [a4, a3, a2, a1, b1]);
    let kinds = ["<DeleteMarker>", "<Version>"];
    let text = page.text();
    let mut found: Vec<(usize, &str)> =
        kinds.iter().flat_map(|kind| text.match_indices(kind).map(|(at, _)| (at, *kind))).collect();
    found.sort_unstable();
    let order: Vec<&str> = found.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(order, ["<DeleteMarker>", "<Version>", "<DeleteMarker>", "<Version>", "<Version>"]);
}

#[tokio::test]
async fn versioning_list_has_exactly_one_latest_per_key_through_every_change() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        for round in 0..4_u8 {
            for key in ["a", "b", "c"] {
                bucket.put(key, &[round]).await;
            }
            bucket.delete("b").await;
            let rows = bucket.rows().await;
            let keys: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
            for key in keys {
                let of_key: Vec<_> = rows.iter().filter(|row| row.key == key).collect();
                assert!(of_key[0].latest, "{state:?}: the newest of {key} is the latest");
                assert_eq!(of_key.iter().filter(|row| row.latest).count(), 1, "{state:?}: {key}");
            }
        }
    }
}

#[tokio::test]
async fn versioning_list_orders_keys_by_bytes_of_utf8() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let mut keys = vec!["a", "B", "ä", "z", "~", "\u{fffd}", "\u{1f600}", "a/b", "a b", "a0"];
    for key in &keys {
        bucket.put(key, b"").await;
    }
    keys.sort_unstable();
    let page = list(&server, &bucket, "");
    assert_eq!(page.elements("Key"), keys);
}

#[tokio::test]
async fn versioning_list_shows_the_null_version_where_its_time_puts_it() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    bucket.put("k", b"null").await;
    bucket.enable().await;
    let newer = bucket.put_id("k", b"newer").await;
    assert_eq!(ids(&list(&server, &bucket, "")), [newer.as_str(), "null"]);
    bucket.suspend().await;
    bucket.put("k", b"null again").await;
    assert_eq!(ids(&list(&server, &bucket, "")), ["null", newer.as_str()]);
}

#[tokio::test]
async fn versioning_list_tells_size_etag_storage_class_and_owner() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"12345").await;
    bucket.delete("k").await;
    let page = list(&server, &bucket, "");
    assert_eq!(page.elements("Size"), ["5"]);
    let etag = e2e::digest::etag(b"12345");
    let shown = page.elements("ETag")[0].replace("&quot;", "\"");
    assert_eq!(shown, etag);
    assert_eq!(page.elements("StorageClass"), ["STANDARD"]);
    assert_eq!(page.elements("Owner").len(), 2, "rule 27: ListObjectVersions always has Owner, markers too");
}

#[tokio::test]
async fn versioning_object_lists_show_current_objects_only() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("kept", b"1").await;
    bucket.put("kept", b"2").await;
    bucket.put("deleted", b"1").await;
    bucket.delete("deleted").await;
    bucket.put("undeleted", b"1").await;
    let marker = bucket.delete_id("undeleted").await;
    bucket.delete_version("undeleted", &marker).await;
    let v2 = send(&server, Request::new("GET", &format!("/{}?list-type=2", bucket.name))).expect_status(200);
    assert_eq!(v2.elements("Key"), ["kept", "undeleted"]);
    assert_eq!(v2.element("KeyCount").as_deref(), Some("2"), "rule 27");
    let v1 = send(&server, Request::new("GET", &format!("/{}", bucket.name))).expect_status(200);
    assert_eq!(v1.elements("Key"), ["kept", "undeleted"]);
}

#[tokio::test]
async fn versioning_bucket_state_never_hides_versions() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"1").await;
    let marker = bucket.delete_id("k").await;
    bucket.suspend().await;
    let expected = [(marker, Kind::Marker), (one, Kind::Version)];
    assert_eq!(bucket.history("k").await, expected);
    bucket.enable().await;
    assert_eq!(bucket.history("k").await, expected);
}

#[tokio::test]
async fn versioning_thousands_of_versions_of_one_key_page_through_completely() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let count = e2e::report::by_length(1_200, 10_000);
    let mut written = Vec::new();
    for round in 0..count {
        written.push(bucket.put_id("k", &u32::to_le_bytes(round)).await);
    }
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let page = list(&server, &bucket, &marker);
        seen.extend(ids(&page));
        if page.element("IsTruncated").as_deref() != Some("true") {
            break;
        }
        let next = page.element("NextVersionIdMarker").expect("a truncated page inside a key has one");
        marker = format!("key-marker=k&version-id-marker={next}");
    }
    written.reverse();
    assert_eq!(seen, written);
}
