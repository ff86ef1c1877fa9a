//! Latency histograms as a node's metrics tell them: counts of all requests since its start, by upper bound.

/// One metric's buckets: the upper bound in seconds, and how many were not slower. Ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets(Vec<(f64, f64)>);

impl Buckets {
    /// The buckets of a metric in Prometheus' text format, over all labels.
    pub(super) fn parse(metrics: &str, name: &str) -> Buckets {
        let mut buckets = Buckets::default();
        for line in metrics.lines() {
            let labels = line.strip_prefix(name).and_then(|rest| rest.strip_prefix("_bucket"));
            let Some((labels, count)) = labels.and_then(|rest| rest.rsplit_once(' ')) else { continue };
            let bound = labels.split("le=\"").nth(1).and_then(|rest| rest.split('"').next());
            let bound = match bound {
                Some("+Inf") => Some(f64::INFINITY),
                bound => bound.and_then(|bound| bound.parse().ok()),
            };
            if let (Some(bound), Ok(count)) = (bound, count.parse::<f64>()) {
                buckets.add(bound, count);
            }
        }
        buckets
    }

    fn add(&mut self, bound: f64, count: f64) {
        match self.0.iter_mut().find(|(other, _)| other.total_cmp(&bound).is_eq()) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((bound, count)),
        }
        self.0.sort_by(|one, other| one.0.total_cmp(&other.0));
    }

    /// What came since an earlier look at the same metric.
    pub(super) fn since(&self, earlier: &Buckets) -> Buckets {
        let before = |bound: f64| {
            let found = earlier.0.iter().find(|(other, _)| other.total_cmp(&bound).is_eq());
            found.map_or(0.0, |(_, count)| *count)
        };
        Buckets(self.0.iter().map(|(bound, count)| (*bound, count - before(*bound))).collect())
    }

    /// The least bound that this share did not exceed; none if nothing was counted.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let all = self.0.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
        self.0.iter().find(|(_, count)| *count >= all * share).map(|(bound, _)| *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "# TYPE a histogram\n\
        a_bucket{result=\"ok\",le=\"0.001\"} 90\na_bucket{result=\"ok\",le=\"0.01\"} 99\n\
        a_bucket{result=\"ok\",le=\"+Inf\"} 100\na_bucket{result=\"no\",le=\"0.001\"} 10\n\
        a_bucket{result=\"no\",le=\"0.01\"} 10\na_bucket{result=\"no\",le=\"+Inf\"} 10\na_sum 3\nab_bucket{le=\"1\"} 7\n";

    #[test]
    fn buckets_are_added_up_over_labels() {
        let buckets = Buckets::parse(METRICS, "a");
        assert_eq!(buckets.0, [(0.001, 100.0), (0.01, 109.0), (f64::INFINITY, 110.0)]);
        assert_eq!((buckets.quantile(0.5), buckets.quantile(0.99)), (Some(0.001), Some(0.01)));
    }

    #[test]
    fn only_what_came_since_counts() {
        let buckets = Buckets::parse(METRICS, "a");
        assert_eq!(buckets.since(&buckets).quantile(0.99), None);
        let later = Buckets::parse(
            "a_bucket{le=\"0.001\"} 100\na_bucket{le=\"0.01\"} 209\na_bucket{le=\"+Inf\"} 210\n",
            "a",
        );
        assert_eq!(later.since(&buckets).quantile(0.5), Some(0.01));
    }
}
