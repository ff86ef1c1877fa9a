//! How long clients waited while others took over.

use std::fmt;
use std::time::Duration;

/// The longest time in which a gateway served nothing, the worst gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gaps {
    /// No write.
    pub writes: Duration,
    /// No read.
    pub reads: Duration,
}

impl Gaps {
    /// The distribution of many of them, for the report.
    pub fn distribution(gaps: &[Gaps]) -> String {
        let writes = spread(gaps.iter().map(|gap| gap.writes).collect());
        let reads = spread(gaps.iter().map(|gap| gap.reads).collect());
        format!("{} times: no write for {writes}; no read for {reads}", gaps.len())
    }
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no write for {:.2} s, no read for {:.2} s",
            self.writes.as_secs_f64(),
            self.reads.as_secs_f64()
        )
    }
}

/// The middle and the worst of some times.
pub(super) fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent).div_ceil(100).max(1) - 1;
        times.get(index).copied().unwrap_or_default().as_secs_f64()
    };
    format!("{:.2} s (p50), {:.2} s (p90), {:.2} s (max)", at(50), at(90), at(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_names_the_middle_and_the_worst() {
        let times = (1..=10).map(Duration::from_secs).collect();
        assert_eq!(spread(times), "5.00 s (p50), 9.00 s (p90), 10.00 s (max)");
        assert_eq!(spread(vec![Duration::from_secs(1)]), "1.00 s (p50), 1.00 s (p90), 1.00 s (max)");
    }
}
