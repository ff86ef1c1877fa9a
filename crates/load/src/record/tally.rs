//! Counts of one stretch of time.

use super::{Failure, Latencies};
use crate::plan::Kind;
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts by kind of work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally(BTreeMap<Kind, KindTally>);

/// Counts of one kind of work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KindTally {
    /// Payload of what was done, in bytes: sent by writes, received by reads.
    pub bytes: u64,
    /// Requests that were sent again because the server asked to come more slowly.
    pub retries: u64,
    /// Latencies of what was done, from the intended start.
    pub latency: Latencies,
    /// The same, from the real start. It differs in an open loop that is behind.
    pub service: Latencies,
    /// What was not done.
    pub failures: BTreeMap<Failure, u64>,
}

impl KindTally {
    /// How many were done.
    pub fn done(&self) -> u64 {
        self.latency.count()
    }

    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    fn merge(&mut self, other: &KindTally) {
        self.bytes += other.bytes;
        self.retries += other.retries;
        self.latency.merge(&other.latency);
        self.service.merge(&other.service);
        for (failure, count) in &other.failures {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
    }
}

impl Tally {
    /// Counts something done.
    pub fn done(&mut self, kind: Kind, bytes: u64, latency: Duration, service: Duration) {
        let of_kind = self.0.entry(kind).or_default();
        of_kind.bytes += bytes;
        of_kind.latency.record(latency);
        of_kind.service.record(service);
    }

    /// Counts something that failed.
    pub fn failed(&mut self, kind: Kind, failure: Failure) {
        *self.0.entry(kind).or_default().failures.entry(failure).or_default() += 1;
    }

    /// Counts a request sent again.
    pub fn retried(&mut self, kind: Kind) {
        self.0.entry(kind).or_default().retries += 1;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Tally) {
        for (kind, of_kind) in &other.0 {
            self.0.entry(*kind).or_default().merge(of_kind);
        }
    }

    /// By kind, in the order of reports.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, &KindTally)> {
        self.0.iter().map(|(kind, of_kind)| (*kind, of_kind))
    }

    /// Requests, done or failed.
    pub fn requests(&self) -> u64 {
        let requests = self.kinds().filter(|(kind, _)| kind.is_request());
        requests.map(|(_, of_kind)| of_kind.done() + of_kind.failed()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::FailureKind;
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Event {
        Done(Kind, u64, u64),
        Failed(Kind, u16),
        Retried(Kind),
    }

    fn event() -> impl Strategy<Value = Event> {
        let kind = prop::sample::select(Kind::ALL.to_vec());
        prop_oneof![
            (kind.clone(), 0u64..1000, 1u64..100_000)
                .prop_map(|(kind, bytes, micros)| Event::Done(kind, bytes, micros)),
            (kind.clone(), 500u16..505).prop_map(|(kind, status)| Event::Failed(kind, status)),
            kind.prop_map(Event::Retried),
        ]
    }

    fn tally(events: &[Event]) -> Tally {
        let mut tally = Tally::default();
        for event in events {
            match event {
                Event::Done(kind, bytes, micros) => {
                    tally.done(*kind, *bytes, Duration::from_micros(*micros), Duration::from_micros(1));
                }
                Event::Failed(kind, status) => tally.failed(*kind, Failure::status(*status, Some("X"))),
                Event::Retried(kind) => tally.retried(*kind),
            }
        }
        tally
    }

    #[test]
    fn a_composite_is_not_counted_with_its_requests() {
        let mut tally = Tally::default();
        for kind in [Kind::Multipart, Kind::UploadPart, Kind::UploadPart] {
            tally.done(kind, 5, Duration::ZERO, Duration::ZERO);
        }
        tally.failed(Kind::CompleteUpload, Failure::new(FailureKind::Timeout, "60 s"));
        assert_eq!(tally.requests(), 3);
    }

    proptest! {
        #[test]
        fn seconds_add_up_to_the_whole(events in prop::collection::vec(event(), 0..60), cut: prop::sample::Index) {
            let cut = cut.index(events.len() + 1);
            let mut merged = tally(&events[..cut]);
            merged.merge(&tally(&events[cut..]));
            prop_assert_eq!(merged, tally(&events));
        }
    }
}
