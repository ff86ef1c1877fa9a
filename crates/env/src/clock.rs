//! Where time comes from.

use esker_types::Timestamp;
use std::fmt::Debug;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time.
pub trait Clock: Send + Sync + Debug {
    /// The wall clock. It may jump in both directions; never measure a duration with it.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary origin of this clock. It never goes backwards.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic origin is this moment.
    #[expect(clippy::disallowed_methods, reason = "this is the seam that the ban points to")]
    pub fn new() -> SystemClock {
        SystemClock { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the seam that the ban points to")]
    fn now(&self) -> Timestamp {
        // A clock set before 1970 reads as 1970: there is no earlier timestamp, and a panic would help nobody.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// Processor time that this process has used since it began, on all processors together.
pub fn process_cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let part = |part: i64| u64::try_from(part).unwrap_or_default();
    Duration::from_secs(part(used.tv_sec)) + Duration::from_nanos(part(used.tv_nsec))
}

/// A clock that moves only when it is told to.
#[derive(Debug)]
pub struct ManualClock {
    time: Mutex<ManualTime>,
}

#[derive(Debug, Clone, Copy)]
struct ManualTime {
    wall: Timestamp,
    monotonic: Duration,
}

impl ManualClock {
    /// A clock that shows `now`, with its monotonic time at zero.
    pub fn new(now: Timestamp) -> ManualClock {
        ManualClock { time: Mutex::new(ManualTime { wall: now, monotonic: Duration::ZERO }) }
    }

    /// Lets time pass: both clocks move on by `by`.
    pub fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.update(|time| {
            time.wall = Timestamp(time.wall.0.saturating_add(micros));
            time.monotonic = time.monotonic.saturating_add(by);
        });
    }

    /// Sets the wall clock, forwards or backwards, as an administrator or NTP does. No monotonic time passes.
    pub fn jump_to(&self, wall: Timestamp) {
        self.update(|time| time.wall = wall);
    }

    fn update(&self, change: impl FnOnce(&mut ManualTime)) {
        change(&mut self.time.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    fn read(&self) -> ManualTime {
        *self.time.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.read().wall
    }

    fn monotonic(&self) -> Duration {
        self.read().monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_wall_clock_leaves_monotonic_time_alone() {
        let clock = ManualClock::new(Timestamp::from_millis(5_000));
        clock.advance(Duration::from_millis(250));
        assert_eq!(clock.now(), Timestamp::from_millis(5_250));
        assert_eq!(clock.monotonic(), Duration::from_millis(250));
        clock.jump_to(Timestamp::from_millis(1_000));
        assert_eq!(clock.now(), Timestamp::from_millis(1_000));
        assert_eq!(clock.monotonic(), Duration::from_millis(250));
    }

    #[test]
    fn processor_time_moves_on_with_work() {
        let before = process_cpu_time();
        while process_cpu_time() == before {
            std::hint::spin_loop();
        }
        assert!(process_cpu_time() > before);
    }

    #[test]
    fn the_system_clock_shows_a_time_after_this_code_was_written_and_moves_on() {
        let clock = SystemClock::new();
        assert!(clock.now() > Timestamp::from_millis(1_735_689_600_000), "after 2025-01-01");
        let before = clock.monotonic();
        while clock.monotonic() == before {
            std::hint::spin_loop();
        }
        assert!(clock.monotonic() > before);
    }
}
