//! What comes back: headers, ranges, parts; and what happens when a disk loses data.

use crate::bytes;
use crate::support::{FakeStorage, World};
use esker_rpc::StorageError;

#[tokio::test]
async fn an_object_comes_back_as_it_was_put_whatever_its_size() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    for size in [0, 1, 16 << 10, (16 << 10) + 1, 1 << 20, 8 << 20, (16 << 20) + 3] {
        let body = bytes(size);
        let put = world.put("/bucket/key", body.clone()).send().await.expect(200);
        let got = world.get("/bucket/key").send().await.expect(200);
        assert!(got.body == body, "{size} bytes");
        assert_eq!(got.header("etag"), put.header("etag"));
        let head = world.request("HEAD", "/bucket/key").send().await.expect(200);
        assert_eq!(head.header("content-length"), Some(size.to_string().as_str()));
    }
    // Cut into chunks of 8 MiB; what fits 16 KiB is no blob at all.
    let mut lengths: Vec<usize> = world.storage.blobs().iter().map(|(_, length)| *length).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [3, (16 << 10) + 1, 1 << 20, 8 << 20, 8 << 20, 8 << 20]);
}

#[tokio::test]
async fn stored_headers_come_back_and_can_be_overridden() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let put =
        world.put("/bucket/key", "x").header("content-type", "text/plain").header("x-amz-meta-Name", "value");
    let put = put.header("content-encoding", "aws-chunked,gzip").header("expires", "soon");
    put.send().await.expect(200);
    let got = world.get("/bucket/key").send().await.expect(200);
    for (name, value) in [
        ("content-type", "text/plain"),
        ("x-amz-meta-name", "value"),
        ("content-encoding", "gzip"),
        ("expires", "soon"),
        ("accept-ranges", "bytes"),
        ("last-modified", "Fri, 02 Jan 2026 03:04:05 GMT"),
        ("server", "Esker"),
        ("date", "Fri, 02 Jan 2026 03:04:05 GMT"),
    ] {
        assert_eq!(got.header(name), Some(value), "{name}");
    }
    let id = got.header("x-amz-request-id").unwrap();
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()), "{id}");
    let target = "/bucket/key?response-content-type=text%2Fhtml&response-cache-control=no-store";
    let got = world.get(target).send().await.expect(200);
    assert_eq!(got.headers.get_all("content-type").iter().count(), 1);
    assert_eq!(
        (got.header("content-type"), got.header("cache-control")),
        (Some("text/html"), Some("no-store"))
    );

    world.put("/bucket/plain", "x").send().await.expect(200);
    let got = world.get("/bucket/plain").send().await.expect(200);
    assert_eq!(got.header("content-type"), Some("binary/octet-stream"), "s3-rules 6");
}

// s3-rules 4 and 6
#[tokio::test]
async fn ranges_across_blobs_are_exact() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let size = (8 << 20) + 1000;
    let body = bytes(size);
    world.put("/bucket/key", body.clone()).send().await.expect(200);
    let get = |range: String| world.get("/bucket/key").header("range", range).send();
    for (first, last) in
        [(0, 0), (5, 9), ((8 << 20) - 2, (8 << 20) + 1), ((8 << 20), size - 1), (0, size - 1)]
    {
        let got = get(format!("bytes={first}-{last}")).await.expect(206);
        assert!(got.body == body[first..=last], "{first}-{last}");
        assert_eq!(got.header("content-range"), Some(format!("bytes {first}-{last}/{size}").as_str()));
    }
    let got = get("bytes=-7".into()).await.expect(206);
    assert!(got.body == body[size - 7..]);
    let got = get(format!("bytes={}-", size - 7)).await.expect(206);
    assert!(got.body == body[size - 7..]);
    let refused = get(format!("bytes={size}-")).await;
    assert_eq!(refused.error(), (416, "InvalidRange"));
    assert_eq!(refused.header("content-range"), Some(format!("bytes */{size}").as_str()));
    for whole in ["bytes=x", "bytes=0-1,3-4", "items=0-1"] {
        assert!(get(whole.into()).await.expect(200).body == body, "{whole}");
    }
    let head = world.request("HEAD", "/bucket/key").header("range", "bytes=0-9").send().await.expect(206);
    assert_eq!(head.header("content-length"), Some("10"));

    world.put("/bucket/empty", "").send().await.expect(200);
    assert_eq!(
        world.get("/bucket/empty").header("range", "bytes=0-").send().await.error(),
        (416, "InvalidRange")
    );

    // If-Range: the range counts only if the object is still the one that the client has.
    let etag = world.request("HEAD", "/bucket/key").send().await.header("etag").unwrap().to_owned();
    let get = |condition: String| {
        world.get("/bucket/key").header("range", "bytes=0-9").header("if-range", condition).send()
    };
    get(etag).await.expect(206);
    get("\"00000000000000000000000000000000\"".into()).await.expect(200);
}

#[tokio::test]
async fn checksums_come_back_on_whole_replies_that_ask_for_them() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    // The CRC-32 of "123456789" (its catalogue's check value) in base64.
    let put = world.put("/bucket/key", "123456789").header("x-amz-checksum-crc32", "y/Q5Jg==");
    let put = put.send().await.expect(200);
    assert_eq!(put.header("x-amz-checksum-crc32"), Some("y/Q5Jg=="));
    assert_eq!(put.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    let get = || world.get("/bucket/key");
    assert_eq!(get().send().await.header("x-amz-checksum-crc32"), None);
    let asked = get().header("x-amz-checksum-mode", "ENABLED").send().await;
    assert_eq!(asked.header("x-amz-checksum-crc32"), Some("y/Q5Jg=="));
    let ranged = get().header("x-amz-checksum-mode", "ENABLED").header("range", "bytes=0-1").send().await;
    assert_eq!((ranged.status, ranged.header("x-amz-checksum-crc32")), (206, None), "s3-rules 6");
    // Without one, S3 computes CRC-64/NVME.
    let put = world.put("/bucket/key", "123456789").send().await.expect(200);
    assert_eq!(put.header("x-amz-checksum-crc64nvme"), Some("rosUhgp5mIg="));
}

#[tokio::test]
async fn a_blob_that_is_missing_is_an_error_before_the_first_byte() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.put("/bucket/key", bytes(1 << 20)).send().await.expect(200);
    // Once may be a version that was replaced since it was looked up; so it is looked up again.
    world.storage.fail_reads([StorageError::NotFound]);
    world.get("/bucket/key").send().await.expect(200);
    let (blob, _) = world.storage.blobs()[0];
    world.storage.remove(blob);
    assert_eq!(world.get("/bucket/key").send().await.error(), (500, "InternalError"));
    world.request("HEAD", "/bucket/key").send().await.expect(200);
}

#[tokio::test]
async fn a_reply_whose_blob_fails_half_way_is_cut_off_and_never_looks_complete() {
    let world = World::with(FakeStorage::new(), |_| {}).await;
    world.bucket("bucket", None).await;
    let size = (8 << 20) + 1000;
    world.put("/bucket/key", bytes(size)).send().await.expect(200);
    for (which, after) in [(0, 1 << 20), (1, 0)] {
        let (blob, _) = world.storage.blobs()[which];
        world.storage.rot(blob, after);
        let mut connection = world.connect().await;
        connection.write(&world.get("/bucket/key").head(None)).await;
        let (status, headers) = connection.head().await.unwrap();
        assert_eq!((status, headers["content-length"].to_str().unwrap()), (200, size.to_string().as_str()));
        let rest = connection.rest().await;
        assert!(rest.len() < size, "the connection ends before the length that was announced");
        assert!(bytes(size).starts_with(&rest), "and what came is right");
    }
}
