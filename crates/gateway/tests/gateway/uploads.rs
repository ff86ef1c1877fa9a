//! Bodies on their way in: digests, framing, back-pressure, and uploads that stop half-way.

use crate::bytes;
use crate::support::{FakeStorage, World};
use esker_index::command::CommandBody;
use esker_rpc::StorageError;

// s3-rules 10
#[tokio::test]
async fn a_body_that_is_not_what_was_announced_leaves_nothing_behind() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    for size in [100, 1 << 20] {
        let put = || world.put("/bucket/key", bytes(size));
        for (request, status, code) in [
            (put().header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="), 400, "BadDigest"),
            (put().header("content-md5", "x"), 400, "InvalidDigest"),
            (put().header("x-amz-checksum-crc32", "AAAAAA=="), 400, "BadDigest"),
            (put().payload("0".repeat(64)), 400, "XAmzContentSHA256Mismatch"),
        ] {
            assert_eq!(request.send().await.error(), (status, code), "{size}");
        }
    }
    assert_eq!(world.get("/bucket/key").send().await.error(), (404, "NoSuchKey"));
    let puts = |body: &CommandBody| matches!(body, CommandBody::PutObject { .. });
    assert!(!world.metadata.applied().iter().any(|(_, body)| puts(body)), "nothing was even proposed");
    assert_every_blob_is_discarded(&world).await;
}

/// Every stored blob is covered by a Discard that was applied.
async fn assert_every_blob_is_discarded(world: &World) {
    for (blob, length) in world.storage.blobs() {
        let covers = |body: &CommandBody| match body {
            CommandBody::Discard { data } => data.iter().any(|(id, bytes)| {
                *id == blob.data && *bytes >= u64::from(blob.chunk) * (8 << 20) + length as u64
            }),
            _ => false,
        };
        world.metadata.until(covers).await;
    }
}

#[tokio::test]
async fn a_client_that_disconnects_in_mid_upload_leaves_nothing_behind() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let size = 20 << 20;
    let request = world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD");
    let mut connection = world.connect().await;
    connection.write(&request.head(Some(size))).await;
    // Past the first chunk, so that a whole blob is durable when the rest never comes.
    connection.write(&bytes(12 << 20)).await;
    drop(connection);
    world.metadata.until(|body| matches!(body, CommandBody::Discard { .. })).await;
    assert_every_blob_is_discarded(&world).await;
    assert_eq!(world.storage.blobs().len(), 1, "the blob that was cut off does not exist");
    assert_eq!(world.get("/bucket/key").send().await.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn a_short_body_is_incomplete_even_if_the_connection_stays_half_open() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let mut connection = world.connect().await;
    connection.write(&world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD").head(Some(10))).await;
    connection.write(b"12345").await;
    tokio::io::AsyncWriteExt::shutdown(&mut connection.stream).await.unwrap();
    // Hyper takes a closed sending side for the client's going away; what matters is that nothing is stored.
    connection.rest().await;
    assert_eq!(world.get("/bucket/key").send().await.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn a_slow_disk_slows_the_client_down_and_memory_stays_bounded() {
    let world = World::with(FakeStorage::gated(), |_| {}).await;
    world.bucket("bucket", None).await;
    let size: usize = 32 << 20;
    let body = bytes(size);
    let head = world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD").head(Some(size as u64));
    let mut connection = world.connect().await;
    connection.write(&head).await;
    // Nothing takes bytes, so that what the client can send is what fits the pipeline and the sockets.
    let mut sent = 0;
    loop {
        let write = tokio::io::AsyncWriteExt::write(&mut connection.stream, &body[sent..]);
        match tokio::time::timeout(std::time::Duration::from_secs(1), write).await {
            Ok(written) => sent += written.unwrap(),
            Err(_) => break,
        }
    }
    assert!(sent < 24 << 20, "{sent} bytes went in although none came out");
    assert_eq!(world.storage.taken(), 0);
    world.storage.open_gate();
    connection.write(&body[sent..]).await;
    connection.reply(false).await.unwrap().expect(200);
    assert!(world.get("/bucket/key").send().await.expect(200).body == body);
}

#[tokio::test]
async fn plain_chunked_encoding_is_accepted() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let head =
        world.put("/bucket/key", "").payload("UNSIGNED-PAYLOAD").header("transfer-encoding", "chunked");
    let mut connection = world.connect().await;
    connection.write(&head.head(None)).await;
    connection.write(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n").await;
    connection.reply(false).await.unwrap().expect(200);
    assert_eq!(world.get("/bucket/key").send().await.text(), "hello world");
}

#[tokio::test]
async fn aws_chunked_bodies_are_decoded_and_their_trailers_checked() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let put = |trailer: &str| {
        let framed = format!("5\r\n12345\r\n4\r\n6789\r\n0\r\nx-amz-checksum-crc32:{trailer}\r\n\r\n");
        world
            .put("/bucket/key", framed)
            .payload("STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .header("x-amz-decoded-content-length", "9")
            .header("x-amz-trailer", "x-amz-checksum-crc32")
            .header("content-encoding", "aws-chunked")
            .send()
    };
    assert_eq!(put("AAAAAA==").await.error(), (400, "BadDigest"));
    assert_eq!(world.get("/bucket/key").send().await.status, 404);
    put("y/Q5Jg==").await.expect(200);
    let got = world.get("/bucket/key").send().await.expect(200);
    assert_eq!((got.text(), got.header("content-encoding")), ("123456789", None));
}

#[tokio::test]
async fn a_full_disk_is_507_and_what_was_stored_is_given_up() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.storage.refuse(Some(StorageError::Full));
    let full = world.put("/bucket/key", bytes(1 << 20)).send().await;
    assert_eq!(full.error(), (507, "InsufficientStorage"));
    world.storage.refuse(None);
    world.put("/bucket/key", bytes(1 << 20)).send().await.expect(200);
}

#[tokio::test]
async fn a_wrong_chunk_is_refused_while_the_client_still_holds_the_rest_back() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let request = world
        .put("/bucket/key", "")
        .payload("STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .header("x-amz-decoded-content-length", (4 << 20).to_string());
    let mut connection = world.connect().await;
    connection.write(&request.head(Some(5 << 20))).await;
    let mut framed = b"not a size\r\n".to_vec();
    framed.resize(1 << 20, b'x');
    connection.write(&framed).await;
    assert_eq!(connection.reply(false).await.unwrap().error(), (400, "IncompleteBody"));
}
