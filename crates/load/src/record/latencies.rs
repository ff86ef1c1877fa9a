//! Latencies in a histogram with a relative error of at most 0.1 %.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use std::time::Duration;

/// Three decimal digits are kept.
const DIGITS: u8 = 3;
/// What is longer counts as this: an hour, in microseconds.
const MICROS_MAX: u64 = 3_600_000_000;

/// Latencies, counted in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Latencies(Histogram<u64>);

/// The text is no histogram.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no histogram in base64, V2 with deflate: {0}")]
pub struct NotHistogram(String);

impl Default for Latencies {
    fn default() -> Latencies {
        #[expect(clippy::expect_used, reason = "three digits are allowed, and the histogram grows by itself")]
        Latencies(Histogram::new(DIGITS).expect("the precision is valid"))
    }
}

impl Latencies {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).clamp(1, MICROS_MAX);
        // It grows up to any number, so there is no error.
        let _ = self.0.record(micros);
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Latencies) {
        // As above: it grows.
        let _ = self.0.add(&other.0);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// In microseconds, the latency that a share of all don't exceed; 0 if there are none.
    pub fn quantile_micros(&self, share: f64) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.value_at_quantile(share).min(self.0.max()) }
    }

    /// The longest, in microseconds; 0 if there are none.
    pub fn max_micros(&self) -> u64 {
        self.0.max()
    }

    /// The mean, in microseconds; 0 if there are none.
    pub fn mean_micros(&self) -> f64 {
        self.0.mean()
    }

    /// As text that other tools for HDR histograms read too: format V2, deflated, in base64.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        #[expect(clippy::expect_used, reason = "memory takes any number of bytes")]
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes).expect("memory has no write errors");
        STANDARD.encode(bytes)
    }

    /// From such a text.
    ///
    /// # Errors
    /// If it is none.
    pub fn decode(text: &str) -> Result<Latencies, NotHistogram> {
        let bytes = STANDARD.decode(text).map_err(|error| NotHistogram(error.to_string()))?;
        let histogram = Deserializer::new().deserialize(&mut bytes.as_slice());
        histogram.map(Latencies).map_err(|error| NotHistogram(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(micros: &[u64]) -> Latencies {
        let mut latencies = Latencies::default();
        for micros in micros {
            latencies.record(Duration::from_micros(*micros));
        }
        latencies
    }

    #[test]
    fn extremes_are_kept_within_an_hour() {
        let latencies = of(&[0, u64::MAX]);
        assert_eq!(latencies.count(), 2);
        assert_eq!(latencies.quantile_micros(0.5), 1);
        assert!(latencies.max_micros().abs_diff(MICROS_MAX) <= MICROS_MAX / 1000);
        assert_eq!((Latencies::default().max_micros(), Latencies::default().quantile_micros(0.99)), (0, 0));
    }

    // Stored reports must stay readable. Another deflate may write other bytes; all read these.
    #[test]
    fn a_text_of_the_first_version_is_read() {
        let golden = "HISTFAAAADR4nC2GMQ0AIAwEv2VlY8ULTlCDAzQRtLDhoE36vVxy19duACpIyQpjNj7vip7wTXWdXAgn";
        assert_eq!(Latencies::decode(golden).expect("valid"), of(&[100, 200, 300, 40_000]));
    }

    proptest! {
        #[test]
        fn merging_is_counting_together(a in prop::collection::vec(1u64..10_000_000, 0..50), b in prop::collection::vec(1u64..10_000_000, 0..50)) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(&merged, &of(&[a, b].concat()));
            let again = Latencies::decode(&merged.encode()).expect("a histogram");
            prop_assert_eq!(&again, &merged);
        }

        #[test]
        fn quantiles_are_exact_to_one_part_in_a_thousand(mut values in prop::collection::vec(1u64..100_000_000, 1..200), share in 0.0..1.0f64) {
            let found = of(&values).quantile_micros(share);
            values.sort_unstable();
            let rank = crate::plan::whole((share * values.len() as f64).ceil()).max(1);
            let exact = values[usize::try_from(rank - 1).unwrap()];
            prop_assert!(found.abs_diff(exact) <= exact / 1000 + 1, "{} {}", found, exact);
        }

        #[test]
        fn decoding_never_panics(text in "[A-Za-z0-9+/=]{0,64}") {
            let _ = Latencies::decode(&text);
        }
    }
}
