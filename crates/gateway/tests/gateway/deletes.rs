//! DeleteObjects (s3-rules 19, 20).

use crate::support::{Reply, World};
use esker_s3::checksum::{ChecksumState, to_text};
use esker_types::ChecksumAlgorithm;

async fn delete(world: &World, entries: &str) -> Reply {
    let body = format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{entries}</Delete>");
    // As boto3 does: a checksum and no Content-MD5.
    let checksum = to_text(&ChecksumState::of(ChecksumAlgorithm::Crc32, body.as_bytes()));
    world.request("POST", "/bucket?delete=").body(body).header("x-amz-checksum-crc32", checksum).send().await
}

fn entry(key: &str) -> String {
    format!("<Object><Key>{key}</Key></Object>")
}

#[tokio::test]
async fn each_entry_has_its_own_outcome_in_the_order_of_the_request() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let put = world.put("/bucket/a", "x").send().await.expect(200);
    let version = put.header("x-amz-version-id").unwrap();
    let entries = [
        // The same key twice: first its version goes for good, then a marker is added.
        format!("<Object><Key>a</Key><VersionId>{version}</VersionId></Object>"),
        entry("a"),
        "<Object><Key>b</Key><VersionId>bad</VersionId></Object>".to_owned(),
        entry("c"),
        "<Object><Key>d</Key><ETag>\"00000000000000000000000000000000\"</ETag></Object>".to_owned(),
    ];
    let reply = delete(&world, &entries.concat()).await.expect(200);
    assert_eq!(reply.elements("Key"), ["a", "a", "b", "c", "d"]);
    let results: Vec<&str> =
        reply.text().matches("<Deleted>").chain(reply.text().matches("<Error>")).collect();
    assert_eq!(results.len(), 5);
    assert_eq!(reply.elements("Code"), ["InvalidArgument", "NoSuchKey"]);
    assert_eq!(reply.elements("DeleteMarker"), ["true", "true"], "of the two entries without version id");
    assert_eq!(reply.elements("VersionId"), [version, "bad"]);
    let list = world.get("/bucket?versions=").send().await.expect(200);
    assert_eq!((list.elements("Key"), list.text().contains("<Version>")), (vec!["a", "c"], false));
}

#[tokio::test]
async fn a_quiet_request_hears_of_failures_only() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let bad = "<Object><Key>b</Key><VersionId>bad</VersionId></Object>";
    let reply = delete(&world, &format!("<Quiet>true</Quiet>{}{bad}", entry("a"))).await.expect(200);
    assert_eq!((reply.elements("Key"), reply.elements("Code")), (vec!["b"], vec!["InvalidArgument"]));
}

#[tokio::test]
async fn a_thousand_keys_go_at_once_and_one_more_is_too_many() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let entries: String = (0..1000).map(|n| entry(&format!("key-{n}"))).collect();
    let reply = delete(&world, &entries).await.expect(200);
    let expected: Vec<String> = (0..1000).map(|n| format!("key-{n}")).collect();
    assert_eq!(reply.elements("Key"), expected);
    assert_eq!(delete(&world, &format!("{entries}{}", entry("x"))).await.error(), (400, "MalformedXML"));
    assert_eq!(delete(&world, "").await.error(), (400, "MalformedXML"));
}

#[tokio::test]
async fn a_request_without_digest_or_bucket_fails_as_a_whole() {
    let world = World::start().await;
    assert_eq!(delete(&world, &entry("a")).await.error(), (404, "NoSuchBucket"));
    world.bucket("bucket", None).await;
    let body = format!("<Delete>{}</Delete>", entry("a"));
    let reply = world.request("POST", "/bucket?delete=").body(body).send().await;
    assert_eq!(reply.error(), (400, "InvalidRequest"));
}
