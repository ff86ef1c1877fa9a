//! What a worker does in one turn, by workload.

mod churn;
mod lists;
mod multipart;

use super::settings::{Settings, Verify};
use super::worker::{Worker, Written};
use crate::client::{Call, Reply, Take, Verb};
use crate::plan::{KeySpace, Kind, Workload};
use crate::record::{Failure, FailureKind};
use churn::Churned;
use esker_env::Random as _;
use std::time::Duration;

/// How many of a worker's objects are remembered, to be read again after the load.
const REMEMBERED_MAX: usize = 64;

/// What a worker remembers from turn to turn.
pub(super) struct State {
    /// The sequence of its next new key.
    sequence: u64,
    /// New keys below this one were deleted.
    deleted: u64,
    /// Objects to read again after the load, evenly chosen from all that it put.
    written: Vec<Written>,
    seen: u64,
    /// The keys whose versions it makes.
    churned: Vec<Churned>,
}

impl State {
    /// The state of a worker of this number.
    pub(super) fn new(settings: &Settings, keys: &KeySpace, number: usize) -> State {
        let churned = Churned::all(settings, keys, number);
        State { sequence: 0, deleted: 0, written: Vec::new(), seen: 0, churned }
    }

    /// What can be read again: what was remembered and not deleted, and versions that are there.
    pub(super) fn into_written(self) -> Vec<Written> {
        let mut written = self.written;
        written.extend(self.churned.into_iter().flat_map(Churned::into_written));
        written.truncate(REMEMBERED_MAX);
        written
    }
}

impl Worker {
    /// One turn.
    pub(super) async fn step(&mut self, intended: Duration) {
        match self.load.site.settings.workload {
            Workload::Put => self.put_new(intended).await,
            Workload::Get => self.get(intended).await,
            Workload::RangeGet => self.range_get(intended).await,
            Workload::Head => self.head(intended).await,
            Workload::Delete => self.delete_prepared(intended).await,
            Workload::Mixed => self.mixed(intended).await,
            Workload::List => self.list(intended).await,
            Workload::ListVersions => self.list_versions(intended).await,
            Workload::OverwriteOneKey => self.overwrite(intended).await,
            Workload::Multipart => self.multipart(intended).await,
            Workload::VersionChurn => self.churn(intended).await,
        }
    }

    async fn mixed(&mut self, intended: Duration) {
        match self.load.site.settings.mix.choose(self.random.u64()) {
            Kind::Get => self.get(intended).await,
            Kind::RangeGet => self.range_get(intended).await,
            Kind::Head => self.head(intended).await,
            Kind::List => self.list(intended).await,
            // What others read is never deleted, so that an absent object is always a mistake.
            Kind::Delete if self.state.deleted < self.state.sequence => self.delete_own(intended).await,
            _ => self.put_new(intended).await,
        }
    }

    /// Puts an object. Returns the reply.
    async fn put(&mut self, intended: Duration, key: &str, size: u64) -> Option<Reply> {
        if !self.load.may_put(size) {
            return None;
        }
        let site = &self.load.site;
        let payload = site.payload(key, size, 0, size);
        let call = Call::object(Verb::Put, &site.bucket, key, "").payload(payload);
        let needs_versions = site.settings.needs_versions();
        self.perform_checked(Kind::Put, intended, call, Take::Count, size, |reply| {
            match reply.header("x-amz-version-id") {
                None if needs_versions => Err(Failure::new(FailureKind::Malformed, "no version id")),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn put_new(&mut self, intended: Duration) {
        let sequence = self.state.sequence;
        self.state.sequence += 1;
        let key = self.load.site.keys.written(self.number, sequence);
        let size = self.load.site.settings.sizes.draw(&self.random);
        if self.put(intended, &key, size).await.is_some() {
            self.remember(Written { key, size: Some(size), version: None });
        }
    }

    async fn overwrite(&mut self, intended: Duration) {
        let key = self.load.site.keys.contended();
        let size = self.load.site.settings.sizes.draw(&self.random);
        if self.put(intended, &key, size).await.is_some() && self.state.written.is_empty() {
            self.state.written.push(Written { key, size: None, version: None });
        }
    }

    async fn get(&mut self, intended: Duration) {
        let (key, size) = self.prepared();
        let site = &self.load.site;
        let (call, take) = (Call::object(Verb::Get, &site.bucket, &key, ""), site.take(&key, size, 0, size));
        self.perform(Kind::Get, intended, call, take, 0).await;
    }

    async fn range_get(&mut self, intended: Duration) {
        let (key, size) = self.prepared();
        let site = &self.load.site;
        let bytes = site.settings.range_bytes.min(size);
        if bytes == 0 {
            // An empty object has no ranges.
            return self.get(intended).await;
        }
        let from = self.random.below(size - bytes + 1);
        let call = Call::range(&site.bucket, &key, from, bytes);
        let take = site.take(&key, size, from, bytes);
        self.perform(Kind::RangeGet, intended, call, take, 0).await;
    }

    async fn head(&mut self, intended: Duration) {
        let (key, size) = self.prepared();
        let site = &self.load.site;
        let call = Call::object(Verb::Head, &site.bucket, &key, "");
        let verify = site.settings.verify;
        self.perform_checked(Kind::Head, intended, call, Take::Count, 0, |reply| match verify {
            Verify::Everything if reply.content_length() != Some(size) => {
                Err(Failure::new(FailureKind::Verify, "another length than was put"))
            }
            _ => Ok(()),
        })
        .await;
    }

    async fn delete_prepared(&mut self, intended: Duration) {
        let Some(number) = self.load.take_object() else { return };
        let site = &self.load.site;
        let call = Call::object(Verb::Delete, &site.bucket, &site.keys.prepared(number), "");
        self.perform(Kind::Delete, intended, call, Take::Count, 0).await;
    }

    async fn delete_own(&mut self, intended: Duration) {
        let key = self.load.site.keys.written(self.number, self.state.deleted);
        self.state.deleted += 1;
        self.state.written.retain(|written| written.key != key);
        let call = Call::object(Verb::Delete, &self.load.site.bucket, &key, "");
        self.perform(Kind::Delete, intended, call, Take::Count, 0).await;
    }

    /// Keeps a fair sample of all objects that it is told (Vitter's algorithm R).
    fn remember(&mut self, written: Written) {
        let remembered = &mut self.state.written;
        self.state.seen += 1;
        if remembered.len() < REMEMBERED_MAX {
            remembered.push(written);
        } else if let Ok(at) = usize::try_from(self.random.below(self.state.seen))
            && at < REMEMBERED_MAX
        {
            remembered[at] = written;
        }
    }
}
