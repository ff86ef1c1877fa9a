//! The metrics of the process: which there are, and how they are shown.

use crate::settings::Settings;
use esker_metric::{Kind, Metric, label};
use esker_types::{NodeRole, NodeRoles};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use std::time::Duration;

/// How often observations are moved from their queues into histograms. Nobody else does it while nobody asks for the
/// metrics, and the queues would grow.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

const BUILD_INFO: &str = "esker_build_info";

/// What every process tells.
const OWN: &[Metric] =
    &[Metric::gauge(BUILD_INFO, "Always 1; the version is in the label").by(&[label("version")])];

/// A part of a process, and what it tells.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// None: every process has it.
    pub(crate) role: Option<NodeRole>,
    pub(crate) metrics: &'static [Metric],
}

/// All of them, in the order of the documentation.
pub(crate) const PARTS: &[Part] = &[
    Part { role: Some(NodeRole::Gateway), metrics: esker_gateway::METRICS },
    Part { role: Some(NodeRole::Metadata), metrics: esker_metadata::METRICS },
    Part { role: Some(NodeRole::Metadata), metrics: esker_wal::METRICS },
    Part { role: Some(NodeRole::Storage), metrics: esker_storage::METRICS },
    Part { role: None, metrics: esker_cluster::METRICS },
    Part { role: None, metrics: OWN },
];

/// Shows the metrics of the process.
#[derive(Clone)]
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    process: Collector,
}

impl Metrics {
    /// Starts to count.
    pub(super) fn start(settings: &Settings) -> Result<Metrics, BuildError> {
        let handle = builder()?.install_recorder()?;
        register(settings.cluster.roles);
        let process = Collector::default();
        process.describe();
        Ok(Metrics { handle, process })
    }

    /// All metrics as they are now, in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Keeps what was observed in little memory, until it is dropped.
    pub(crate) async fn keep(self) {
        loop {
            tokio::time::sleep(UPKEEP_INTERVAL).await;
            self.handle.run_upkeep();
        }
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in PARTS.iter().flat_map(|part| part.metrics) {
        if let Kind::Histogram(buckets) = metric.kind {
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, buckets.bounds())?;
        }
    }
    Ok(builder)
}

/// Describes what a process of these roles can tell.
fn register(roles: NodeRoles) {
    let here = |part: &&Part| part.role.is_none_or(|role| roles.has(role));
    PARTS.iter().filter(here).flat_map(|part| part.metrics).for_each(Metric::register);
    metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn rendered(roles: NodeRoles) -> String {
        let recorder = builder().expect("the bounds are in order").build_recorder();
        metrics::with_local_recorder(&recorder, || register(roles));
        recorder.handle().render()
    }

    #[test]
    fn names_are_unique_and_say_their_part_and_their_unit() {
        let mut names = BTreeSet::new();
        for metric in PARTS.iter().flat_map(|part| part.metrics) {
            let Metric { name, kind, meaning, .. } = *metric;
            assert!(names.insert(name), "{name} is there twice");
            assert!(
                name.starts_with("esker_") && !meaning.ends_with('.') && !meaning.contains('|'),
                "{name}"
            );
            assert_eq!(
                name.ends_with("_total"),
                kind == Kind::Counter,
                "{name}: counters and no others end so"
            );
            assert!(!matches!(kind, Kind::Histogram(_)) || !name.contains("_bucket"), "{name}");
        }
    }

    #[test]
    fn a_process_tells_of_its_own_roles() {
        let gateway = NodeRoles::new([NodeRole::Gateway]).expect("a role");
        let (one, all) = (rendered(gateway), rendered(NodeRoles::ALL));
        assert!(one.contains("esker_gateway_requests_in_flight 0"), "{one}");
        assert!(
            one.contains(concat!("esker_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")),
            "{one}"
        );
        assert!(!one.contains("esker_storage_") && !one.contains("esker_wal_"), "{one}");
        for line in ["esker_storage_puts_total 0", "esker_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 0"] {
            assert!(all.lines().any(|other| other == line), "{line}\n{all}");
        }
        assert!(!all.contains("quantile="), "histograms have buckets, or they can't be added up:\n{all}");
    }
}
