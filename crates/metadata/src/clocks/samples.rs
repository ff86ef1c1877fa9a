//! What this node knows of the clocks of others, and whether it may trust its own.
//!
//! A peer's clock is kept as its distance from this node's *monotonic* clock, so that a jump of this node's wall clock
//! shows at once, before any peer is heard of again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use esker_types::{NodeId, Timestamp};

/// A leader may be this far ahead of its quorum.
pub(crate) const AHEAD_MAX: Duration = Duration::from_secs(5);
/// What was heard longer ago than this says nothing: a leader hears of its followers many times a second.
const AGE_MAX: Duration = Duration::from_secs(10);
/// An answer that took longer says too little about when it was given.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(2);

/// The clocks of other nodes.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    peers: Mutex<BTreeMap<NodeId, Sample>>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// The peer's wall clock, minus this node's monotonic one, in microseconds.
    distance_micros: i128,
    /// When, by this node's monotonic clock.
    at: Duration,
}

/// When a peer told its clock, by this node's monotonic clock: between these two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoundTrip {
    pub(crate) sent: Duration,
    pub(crate) received: Duration,
}

/// Whether a leader may date proposals by its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Its quorum's clocks agree.
    Trusted,
    /// It is too far ahead of its quorum, whose median is this: it must not.
    Ahead { median: Timestamp },
    /// It is as far behind: the group's time stands still until its clock is there. That does no harm, but another
    /// node should lead.
    Behind { median: Timestamp },
    /// It has not heard of enough clocks lately.
    Unknown,
}

impl Samples {
    /// Notes what a peer's clock showed.
    pub(crate) fn record(&self, node: NodeId, clock: Timestamp, trip: RoundTrip) {
        let took = trip.received.saturating_sub(trip.sent);
        if clock == Timestamp(0) || took > ROUND_TRIP_MAX {
            return;
        }
        let told_at = trip.sent + took / 2;
        let sample = Sample { distance_micros: micros(clock) - duration_micros(told_at), at: trip.received };
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).insert(node, sample);
    }

    /// A peer's clock now, if it was heard of lately.
    pub(crate) fn estimate(&self, node: NodeId, monotonic: Duration) -> Option<Timestamp> {
        let sample = *self.peers.lock().unwrap_or_else(PoisonError::into_inner).get(&node)?;
        if monotonic.saturating_sub(sample.at) > AGE_MAX {
            return None;
        }
        let now = sample.distance_micros + duration_micros(monotonic);
        Some(Timestamp(u64::try_from(now.max(0)).unwrap_or(u64::MAX)))
    }

    /// Compares a leader's clock with those of the voters, its own among them if it votes. A tie of two goes to the
    /// earlier one: time that went ahead can't be taken back.
    pub(crate) fn judge(
        &self,
        own: NodeId,
        now: Timestamp,
        monotonic: Duration,
        voters: impl IntoIterator<Item = NodeId>,
    ) -> Trust {
        let mut count = 0;
        let mut clocks = Vec::new();
        for voter in voters {
            count += 1;
            clocks.extend(if voter == own { Some(now) } else { self.estimate(voter, monotonic) });
        }
        if count == 0 || clocks.len() <= count / 2 {
            return Trust::Unknown;
        }
        clocks.sort_unstable();
        let median = clocks[(clocks.len() - 1) / 2];
        match (is_ahead(now, median), is_ahead(median, now)) {
            (true, _) => Trust::Ahead { median },
            (_, true) => Trust::Behind { median },
            _ => Trust::Trusted,
        }
    }
}

/// Whether two clocks are too far apart.
pub(crate) fn differ(one: Timestamp, other: Timestamp) -> bool {
    is_ahead(one, other) || is_ahead(other, one)
}

/// Whether a clock is too far ahead of another one.
fn is_ahead(clock: Timestamp, of: Timestamp) -> bool {
    Duration::from_micros(clock.0.saturating_sub(of.0)) > AHEAD_MAX
}

fn micros(time: Timestamp) -> i128 {
    i128::from(time.0)
}

fn duration_micros(duration: Duration) -> i128 {
    i128::try_from(duration.as_micros()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: u64 = 3_600_000;

    fn at(millis: u64) -> RoundTrip {
        RoundTrip { sent: Duration::from_millis(millis), received: Duration::from_millis(millis) }
    }

    fn voters(count: u64) -> impl Iterator<Item = NodeId> {
        (1..=count).map(NodeId)
    }

    /// Node 1 leads, and hears at its monotonic time zero what the others' clocks show, in milliseconds.
    fn heard(clocks: &[u64]) -> Samples {
        let samples = Samples::default();
        for (node, clock) in (2..).zip(clocks) {
            samples.record(NodeId(node), Timestamp::from_millis(*clock), at(0));
        }
        samples
    }

    fn judge(samples: &Samples, now: u64, monotonic: u64, count: u64) -> Trust {
        let (now, monotonic) = (Timestamp::from_millis(now), Duration::from_millis(monotonic));
        samples.judge(NodeId(1), now, monotonic, voters(count))
    }

    #[test]
    fn a_jump_ahead_shows_at_once_and_time_that_passes_does_not() {
        let samples = heard(&[HOUR, HOUR]);
        assert_eq!(judge(&samples, HOUR, 0, 3), Trust::Trusted);
        assert_eq!(judge(&samples, HOUR + 9_000, 9_000, 3), Trust::Trusted);
        let median = Timestamp::from_millis(HOUR + 9_000);
        assert_eq!(judge(&samples, 2 * HOUR, 9_000, 3), Trust::Ahead { median });
        assert_eq!(judge(&samples, 9_000, 9_000, 3), Trust::Behind { median });
    }

    #[test]
    fn one_wrong_clock_among_three_changes_nothing() {
        for wrong in [0, 2 * HOUR] {
            assert_eq!(judge(&heard(&[wrong, HOUR]), HOUR, 0, 3), Trust::Trusted);
        }
        let ahead = Trust::Ahead { median: Timestamp::from_millis(HOUR) };
        assert_eq!(judge(&heard(&[HOUR, HOUR]), 2 * HOUR, 0, 3), ahead);
    }

    #[test]
    fn of_two_clocks_the_earlier_one_counts() {
        let samples = heard(&[HOUR]);
        assert!(matches!(judge(&samples, 2 * HOUR, 0, 3), Trust::Ahead { .. }));
        assert_eq!(judge(&samples, 0, 0, 3), Trust::Trusted);
    }

    #[test]
    fn without_a_quorum_of_fresh_clocks_nothing_is_known_and_alone_there_is_nothing_to_know() {
        assert_eq!(judge(&heard(&[]), HOUR, 0, 3), Trust::Unknown);
        assert_eq!(judge(&heard(&[HOUR]), HOUR, 0, 5), Trust::Unknown);
        assert_eq!(judge(&heard(&[HOUR, HOUR]), HOUR + 11_000, 11_000, 3), Trust::Unknown);
        assert_eq!(judge(&heard(&[]), HOUR, 0, 1), Trust::Trusted);
        assert_eq!(judge(&heard(&[HOUR]), HOUR, 0, 0), Trust::Unknown);
    }

    #[test]
    fn an_answer_that_took_long_or_tells_no_clock_is_no_sample() {
        let samples = Samples::default();
        let slow = RoundTrip { sent: Duration::ZERO, received: Duration::from_secs(3) };
        samples.record(NodeId(2), Timestamp::from_millis(HOUR), slow);
        samples.record(NodeId(3), Timestamp(0), at(0));
        assert_eq!(samples.estimate(NodeId(2), Duration::ZERO), None);
        assert_eq!(samples.estimate(NodeId(3), Duration::ZERO), None);
    }

    proptest! {
        #[test]
        fn whoever_is_trusted_is_not_ahead_of_most_of_those_it_heard(
            clocks in prop::collection::vec(0..100_000u64, 0..6),
            now in 0..100_000u64,
        ) {
            let count = clocks.len() as u64 + 1;
            if judge(&heard(&clocks), now, 0, count) == Trust::Trusted {
                let behind = clocks.iter().filter(|clock| **clock + 5_000 < now).count();
                prop_assert!(behind * 2 <= clocks.len());
            }
        }
    }
}
