//! What the console is told of the process: whether it can serve, and its metrics.

use esker_gateway::Probe;
use esker_metadata::MetadataHandle;
use esker_storage::SegmentStore;
use esker_types::GroupId;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;

pub(crate) struct NodeProbe {
    pub(crate) metadata: MetadataHandle,
    pub(crate) storage: Arc<SegmentStore>,
    pub(crate) metrics: PrometheusHandle,
}

impl Probe for NodeProbe {
    fn ready(&self) -> Result<(), String> {
        let status = self.metadata.status(GroupId::DIRECTORY).map_err(|error| error.to_string())?;
        if status.leader.is_none() {
            return Err("the metadata group has no leader".to_owned());
        }
        self.storage.health().map_err(|error| error.to_string())
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }
}
