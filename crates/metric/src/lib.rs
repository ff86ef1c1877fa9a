//! What a metric is: its name, its kind, its labels, and what it means to an operator.
//!
//! Each crate lists its metrics in a constant beside the code that moves them. From these lists the process describes
//! its metrics, and `docs/metrics.md` is written; so no metric is there without a meaning, nor a meaning without a metric.
//!
//! **Architecture Invariant:** no label has values that clients choose, such as names of buckets: `/metrics` does not
//! grow with the data.

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only up, from 0 at the start of the process.
    Counter,
    /// Up and down.
    Gauge,
    /// Observations, counted by size.
    Histogram(Buckets),
}

impl Kind {
    /// As Prometheus calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// The sizes by which a histogram counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buckets {
    /// Times, from a tenth of a millisecond to half a minute.
    Seconds,
    /// How many of something, by powers of 2.
    Counts,
}

impl Buckets {
    /// The upper bounds, in order.
    pub fn bounds(self) -> &'static [f64] {
        match self {
            Buckets::Seconds => &[
                0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
                5.0, 10.0, 30.0,
            ],
            Buckets::Counts => &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0],
        }
    }
}

/// What tells the series of a metric apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// All its values, if they are known beforehand: then each series is there from the start.
    pub values: &'static [&'static str],
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// `esker_<part>_<what>_<unit>`
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// What it tells, in a sentence without a full stop.
    pub meaning: &'static str,
    /// Its labels, in order.
    pub labels: &'static [Label],
}

impl Metric {
    /// A counter without labels.
    pub const fn counter(name: &'static str, meaning: &'static str) -> Metric {
        Metric { name, kind: Kind::Counter, meaning, labels: &[] }
    }

    /// A gauge without labels.
    pub const fn gauge(name: &'static str, meaning: &'static str) -> Metric {
        Metric { name, kind: Kind::Gauge, meaning, labels: &[] }
    }

    /// A histogram of times, without labels.
    pub const fn seconds(name: &'static str, meaning: &'static str) -> Metric {
        Metric { name, kind: Kind::Histogram(Buckets::Seconds), meaning, labels: &[] }
    }

    /// A histogram of counts, without labels.
    pub const fn counts(name: &'static str, meaning: &'static str) -> Metric {
        Metric { name, kind: Kind::Histogram(Buckets::Counts), meaning, labels: &[] }
    }

    /// The same with labels.
    pub const fn by(self, labels: &'static [Label]) -> Metric {
        Metric { labels, ..self }
    }

    /// Describes it to the recorder, and starts each of its series that is known beforehand at 0. A counter that appears
    /// with its first event hides that event: there is nothing before it that it could have grown from.
    pub fn register(&self) {
        match self.kind {
            Kind::Counter => metrics::describe_counter!(self.name, self.meaning),
            Kind::Gauge => metrics::describe_gauge!(self.name, self.meaning),
            Kind::Histogram(_) => metrics::describe_histogram!(self.name, self.meaning),
        }
        match self.labels {
            [] => self.start(&[]),
            [Label { name, values }] => values.iter().for_each(|value| self.start(&[(*name, *value)])),
            // Which of the combinations come to be is not known.
            _ => {}
        }
    }

    fn start(&self, labels: &[(&'static str, &'static str)]) {
        match self.kind {
            Kind::Counter => metrics::counter!(self.name, labels).increment(0),
            Kind::Gauge => metrics::gauge!(self.name, labels).increment(0.0),
            Kind::Histogram(_) => drop(metrics::histogram!(self.name, labels)),
        }
    }
}

/// A label whose values show only while the process runs.
pub const fn label(name: &'static str) -> Label {
    Label { name, values: &[] }
}

/// A label with all its values.
pub const fn label_of(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;

    fn rendered(metrics: &[Metric]) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || metrics.iter().for_each(Metric::register));
        recorder.handle().render()
    }

    #[test]
    fn a_metric_is_there_before_it_moves_and_says_what_it_means() {
        const RESULT: &[Label] = &[label_of("result", &["ok", "failed"])];
        let text = rendered(&[
            Metric::counter("a_total", "Things"),
            Metric::gauge("b", "Other things"),
            Metric::counter("c_total", "Results").by(RESULT),
        ]);
        for line in [
            "# HELP a_total Things",
            "# TYPE a_total counter",
            "a_total 0",
            "# TYPE b gauge",
            "b 0",
            "c_total{result=\"ok\"} 0",
            "c_total{result=\"failed\"} 0",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }

    #[test]
    fn series_that_nobody_can_know_yet_are_not_made_up() {
        const OPEN: &[Label] = &[label("operation")];
        const TWO: &[Label] = &[label_of("x", &["1"]), label_of("y", &["2"])];
        let text = rendered(&[
            Metric::counter("a_total", "Things").by(OPEN),
            Metric::counter("b_total", "Things").by(TWO),
        ]);
        assert!(!text.contains("a_total{") && !text.contains("b_total{"), "{text}");
    }

    #[test]
    fn bounds_are_in_order() {
        for buckets in [Buckets::Seconds, Buckets::Counts] {
            assert!(buckets.bounds().is_sorted());
        }
    }
}
