//! Which keys a scan visits, and in which order.

use std::ops::Bound;

use bytes::Bytes;

/// The order in which a scan yields keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending by key bytes.
    Forward,
    /// Descending by key bytes.
    Backward,
}

/// A contiguous set of keys in byte order. A range whose start lies beyond its end is empty, never an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The lower end.
    pub start: Bound<Bytes>,
    /// The upper end.
    pub end: Bound<Bytes>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// The keys that start with `prefix`; every key when `prefix` is empty.
    #[must_use]
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        let end = match successor_of_prefix(&prefix) {
            Some(end) => Bound::Excluded(end),
            None => Bound::Unbounded,
        };
        Self { start: Bound::Included(prefix), end }
    }

    /// The keys `k` with `from <= k < to`.
    #[must_use]
    pub fn from_to(from: impl Into<Bytes>, to: impl Into<Bytes>) -> Self {
        Self { start: Bound::Included(from.into()), end: Bound::Excluded(to.into()) }
    }

    /// The keys `k` with `from <= k`.
    #[must_use]
    pub fn from(from: impl Into<Bytes>) -> Self {
        Self { start: Bound::Included(from.into()), end: Bound::Unbounded }
    }

    /// The keys `k` with `after < k`: what a listing that stopped at `after` has yet to yield.
    #[must_use]
    pub fn after(after: impl Into<Bytes>) -> Self {
        Self { start: Bound::Excluded(after.into()), end: Bound::Unbounded }
    }

    /// The keys that are in both ranges.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self { start: tighter_start(self.start, other.start), end: tighter_end(self.end, other.end) }
    }

    /// Whether the bounds exclude every key. Several ordered maps panic on such ranges, so adapters ask first.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (_, Bound::Excluded(end)) if end.is_empty() => true,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end))
            | (Bound::Excluded(start), Bound::Included(end)) => start >= end,
            _ => false,
        }
    }

    /// Whether `key` lies between the bounds.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        let after_start = match &self.start {
            Bound::Included(start) => key >= start.as_ref(),
            Bound::Excluded(start) => key > start.as_ref(),
            Bound::Unbounded => true,
        };
        let before_end = match &self.end {
            Bound::Included(end) => key <= end.as_ref(),
            Bound::Excluded(end) => key < end.as_ref(),
            Bound::Unbounded => true,
        };
        after_start && before_end
    }

    /// What is left of the range once a scan in `direction` has yielded `key`.
    pub(crate) fn rest_beyond(mut self, key: Bytes, direction: Direction) -> Self {
        match direction {
            Direction::Forward => self.start = Bound::Excluded(key),
            Direction::Backward => self.end = Bound::Excluded(key),
        }
        self
    }
}

/// The smallest key that is greater than every key with this prefix, if there is one: a prefix of 0xff bytes has none.
fn successor_of_prefix(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|b| *b != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    if let Some(byte) = end.last_mut() {
        *byte += 1;
    }
    Some(end.into())
}

fn tighter_start(a: Bound<Bytes>, b: Bound<Bytes>) -> Bound<Bytes> {
    match (a, b) {
        (Bound::Unbounded, bound) | (bound, Bound::Unbounded) => bound,
        (Bound::Included(a), Bound::Included(b)) => Bound::Included(a.max(b)),
        (Bound::Excluded(a), Bound::Excluded(b)) => Bound::Excluded(a.max(b)),
        (Bound::Included(i), Bound::Excluded(e)) | (Bound::Excluded(e), Bound::Included(i)) => {
            if i > e {
                Bound::Included(i)
            } else {
                Bound::Excluded(e)
            }
        }
    }
}

fn tighter_end(a: Bound<Bytes>, b: Bound<Bytes>) -> Bound<Bytes> {
    match (a, b) {
        (Bound::Unbounded, bound) | (bound, Bound::Unbounded) => bound,
        (Bound::Included(a), Bound::Included(b)) => Bound::Included(a.min(b)),
        (Bound::Excluded(a), Bound::Excluded(b)) => Bound::Excluded(a.min(b)),
        (Bound::Included(i), Bound::Excluded(e)) | (Bound::Excluded(e), Bound::Included(i)) => {
            if i < e {
                Bound::Included(i)
            } else {
                Bound::Excluded(e)
            }
        }
    }
}
