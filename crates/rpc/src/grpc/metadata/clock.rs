//! The time of the nodes that judge deadlines, at a node that only gives them.

use esker_env::Clock;
use esker_types::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Shows the metadata layer's time, as its last answer told it and this machine's monotonic clock continues it. Until
/// the first answer it is this machine's own.
pub struct RemoteClock {
    own: Arc<dyn Clock>,
    /// The time there at a moment of the monotonic clock here.
    anchor: Mutex<Option<(Timestamp, Duration)>>,
}

impl RemoteClock {
    pub(super) fn new(own: Arc<dyn Clock>) -> RemoteClock {
        RemoteClock { own, anchor: Mutex::default() }
    }

    /// Notes the time that an answer told. It is late by the answer's way, so a deadline that is made of it is early
    /// by as much, never late.
    pub(super) fn follow(&self, told: Timestamp) {
        if told != Timestamp(0) {
            let anchor = Some((told, self.own.monotonic()));
            *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = anchor;
        }
    }
}

impl Clock for RemoteClock {
    fn now(&self) -> Timestamp {
        match *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((time, at)) => {
                let since = self.own.monotonic().saturating_sub(at).as_micros();
                Timestamp(time.0.saturating_add(u64::try_from(since).unwrap_or(u64::MAX)))
            }
            None => self.own.now(),
        }
    }

    fn monotonic(&self) -> Duration {
        self.own.monotonic()
    }
}

impl fmt::Debug for RemoteClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteClock").field("own", &self.own).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::ManualClock;

    #[test]
    fn the_clock_follows_what_it_is_told_whatever_the_own_one_shows() {
        let own = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
        let clock = RemoteClock::new(own.clone());
        assert_eq!(clock.now(), Timestamp::from_millis(1_000));
        clock.follow(Timestamp::from_millis(9_000_000));
        own.jump_to(Timestamp::from_millis(5));
        own.advance(Duration::from_millis(10));
        assert_eq!(clock.now(), Timestamp::from_millis(9_000_010));
        clock.follow(Timestamp(0));
        assert_eq!(
            clock.now(),
            Timestamp::from_millis(9_000_010),
            "an answer that tells no time changes nothing"
        );
    }
}
