//! For how long a put waits for replicas that hold it up.

use std::time::Duration;
use tokio::time::Instant;

/// What a put waits for, apart from its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backlog {
    /// Every replica has room; some may not have answered.
    Clear,
    /// Replicas without which the write quorum is out of reach have no room.
    Needed,
    /// Replicas that can be spared have no room.
    Spare,
    /// The same, and they were not well to begin with.
    SpareUnwell,
}

/// The clock of one put.
#[derive(Debug)]
pub(crate) struct Patience {
    /// For how long nothing may move at all.
    stall: Duration,
    /// For how long nothing may move because of replicas that can be spared.
    spare: Duration,
    moved: Instant,
    /// What is left of the time that replicas that can be spared may cost in all: one that trickles moves all the
    /// time, and would take the put's speed down to its own.
    left: Duration,
    /// Since when they cost time.
    behind_since: Option<Instant>,
}

/// How many times the patience with one hold-up all of them together may cost.
const HOLD_UPS: u32 = 4;

impl Patience {
    pub(crate) fn new(stall: Duration, spare: Duration, now: Instant) -> Patience {
        Patience { stall, spare, moved: now, left: spare * HOLD_UPS, behind_since: None }
    }

    /// Something moved.
    pub(crate) fn moved(&mut self, now: Instant) {
        self.moved = now;
    }

    /// When somebody is to be given up, unless something moves before.
    pub(crate) fn ends(&mut self, backlog: Backlog, now: Instant) -> Instant {
        match backlog {
            Backlog::Clear | Backlog::Needed => {
                if let Some(since) = self.behind_since.take() {
                    self.left = self.left.saturating_sub(now - since);
                }
                self.moved + self.stall
            }
            Backlog::SpareUnwell => now,
            Backlog::Spare => {
                let since = *self.behind_since.get_or_insert(now);
                (self.moved + self.spare).min(since + self.left)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn patience() -> (Patience, Instant) {
        let begin = Instant::now();
        (Patience::new(ms(10_000), ms(500), begin), begin)
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_is_needed_is_waited_for_longer_than_one_that_can_be_spared() {
        let (mut patience, begin) = patience();
        assert_eq!(patience.ends(Backlog::Clear, begin), begin + ms(10_000));
        assert_eq!(patience.ends(Backlog::Needed, begin), begin + ms(10_000));
        assert_eq!(patience.ends(Backlog::Spare, begin), begin + ms(500));
        assert_eq!(patience.ends(Backlog::SpareUnwell, begin + ms(3)), begin + ms(3));
        patience.moved(begin + ms(70));
        assert_eq!(patience.ends(Backlog::Spare, begin + ms(80)), begin + ms(570));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickling_replica_is_given_up_after_a_few_hold_ups() {
        let (mut patience, mut now) = patience();
        let mut held_up = 0;
        while patience.ends(Backlog::Spare, now) >= now + ms(400) {
            now += ms(400);
            held_up += 400;
            patience.moved(now);
            patience.ends(Backlog::Clear, now);
            now += ms(5_000);
            patience.moved(now);
        }
        assert_eq!(held_up, 2_000, "time in which it held up nobody does not count");
    }
}
