//! `encoding-type=url` in the lists that other scenarios do not ask for it.

use e2e::bucket::{Bucket, State};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

use crate::multipart::Upload;

fn list(server: &Server, bucket: &Bucket, query: &[(&str, &str)]) -> Response {
    let request = Request::new("GET", &format!("/{}", bucket.name)).query("encoding-type", "url");
    let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
    send(server, request).expect_status(200)
}

async fn with_keys(server: &Server) -> Bucket {
    let bucket = Bucket::create(server, State::Enabled).await;
    for key in ["a +/1", "a +/2", "b /c"] {
        bucket.put(key, b"").await;
    }
    bucket
}

#[tokio::test]
async fn rule_24_list_objects_encodes_its_markers_and_takes_them_decoded() {
    let server = Server::shared();
    let bucket = with_keys(&server).await;
    let first = list(&server, &bucket, &[("delimiter", "/"), ("max-keys", "1")]);
    assert_eq!(first.element("NextMarker").as_deref(), Some("a%20%2B/"));
    assert_eq!(first.elements("CommonPrefixes"), ["<Prefix>a%20%2B/</Prefix>"]);
    assert_eq!(first.element("Delimiter").as_deref(), Some("/"));
    let second = list(&server, &bucket, &[("delimiter", "/"), ("marker", "a +/")]);
    assert_eq!(second.element("Marker").as_deref(), Some("a%20%2B/"));
    assert_eq!(second.elements("CommonPrefixes"), ["<Prefix>b%20/</Prefix>"]);
    let keys = list(&server, &bucket, &[]).elements("Key");
    assert_eq!(keys, ["a%20%2B/1", "a%20%2B/2", "b%20/c"]);
}

#[tokio::test]
async fn rule_24_list_objects_v2_encodes_start_after_and_not_its_tokens() {
    let server = Server::shared();
    let bucket = with_keys(&server).await;
    let query = [("list-type", "2"), ("start-after", "a +/1"), ("max-keys", "1")];
    let first = list(&server, &bucket, &query);
    assert_eq!(first.element("StartAfter").as_deref(), Some("a%20%2B/1"));
    assert_eq!(first.elements("Key"), ["a%20%2B/2"]);
    let token = first.element("NextContinuationToken").expect("truncated");
    let next = list(&server, &bucket, &[("list-type", "2"), ("continuation-token", &token)]);
    assert_eq!(next.element("ContinuationToken"), Some(token), "as it was sent");
    assert_eq!(next.elements("Key"), ["b%20/c"]);
}

#[tokio::test]
async fn rule_24_list_object_versions_encodes_its_key_markers_and_not_its_version_ids() {
    let server = Server::shared();
    let bucket = with_keys(&server).await;
    let first = list(&server, &bucket, &[("versions", ""), ("max-keys", "1")]);
    assert_eq!(first.element("NextKeyMarker").as_deref(), Some("a%20%2B/1"));
    let id = first.element("NextVersionIdMarker").expect("truncated");
    assert_eq!(first.elements("VersionId"), [id.as_str()]);
    let query = [("versions", ""), ("key-marker", "a +/1"), ("version-id-marker", id.as_str())];
    let next = list(&server, &bucket, &query);
    assert_eq!(next.element("KeyMarker").as_deref(), Some("a%20%2B/1"));
    assert_eq!(next.element("VersionIdMarker"), Some(id));
    assert_eq!(next.elements("Key"), ["a%20%2B/2", "b%20/c"]);
}

#[tokio::test]
async fn rule_24_list_multipart_uploads_encodes_keys_prefixes_and_markers() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let _uploads = ["a +/1", "b /c"].map(|key| Upload::create(&server, &bucket, key, &[]));
    let first = list(&server, &bucket, &[("uploads", ""), ("max-uploads", "1")]);
    assert_eq!(first.elements("Key"), ["a%20%2B/1"]);
    assert_eq!(first.element("NextKeyMarker").as_deref(), Some("a%20%2B/1"));
    let next = list(&server, &bucket, &[("uploads", ""), ("key-marker", "a +/1"), ("prefix", "b ")]);
    assert_eq!(next.element("KeyMarker").as_deref(), Some("a%20%2B/1"));
    assert_eq!(next.element("Prefix").as_deref(), Some("b%20"));
    assert_eq!(next.elements("Key"), ["b%20/c"]);
    let folded = list(&server, &bucket, &[("uploads", ""), ("delimiter", "/")]);
    assert_eq!(folded.elements("CommonPrefixes"), ["<Prefix>a%20%2B/</Prefix>", "<Prefix>b%20/</Prefix>"]);
}

#[tokio::test]
async fn rule_26_the_marker_of_a_null_version_names_it_in_lists_only() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    bucket.put("k", b"null").await;
    bucket.put("l", b"next").await;
    let first = list(&server, &bucket, &[("versions", ""), ("max-keys", "1")]);
    assert_eq!(first.elements("VersionId"), ["null"]);
    let marker = first.element("NextVersionIdMarker").expect("truncated");
    assert_ne!(marker, "null");
    let query = [("versions", ""), ("key-marker", "k"), ("version-id-marker", marker.as_str())];
    assert_eq!(list(&server, &bucket, &query).elements("Key"), ["l"]);
    let on_version = |method: &str| {
        send(&server, Request::new(method, &format!("/{}/k", bucket.name)).query("versionId", &marker))
    };
    on_version("GET").expect_error(404, "NoSuchVersion");
    on_version("DELETE").expect_status(204);
    assert_eq!(bucket.get("k").await.expect("not deleted by its marker"), b"null");
}
