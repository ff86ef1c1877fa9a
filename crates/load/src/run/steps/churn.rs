//! Versions that come and go. Each worker knows the versions that it made, and only those.

use crate::client::{Call, Take, Verb};
use crate::plan::{KeySpace, Kind, Workload};
use crate::run::settings::Settings;
use crate::run::worker::{Worker, Written};
use esker_env::Random as _;
use std::collections::VecDeque;
use std::time::Duration;

/// A key, and the versions of it that are there.
pub(super) struct Churned {
    key: String,
    /// Ids and sizes, oldest first.
    versions: VecDeque<(String, u64)>,
}

impl Churned {
    /// The keys that the worker of this number makes versions of; at least one, if the load does that at all.
    pub(super) fn all(settings: &Settings, keys: &KeySpace, number: usize) -> Vec<Churned> {
        if settings.workload != Workload::VersionChurn {
            return Vec::new();
        }
        // Workers beyond the number of keys share those of others.
        let first = number as u64 % settings.objects;
        let numbers = (first..settings.objects).step_by(settings.concurrency);
        numbers.map(|number| Churned { key: keys.prepared(number), versions: VecDeque::new() }).collect()
    }

    /// Its versions.
    pub(super) fn into_written(self) -> impl Iterator<Item = Written> {
        let Churned { key, versions } = self;
        let written = move |(id, size)| Written { key: key.clone(), size: Some(size), version: Some(id) };
        versions.into_iter().map(written)
    }
}

impl Worker {
    pub(super) async fn churn(&mut self, intended: Duration) {
        let site = self.load.site.clone();
        let at = usize::try_from(self.random.below(self.state.churned.len() as u64)).unwrap_or_default();
        let Churned { key, versions } = &mut self.state.churned[at];
        let key = key.clone();
        let is_read = !versions.is_empty() && self.random.chance(1, 4);
        if is_read {
            let pick = usize::try_from(self.random.below(versions.len() as u64)).unwrap_or_default();
            let (version, size) = versions[pick].clone();
            let call = Call::version(Verb::Get, &site.bucket, &key, &version);
            self.perform(Kind::GetVersion, intended, call, site.take(&key, size, 0, size), 0).await;
        } else if versions.len() >= site.settings.versions as usize {
            let Some((version, _)) = versions.pop_front() else { return };
            let call = Call::version(Verb::Delete, &site.bucket, &key, &version);
            self.perform(Kind::DeleteVersion, intended, call, Take::Count, 0).await;
        } else {
            let size = site.settings.sizes.draw(&self.random);
            let reply = self.put(intended, &key, size).await;
            if let Some(version) = reply.as_ref().and_then(|reply| reply.header("x-amz-version-id")) {
                self.state.churned[at].versions.push_back((version.to_owned(), size));
            }
        }
    }
}
