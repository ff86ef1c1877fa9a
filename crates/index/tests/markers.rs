//! Where lists resume: after versions that went away, at null versions that were rewritten, inside groups.

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use esker_index::command::{Command, CommandBody, NewData, NewObject, StoredData, Target};
use esker_index::outcome::{Done, Outcome, Refusal, Step};
use esker_index::query::{Answer, KeyFilter, Query, Unfinished, VersionMarker, VersionsPage};
use esker_index::records::UploadRecord;
use esker_types::{
    BucketId, BucketName, DataId, ETag, GroupId, ObjectKey, RequestId, Timestamp, UploadId, VersionId,
    VersioningState, WriteCondition,
};
use std::sync::Arc;
use support::commands::opening;
use support::engines::Host;

struct Bucket {
    host: Host,
    commands: u128,
}

const BUCKET: BucketId = BucketId(1);

impl Bucket {
    fn new(state: Option<VersioningState>) -> Bucket {
        let mut bucket = Bucket { host: Host::new(Arc::new(esker_kv::MemoryEngine::default())), commands: 0 };
        opening()
            .into_iter()
            .for_each(|command| bucket.run(command.body).map(|_| ()).expect("the opening succeeds"));
        if let Some(state) = state {
            bucket.set(state);
        }
        bucket
    }

    fn run(&mut self, body: CommandBody) -> Outcome {
        self.commands += 1;
        let proposed_at = Timestamp::from_millis(1_000);
        let request = RequestId(uuid::Uuid::from_u128(self.commands));
        let outcome = self.host.apply(&Command {
            request,
            deadline: proposed_at.plus_millis(30_000),
            proposed_at,
            body,
        });
        self.host.check().expect("all invariants hold");
        outcome
    }

    fn set(&mut self, state: VersioningState) {
        self.run(CommandBody::PutVersioning { bucket: BUCKET, state }).expect("the state is set");
    }

    fn put(&mut self, key: &str) -> VersionId {
        let object = NewObject {
            size: 0,
            etag: ETag::of_body([1; 16]),
            checksum: None,
            headers: Vec::new(),
            data: NewData::Empty,
        };
        let body = CommandBody::PutObject {
            target: target(key),
            object,
            condition: WriteCondition::NONE,
            entropy: 5,
        };
        match self.run(body) {
            Ok(Done::Written(written)) => written.shown_id.unwrap_or(VersionId::Null),
            other => panic!("{other:?}"),
        }
    }

    fn delete(&mut self, key: &str, version: VersionId) {
        let body = CommandBody::DeleteObject {
            target: target(key),
            version: Some(version),
            condition: None,
            entropy: 5,
        };
        assert!(matches!(self.run(body), Ok(Done::Deleted { .. })));
    }

    fn page(&self, filter: KeyFilter, after: Option<VersionMarker>, limit: usize) -> VersionsPage {
        match self.host.answer(&Query::Versions { bucket: BUCKET, filter, after, limit }) {
            Answer::Versions(Some(page)) => page,
            other => panic!("{other:?}"),
        }
    }

    fn after(&self, key: &str, version: Option<VersionId>) -> Vec<VersionId> {
        let marker = VersionMarker { key: key.into(), version };
        self.page(KeyFilter::default(), Some(marker), 100)
            .entries
            .iter()
            .map(|entry| entry.record.id)
            .collect()
    }
}

fn target(key: &str) -> Target {
    Target { bucket: BUCKET, key: ObjectKey::parse(key).expect("a key") }
}

#[test]
fn a_list_resumes_exactly_after_a_version_that_was_deleted_meanwhile() {
    let mut bucket = Bucket::new(Some(VersioningState::Enabled));
    let ids: Vec<VersionId> = (0..5).map(|_| bucket.put("key")).collect();
    bucket.delete("key", ids[2]);
    assert_eq!(bucket.after("key", Some(ids[2])), [ids[1], ids[0]]);
    assert_eq!(bucket.after("key", Some(ids[3])), [ids[1], ids[0]]);
    assert_eq!(bucket.after("key", None), []);
    assert_eq!(bucket.after("kex", None), [ids[4], ids[3], ids[1], ids[0]]);
}

#[test]
fn a_list_resumes_exactly_after_a_null_version_that_was_rewritten_meanwhile() {
    let mut bucket = Bucket::new(None);
    bucket.put("key");
    bucket.set(VersioningState::Enabled);
    let newer = bucket.put("key");
    // Newest first: `newer`, null. A page of one entry ends at `newer`, a page of two at null.
    let two = bucket.page(KeyFilter::default(), None, 1);
    assert_eq!(two.entries[0].record.id, newer);
    assert!(two.entries[0].latest);
    bucket.put("next");
    let page = bucket.page(KeyFilter::default(), None, 2);
    let marker = page.next.expect("there is more");
    assert!(matches!(marker.version, Some(VersionId::Id(_))), "the null version's hidden place");
    // Null moves to the front of the key; the list goes on behind where it was.
    bucket.set(VersioningState::Suspended);
    bucket.put("key");
    let rest = bucket.page(KeyFilter::default(), Some(marker), 100);
    assert_eq!(rest.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["next"]);
}

#[test]
fn the_marker_null_resumes_after_the_null_version_or_at_the_key_if_it_is_gone() {
    let mut bucket = Bucket::new(None);
    bucket.put("key");
    bucket.set(VersioningState::Enabled);
    let newer = bucket.put("key");
    assert_eq!(bucket.after("key", Some(VersionId::Null)), []);
    bucket.delete("key", VersionId::Null);
    assert_eq!(bucket.after("key", Some(VersionId::Null)), [newer]);
}

#[test]
fn a_marker_inside_a_group_does_not_repeat_the_group() {
    let mut bucket = Bucket::new(None);
    ["a/1", "a/2", "b"].into_iter().for_each(|key| {
        bucket.put(key);
    });
    let filter = || KeyFilter { prefix: String::new(), delimiter: Some("/".into()) };
    let page = bucket.page(filter(), None, 1);
    assert_eq!(page.common_prefixes, ["a/"]);
    assert_eq!(page.next, Some(VersionMarker { key: "a/".into(), version: None }));
    for marker in ["a/", "a/1", "a/2"] {
        let page = bucket.page(filter(), Some(VersionMarker { key: marker.into(), version: None }), 10);
        assert_eq!(page.common_prefixes, Vec::<String>::new(), "after {marker}");
        assert_eq!(page.entries.len(), 1);
    }
}

#[test]
fn pages_of_zero_are_empty_and_not_truncated() {
    let mut bucket = Bucket::new(None);
    bucket.put("key");
    assert_eq!(bucket.page(KeyFilter::default(), None, 0), VersionsPage::default());
}

#[test]
fn a_sealed_bucket_is_gone_and_is_cleaned_up_in_steps() {
    let mut bucket = Bucket::new(None);
    let name = BucketName::parse("bucket-1").expect("a name");
    let upload = |n: u128| UploadId(uuid::Uuid::from_u128(n));
    for n in 0..3 {
        let (target, headers) = (target("key"), Vec::new());
        bucket
            .run(CommandBody::CreateUpload { target, upload: upload(n), headers, checksum: None })
            .expect("an upload begins");
    }
    bucket.put("key");
    assert_eq!(bucket.run(CommandBody::SealBucket { bucket: BUCKET }), Err(Refusal::BucketNotEmpty));
    bucket.delete("key", VersionId::Null);
    assert_eq!(bucket.run(CommandBody::SealBucket { bucket: BUCKET }), Ok(Done::Nothing));
    assert_eq!(bucket.host.answer(&Query::Bucket { bucket: BUCKET }), Answer::Bucket(None));
    let unfinished = Unfinished::Sealed { name: name.clone(), bucket: BUCKET };
    assert_eq!(bucket.host.answer(&Query::Unfinished { limit: 9 }), Answer::Unfinished(vec![unfinished]));
    let remove = CommandBody::RemoveBucket { name: name.clone(), bucket: BUCKET };
    assert_eq!(bucket.run(remove), Ok(Done::Nothing));
    let steps = (0..100).take_while(|_| {
        bucket.run(CommandBody::PurgeBucket { bucket: BUCKET }) == Ok(Done::Step(Step::More))
    });
    assert_eq!(steps.count(), 3);
    assert_eq!(bucket.host.answer(&Query::Unfinished { limit: 9 }), Answer::Unfinished(vec![]));
    // The name is free again, and stands for another incarnation.
    let create = CommandBody::CreateBucket { name, owner: "other".into(), group: GroupId(0) };
    assert_eq!(bucket.run(create), Ok(Done::BucketCreating { bucket: BucketId(3), group: GroupId(0) }));
}

#[test]
fn a_command_whose_deadline_is_out_of_bounds_changes_nothing_and_its_data_can_be_condemned() {
    let mut bucket = Bucket::new(None);
    let data = DataId::new(1, GroupId(0), 1);
    let object = NewObject {
        size: 9,
        etag: ETag::of_body([1; 16]),
        checksum: None,
        headers: Vec::new(),
        data: NewData::Stored(StoredData::complete(data)),
    };
    let (target, condition) = (target("key"), WriteCondition::NONE);
    let mut command = Command {
        request: RequestId(uuid::Uuid::from_u128(99)),
        deadline: Timestamp::from_millis(1_001 + Command::LIFETIME_MILLIS_MAX),
        proposed_at: Timestamp::from_millis(1_000),
        body: CommandBody::PutObject { target, object, condition, entropy: 1 },
    };
    assert_eq!(bucket.host.apply(&command), Err(Refusal::Malformed));
    bucket.host.check().expect("all invariants hold");
    let unheld = bucket.host.answer(&Query::Unheld { data: vec![data] });
    assert_eq!(unheld, Answer::Unheld(vec![data]));
    // Condemned, it stays out even when its command comes again within bounds.
    assert_eq!(bucket.run(CommandBody::Condemn { data: vec![data] }), Ok(Done::Condemned { held: vec![] }));
    command.proposed_at = Timestamp::from_millis(1_002);
    assert_eq!(bucket.host.apply(&command), Err(Refusal::DataSettled));
    bucket.host.check().expect("all invariants hold");
}

#[test]
fn garbage_is_not_reclaimed_before_every_deadline_is_past() {
    let mut bucket = Bucket::new(None);
    let data = DataId::new(1, GroupId(0), 1);
    bucket.run(CommandBody::Discard { data: vec![(data, 5)] }).expect("it is given up");
    let reclaim = CommandBody::Reclaim { entry: 0, reclaimed: 0 };
    assert_eq!(bucket.run(reclaim.clone()), Err(Refusal::TooEarly));
    let proposed_at = Timestamp::from_millis(1_001 + Command::LIFETIME_MILLIS_MAX);
    let request = RequestId(uuid::Uuid::from_u128(99));
    let later = Command { request, deadline: proposed_at, proposed_at, body: reclaim };
    assert_eq!(bucket.host.apply(&later), Ok(Done::Step(Step::Finished)));
    bucket.host.check().expect("all invariants hold");
}

#[test]
fn uploads_are_listed_by_key_then_by_id_and_parts_by_number() {
    let mut bucket = Bucket::new(None);
    let upload = |n: u128| UploadId(uuid::Uuid::from_u128(n));
    for (key, n) in [("b", 1), ("a", 3), ("a", 2)] {
        let (target, headers) = (target(key), Vec::new());
        bucket
            .run(CommandBody::CreateUpload { target, upload: upload(n), headers, checksum: None })
            .expect("an upload begins");
    }
    let list = |after, limit| {
        let filter = KeyFilter::default();
        match bucket.host.answer(&Query::Uploads { bucket: BUCKET, filter, after, limit }) {
            Answer::Uploads(Some(page)) => page,
            other => panic!("{other:?}"),
        }
    };
    let first = list(None, 2);
    assert_eq!(first.entries.iter().map(|entry| entry.upload).collect::<Vec<_>>(), [upload(2), upload(3)]);
    let rest = list(first.next, 2);
    assert_eq!(rest.entries.len(), 1);
    assert_eq!(rest.next, None);
    for number in [70, 1, 64] {
        let body = CommandBody::PutPart {
            target: target("a"),
            upload: upload(2),
            number,
            size: 0,
            etag: ETag::of_body([0; 16]),
            checksum: None,
            data: None,
        };
        assert!(matches!(bucket.run(body), Ok(Done::PartWritten { .. })));
    }
    let query = Query::Parts {
        bucket: BUCKET,
        key: ObjectKey::parse("a").expect("a key"),
        upload: upload(2),
        after: 1,
        limit: 1,
    };
    let Answer::Parts(Some(page)) = bucket.host.answer(&query) else { panic!("no parts") };
    assert_eq!((page.parts[0].number, page.next), (64, Some(64)));
    let UploadRecord { initiated, .. } = page.upload;
    assert_eq!(initiated, Timestamp::from_millis(1_000));
}
