//! How fast nodes usually answer, so that one that does not can be told from all being slow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A running estimate of the median: each sample moves it by a sixteenth towards itself. Updates may be lost to one
/// another, which does no harm.
#[derive(Debug)]
pub(crate) struct Pace {
    micros: AtomicU64,
}

/// How many times the median is slow.
const SLOW_MEDIANS: u64 = 4;

impl Pace {
    pub(crate) fn new() -> Pace {
        Pace { micros: AtomicU64::new(1000) }
    }

    /// An answer took so long.
    pub(crate) fn sample(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let median = self.micros.load(Ordering::Relaxed);
        let step = (median / 16).max(1);
        let moved = if took > median { median.saturating_add(step) } else { median.saturating_sub(step) };
        self.micros.store(moved, Ordering::Relaxed);
    }

    /// After how long an answer is slow, within these bounds.
    pub(crate) fn slow(&self, min: Duration, max: Duration) -> Duration {
        let slow = self.micros.load(Ordering::Relaxed).saturating_mul(SLOW_MEDIANS);
        Duration::from_micros(slow).clamp(min, max.max(min))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_relative_to_what_is_usual() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(2));
        let pace = Pace::new();
        assert_eq!(pace.slow(min, max), min);
        for n in 0..200 {
            // One in ten is very slow: the median does not care.
            pace.sample(Duration::from_millis(if n % 10 == 0 { 10_000 } else { 90 }));
        }
        let slow = pace.slow(min, max);
        assert!(Duration::from_millis(300) < slow && slow < Duration::from_millis(500), "{slow:?}");
        (0..500).for_each(|_| pace.sample(Duration::from_secs(60)));
        assert_eq!(pace.slow(min, max), max);
        (0..500).for_each(|_| pace.sample(Duration::ZERO));
        assert_eq!(pace.slow(min, max), min);
    }
}
