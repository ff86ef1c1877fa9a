//! The clocks of simulated machines: the simulation's time, shifted as far as a machine's clock is wrong.

use esker_env::Clock;
use esker_types::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// When every simulation begins: 2026-01-02, in microseconds.
const BEGIN_MICROS: u64 = 1_767_323_045_000_000;

/// How much time has passed in the simulation, in microseconds. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct SimTime(Arc<AtomicU64>);

impl SimTime {
    /// How much time has passed.
    pub fn elapsed(&self) -> Duration {
        // What a host sees within a step is finer; between the steps there is no host.
        if let Some(now) = turmoil::sim_elapsed() {
            self.reach(now);
        }
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }

    /// So much time has passed.
    pub fn reach(&self, now: Duration) {
        self.0.fetch_max(u64::try_from(now.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// The clock of a machine.
#[derive(Debug)]
pub struct SimClock {
    time: SimTime,
    /// By how many microseconds the wall clock is wrong.
    offset: AtomicI64,
}

impl SimClock {
    /// A clock that is right.
    pub fn new(time: SimTime) -> SimClock {
        SimClock { time, offset: AtomicI64::new(0) }
    }

    /// Makes the wall clock wrong by so many milliseconds.
    pub fn shift_to(&self, millis: i64) {
        self.offset.store(millis * 1000, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let right = BEGIN_MICROS + u64::try_from(self.time.elapsed().as_micros()).unwrap_or(u64::MAX);
        Timestamp(right.saturating_add_signed(self.offset.load(Ordering::Relaxed)))
    }

    fn monotonic(&self) -> Duration {
        self.time.elapsed()
    }
}
