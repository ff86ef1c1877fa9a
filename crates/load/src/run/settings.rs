//! How a run is set: values only.

use crate::client::{Endpoint, PayloadHash};
use crate::plan::workload::Versioning;
use crate::plan::{Mix, Pace, Sizes, Workload};
use std::collections::BTreeMap;
use std::time::Duration;

/// How a run is set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is done.
    pub workload: Workload,
    /// Where; connections are spread over all.
    pub endpoints: Vec<Endpoint>,
    /// Who asks.
    pub credentials: Credentials,
    /// The bucket. `None`: one is made for the run and removed after it.
    pub bucket: Option<String>,
    /// Whether the bucket that is made keeps versions, even if the load needs none.
    pub versioned: bool,
    /// Sizes of objects.
    pub sizes: Sizes,
    /// Length of a range, in bytes.
    pub range_bytes: u64,
    /// Length of a part, in bytes.
    pub part_bytes: u64,
    /// Parts of an upload.
    pub parts: u32,
    /// Keys or versions that a page of a list holds.
    pub page_entries: u32,
    /// What a mixed load is of.
    pub mix: Mix,
    /// How many objects are prepared, or how many keys versions are made of.
    pub objects: u64,
    /// How many versions a prepared object has, or may come to have.
    pub versions: u32,
    /// Connections, each with one request at a time.
    pub concurrency: usize,
    /// Threads that serve them.
    pub threads: usize,
    /// How requests follow one another.
    pub pace: Pace,
    /// What goes before the measured part and is not counted.
    pub warm_up: Duration,
    /// The measured part.
    pub duration: Duration,
    /// The longest that a request may take.
    pub timeout: Duration,
    /// Payload that the run may put in all, in bytes; then it ends.
    pub put_bytes_max: u64,
    /// Whether contents are compared.
    pub verify: Verify,
    /// Whether bodies are signed.
    pub payload_hash: PayloadHash,
    /// How often a request is sent again that was answered 503 SlowDown.
    pub slow_down_retries: u32,
    /// Whether the objects stay.
    pub keep: Keep,
    /// The longest that clearing up may take.
    pub cleanup_timeout: Duration,
    /// Names the load: which keys, sizes, contents and operations come.
    pub seed: u64,
}

/// Who asks.
#[derive(Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: String,
    pub region: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({}, …)", self.access_key)
    }
}

/// Whether contents are compared with what was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Bodies of replies are counted.
    Nothing,
    /// Bodies, lengths and orders of replies are compared, and some of what the load put is read again after it.
    Everything,
}

/// Whether objects stay after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All that the run made is removed.
    Nothing,
    /// All stays.
    Everything,
}

/// Settings that contradict one another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Contradiction(String);

/// S3's least length of a part that is not the last.
const PART_BYTES_MIN: u64 = 5 << 20;

impl Settings {
    /// Whether the bucket must keep versions.
    pub fn needs_versions(&self) -> bool {
        self.versioned || self.workload.versioning() == Versioning::Needed
    }

    /// Finds what can't be run.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), Contradiction> {
        let rate_is_valid = match self.pace {
            Pace::Closed => true,
            Pace::Limited { rate } | Pace::Open { rate, .. } => rate.is_finite() && rate > 0.0,
        };
        let multipart = self.workload == Workload::Multipart;
        let rules = [
            (!self.endpoints.is_empty(), "name an endpoint"),
            (self.concurrency > 0, "at least one connection is needed"),
            (self.concurrency <= 10_000, "more than 10,000 connections are not tried"),
            (self.threads > 0, "at least one thread is needed"),
            (rate_is_valid, "the rate is above 0"),
            (!self.duration.is_zero(), "the duration is above 0"),
            (!self.timeout.is_zero(), "the timeout is above 0"),
            ((1..=1000).contains(&self.page_entries), "a page holds from 1 to 1,000 entries"),
            (self.objects > 0, "at least one object is needed"),
            (self.versions > 0, "an object has at least one version"),
            (self.range_bytes > 0, "a range has at least one byte"),
            ((1..=10_000).contains(&self.parts), "an upload has from 1 to 10,000 parts"),
            (
                !multipart || self.parts == 1 || self.part_bytes >= PART_BYTES_MIN,
                "parts have at least 5 MiB, as S3 demands",
            ),
            (!multipart || self.part_bytes > 0, "a part has at least one byte"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(Contradiction(rule.to_owned())),
            None => Ok(()),
        }
    }

    /// What matters for comparing runs, by name.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let mut shown = BTreeMap::from([
            ("concurrency", self.concurrency.to_string()),
            ("threads", self.threads.to_string()),
            ("pace", self.pace.to_string()),
            ("warm-up", format!("{:?}", self.warm_up)),
            ("duration", format!("{:?}", self.duration)),
            ("timeout", format!("{:?}", self.timeout)),
            ("payload", self.payload_hash.to_string()),
            ("verify", (self.verify == Verify::Everything).to_string()),
            ("versioned", self.needs_versions().to_string()),
            ("slow-down-retries", self.slow_down_retries.to_string()),
            ("seed", self.seed.to_string()),
        ]);
        if self.workload == Workload::Multipart {
            shown.insert("parts", format!("{} of {} B", self.parts, self.part_bytes));
        } else {
            shown.insert("size", self.sizes.to_string());
        }
        if self.workload.needs_objects() || self.workload == Workload::VersionChurn {
            shown.insert("objects", self.objects.to_string());
            shown.insert("versions", self.versions.to_string());
        }
        match self.workload {
            Workload::Mixed => drop(shown.insert("mix", self.mix.to_string())),
            Workload::RangeGet => drop(shown.insert("range", format!("{} B", self.range_bytes))),
            Workload::List | Workload::ListVersions => {
                shown.insert("page", self.page_entries.to_string());
            }
            _ => {}
        }
        shown.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
