//! Multipart uploads (s3-rules 15–17).

use crate::bytes;
use crate::support::{Reply, World};

const PART: usize = 5 << 20;

async fn create(world: &World, key: &str) -> String {
    let reply = world.request("POST", &format!("/bucket/{key}?uploads=")).send().await.expect(200);
    reply.element("UploadId").unwrap().to_owned()
}

async fn upload(world: &World, key: &str, id: &str, number: u16, body: Vec<u8>) -> String {
    let reply = world.put(&format!("/bucket/{key}?partNumber={number}&uploadId={id}"), body).send().await;
    reply.expect(200).header("etag").unwrap().to_owned()
}

fn document(parts: &[(u16, &str)]) -> String {
    let part = |(number, etag): &(u16, &str)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let parts: String = parts.iter().map(part).collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

async fn complete(world: &World, key: &str, id: &str, parts: &[(u16, &str)]) -> Reply {
    world.request("POST", &format!("/bucket/{key}?uploadId={id}")).body(document(parts)).send().await
}

#[tokio::test]
async fn parts_become_one_object_and_a_replay_gets_the_same_reply() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let id = create(&world, "key").await;
    let (first, last) = (bytes(PART), bytes(1000));
    upload(&world, "key", &id, 7, bytes(10)).await;
    // Out of order, and one replaced.
    let b = upload(&world, "key", &id, 7, last.clone()).await;
    let a = upload(&world, "key", &id, 2, first.clone()).await;
    upload(&world, "key", &id, 9, bytes(5)).await;
    let parts = [(2, a.as_str()), (7, b.as_str())];

    let done = complete(&world, "key", &id, &parts).await.expect(200);
    assert!(done.element("ETag").unwrap().ends_with("-2&quot;"), "{}", done.text());
    assert_eq!(done.element("Location").unwrap(), format!("http://{}/bucket/key", world.address));
    let version = done.header("x-amz-version-id").unwrap();
    let again = complete(&world, "key", &id, &parts).await.expect(200);
    assert_eq!((again.header("x-amz-version-id"), &again.body), (Some(version), &done.body));
    let list = world.get("/bucket?versions=").send().await.expect(200);
    assert_eq!(list.elements("VersionId"), [version]);

    let whole = [first.clone(), last.clone()].concat();
    let got = world.get("/bucket/key").header("x-amz-checksum-mode", "ENABLED").send().await.expect(200);
    assert!(got.body == whole);
    assert_eq!(got.header("x-amz-checksum-type"), Some("FULL_OBJECT"), "as S3: CRC-64/NVME, combined");
    let range = format!("bytes={}-{}", PART - 5, PART + 5);
    let got = world.get("/bucket/key").header("range", range).send().await.expect(206);
    assert!(got.body == whole[PART - 5..=PART + 5]);
    // s3-rules 5
    let part = world.get("/bucket/key?partNumber=2").send().await.expect(206);
    assert!(part.body == last);
    assert_eq!(part.header("x-amz-mp-parts-count"), Some("2"));
    assert_eq!(
        part.header("content-range"),
        Some(format!("bytes {PART}-{}/{}", whole.len() - 1, whole.len()).as_str())
    );
    assert_eq!(world.get("/bucket/key?partNumber=3").send().await.error(), (400, "InvalidPart"));
    let head = world.request("HEAD", "/bucket/key?partNumber=1").send().await.expect(206);
    assert_eq!(head.header("content-length"), Some(PART.to_string().as_str()));
}

#[tokio::test]
async fn a_failed_complete_says_why_and_leaves_the_upload() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let id = create(&world, "key").await;
    let a = upload(&world, "key", &id, 1, bytes(10)).await;
    let b = upload(&world, "key", &id, 2, bytes(20)).await;
    let (a, b) = (a.as_str(), b.as_str());
    for (parts, error) in [
        (vec![], (400, "MalformedXML")),
        (vec![(2, b), (1, a)], (400, "InvalidPartOrder")),
        (vec![(1, a), (1, a)], (400, "InvalidPartOrder")),
        (vec![(1, b)], (400, "InvalidPart")),
        (vec![(1, a), (3, b)], (400, "InvalidPart")),
        (vec![(1, "x")], (400, "InvalidPart")),
        (vec![(1, a), (2, b)], (400, "EntityTooSmall")),
        (vec![(0, a)], (400, "InvalidArgument")),
    ] {
        assert_eq!(complete(&world, "key", &id, &parts).await.error(), error, "{parts:?}");
    }
    let target = format!("/bucket/key?uploadId={id}");
    let post = || world.request("POST", &target).body(document(&[(1, a)]));
    assert_eq!(post().header("x-amz-mp-object-size", "11").send().await.error(), (400, "InvalidRequest"));
    assert_eq!(post().header("if-match", "*").send().await.error(), (404, "NoSuchKey"));
    // The CRC-64 of something else.
    let wrong = post().header("x-amz-checksum-crc64nvme", "rosUhgp5mIg=").send().await;
    assert_eq!(wrong.error(), (400, "BadDigest"));
    assert_eq!(world.get(&target).send().await.expect(200).elements("PartNumber"), ["1", "2"]);
    // ETags may be unquoted.
    complete(&world, "key", &id, &[(1, a.trim_matches('"'))]).await.expect(200);
    let condition = post().header("if-none-match", "*").send().await;
    assert_eq!(condition.status, 200, "s3-rules 17: a replay is recognised before conditions");
}

#[tokio::test]
async fn an_upload_that_is_not_there_is_404_whatever_is_asked_of_it() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let id = create(&world, "key").await;
    let aborted = create(&world, "key").await;
    world.request("DELETE", &format!("/bucket/key?uploadId={aborted}")).send().await.expect(204);
    let etag = "\"00000000000000000000000000000000\"";
    for (key, id) in
        [("other", id.as_str()), ("key", &aborted), ("key", "00000000-0000-7000-8000-000000000000")]
    {
        let target = format!("/bucket/{key}?uploadId={id}");
        assert_eq!(world.get(&target).send().await.error(), (404, "NoSuchUpload"));
        assert_eq!(world.request("DELETE", &target).send().await.error(), (404, "NoSuchUpload"));
        assert_eq!(complete(&world, key, id, &[(1, etag)]).await.error(), (404, "NoSuchUpload"));
        let part = world.put(&format!("{target}&partNumber=1"), "x").send().await;
        assert_eq!(part.error(), (404, "NoSuchUpload"));
    }
    assert!(world.storage.blobs().is_empty(), "parts are refused before their bytes are taken");
    let target = format!("/nobucket/key?uploadId={id}");
    assert_eq!(world.get(&target).send().await.error(), (404, "NoSuchBucket"));
    for number in ["0", "10001", "x"] {
        let target = format!("/bucket/key?partNumber={number}&uploadId={id}");
        assert_eq!(world.put(&target, "x").send().await.error(), (400, "InvalidArgument"), "{number}");
    }
}

#[tokio::test]
async fn an_upload_with_a_chosen_checksum_requires_it_of_its_parts() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let created = world.request("POST", "/bucket/key?uploads=").header("x-amz-checksum-algorithm", "CRC32");
    let created = created.send().await.expect(200);
    assert_eq!(created.header("x-amz-checksum-algorithm"), Some("CRC32"));
    let id = created.element("UploadId").unwrap();
    let target = format!("/bucket/key?partNumber=1&uploadId={id}");
    let other =
        world.put(&target, "123456789").header("x-amz-checksum-crc64nvme", "rosUhgp5mIg=").send().await;
    assert_eq!(other.error(), (400, "InvalidRequest"));
    // It is computed even if the client does not state it.
    let part = world.put(&target, "123456789").send().await.expect(200);
    assert_eq!(part.header("x-amz-checksum-crc32"), Some("y/Q5Jg=="));
    let done = complete(&world, "key", id, &[(1, part.header("etag").unwrap())]).await.expect(200);
    assert!(done.element("ChecksumCRC32").unwrap().ends_with("-1"));
    assert_eq!(done.element("ChecksumType"), Some("COMPOSITE"));
}

#[tokio::test]
async fn parts_and_uploads_are_listed_in_pages() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let id = create(&world, "b").await;
    for number in [1, 5, 70] {
        upload(&world, "b", &id, number, bytes(10)).await;
    }
    let page = world.get(&format!("/bucket/b?uploadId={id}&max-parts=2")).send().await.expect(200);
    assert_eq!(page.elements("PartNumber"), ["1", "5"]);
    assert_eq!(
        (page.element("IsTruncated"), page.element("NextPartNumberMarker")),
        (Some("true"), Some("5"))
    );
    let page = world.get(&format!("/bucket/b?part-number-marker=5&uploadId={id}")).send().await.expect(200);
    assert_eq!((page.elements("PartNumber"), page.element("IsTruncated")), (vec!["70"], Some("false")));

    create(&world, "a/1").await;
    create(&world, "a/2").await;
    // Uploads of a key are listed in the order of the milliseconds in which they were begun.
    world.clock.advance(std::time::Duration::from_millis(1));
    let second = create(&world, "b").await;
    let page = world.get("/bucket?delimiter=%2F&max-uploads=2&uploads=").send().await.expect(200);
    assert_eq!((page.elements("UploadId"), page.element("NextKeyMarker")), (vec![id.as_str()], Some("b")));
    assert_eq!(page.element("NextUploadIdMarker"), Some(id.as_str()));
    let page =
        world.get(&format!("/bucket?key-marker=b&upload-id-marker={id}&uploads=")).send().await.expect(200);
    assert_eq!(page.elements("UploadId"), [second]);
}

// s3-rules 12
#[tokio::test]
async fn a_part_can_be_copied_from_a_range_of_one_version() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let body = bytes((8 << 20) + 100);
    let old = world.put("/bucket/source", body.clone()).send().await.expect(200);
    let old = old.header("x-amz-version-id").unwrap();
    world.put("/bucket/source", "newer").send().await.expect(200);
    let id = create(&world, "key").await;
    let target = format!("/bucket/key?partNumber=1&uploadId={id}");
    let copy = |source: String| world.request("PUT", &target).header("x-amz-copy-source", source);
    let ranged =
        |range: &str| copy(format!("bucket/source?versionId={old}")).header("x-amz-copy-source-range", range);
    for (range, error) in [
        ("bytes=5-", (400, "InvalidArgument")),
        ("5-9", (400, "InvalidArgument")),
        ("bytes=0-99999999", (416, "InvalidRange")),
    ] {
        assert_eq!(ranged(range).send().await.error(), error, "{range}");
    }
    let failed = copy("bucket/source".into()).header("x-amz-copy-source-if-none-match", "*").send().await;
    assert_eq!(failed.error(), (412, "PreconditionFailed"), "s3-rules 3");
    let copied = ranged(&format!("bytes=10-{}", (8 << 20) + 20)).send().await.expect(200);
    assert_eq!(copied.header("x-amz-copy-source-version-id"), Some(old));
    let etag = copied.element("ETag").unwrap().replace("&quot;", "\"");
    complete(&world, "key", &id, &[(1, &etag)]).await.expect(200);
    assert!(world.get("/bucket/key").send().await.expect(200).body == body[10..=(8 << 20) + 20]);
}
