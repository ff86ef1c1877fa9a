//! What clients did and what they were told.

use esker_types::VersionUuid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A point in time by the one monotonic clock of all clients of a history: nanoseconds since its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub u64);

/// Names what a put wrote. Each put of a history writes another value, or nobody can tell whose it was that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Value(pub u64);

/// When a write takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Always.
    Always,
    /// `If-None-Match: *`: only if the key has no value.
    IfAbsent,
    /// `If-Match`: only if the key has this value.
    IfMatch(Value),
}

/// What a client was told of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteOutcome {
    /// It took effect, and made this version if the bucket keeps versions.
    Done(#[serde(with = "crate::jsonl::version")] Option<VersionUuid>),
    /// Its condition did not hold: it had no effect, and this says something of the key.
    Refused,
    /// It certainly had and will have no effect: it was refused for another reason, or never sent.
    Failed,
    /// There was no answer, or one that leaves it open.
    Unknown,
}

/// What a client was told of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadOutcome {
    /// The key's value, and its version if that was told.
    Found(Value, #[serde(with = "crate::jsonl::version")] Option<VersionUuid>),
    /// The key has no value: it never had one, or it was deleted.
    NotFound,
    /// Nothing that says something of the key.
    Failed,
}

/// What was done to a key, and the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// A put of a value.
    Put {
        /// What it writes.
        value: Value,
        /// When it takes effect.
        condition: Condition,
        /// The answer.
        outcome: WriteOutcome,
    },
    /// A deletion without a version id: it hides the key behind a delete marker.
    Delete {
        /// When it takes effect.
        condition: Condition,
        /// The answer.
        outcome: WriteOutcome,
    },
    /// A read of the current version.
    Get {
        /// The answer.
        outcome: ReadOutcome,
    },
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Who did it. For the reader: nothing is concluded from it.
    pub client: u32,
    /// The key.
    pub key: String,
    /// When the client began, before the first byte was sent.
    pub invoked: Moment,
    /// When it had the answer, or gave up.
    pub returned: Moment,
    /// What it was.
    #[serde(flatten)]
    pub action: Action,
}

/// Whether a list was made at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pages {
    /// It was one page, so it shows one state of the bucket.
    One,
    /// It was several, each of which shows a state of its own.
    Several,
}

/// What a listed version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// An object with this value.
    Object(Value),
    /// A delete marker.
    DeleteMarker,
}

/// A version in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// The version.
    #[serde(with = "crate::jsonl::required_version")]
    pub version: VersionUuid,
    /// What it is.
    pub entry: Entry,
}

/// All versions of the bucket, as a list showed them, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// When the first page was asked for.
    pub invoked: Moment,
    /// When the last one was there.
    pub returned: Moment,
    /// Whether they are one.
    pub pages: Pages,
    /// The versions.
    pub versions: Vec<Listed>,
}

/// What happened to a bucket that was empty when it began.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct History {
    pub(crate) operations: BTreeMap<String, Vec<Operation>>,
    pub(crate) listings: Vec<Listing>,
}

impl History {
    /// Adds an operation, in any order.
    ///
    /// # Panics
    /// If it ended before it began: then no clock was monotonic.
    pub fn push(&mut self, operation: Operation) {
        assert!(operation.invoked <= operation.returned, "an operation ends after it began: {operation:?}");
        self.operations.entry(operation.key.clone()).or_default().push(operation);
    }

    /// Adds a list of the bucket's versions, in any order.
    ///
    /// # Panics
    /// If it ended before it began.
    pub fn list(&mut self, listing: Listing) {
        assert!(listing.invoked <= listing.returned, "a list ends after it began");
        self.listings.push(listing);
    }

    /// The operations by key, each key's in the order in which they were added.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.values().flatten()
    }

    /// The lists, in the order in which they were added.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }
}

impl Extend<Operation> for History {
    fn extend<T: IntoIterator<Item = Operation>>(&mut self, operations: T) {
        operations.into_iter().for_each(|operation| self.push(operation));
    }
}
