//! DeleteObjects: many keys and versions in one request, each with a result of its own.

use e2e::bucket::{Bucket, Kind, State};
use e2e::digest::{crc32_base64, etag, md5_base64, sha256_base64};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

fn document(entries: &[&str], quiet: bool) -> String {
    let objects: String = entries.iter().map(|entry| format!("<Object>{entry}</Object>")).collect();
    let quiet = if quiet { "<Quiet>true</Quiet>" } else { "" };
    format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{quiet}{objects}</Delete>")
}

fn delete(server: &Server, bucket: &Bucket, xml: &str) -> Response {
    let request = Request::new("POST", &format!("/{}?delete", bucket.name)).body(xml);
    send(server, request.header("content-md5", &md5_base64(xml.as_bytes())))
}

fn key(name: &str) -> String {
    format!("<Key>{name}</Key>")
}

fn version(name: &str, id: &str) -> String {
    format!("<Key>{name}</Key><VersionId>{id}</VersionId>")
}

#[tokio::test]
async fn rule_19_zero_or_more_than_a_thousand_entries_are_malformed() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    delete(&server, &bucket, &document(&[], false)).expect_error(400, "MalformedXML");
    let entry = key("k");
    let many = vec![entry.as_str(); 1001];
    delete(&server, &bucket, &document(&many, false)).expect_error(400, "MalformedXML");
    assert_eq!(bucket.rows().await.len(), 1, "nothing was deleted");
    let names: Vec<String> = (0..1000).map(|n| key(&format!("n{n}"))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let reply = delete(&server, &bucket, &document(&names, false)).expect_status(200);
    assert_eq!(reply.elements("Deleted").len(), 1000);
}

#[tokio::test]
async fn rule_19_a_digest_of_the_document_is_required_and_checked() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let xml = document(&[&key("k")], false);
    let post = |header: Option<(&str, String)>| {
        let request = Request::new("POST", &format!("/{}?delete", bucket.name)).body(xml.as_str());
        send(&server, header.into_iter().fold(request, |request, (name, value)| request.header(name, &value)))
    };
    assert_eq!(post(None).status, 400);
    post(Some(("content-md5", md5_base64(b"other")))).expect_error(400, "BadDigest");
    post(Some(("x-amz-checksum-crc32", crc32_base64(b"other")))).expect_error(400, "BadDigest");
    assert_eq!(bucket.rows().await.len(), 1, "nothing was deleted");
    post(Some(("x-amz-checksum-crc32", crc32_base64(xml.as_bytes())))).expect_status(200);
    post(Some(("x-amz-checksum-sha256", sha256_base64(xml.as_bytes())))).expect_status(200);
    assert_eq!(bucket.rows().await.len(), 3);
}

#[tokio::test]
async fn rule_19_a_digest_of_any_algorithm_is_enough_and_is_checked() {
    let server = Server::shared();
    // Computed from the definitions of the algorithms, not with the server's code.
    const XML: &str = "<Delete><Object><Key>k</Key></Object></Delete>";
    let digests = [
        ("x-amz-checksum-crc32c", "429cFg=="),
        ("x-amz-checksum-crc64nvme", "XUHl3WiQk3w="),
        ("x-amz-checksum-sha1", "wdAhh98vprXx5hu8LYyK1l6AqJY="),
    ];
    for (name, value) in digests {
        let bucket = Bucket::create(&server, State::Unversioned).await;
        bucket.put("k", b"x").await;
        let post = |xml: &str| {
            let request = Request::new("POST", &format!("/{}?delete", bucket.name)).body(xml);
            send(&server, request.header(name, value))
        };
        post(&XML.replace("k<", "l<")).expect_error(400, "BadDigest");
        assert_eq!(bucket.rows().await.len(), 1, "{name}: nothing was deleted");
        post(XML).expect_status(200);
        assert_eq!(bucket.rows().await, [], "{name}");
    }
}

#[tokio::test]
async fn rule_20_results_tell_markers_and_versions_apart() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("live", b"x").await;
    let object = bucket.put_id("object", b"x").await;
    let marker = bucket.delete_id("marker").await;
    let entries = [key("live"), version("object", &object), version("marker", &marker)];
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let reply = delete(&server, &bucket, &document(&entries, false)).expect_status(200);
    let results = reply.elements("Deleted");
    let result =
        |name: &str| results.iter().find(|text| text.contains(&key(name))).expect("a result").clone();
    let live = result("live");
    assert!(live.contains("<DeleteMarker>true</DeleteMarker>"), "{live}");
    assert!(live.contains("<DeleteMarkerVersionId>") && !live.contains("<VersionId>"), "{live}");
    let object_result = result("object");
    assert!(object_result.contains(&format!("<VersionId>{object}</VersionId>")), "{object_result}");
    assert!(!object_result.contains("DeleteMarker"), "{object_result}");
    let marker_result = result("marker");
    assert!(marker_result.contains(&format!("<VersionId>{marker}</VersionId>")), "{marker_result}");
    assert!(marker_result.contains(&format!("<DeleteMarkerVersionId>{marker}<")), "{marker_result}");
    assert!(marker_result.contains("<DeleteMarker>true</DeleteMarker>"), "{marker_result}");
}

#[tokio::test]
async fn rule_20_one_failing_entry_does_not_fail_the_others() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("a", b"a").await;
    bucket.put("b", b"b").await;
    let long = "k".repeat(1025);
    let entries = [
        version("a", "not-a-version-id"),
        format!("{}<ETag>{}</ETag>", key("b"), etag(b"other").replace('"', "&quot;")),
        key(&long),
        key("c"),
    ];
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let reply = delete(&server, &bucket, &document(&entries, false)).expect_status(200);
    assert_eq!(reply.elements("Error").len(), 3, "{}", reply.text());
    assert_eq!(reply.elements("Deleted").len(), 1);
    let codes = reply.elements("Code");
    assert!(codes.contains(&"PreconditionFailed".to_owned()), "{codes:?}");
    assert!(bucket.get("a").await.is_some() && bucket.get("b").await.is_some());
    assert_eq!(bucket.history("c").await.len(), 1);
}

#[tokio::test]
async fn rule_20_the_condition_of_an_entry_is_its_etag() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let entry = format!("{}<ETag>{}</ETag>", key("k"), etag(b"one").replace('"', "&quot;"));
    let reply = delete(&server, &bucket, &document(&[&entry], false)).expect_status(200);
    assert_eq!(reply.elements("Deleted").len(), 1, "{}", reply.text());
    assert_eq!(bucket.get("k").await, None);
}

#[tokio::test]
async fn rule_20_quiet_omits_successes_and_never_errors() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("a", b"a").await;
    let entries = [key("a"), version("b", "not-a-version-id")];
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let reply = delete(&server, &bucket, &document(&entries, true)).expect_status(200);
    assert_eq!(reply.elements("Deleted"), Vec::<String>::new());
    assert_eq!(reply.elements("Error").len(), 1);
    assert_eq!(bucket.get("a").await, None, "quiet, but done");
}

#[tokio::test]
async fn delete_objects_follows_the_bucket_state() {
    let server = Server::shared();
    let xml = document(&[&key("k")], false);
    let unversioned = Bucket::create(&server, State::Unversioned).await;
    unversioned.put("k", b"x").await;
    delete(&server, &unversioned, &xml).expect_status(200);
    assert_eq!(unversioned.rows().await, []);

    let suspended = Bucket::create(&server, State::Suspended).await;
    suspended.put("k", b"x").await;
    let reply = delete(&server, &suspended, &xml).expect_status(200);
    assert_eq!(reply.element("DeleteMarkerVersionId").as_deref(), Some("null"));
    assert_eq!(suspended.history("k").await, [("null".to_owned(), Kind::Marker)]);
}

#[tokio::test]
async fn delete_objects_applies_entries_of_one_key_in_their_order() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let entry = key("k");
    delete(&server, &bucket, &document(&[&entry, &entry], false)).expect_status(200);
    assert_eq!(bucket.history("k").await.len(), 2, "markers stack");
}
