//! What the console is told of the process: whether it can serve, whether the cluster can, and its metrics.

use crate::telemetry::Metrics;
use async_trait::async_trait;
use esker_cluster::background::{Background, Signs, unwritable_groups};
use esker_cluster::{ClusterView, ViewHandle};
use esker_gateway::{Health, Probe};
use esker_metadata::MetadataHandle;
use esker_storage::SegmentStore;
use esker_types::{GroupId, NodeId};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The metadata layer is asked every second. Longer than an election takes.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// How long the metadata layer may take to show that a majority is there. Probes give up after a few seconds more.
const QUORUM_TIMEOUT: Duration = Duration::from_secs(3);

/// What a node that has started knows of itself and its cluster.
pub(crate) struct NodeProbe {
    pub(crate) views: ViewHandle,
    /// None without the metadata role.
    pub(crate) replicas: Option<MetadataHandle>,
    /// None without the storage role.
    pub(crate) storage: Option<Arc<SegmentStore>>,
    pub(crate) background: Arc<Background>,
    /// Cancelled once the node was told to stop.
    pub(crate) leaving: CancellationToken,
}

impl NodeProbe {
    /// Whether requests can be served now; the reason if not.
    pub(crate) fn check(&self) -> Result<(), String> {
        // Requests under way go on; new ones are to go elsewhere.
        if self.leaving.is_cancelled() {
            return Err("the node was told to stop".to_owned());
        }
        if let Some(replicas) = &self.replicas {
            let status = replicas.status(GroupId::DIRECTORY).map_err(|error| error.to_string())?;
            if status.leader.is_none() {
                return Err("the metadata group has no leader".to_owned());
            }
        }
        match self.views.latest() {
            None => return Err("the cluster's topology is not known yet".to_owned()),
            Some(view) if view.group_count().is_none() => return Err(NO_PLACES.to_owned()),
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

    /// Whether the cluster can take writes now. Asks the metadata layer, since what was true a second ago may not be.
    async fn cluster(&self) -> Health {
        let (view, quorum) = match timeout(QUORUM_TIMEOUT, self.views.refresh()).await {
            Ok(Ok(view)) => (Some(view), Quorum::There),
            Ok(Err(_)) | Err(_) => (self.views.latest(), Quorum::Silent),
        };
        Health::of(cluster_reasons(view.as_deref(), quorum, &self.background.status().nodes))
    }
}

const NO_PLACES: &str = "data has no places yet: the storage nodes are being waited for";

/// Whether the metadata layer showed that a majority of its voters is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    There,
    Silent,
}

/// Why the cluster can't take writes.
fn cluster_reasons(view: Option<&ClusterView>, quorum: Quorum, signs: &[(NodeId, Signs)]) -> Vec<String> {
    let mut reasons = Vec::new();
    if quorum == Quorum::Silent {
        reasons.push(
            "the metadata group has no leader that a majority follows and this node reaches".to_owned(),
        );
    }
    let Some(view) = view else {
        reasons.push("the cluster's topology is not known yet".to_owned());
        return reasons;
    };
    if view.group_count().is_none() {
        reasons.push(NO_PLACES.to_owned());
    }
    let unwritable = unwritable_groups(view, signs);
    if unwritable > 0 {
        let all = view.placements().len();
        reasons.push(format!(
            "of {unwritable} of {all} placement groups, no majority of the nodes answers and takes data"
        ));
    }
    reasons
}

/// The process's probe. It answers from the first moment on, though the node may wait for others for long.
pub(crate) struct ConsoleProbe {
    node: OnceLock<NodeProbe>,
    metrics: Metrics,
}

impl ConsoleProbe {
    pub(crate) fn new(metrics: Metrics) -> ConsoleProbe {
        ConsoleProbe { node: OnceLock::new(), metrics }
    }

    /// The node has started.
    pub(crate) fn open(&self, node: NodeProbe) {
        // It happens once in a process.
        let _ = self.node.set(node);
    }

    /// Whether requests can be served now; the reason if not.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.node.get().ok_or_else(starting)?.check()
    }
}

fn starting() -> String {
    "the node is starting: it recovers its data, or waits for the other nodes of its cluster".to_owned()
}

#[async_trait]
impl Probe for ConsoleProbe {
    async fn ready(&self) -> Health {
        Health::of(self.check().err().into_iter().collect())
    }

    async fn cluster(&self) -> Health {
        match self.node.get() {
            Some(node) => node.cluster().await,
            None => Health::of(vec![starting()]),
        }
    }

    async fn metrics(&self) -> String {
        self.metrics.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_cluster::topology::{NodeRecord, PlacementState, Topology};
    use esker_rpc::{DiskState, StorageUsage};
    use esker_types::{ClusterSettings, NodeInfo, NodeRoles, NodeState, PlacementEpoch, PlacementGroup};

    /// Four nodes, the last of them lost, and groups of which each is `(replicas, target)`.
    fn view(groups: &[(&[u64], &[u64])]) -> ClusterView {
        let node = |id: u64| {
            let info = NodeInfo {
                address: format!("n{id}:9100"),
                roles: NodeRoles::ALL,
                zone: String::new(),
                host: format!("n{id}"),
                weight: 1,
            };
            let state = if id == 4 { NodeState::Lost } else { NodeState::Active };
            (NodeId(id), NodeRecord { info, state })
        };
        let ids = |nodes: &[u64]| nodes.iter().copied().map(NodeId).collect();
        let placement = |(group, (replicas, target)): (u16, &(&[u64], &[u64]))| PlacementState {
            group: PlacementGroup(group),
            epoch: PlacementEpoch(1),
            replicas: ids(replicas),
            target: ids(target),
            fenced: Vec::new(),
            copied: Vec::new(),
        };
        ClusterView::new(Topology {
            version: 1,
            settings: ClusterSettings::default(),
            nodes: (1..=4).map(node).collect(),
            placements: (0..).zip(groups).map(placement).collect(),
        })
    }

    fn signs(silent_seconds: u64, disk: DiskState) -> Signs {
        let usage = StorageUsage { disk, ..StorageUsage::default() };
        Signs { silent_for: Duration::from_secs(silent_seconds), usage: Some(usage) }
    }

    #[test]
    fn a_cluster_takes_writes_with_a_majority_of_everything() {
        let view = view(&[(&[1, 2, 3], &[])]);
        let sound = signs(9, DiskState::Sound);
        let reasons = |signs: &[(NodeId, Signs)]| cluster_reasons(Some(&view), Quorum::There, signs);
        assert_eq!(reasons(&[]), [""; 0]);
        assert_eq!(reasons(&[(NodeId(1), sound), (NodeId(2), sound), (NodeId(3), sound)]), [""; 0]);
        assert_eq!(reasons(&[(NodeId(1), signs(10, DiskState::Sound)), (NodeId(2), sound)]), [""; 0]);
    }

    #[test]
    fn what_keeps_it_from_that_is_told() {
        let view = view(&[(&[1, 2, 3], &[]), (&[1], &[]), (&[1, 2, 3], &[3, 4]), (&[4], &[])]);
        let gone = [(NodeId(1), signs(10, DiskState::Sound)), (NodeId(2), signs(0, DiskState::Retired))];
        assert_eq!(unwritable_groups(&view, &[]), 2, "those that need the node that is lost");
        assert_eq!(unwritable_groups(&view, &gone[..1]), 3, "one of three may be silent, and not one of one");
        assert_eq!(unwritable_groups(&view, &gone), 4, "a retired disk takes nothing");
        let told = cluster_reasons(Some(&view), Quorum::Silent, &gone).join("\n");
        assert!(told.contains("no leader that a majority follows") && told.contains("of 4 of 4"), "{told}");
        let told = cluster_reasons(None, Quorum::There, &[]).join("\n");
        assert!(told.contains("topology is not known"), "{told}");
        let unplaced = ClusterView::new(Topology::default());
        let told = cluster_reasons(Some(&unplaced), Quorum::There, &[]);
        assert_eq!(told, [NO_PLACES]);
    }
}
