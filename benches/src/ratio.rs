//! How much slower one thing is than another: the two take turns, so that what else the machine does hits both.

use esker_env::{Clock, SystemClock};
use std::time::Duration;

/// How often each is timed.
const ROUNDS: usize = 41;

/// Median times of two things.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// That of the one, which is the measure.
    pub one: Duration,
    /// That of the other.
    pub other: Duration,
}

impl Ratio {
    /// Times both.
    pub fn measure(one: &dyn Fn(), other: &dyn Fn()) -> Ratio {
        let clock = SystemClock::new();
        let time = |run: &dyn Fn()| {
            let start = clock.monotonic();
            run();
            clock.monotonic() - start
        };
        let times: (Vec<_>, Vec<_>) = (0..ROUNDS).map(|_| (time(one), time(other))).unzip();
        Ratio { one: median(times.0), other: median(times.1) }
    }

    /// The other in units of the one.
    pub fn value(&self) -> f64 {
        self.other.as_secs_f64() / self.one.as_secs_f64()
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_untouched_by_a_hiccup() {
        let times = [3, 1, 1000, 2, 4].map(Duration::from_millis);
        assert_eq!(median(times.to_vec()), Duration::from_millis(3));
    }
}
