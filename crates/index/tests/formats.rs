//! The stored formats, version 1, as bytes. These bytes are on disks: they are never changed, only added to when a
//! newer version comes.

#[path = "support/golden.rs"]
mod golden;

use bytes::Bytes;
use esker_index::command::{
    Command, CommandBody, CompletePart, CopyCondition, NewData, NewObject, ReclaimStep, StoredData, Target,
};
use esker_index::outcome::{Done, Marker, OutcomeRecord, Refusal, Step, Written};
use esker_index::records::{
    BucketPhase, BucketRecord, CompletedRecord, DataRecord, DirectoryEntry, DirectoryState, GarbageItem,
    GarbageRecord, GroupRecord, ManifestBody, ManifestRecord, ObjectRecord, PartPage, PartRecord,
    PartSummary, Record, UploadChecksum, UploadRecord, VersionBody, VersionRecord,
};
use esker_types::{
    BucketId, BucketName, Checksum, ChecksumAlgorithm, ChecksumType, DataId, ETag, ETagCondition, Extent,
    GroupId, ManifestId, ObjectChecksum, ObjectKey, Sequence, Timestamp, UploadId, VersionId, VersionUuid,
    VersioningState, WriteCondition,
};
use expect_test::expect_file;
use golden::{command, cut_short, pinned, record};
use uuid::Uuid;

fn name() -> BucketName {
    BucketName::parse("photos").expect("a name")
}

fn data(n: u64) -> DataId {
    DataId::new(1_700_000_000_000 + n, GroupId(3), n)
}

fn checksum() -> Checksum {
    Checksum::new(ChecksumAlgorithm::Crc32c, vec![1, 2, 3, 4]).expect("four bytes")
}

fn object_checksum() -> ObjectChecksum {
    ObjectChecksum { value: checksum(), composite_of: Some(2) }
}

fn version_id() -> VersionId {
    VersionId::Id(VersionUuid::new(Sequence(77), 99))
}

fn headers() -> Vec<(String, String)> {
    vec![("content-type".into(), "text/plain".into()), ("x-amz-meta-a".into(), "ü".into())]
}

fn target() -> Target {
    Target { bucket: BucketId(5), key: ObjectKey::parse("a/ü").expect("a key") }
}

fn upload() -> UploadId {
    UploadId(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))
}

/// Version 1 of the group record, which had no counters.
fn old_group_record() -> Vec<u8> {
    let bytes: Bytes = [1].into_iter().chain((1..=6u64).flat_map(u64::to_be_bytes)).collect();
    let record = GroupRecord {
        time: Timestamp(1),
        last_bucket: 2,
        next_garbage: 3,
        first_garbage: 4,
        outcomes_from: Timestamp(5),
        completed_from: Timestamp(6),
        repairs: 0,
        garbage_entries: 0,
        garbage_bytes: 0,
        counted_from: 3,
    };
    assert_eq!(GroupRecord::decode(bytes.clone()), Ok(record));
    cut_short(&bytes, |cut| GroupRecord::decode(cut).is_err());
    bytes.to_vec()
}

#[test]
fn records_are_golden() {
    let object = ObjectRecord {
        size: 10,
        etag: ETag::of_parts([0xaa; 16], 2),
        checksum: Some(object_checksum()),
        parts: Some(2),
        manifest: Some(ManifestId(Uuid::from_u128(9))),
        headers: headers(),
    };
    let extent = Extent { data: data(1), offset: 0, length: 10 };
    let summary = PartSummary { number: 1, size: 10, checksum: Some(checksum()) };
    let part = PartRecord {
        number: 1,
        size: 10,
        etag: ETag::of_body([0xbb; 16]),
        checksum: Some(checksum()),
        data: Some(data(2)),
        last_modified: Timestamp(3),
    };
    let all = vec![
        ("group record", old_group_record()),
        (
            "directory entry",
            record(DirectoryEntry {
                id: BucketId(5),
                group: GroupId(3),
                owner: "root".into(),
                created: Timestamp(6),
                state: DirectoryState::Active,
            }),
        ),
        (
            "bucket record",
            record(BucketRecord {
                name: name(),
                owner: "root".into(),
                phase: BucketPhase::Open,
                versioning: VersioningState::Suspended,
                sequence: Sequence(7),
                last_modified: Timestamp(8),
                versions: 9,
                live: Default::default(),
            }),
        ),
        (
            "object",
            record(VersionRecord {
                id: version_id(),
                last_modified: Timestamp(8),
                body: VersionBody::Object(object),
            }),
        ),
        (
            "delete marker",
            record(VersionRecord {
                id: VersionId::Null,
                last_modified: Timestamp(8),
                body: VersionBody::DeleteMarker,
            }),
        ),
        (
            "inline manifest",
            record(ManifestRecord {
                body: ManifestBody::Inline(Bytes::from_static(b"hello")),
                parts: Vec::new(),
            }),
        ),
        (
            "manifest of extents",
            record(ManifestRecord { body: ManifestBody::Extents(vec![extent]), parts: vec![summary] }),
        ),
        ("held", record(DataRecord::Held)),
        ("condemned", record(DataRecord::Condemned(Timestamp(1)))),
        (
            "garbage manifest",
            record(GarbageRecord {
                since: Timestamp(1),
                reclaimed: 2,
                item: GarbageItem::Manifest(ManifestId(Uuid::from_u128(9))),
            }),
        ),
        (
            "garbage data",
            record(GarbageRecord {
                since: Timestamp(1),
                reclaimed: 0,
                item: GarbageItem::Data(vec![(data(1), 5)]),
            }),
        ),
        (
            "upload",
            record(UploadRecord {
                initiated: Timestamp(4),
                headers: headers(),
                checksum: Some(UploadChecksum {
                    algorithm: ChecksumAlgorithm::Sha256,
                    kind: ChecksumType::Composite,
                }),
            }),
        ),
        ("page of parts", record(PartPage { parts: vec![part] })),
        (
            "completed upload",
            record(CompletedRecord { fingerprint: 5, outcome: OutcomeRecord(Ok(Done::Nothing)) }),
        ),
    ];
    pinned(&all, &expect_file!["golden/records-v1.txt"]);
}

#[test]
fn outcomes_are_golden() {
    let done = |name, done| (name, record(OutcomeRecord(Ok(done))));
    let written = Written {
        shown_id: Some(version_id()),
        sequence: Sequence(77),
        last_modified: Timestamp(8),
        etag: ETag::of_body([1; 16]),
        checksum: Some(object_checksum()),
        source_id: Some(VersionId::Null),
        size: 10,
    };
    let mut all = vec![
        done("bucket creating", Done::BucketCreating { bucket: BucketId(1), group: GroupId(2) }),
        done("nothing", Done::Nothing),
        done("written", Done::Written(written)),
        done("deleted", Done::Deleted { version: Some(version_id()), marker: Marker::Added }),
        done("part written", Done::PartWritten { last_modified: Timestamp(1) }),
        done("condemned", Done::Condemned { held: vec![1, 2] }),
        done("step", Done::Step(Step::Finished)),
    ];
    let refusals = [
        Refusal::Expired,
        Refusal::NoSuchBucket,
        Refusal::BucketAlreadyOwnedByYou { bucket: BucketId(1), group: GroupId(2) },
        Refusal::BucketAlreadyExists,
        Refusal::BucketNotEmpty,
        Refusal::NoSuchKey,
        Refusal::NoSuchVersion,
        Refusal::SourceIsDeleteMarker,
        Refusal::PreconditionFailed,
        Refusal::SourcePreconditionFailed,
        Refusal::NoSuchUpload,
        Refusal::InvalidPart { number: 3 },
        Refusal::EntityTooSmall { number: 3, size: 4 },
        Refusal::InvalidPartOrder,
        Refusal::EntityTooLarge,
        Refusal::SizeMismatch { actual: 5 },
        Refusal::DataSettled,
        Refusal::Malformed,
        Refusal::TooEarly,
    ];
    all.extend(refusals.map(|refusal| ("refusal", record(OutcomeRecord(Err(refusal))))));
    pinned(&all, &expect_file!["golden/outcomes-v1.txt"]);
}

#[test]
fn commands_are_golden() {
    let any = WriteCondition { if_match: None, if_none_match: Some(ETagCondition::Any) };
    let tags = Some(ETagCondition::Tags(vec![ETag::of_body([2; 16])]));
    let object = NewObject {
        size: 5,
        etag: ETag::of_body([1; 16]),
        checksum: Some(object_checksum()),
        headers: headers(),
        data: NewData::Inline(Bytes::from_static(b"hello")),
    };
    let stored =
        NewObject { data: NewData::Stored(StoredData::complete(data(1))), checksum: None, ..object.clone() };
    let complete = CommandBody::CompleteUpload {
        target: target(),
        upload: upload(),
        parts: vec![CompletePart { number: 1, etag: ETag::of_body([3; 16]), checksum: Some(checksum()) }],
        etag: ETag::of_parts([4; 16], 1),
        checksum: Some(object_checksum()),
        size: Some(5),
        condition: any.clone(),
        entropy: 6,
    };
    let copy = CommandBody::CopyObject {
        target: target(),
        source: target(),
        version: Some(version_id()),
        source_condition: CopyCondition {
            if_match: tags.clone(),
            if_none_match: None,
            if_modified_since: Some(1),
            if_unmodified_since: None,
        },
        headers: Some(headers()),
        condition: any.clone(),
        entropy: 6,
    };
    let part = CommandBody::PutPart {
        target: target(),
        upload: upload(),
        number: 1,
        size: 5,
        etag: ETag::of_body([3; 16]),
        checksum: Some(checksum()),
        data: Some(StoredData::complete(data(1))),
    };
    let create_upload = CommandBody::CreateUpload {
        target: target(),
        upload: upload(),
        headers: headers(),
        checksum: Some(UploadChecksum {
            algorithm: ChecksumAlgorithm::Crc64Nvme,
            kind: ChecksumType::FullObject,
        }),
    };
    let put =
        |object| CommandBody::PutObject { target: target(), object, condition: any.clone(), entropy: 6 };
    let delete = CommandBody::DeleteObject { target: target(), version: None, condition: tags, entropy: 6 };
    let owner = || "root".to_owned();
    let bucket = BucketId(5);
    let step = |entry, reclaimed| ReclaimStep { entry, reclaimed };
    let all = vec![
        (
            "create bucket",
            command(CommandBody::CreateBucket { name: name(), owner: owner(), group: GroupId(3) }),
        ),
        ("open bucket", command(CommandBody::OpenBucket { bucket, name: name(), owner: owner() })),
        ("activate bucket", command(CommandBody::ActivateBucket { name: name(), bucket })),
        ("seal bucket", command(CommandBody::SealBucket { bucket })),
        ("remove bucket", command(CommandBody::RemoveBucket { name: name(), bucket })),
        ("purge bucket", command(CommandBody::PurgeBucket { bucket })),
        ("put versioning", command(CommandBody::PutVersioning { bucket, state: VersioningState::Enabled })),
        ("put inline", command(put(object))),
        ("put stored", command(put(stored))),
        ("copy", command(copy)),
        ("delete", command(delete)),
        ("create upload", command(create_upload)),
        ("put part", command(part)),
        ("complete upload", command(complete)),
        ("abort upload", command(CommandBody::AbortUpload { target: target(), upload: upload() })),
        ("discard", command(CommandBody::Discard { data: vec![(data(1), 5)] })),
        ("condemn", command(CommandBody::Condemn { data: vec![data(1)] })),
        ("reclaim", command(CommandBody::Reclaim { entry: 1, reclaimed: 2 })),
        ("reclaim steps", command(CommandBody::ReclaimSteps { steps: vec![step(1, 2), step(3, 0)] })),
    ];
    pinned(&all, &expect_file!["golden/commands-v1.txt"]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_decoders_panic(bytes: Vec<u8>) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        let bytes = Bytes::from(bytes);
        let _ = Command::decode(bytes.clone());
        let _ = VersionRecord::decode(bytes.clone());
        let _ = ManifestRecord::decode(bytes.clone());
        let _ = PartPage::decode(bytes.clone());
        let _ = OutcomeRecord::decode(bytes.clone());
        let _ = BucketRecord::decode(bytes);
    }
}
