//! The process's clock, which tests may shift.

use esker_env::{Clock, SystemClock};
use esker_types::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Shifts the wall clock of the process by so many seconds, forwards or backwards. For tests of clocks that are wrong.
const OFFSET: &str = "ESKER_TEST_CLOCK_OFFSET_SECONDS";

/// The operating system's clock, shifted if the environment says so.
pub(crate) fn clock() -> Arc<dyn Clock> {
    let given = std::env::var(OFFSET).ok().and_then(|text| text.trim().parse::<i64>().ok());
    match given {
        None | Some(0) => Arc::new(SystemClock::new()),
        Some(offset_seconds) => {
            tracing::warn!(offset_seconds, "{OFFSET} is set: this process lives at a wrong time");
            Arc::new(ShiftedClock { clock: SystemClock::new(), offset_seconds })
        }
    }
}

#[derive(Debug)]
struct ShiftedClock {
    clock: SystemClock,
    offset_seconds: i64,
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.clock.now().0.saturating_add_signed(self.offset_seconds.saturating_mul(1_000_000)))
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_differs_by_its_offset_and_measures_time_all_the_same() {
        let real = SystemClock::new().now().0;
        for offset_seconds in [3600, -3600] {
            let shifted = ShiftedClock { clock: SystemClock::new(), offset_seconds };
            let off = i128::from(shifted.now().0) - i128::from(real) - i128::from(offset_seconds) * 1_000_000;
            assert!((0..60_000_000).contains(&off), "{off}");
            assert!(shifted.monotonic() <= shifted.monotonic());
        }
    }
}
