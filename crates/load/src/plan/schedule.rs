//! When requests begin.
//!
//! In a closed loop each worker begins a request when its last one has ended, so a server that stalls is asked less, and
//! the stall is in a few latencies only: they omit, in coordination with the server, what others would have waited. In
//! an open loop requests have intended times that don't depend on replies, and latency counts from those; what can't
//! begin in time because all connections are busy is late, and its lateness is in its latency.

use esker_env::Random;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Meaningless;

/// How requests follow one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each worker goes as fast as it is answered.
    Closed,
    /// As closed, but not more than so many requests a second, of all workers. A late request delays those after it;
    /// nothing is caught up.
    Limited {
        /// Requests a second.
        rate: f64,
    },
    /// Requests are intended at times of their own.
    Open {
        /// Requests a second.
        rate: f64,
        /// How they come.
        arrivals: Arrivals,
    },
}

/// How the requests of an open loop come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances.
    Even,
    /// As those of many independent clients: a Poisson process.
    Poisson,
}

impl Pace {
    /// The part of the load that one of `count` threads makes.
    pub fn share(self, count: usize) -> Pace {
        let part = |rate: f64| rate / count.max(1) as f64;
        match self {
            Pace::Closed => Pace::Closed,
            Pace::Limited { rate } => Pace::Limited { rate: part(rate) },
            Pace::Open { rate, arrivals } => Pace::Open { rate: part(rate), arrivals },
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pace::Closed => f.write_str("closed loop"),
            Pace::Limited { rate } => write!(f, "closed loop, at most {rate}/s"),
            Pace::Open { rate, arrivals } => write!(f, "open loop, {rate}/s, {arrivals}"),
        }
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Arrivals::Even => "even",
            Arrivals::Poisson => "poisson",
        })
    }
}

impl FromStr for Arrivals {
    type Err = Meaningless;

    fn from_str(text: &str) -> Result<Arrivals, Meaningless> {
        match text {
            "even" => Ok(Arrivals::Even),
            "poisson" => Ok(Arrivals::Poisson),
            _ => Err(Meaningless::new(text, "kind of arrivals", "even or poisson")),
        }
    }
}

/// When the next request is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// At once; its latency counts from when it begins.
    Now,
    /// Not before this time; its latency counts from when it begins.
    NotBefore(Duration),
    /// At this time; its latency counts from then, whenever it begins.
    At(Duration),
}

/// Hands out turns to the workers of one thread. Times are since the load's start.
#[derive(Debug)]
pub struct Schedule {
    pace: Pace,
    /// Turns handed out.
    count: u64,
    /// In a limited loop, the earliest time of the next turn; in an open loop with random arrivals, the last arrival.
    mark: Duration,
    /// The distance of this thread's turns from those of the first, so that threads take turns.
    offset: Duration,
}

impl Schedule {
    /// The schedule of thread `index` of `threads`, of a load of this pace.
    pub fn new(pace: Pace, index: usize, threads: usize) -> Schedule {
        let offset = match pace {
            Pace::Open { rate, arrivals: Arrivals::Even } => seconds(index as f64 / rate),
            _ => Duration::ZERO,
        };
        Schedule { pace: pace.share(threads), count: 0, mark: Duration::ZERO, offset }
    }

    /// The next turn, taken at `now`.
    pub fn next(&mut self, now: Duration, random: &dyn Random) -> Turn {
        let number = self.count;
        self.count += 1;
        match self.pace {
            Pace::Closed => Turn::Now,
            Pace::Limited { rate } => {
                let turn = self.mark.max(now);
                self.mark = turn + seconds(1.0 / rate);
                Turn::NotBefore(turn)
            }
            Pace::Open { rate, arrivals: Arrivals::Even } => {
                Turn::At(self.offset + seconds(number as f64 / rate))
            }
            Pace::Open { rate, arrivals: Arrivals::Poisson } => {
                // 53 bits, and never 0, whose logarithm doesn't exist.
                let unit = ((random.u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
                self.mark += seconds(-unit.ln() / rate);
                Turn::At(self.mark)
            }
        }
    }

    /// How many requests an open loop intends before `end` that nobody has taken; takes them.
    pub fn missed(&mut self, end: Duration, random: &dyn Random) -> u64 {
        if !matches!(self.pace, Pace::Open { .. }) {
            return 0;
        }
        let mut missed = 0;
        while matches!(self.next(end, random), Turn::At(at) if at < end) {
            missed += 1;
        }
        missed
    }
}

/// Saturates at a century, which outlasts every run.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(100 * 365 * 86_400))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::SeededRandom;
    use proptest::prelude::*;

    fn at(turn: Turn) -> Duration {
        match turn {
            Turn::At(at) => at,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn intended_times_do_not_depend_on_when_they_are_asked_for() {
        let random = SeededRandom::new(1);
        let pace = Pace::Open { rate: 1000.0, arrivals: Arrivals::Even };
        let mut schedule = Schedule::new(pace, 0, 1);
        let times: Vec<Duration> =
            [0, 900, 900, 900].map(|now| at(schedule.next(Duration::from_millis(now), &random))).into();
        assert_eq!(times, [0, 1, 2, 3].map(Duration::from_millis));
        assert_eq!(schedule.missed(Duration::from_millis(10), &random), 6);
        assert_eq!(schedule.missed(Duration::from_millis(10), &random), 0);
    }

    #[test]
    fn threads_take_turns() {
        let random = SeededRandom::new(1);
        let pace = Pace::Open { rate: 1000.0, arrivals: Arrivals::Even };
        let mut times: Vec<Duration> = Vec::new();
        for thread in 0..4 {
            let mut schedule = Schedule::new(pace, thread, 4);
            times.extend((0..25).map(|_| at(schedule.next(Duration::ZERO, &random))));
        }
        times.sort();
        let expected: Vec<Duration> = (0..100).map(Duration::from_millis).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn a_limited_loop_catches_nothing_up() {
        let random = SeededRandom::new(1);
        let mut schedule = Schedule::new(Pace::Limited { rate: 10.0 }, 0, 1);
        let mut turn = |now| match schedule.next(Duration::from_millis(now), &random) {
            Turn::NotBefore(at) => at.as_millis(),
            other => panic!("{other:?}"),
        };
        assert_eq!([turn(0), turn(0), turn(5_000), turn(5_000)], [0, 100, 5_000, 5_100]);
    }

    proptest! {
        #[test]
        fn random_arrivals_keep_the_rate_and_never_go_back(seed: u64, rate in 10.0..10_000.0f64) {
            let random = SeededRandom::new(seed);
            let mut schedule = Schedule::new(Pace::Open { rate, arrivals: Arrivals::Poisson }, 0, 1);
            let mut last = Duration::ZERO;
            for _ in 0..5_000 {
                let next = at(schedule.next(Duration::ZERO, &random));
                prop_assert!(next >= last);
                last = next;
            }
            // 5,000 gaps: the mean of their sum is 5,000 / rate, its standard deviation 1.4 % of that.
            let expected = 5_000.0 / rate;
            prop_assert!((last.as_secs_f64() / expected - 1.0).abs() < 0.1);
        }
    }
}
