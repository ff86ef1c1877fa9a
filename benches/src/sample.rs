//! What one turn of a load measured, and what many turns together say.

use std::time::Duration;

/// How long each request took.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    micros: Vec<u32>,
}

impl Latencies {
    /// Adds a request.
    pub fn add(&mut self, latency: Duration) {
        self.micros.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    /// Adds others.
    pub fn merge(&mut self, other: Latencies) {
        self.micros.extend(other.micros);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.micros.len() as u64
    }

    /// The latency that this share of the requests did not exceed; nothing if there are none.
    pub fn quantile(&mut self, share: f64) -> Duration {
        if self.micros.is_empty() {
            return Duration::ZERO;
        }
        let last = self.micros.len() - 1;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let at = ((self.micros.len() as f64 * share).ceil() as usize).saturating_sub(1).min(last);
        let (_, found, _) = self.micros.select_nth_unstable(at);
        Duration::from_micros(u64::from(*found))
    }
}

/// One turn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Replies a second.
    pub rate: f64,
    /// The median latency.
    pub p50: Duration,
    /// The latency that one reply in a hundred exceeded.
    pub p99: Duration,
    /// What the server's processes computed for one request.
    pub cpu: Duration,
    /// How many replies there were.
    pub requests: u64,
}

/// Turns of one subject.
#[derive(Clone, Debug, Default)]
pub struct Series(pub Vec<Sample>);

impl Series {
    /// The median of something of each turn.
    pub fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }

    /// The median rate.
    pub fn rate(&self) -> f64 {
        self.median(|sample| sample.rate)
    }

    /// The median of the turns' processor time for each request, in milliseconds.
    pub fn cpu_millis(&self) -> f64 {
        self.median(|sample| millis(sample.cpu))
    }

    /// This series in units of another that took turns with it: the median of the ratios of neighbours, so that what
    /// slows the machine down for a while falls on both.
    pub fn ratio(&self, to: &Series, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.0.iter().zip(&to.0).map(|(one, other)| of(one) / of(other)).collect())
    }
}

/// The median; 0 of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// A time in milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_latencies_that_occurred() {
        let mut all = Latencies::default();
        assert_eq!(all.quantile(0.5), Duration::ZERO);
        (1..=100).rev().for_each(|micros| all.add(Duration::from_micros(micros)));
        let found = [0.0, 0.5, 0.99, 1.0].map(|share| all.quantile(share).as_micros());
        assert_eq!(found, [1, 50, 99, 100]);
    }

    #[test]
    fn a_ratio_is_taken_of_neighbours() {
        let series =
            |rates: [f64; 3]| Series(rates.map(|rate| Sample { rate, ..Sample::default() }).to_vec());
        // The machine was slow in the middle.
        let (one, other) = (series([50.0, 5.0, 51.0]), series([100.0, 10.0, 100.0]));
        assert!((one.ratio(&other, |sample| sample.rate) - 0.5).abs() < 1e-9);
        assert!((other.rate() - 100.0).abs() < 1e-9);
    }
}
