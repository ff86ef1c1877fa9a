//! The S3 protocol: what the gateway computes for each request and each MiB.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use bench::signed::{NOW, REGION, SECRET, chunk_signer, put_head, signed_body, unsigned_body};
use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use esker_s3::auth::{Payload, SignedRequest, SigningKey, TrailerMode};
use esker_s3::body::{BodyKind, BodyPlan, BodyReader};
use esker_s3::checksum::ChecksumState;
use esker_s3::chunked::{AwsChunkedDecoder, ChunkedMode};
use esker_s3::md5::{Feed, Md5, update_all};
use esker_s3::request::operation::{ListObjectVersions, ListObjectsV2, OwnerField};
use esker_s3::request::{Caller, EncodingType, Hosting, Request, RequestHead};
use esker_s3::xml::read::delete_objects;
use esker_s3::xml::results::{
    ListObjectsV2Result, ListVersionsResult, ObjectEntry, Owner, VersionEntry, VersionKind,
};
use esker_types::{
    BucketName, ChecksumAlgorithm, ETag, ObjectKey, Sequence, Timestamp, VersionId, VersionUuid,
};
use http::{HeaderMap, HeaderValue, Method};
use sha2::{Digest as _, Sha256};
use std::hint::black_box;

const MIB: usize = 1 << 20;
/// What arrives from a socket at once.
const PIECE_BYTES: usize = 16 << 10;

fn key(n: usize) -> ObjectKey {
    ObjectKey::parse(format!("photos/2026/03/04/{n:08}.jpg")).expect("a key")
}

fn xml(c: &mut Criterion) {
    let mut group = c.benchmark_group("xml");
    group.throughput(Throughput::Elements(1000));
    let request = ListObjectsV2 {
        bucket: BucketName::parse("my-bucket").expect("a name"),
        prefix: "photos/".to_owned(),
        delimiter: None,
        max_keys: 1000,
        start_after: None,
        continuation: None,
        owner: OwnerField::Omit,
        encoding: EncodingType::Url,
    };
    let entry = |n| ObjectEntry {
        key: key(n),
        last_modified: Timestamp(NOW.0 + n as u64),
        etag: ETag::of_body([7; 16]),
        checksum: None,
        size: 1 << 20,
        owner: None,
    };
    let contents = (0..1000).map(entry).collect();
    let next = Some("photos/z".to_owned());
    let result = ListObjectsV2Result { request: &request, contents, common_prefixes: Vec::new(), next };
    group.bench_function("write a page of 1000 objects", |b| b.iter(|| black_box(&result).to_xml()));
    versions(&mut group);
    let entries: String = (0..1000).map(|n| format!("<Object><Key>{}</Key></Object>", key(n))).collect();
    let body = format!("<Delete>{entries}</Delete>");
    group.bench_function("read a delete of 1000 objects", |b| {
        b.iter(|| delete_objects(black_box(body.as_bytes())).expect("a document"));
    });
    group.finish();
}

/// The longest page that lists have: each entry has an id, an owner and a tag.
fn versions(group: &mut BenchmarkGroup<'_, WallTime>) {
    let request = ListObjectVersions {
        bucket: BucketName::parse("my-bucket").expect("a name"),
        prefix: "photos/".to_owned(),
        delimiter: None,
        max_keys: 1000,
        marker: None,
        encoding: EncodingType::Url,
    };
    let owner = || Owner { id: "root".to_owned(), display_name: "root".to_owned() };
    let entry = |n| VersionEntry {
        key: key(n),
        version: VersionId::Id(VersionUuid::new(Sequence(n as u64), 7)),
        is_latest: true,
        last_modified: Timestamp(NOW.0 + n as u64),
        owner: owner(),
        kind: VersionKind::Object { etag: ETag::of_body([7; 16]), size: 1 << 20, checksum: None },
    };
    let versions = (0..1000).map(entry).collect();
    let result = ListVersionsResult { request: &request, versions, common_prefixes: Vec::new(), next: None };
    group.bench_function("write a page of 1000 versions", |b| b.iter(|| black_box(&result).to_xml()));
}

fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("request");
    let (method, uri, headers) = put_head();
    let head = RequestHead::new(&method, &uri, &headers);
    let parse = || SignedRequest::parse(black_box(&head), NOW, REGION).expect("sound").expect("signed");
    let key = SigningKey::derive(SECRET, parse().scope());
    group.bench_function("verify a signature, key derived", |b| {
        b.iter(|| parse().verify(SECRET).expect("right"));
    });
    group.bench_function("verify a signature, key cached", |b| {
        b.iter(|| parse().verify_with(&key).expect("right"));
    });
    let hosting = Hosting::default();
    group.bench_function("understand a PutObject", |b| {
        b.iter(|| Request::parse(black_box(&head), &hosting, Caller::Signed).expect("a request"));
    });
    group.finish();
}

fn decode(mode: ChunkedMode, body: &Bytes) {
    let mut decoder = AwsChunkedDecoder::new(mode, MIB as u64);
    let mut rest = body.clone();
    while !rest.is_empty() {
        let mut piece = rest.split_to(PIECE_BYTES.min(rest.len()));
        while let Some(payload) = decoder.decode(&mut piece).expect("a sound body") {
            black_box(payload);
        }
    }
    decoder.finish().expect("a whole body");
}

fn chunked(c: &mut Criterion) {
    let mut group = c.benchmark_group("aws-chunked 1 MiB");
    group.throughput(Throughput::Bytes(MIB as u64));
    let payload = vec![7; MIB];
    let unsigned = Bytes::from(unsigned_body(&payload, 64 << 10));
    group.bench_function("unsigned", |b| b.iter(|| decode(ChunkedMode::Unsigned, &unsigned)));
    let signed = Bytes::from(signed_body(&payload, 64 << 10));
    group.bench_function("signed", |b| {
        b.iter(|| decode(ChunkedMode::Signed(chunk_signer(), TrailerMode::Absent), &signed));
    });
    group.finish();
}

fn digests(c: &mut Criterion) {
    let mut group = c.benchmark_group("digest 1 MiB");
    group.throughput(Throughput::Bytes(MIB as u64));
    let payload = Bytes::from(vec![7; MIB]);
    for algorithm in ChecksumAlgorithm::ALL {
        group.bench_function(algorithm.name(), |b| {
            b.iter(|| ChecksumState::of(algorithm, black_box(&payload)));
        });
    }
    let mut headers = HeaderMap::new();
    headers.insert("content-length", HeaderValue::from(MIB));
    let head = RequestHead { method: &Method::PUT, path: "/b/k", query: "", host: "h", headers: &headers };
    let plan = |signed| BodyPlan::parse(&head, signed, BodyKind::Object).expect("a plan");
    let read = |plan: BodyPlan| {
        let (mut reader, mut md5) = (BodyReader::new(plan), Md5::default());
        for start in (0..MIB).step_by(PIECE_BYTES) {
            let mut piece = payload.slice(start..start + PIECE_BYTES);
            while let Some(payload) = reader.decode(&mut piece).expect("a sound body") {
                md5.update(&payload);
            }
        }
        reader.finish(md5.finish()).expect("a whole body")
    };
    group.bench_function("a body: MD5", |b| b.iter(|| read(plan(Payload::Unsigned))));
    for bodies in [1, 2, 4, 8] {
        group.throughput(Throughput::Bytes((bodies * MIB) as u64));
        group.bench_function(format!("MD5 of bodies side by side/{bodies}"), |b| {
            b.iter(|| {
                let mut all = vec![Md5::default(); bodies];
                let mut feeds: Vec<_> = all.iter_mut().map(|md5| Feed { md5, bytes: &payload }).collect();
                update_all(&mut feeds);
                black_box(all)
            });
        });
    }
    group.throughput(Throughput::Bytes(MIB as u64));
    let sha256 = Payload::Sha256(Sha256::digest(&payload).into());
    group.bench_function("a body: MD5, SHA256, CRC64NVME", |b| {
        b.iter(|| read(plan(sha256.clone()).or_compute(ChecksumAlgorithm::Crc64Nvme)));
    });
    group.finish();
}

criterion_group! { name = benches; config = bench::criterion(); targets = xml, requests, chunked, digests }
criterion_main!(benches);
