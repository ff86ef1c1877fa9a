//! When a gateway stops waiting for a Raft group that nobody can reach: pure.
//!
//! A request may wait for a leader as long as an election takes, and some more. Once the group has been silent for that
//! long, waiting is of no use to anybody: further requests are refused at once, until somebody has heard the group
//! again. Who listens for it meanwhile is the caller's affair.

use std::time::Duration;

/// What was heard of a group. Times are of one monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Silence {
    /// How long a request may wait, and how long a silence lasts before requests are refused.
    patience: Duration,
    /// When the group last answered.
    heard: Duration,
    /// Since when it is known not to have answered; none if its last word is all that is known.
    since: Option<Duration>,
}

impl Silence {
    /// Nothing is known to be wrong.
    pub(crate) fn none(patience: Duration, now: Duration) -> Silence {
        Silence { patience, heard: now, since: None }
    }

    /// For how long a request may wait from now on that began at `began`; none if not at all.
    pub(crate) fn left(&self, began: Duration, now: Duration) -> Option<Duration> {
        let end = self.since.map_or(began, |since| since.min(began)) + self.patience;
        end.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Whether the group is being listened for.
    pub(crate) fn lasts(&self) -> bool {
        self.since.is_some()
    }

    /// The group answered.
    pub(crate) fn broken(&mut self, now: Duration) {
        self.heard = self.heard.max(now);
        self.since = None;
    }

    /// A request that began at `began` has no answer yet. One that is older than the group's last word tells of the
    /// time since then.
    pub(crate) fn noticed(&mut self, began: Duration) {
        let since = began.max(self.heard);
        self.since = Some(self.since.map_or(since, |known| known.min(since)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: u64 = 60;

    fn at(time: u64) -> Duration {
        Duration::from_secs(time)
    }

    fn left(silence: &Silence, now: u64) -> Option<u64> {
        silence.left(at(now), at(now)).map(|left| left.as_secs())
    }

    #[test]
    fn requests_wait_less_and_less_and_then_not_at_all_until_the_group_is_heard_again() {
        let mut silence = Silence::none(at(PATIENCE), at(0));
        assert_eq!(left(&silence, 1_000), Some(60), "nobody has asked for long, and that proves nothing");
        silence.noticed(at(1_000));
        assert_eq!((left(&silence, 1_020), left(&silence, 1_059)), (Some(40), Some(1)));
        assert_eq!((left(&silence, 1_060), left(&silence, 9_000)), (None, None));
        silence.broken(at(9_001));
        assert_eq!((left(&silence, 9_001), silence.lasts()), (Some(60), false));
        silence.noticed(at(8_000));
        assert_eq!(
            left(&silence, 9_011),
            Some(50),
            "an old request tells nothing of the time before the answer"
        );
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Answered,
        /// A request has waited for so long.
        Waited(u64),
    }

    fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
        let event = prop_oneof![1 => Just(Event::Answered), 3 => (0..100_u64).prop_map(Event::Waited)];
        proptest::collection::vec((0..40_u64, event), 1..40)
    }

    proptest! {
        /// Judged by the whole history instead of what is remembered of it.
        #[test]
        fn a_request_is_refused_at_once_only_if_one_has_waited_in_vain_since_before(history in events()) {
            let mut silence = Silence::none(at(PATIENCE), at(1_000));
            let (mut now, mut heard, mut waiting) = (1_000, 1_000, Vec::new());
            for (pause, event) in history {
                now += pause;
                match event {
                    Event::Answered => {
                        silence.broken(at(now));
                        heard = now;
                        waiting.clear();
                    }
                    Event::Waited(time) => {
                        silence.noticed(at(now - time));
                        waiting.push((now - time).max(heard));
                    }
                }
                let since = waiting.iter().min();
                let expected = since.map_or(Some(PATIENCE), |since| {
                    (since + PATIENCE).checked_sub(now).filter(|left| *left > 0)
                });
                prop_assert_eq!(left(&silence, now), expected);
                prop_assert!(left(&silence, now).is_some() || now - heard >= PATIENCE);
                prop_assert_eq!(silence.lasts(), since.is_some());
            }
        }
    }
}
