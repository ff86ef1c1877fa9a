//! What the console is told of the process: whether it can serve, and its metrics.

use esker_cluster::ViewHandle;
use esker_gateway::Probe;
use esker_metadata::MetadataHandle;
use esker_storage::SegmentStore;
use esker_types::GroupId;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Duration;

/// The metadata layer is asked every second. Longer than an election takes.
const SILENCE_MAX: Duration = Duration::from_secs(5);

pub(crate) struct NodeProbe {
    pub(crate) views: ViewHandle,
    /// None without the metadata role.
    pub(crate) replicas: Option<MetadataHandle>,
    /// None without the storage role.
    pub(crate) storage: Option<Arc<SegmentStore>>,
    pub(crate) metrics: PrometheusHandle,
}

impl NodeProbe {
    /// Whether requests can be served now; the reason if not.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(replicas) = &self.replicas {
            let status = replicas.status(GroupId::DIRECTORY).map_err(|error| error.to_string())?;
            if status.leader.is_none() {
                return Err("the metadata group has no leader".to_owned());
            }
        }
        match self.views.latest() {
            None => return Err("the cluster's topology is not known yet".to_owned()),
            Some(view) if view.group_count().is_none() => {
                return Err("data has no places yet: the storage nodes are being waited for".to_owned());
            }
            Some(_) => {}
        }
        // A leader that is cut off does not know it. It can't read linearizably, and that is what counts.
        if let Some(age) = self.views.age().filter(|age| *age > SILENCE_MAX) {
            return Err(format!("the metadata layer has not answered for {} s", age.as_secs()));
        }
        match &self.storage {
            Some(storage) => storage.health().map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

impl Probe for NodeProbe {
    fn ready(&self) -> Result<(), String> {
        self.check()
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }
}
