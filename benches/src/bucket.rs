//! A bucket in which benchmarks put, overwrite, delete and list.

use crate::engine_rows::EngineRows;
use bytes::Bytes;
use esker_index::command::{Command, CommandBody, NewData, NewObject, Target};
use esker_index::query::{Answer, KeyFilter, Query};
use esker_kv::Engine;
use esker_types::{
    BucketId, BucketName, ETag, GroupId, ObjectKey, RequestId, Timestamp, VersioningState, WriteCondition,
};
use std::cell::Cell;
use std::sync::Arc;

const BUCKET: BucketId = BucketId(1);
/// How many commands are committed together while a large bucket is filled.
const FILL_BATCH: usize = 500;

/// A bucket alone on its engine.
#[derive(Debug)]
pub struct Bucket {
    rows: EngineRows,
    /// Commands so far; each is a quarter of a millisecond after the one before.
    commands: Cell<u64>,
}

impl Bucket {
    /// An empty bucket.
    ///
    /// # Panics
    /// If the engine fails or a command is refused; so do all other methods.
    pub fn new(engine: Arc<dyn Engine>, versioning: VersioningState) -> Bucket {
        let bucket = Bucket { rows: EngineRows::new(engine), commands: Cell::new(0) };
        let name = || BucketName::parse("my-bucket").expect("a name");
        let owner = || "root".to_owned();
        bucket.run(CommandBody::CreateBucket { name: name(), owner: owner(), group: GroupId(0) });
        bucket.run(CommandBody::OpenBucket { bucket: BUCKET, name: name(), owner: owner() });
        bucket.run(CommandBody::ActivateBucket { name: name(), bucket: BUCKET });
        if versioning != VersioningState::Unversioned {
            bucket.run(CommandBody::PutVersioning { bucket: BUCKET, state: versioning });
        }
        bucket
    }

    fn command(&self, body: CommandBody) -> Command {
        let number = self.commands.get() + 1;
        self.commands.set(number);
        let proposed_at = Timestamp::from_millis(1_000 + number / 4);
        let request = RequestId::from_bytes(u128::from(number).to_be_bytes());
        Command { request, deadline: proposed_at.plus_millis(30_000), proposed_at, body }
    }

    fn run(&self, body: CommandBody) {
        let command = self.command(body);
        self.rows.apply([&command]).into_iter().for_each(|outcome| drop(outcome.expect("it succeeds")));
    }

    /// Runs many commands, in larger batches than a command at a time.
    fn fill(&self, bodies: impl Iterator<Item = CommandBody>) {
        let commands: Vec<Command> = bodies.map(|body| self.command(body)).collect();
        for batch in commands.chunks(FILL_BATCH) {
            self.rows.apply(batch).into_iter().for_each(|outcome| drop(outcome.expect("it succeeds")));
        }
    }

    /// Puts an object of 1 KiB whose bytes are in its row.
    pub fn put(&self, key: &str) {
        self.run(put(key, 1024));
    }

    /// Deletes a key, not a version.
    pub fn delete(&self, key: &str) {
        self.run(delete(key));
    }

    /// Puts as many versions of one key.
    pub fn fill_versions(&self, count: usize) {
        self.fill((0..count).map(|_| put("key", 0)));
    }

    /// Puts and deletes as many keys, and puts 1,000 behind them.
    pub fn fill_deleted(&self, count: usize) {
        let deleted = |n: usize| format!("deleted/{n:08}");
        self.fill((0..count).map(|n| put(&deleted(n), 0)));
        self.fill((0..1000).map(|n| put(&format!("live/{n:08}"), 0)));
        self.fill((0..count).map(|n| delete(&deleted(n))));
    }

    /// Puts as many keys as [`Bucket::fill_deleted`] and deletes none; the first 1,000 are the same.
    pub fn fill_undeleted(&self, count: usize) {
        self.fill((0..count).map(|n| put(&format!("undeleted/{n:08}"), 0)));
        self.fill((0..1000).map(|n| put(&format!("live/{n:08}"), 0)));
    }

    /// Lets the engine tidy up what is deleted and overwritten.
    pub fn compact(&self) {
        self.rows.compact();
    }

    /// Lists the first 1,000 versions. Returns how many there were.
    pub fn page_of_versions(&self) -> usize {
        let query =
            Query::Versions { bucket: BUCKET, filter: KeyFilter::default(), after: None, limit: 1000 };
        let Answer::Versions(Some(page)) = self.rows.answer(&query) else { panic!("no page") };
        page.entries.len()
    }

    /// Lists the first 1,000 current objects. Returns how many there were.
    pub fn page_of_objects(&self) -> usize {
        let query = Query::Current { bucket: BUCKET, filter: KeyFilter::default(), after: None, limit: 1000 };
        let Answer::Current(Some(page)) = self.rows.answer(&query) else { panic!("no page") };
        page.entries.len()
    }
}

fn target(key: &str) -> Target {
    Target { bucket: BUCKET, key: ObjectKey::parse(key).expect("a key") }
}

fn put(key: &str, size: usize) -> CommandBody {
    let data = if size == 0 { NewData::Empty } else { NewData::Inline(Bytes::from(vec![7; size])) };
    let headers = vec![("content-type".to_owned(), "application/octet-stream".to_owned())];
    let (etag, size) = (ETag::of_body([1; 16]), size as u64);
    let object = NewObject { size, etag, checksum: None, headers, data };
    CommandBody::PutObject { target: target(key), object, condition: WriteCondition::NONE, entropy: 5 }
}

fn delete(key: &str) -> CommandBody {
    CommandBody::DeleteObject { target: target(key), version: None, condition: None, entropy: 5 }
}
