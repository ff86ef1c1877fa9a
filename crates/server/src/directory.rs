//! Which nodes to ask for what only metadata nodes know: those of the topology, once it is known, and until then
//! whoever of the known addresses is a member.

use crate::forming::{Answer, Peers, ask};
use crate::known::KnownNodes;
use esker_cluster::{ClusterView, ViewHandle};
use esker_rpc::Stage;
use esker_types::{ClusterId, NodeId, NodeRole};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

const PAUSE: Duration = Duration::from_millis(500);

/// Finds metadata nodes for a node that is none.
pub(crate) struct Directory {
    pub(crate) cluster: ClusterId,
    pub(crate) node: NodeId,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) known: Arc<KnownNodes>,
    pub(crate) views: ViewHandle,
    pub(crate) members: watch::Sender<Vec<(NodeId, String)>>,
}

impl Directory {
    /// Follows the topology until it is dropped.
    pub(crate) async fn follow(self) {
        let mut views = self.views.subscribe();
        loop {
            let found = views.borrow_and_update().as_deref().map(metadata_nodes);
            let changed = match found {
                Some(nodes) => {
                    self.tell(nodes);
                    views.changed().await
                }
                None => {
                    self.tell(self.members_met().await);
                    // Nobody may have been met, or only nodes that know no more.
                    timeout(PAUSE, views.changed()).await.unwrap_or(Ok(()))
                }
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// Says who can be asked. What was known is better than nobody.
    fn tell(&self, nodes: Vec<(NodeId, String)>) {
        self.members.send_if_modified(|members| {
            let new = !nodes.is_empty() && *members != nodes;
            if new {
                *members = nodes;
            }
            new
        });
    }

    async fn members_met(&self) -> Vec<(NodeId, String)> {
        let addresses = self.known.all();
        let mut members = Vec::new();
        for (address, answer) in ask(&*self.peers, addresses.iter()).await {
            if let Answer::Said(hello) = answer
                && hello.cluster == Some(self.cluster)
                && hello.stage == Stage::Member
                && hello.node != self.node
            {
                members.push((hello.node, address));
            }
        }
        members
    }
}

fn metadata_nodes(view: &ClusterView) -> Vec<(NodeId, String)> {
    let nodes = view.nodes().iter();
    let asked = nodes.filter(|(_, record)| {
        record.takes_part() && record.info.roles.has(NodeRole::Metadata) && !record.info.address.is_empty()
    });
    asked.map(|(node, record)| (*node, record.info.address.clone())).collect()
}
