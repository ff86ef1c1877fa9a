//! A page of a list costs what it holds, counted in keys that the engine stepped over, tombstones included: the
//! engine here keeps every tombstone, as a log-structured one does until it compacts.

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use esker_index::command::{Command, CommandBody, NewData, NewObject, Target};
use esker_index::outcome::{Done, Outcome};
use esker_index::query::{Answer, KeyFilter, Query};
use esker_kv::{MemoryEngine, Tombstones};
use esker_types::{
    BucketId, ETag, ObjectKey, RequestId, Timestamp, VersionId, VersioningState, WriteCondition,
};
use std::sync::Arc;
use support::commands::opening;
use support::engines::Host;

struct Bucket {
    host: Host,
    engine: Arc<MemoryEngine>,
    commands: u64,
}

const BUCKET: BucketId = BucketId(1);

impl Bucket {
    fn new() -> Bucket {
        let engine = Arc::new(MemoryEngine::new(Tombstones::Kept));
        let mut bucket = Bucket { host: Host::new(engine.clone()), engine, commands: 0 };
        opening()
            .into_iter()
            .for_each(|command| bucket.run(command.body).map(|_| ()).expect("the opening succeeds"));
        bucket
    }

    fn run(&mut self, body: CommandBody) -> Outcome {
        self.commands += 1;
        let proposed_at = Timestamp::from_millis(1_000 + self.commands / 4);
        let request = RequestId(uuid::Uuid::from_u128(u128::from(self.commands)));
        self.host.apply(&Command { request, deadline: proposed_at.plus_millis(30_000), proposed_at, body })
    }

    fn put(&mut self, key: &str) -> VersionId {
        let object = NewObject {
            size: 0,
            etag: ETag::of_body([1; 16]),
            checksum: None,
            headers: Vec::new(),
            data: NewData::Empty,
        };
        let (target, condition) = (target(key), WriteCondition::NONE);
        match self.run(CommandBody::PutObject { target, object, condition, entropy: 5 }) {
            Ok(Done::Written(written)) => written.shown_id.unwrap_or(VersionId::Null),
            other => panic!("{other:?}"),
        }
    }

    fn delete(&mut self, key: &str, version: Option<VersionId>) {
        let body = CommandBody::DeleteObject { target: target(key), version, condition: None, entropy: 5 };
        assert!(matches!(self.run(body), Ok(Done::Deleted { .. })));
    }

    fn enable_versioning(&mut self) {
        let body = CommandBody::PutVersioning { bucket: BUCKET, state: VersioningState::Enabled };
        self.run(body).expect("versioning is enabled");
    }

    /// What the engine stepped over to answer.
    fn cost(&self, query: &Query) -> (Answer, u64) {
        let before = self.engine.steps();
        (self.host.answer(query), self.engine.steps() - before)
    }
}

fn target(key: &str) -> Target {
    Target { bucket: BUCKET, key: ObjectKey::parse(key).expect("a key") }
}

fn versions_page(limit: usize) -> Query {
    Query::Versions { bucket: BUCKET, filter: KeyFilter::default(), after: None, limit }
}

fn current_page(limit: usize) -> Query {
    Query::Current { bucket: BUCKET, filter: KeyFilter::default(), after: None, limit }
}

const MANY: usize = 200_000;
const FEW: usize = 1_000;

#[test]
fn a_page_of_one_keys_versions_costs_the_same_with_200_000_versions() {
    let cost = |versions: usize| {
        let mut bucket = Bucket::new();
        bucket.enable_versioning();
        (0..versions).for_each(|_| {
            bucket.put("key");
        });
        let (answer, cost) = bucket.cost(&versions_page(500));
        let Answer::Versions(Some(page)) = answer else { panic!("no page") };
        assert_eq!(page.entries.len(), 500);
        cost
    };
    assert_eq!(cost(MANY), cost(FEW));
}

/// Ten live keys behind a prefix of deleted ones, in each way of deleting that a bucket knows.
fn cost_behind_deleted_keys(deleted: usize, versioned: bool) -> u64 {
    let mut bucket = Bucket::new();
    if versioned {
        bucket.enable_versioning();
    }
    (0..deleted).for_each(|i| {
        bucket.put(&format!("deleted/{i:08}"));
    });
    (0..10).for_each(|i| {
        bucket.put(&format!("live/{i}"));
    });
    (0..deleted).for_each(|i| bucket.delete(&format!("deleted/{i:08}"), None));
    let (answer, cost) = bucket.cost(&current_page(1000));
    let Answer::Current(Some(page)) = answer else { panic!("no page") };
    assert_eq!(page.entries.len(), 10);
    cost
}

#[test]
fn a_page_of_current_objects_does_not_step_over_200_000_delete_markers() {
    assert_eq!(cost_behind_deleted_keys(MANY, true), cost_behind_deleted_keys(FEW, true));
}

#[test]
fn a_page_of_current_objects_does_not_step_over_200_000_removed_keys() {
    assert_eq!(cost_behind_deleted_keys(MANY, false), cost_behind_deleted_keys(FEW, false));
}

#[test]
fn a_page_of_versions_costs_what_it_holds_of_200_000_deleted_keys() {
    let cost = |keys: usize| {
        let mut bucket = Bucket::new();
        bucket.enable_versioning();
        (0..keys).for_each(|i| {
            bucket.put(&format!("{i:08}"));
            bucket.delete(&format!("{i:08}"), None);
        });
        let (answer, cost) = bucket.cost(&versions_page(1000));
        let Answer::Versions(Some(page)) = answer else { panic!("no page") };
        assert_eq!(page.entries.len(), 1000);
        cost
    };
    assert_eq!(cost(MANY), cost(FEW));
}

#[test]
fn common_prefixes_are_jumped_over() {
    let mut bucket = Bucket::new();
    for group in 0..20 {
        (0..1000).for_each(|i| {
            bucket.put(&format!("{group:02}/{i:04}"));
        });
    }
    let filter = KeyFilter { prefix: String::new(), delimiter: Some("/".into()) };
    let query = Query::Versions { bucket: BUCKET, filter, after: None, limit: 1000 };
    let (answer, cost) = bucket.cost(&query);
    let Answer::Versions(Some(page)) = answer else { panic!("no page") };
    assert_eq!(page.common_prefixes.len(), 20);
    assert!(cost < 50, "20 prefixes cost {cost} steps");
}

#[test]
fn the_queue_of_outcomes_is_not_stepped_over_from_its_start() {
    let mut bucket = Bucket::new();
    (0..60_000).for_each(|i| {
        bucket.put(&format!("{}", i % 10));
    });
    // By now outcomes expire with every command; the rows that went before leave tombstones.
    let before = bucket.engine.steps();
    (0..200_000).for_each(|i| {
        bucket.put(&format!("{}", i % 10));
    });
    let per_command = (bucket.engine.steps() - before) / 200_000;
    assert!(per_command < 40, "{per_command} steps per command");
}
