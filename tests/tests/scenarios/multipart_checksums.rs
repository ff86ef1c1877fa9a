//! Checksums of multipart objects: composite ones end in the number of parts, full ones say the whole.

use crate::multipart::{PART_BYTES, Upload};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use e2e::bucket::{Bucket, State};
use e2e::digest::{composite_crc32_base64, crc32_base64, sha256_base64};
use e2e::http::send;
use e2e::payload;
use e2e::server::Server;

fn parts() -> [Vec<u8>; 2] {
    [payload::bytes(1, PART_BYTES), payload::bytes(2, 12_345)]
}

/// Uploads through the SDK, which computes and sends a CRC-32 per part; returns the checksum of the reply.
async fn upload(bucket: &Bucket, key: &str, kind: ChecksumType, parts: &[Vec<u8>]) -> Option<String> {
    let (client, name) = (&bucket.client, &bucket.name);
    let create = client.create_multipart_upload().bucket(name).key(key);
    let create = create.checksum_algorithm(ChecksumAlgorithm::Crc32).checksum_type(kind);
    let id = create.send().await.expect("Create").upload_id.expect("an upload id");
    let mut done = CompletedMultipartUpload::builder();
    for (number, part) in (1..).zip(parts) {
        let call = client.upload_part().bucket(name).key(key).upload_id(&id).part_number(number);
        let call = call.checksum_algorithm(ChecksumAlgorithm::Crc32).body(part.clone().into());
        let reply = call.send().await.expect("UploadPart");
        assert_eq!(reply.checksum_crc32.as_deref(), Some(crc32_base64(part).as_str()));
        let part = CompletedPart::builder().part_number(number);
        done = done.parts(part.set_e_tag(reply.e_tag).set_checksum_crc32(reply.checksum_crc32).build());
    }
    let call = client.complete_multipart_upload().bucket(name).key(key).upload_id(id);
    call.multipart_upload(done.build()).send().await.expect("Complete").checksum_crc32
}

async fn shown(bucket: &Bucket, key: &str) -> (Option<String>, Option<ChecksumType>) {
    let call = bucket.client.head_object().bucket(&bucket.name).key(key);
    let head = call.checksum_mode(ChecksumMode::Enabled).send().await.expect("HEAD");
    (head.checksum_crc32, head.checksum_type)
}

#[tokio::test]
async fn multipart_checksum_composite_ends_in_the_number_of_parts() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let parts = parts();
    let expected = composite_crc32_base64(&[&parts[0], &parts[1]]);
    let reply = upload(&bucket, "k", ChecksumType::Composite, &parts).await;
    assert_eq!(reply.as_deref(), Some(expected.as_str()), "rule 6: ends in -2");
    assert_eq!(shown(&bucket, "k").await, (Some(expected), Some(ChecksumType::Composite)));
    assert!(bucket.get("k").await.expect("the SDK accepts it") == parts.concat());
}

#[tokio::test]
async fn multipart_checksum_full_object_is_that_of_the_whole() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let parts = parts();
    let expected = crc32_base64(&parts.concat());
    let reply = upload(&bucket, "k", ChecksumType::FullObject, &parts).await;
    assert_eq!(reply.as_deref(), Some(expected.as_str()));
    assert_eq!(shown(&bucket, "k").await, (Some(expected), Some(ChecksumType::FullObject)));
    assert!(bucket.get("k").await.expect("the SDK verifies it") == parts.concat());
}

#[tokio::test]
async fn multipart_checksum_of_the_whole_is_checked_at_complete() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let headers = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    let upload = Upload::create(&server, &bucket, "k", &headers);
    let crc = crc32_base64(b"one");
    let part =
        upload.request("PUT").query("partNumber", "1").body("one").header("x-amz-checksum-crc32", &crc);
    let part = send(&server, part).expect_status(200);
    let tag = part.header("etag").expect("an ETag");
    let complete = |crc: &str| {
        let request = upload.complete_request(&[(1, tag)]).header("x-amz-checksum-crc32", crc);
        send(&server, request.header("x-amz-checksum-type", "FULL_OBJECT"))
    };
    complete(&crc32_base64(b"other")).expect_error(400, "BadDigest");
    assert_eq!(bucket.rows().await, []);
    complete(&crc).expect_status(200);
    assert_eq!(bucket.get("k").await.expect("there"), b"one");
}

#[tokio::test]
async fn multipart_checksum_sha256_can_only_be_composite() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let request = e2e::request::Request::new("POST", &format!("/{}/k?uploads", bucket.name))
        .header("x-amz-checksum-algorithm", "SHA256")
        .header("x-amz-checksum-type", "FULL_OBJECT");
    assert_eq!(send(&server, request).status, 400);
}

#[tokio::test]
async fn checksums_of_every_algorithm_are_verified_and_returned() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let algorithms = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];
    for algorithm in algorithms {
        let key = algorithm.as_str().to_owned();
        let call = bucket.client.put_object().bucket(&bucket.name).key(&key).body(b"12345".to_vec().into());
        call.checksum_algorithm(algorithm).send().await.expect("PutObject");
        // The SDK asks for the checksum and verifies it while it reads.
        assert_eq!(bucket.get(&key).await.expect("there"), b"12345", "{key}");
        let head = bucket.client.head_object().bucket(&bucket.name).key(&key);
        let head = head.checksum_mode(ChecksumMode::Enabled).send().await.expect("HEAD");
        let found = [
            head.checksum_crc32.is_some(),
            head.checksum_crc32_c.is_some(),
            head.checksum_crc64_nvme.is_some(),
            head.checksum_sha1.is_some(),
            head.checksum_sha256.is_some(),
        ];
        assert_eq!(found.iter().filter(|there| **there).count(), 1, "{key}: {found:?}");
    }
}

#[tokio::test]
async fn checksums_that_are_wrong_or_malformed_store_nothing() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let put = |name: &str, value: &str| {
        let request = e2e::request::Request::new("PUT", &format!("/{}/k", bucket.name)).body("12345");
        send(&server, request.header(name, value))
    };
    put("x-amz-checksum-crc32", &crc32_base64(b"other")).expect_error(400, "BadDigest");
    put("x-amz-checksum-sha256", &sha256_base64(b"other")).expect_error(400, "BadDigest");
    put("x-amz-checksum-crc32", "AAAA").expect_error(400, "InvalidRequest");
    put("x-amz-checksum-crc32", "not base64!").expect_error(400, "InvalidRequest");
    assert_eq!(bucket.rows().await, []);
}
