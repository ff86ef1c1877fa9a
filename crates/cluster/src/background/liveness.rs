//! Which storage nodes give signs of life, and how full they are.
//!
//! What counts against a node is the time in which it was asked and did not answer, not the time on a clock: a process
//! that was stopped for an hour, or a machine that slept, must not find everybody else an hour silent.

use super::upkeep::within;
use crate::keeper::ViewHandle;
use crate::nodes::StorageNodes;
use crate::view::ClusterView;
use esker_rpc::{DiskState, StorageUsage, Wholeness};
use esker_types::NodeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A node that did not answer for so long is down, and worth a line in the log: one question that fails is not.
const SILENCE: Duration = Duration::from_secs(10);

/// What is known of a storage node's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signs {
    /// For how long it has been asked in vain; zero if it answered the last time.
    pub silent_for: Duration,
    /// What it last said of its disk; none if it has not answered since this process began to ask.
    pub usage: Option<StorageUsage>,
}

impl Signs {
    /// Whether it has been asked in vain for so long that it counts as down.
    pub fn is_silent(&self) -> bool {
        self.silent_for >= SILENCE
    }

    /// Whether it answers, with a disk that takes data.
    pub fn takes_data(&self) -> bool {
        let retired = self.usage.as_ref().is_some_and(|usage| usage.disk == DiskState::Retired);
        !self.is_silent() && !retired
    }

    /// Whether it said that it does not have all that belongs there, because a disk failed.
    pub fn lacks_data(&self) -> bool {
        self.usage.as_ref().is_some_and(|usage| usage.wholeness == Wholeness::Lacking)
    }
}

/// How many placement groups can take no data, as far as the signs of life of their nodes tell. A node that was not
/// asked yet has not failed to answer.
pub fn unwritable_groups(view: &ClusterView, signs: &[(NodeId, Signs)]) -> usize {
    let fails = |node: NodeId| signs.iter().any(|(other, signs)| *other == node && !signs.takes_data());
    view.unwritable(|node| view.present(node).is_some() && !fails(node))
}

/// How many placement groups have fewer replicas than they should on nodes that take part and said of nothing that they
/// lack it.
pub fn under_replicated_groups(view: &ClusterView, signs: &[(NodeId, Signs)]) -> usize {
    view.under_replicated(|node| signs.iter().any(|(other, signs)| *other == node && signs.lacks_data()))
}

/// The storage nodes' signs of life.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    signs: Mutex<BTreeMap<NodeId, Signs>>,
}

impl Liveness {
    /// What is known of a node; none if it was not asked yet.
    pub(super) fn of(&self, node: NodeId) -> Option<Signs> {
        self.signs().get(&node).cloned()
    }

    /// What is known of all nodes that take part.
    pub(super) fn all(&self) -> Vec<(NodeId, Signs)> {
        self.signs().iter().map(|(node, signs)| (*node, signs.clone())).collect()
    }

    /// Asks until it is dropped.
    pub(super) async fn run(&self, views: &ViewHandle, nodes: &StorageNodes, interval: Duration) {
        let mut before = Instant::now();
        loop {
            if let Some(view) = views.latest() {
                let since = std::mem::replace(&mut before, Instant::now()).elapsed();
                // The rest of a longer time, nobody was asked.
                self.round(&view, nodes, interval, since.min(interval * 2)).await;
            }
            tokio::time::sleep(interval).await;
        }
    }

    /// Asks every storage node at the same time. `since` is the time that this round stands for.
    async fn round(&self, view: &ClusterView, nodes: &StorageNodes, limit: Duration, since: Duration) {
        let all = view.storage_nodes();
        self.signs().retain(|node, _| all.contains(node));
        let ask = |node: NodeId| async move {
            let answer = match nodes.get(view, node) {
                Ok(storage) => within(limit, storage.usage()).await,
                Err(error) => Err(error),
            };
            nodes.health().note(node, &answer);
            (node, answer)
        };
        let answers = futures::future::join_all(all.iter().map(|node| ask(*node))).await;
        let mut signs = self.signs();
        for (node, answer) in answers {
            let old = signs.get(&node).cloned();
            let silent_before = old.as_ref().map_or(Duration::ZERO, |signs| signs.silent_for);
            let new = match answer {
                Ok(usage) => Signs { silent_for: Duration::ZERO, usage: Some(usage) },
                Err(_) => Signs {
                    silent_for: silent_before.saturating_add(since),
                    usage: old.and_then(|signs| signs.usage),
                },
            };
            tell(node, silent_before, new.silent_for);
            signs.insert(node, new);
        }
    }

    fn signs(&self) -> MutexGuard<'_, BTreeMap<NodeId, Signs>> {
        self.signs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer, or its lack, changed about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    WentSilent,
    CameBack,
}

fn news(before: Duration, now: Duration) -> Option<News> {
    match (before >= SILENCE, now >= SILENCE) {
        (false, true) => Some(News::WentSilent),
        (true, false) => Some(News::CameBack),
        (false, false) | (true, true) => None,
    }
}

/// Logs it once.
fn tell(node: NodeId, before: Duration, now: Duration) {
    match news(before, now) {
        Some(News::WentSilent) => tracing::warn!(%node, silent_for = ?now, "a storage node does not answer"),
        Some(News::CameBack) => tracing::info!(%node, silent_for = ?before, "a storage node answers again"),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{NodeRecord, PlacementState, Topology};
    use esker_types::{ClusterSettings, NodeInfo, NodeRoles, NodeState, PlacementEpoch, PlacementGroup};

    #[test]
    fn a_node_that_lost_a_disk_does_not_count_as_a_replica_until_it_has_all_again() {
        let node = |id: u64| {
            let info = NodeInfo {
                address: format!("n{id}:9100"),
                roles: NodeRoles::ALL,
                zone: String::new(),
                host: format!("n{id}"),
                weight: 1,
            };
            (NodeId(id), NodeRecord { info, state: NodeState::Active })
        };
        let placement = |(group, replicas): (u16, &[u64; 3])| PlacementState {
            group: PlacementGroup(group),
            epoch: PlacementEpoch(1),
            replicas: replicas.iter().copied().map(NodeId).collect(),
            target: Vec::new(),
            fenced: Vec::new(),
            copied: Vec::new(),
        };
        let view = ClusterView::new(Topology {
            version: 1,
            settings: ClusterSettings::default(),
            nodes: (1..=4).map(node).collect(),
            placements: (0..).zip(&[[1, 2, 3], [2, 3, 4], [1, 3, 4]]).map(placement).collect(),
        });
        let says = |node: u64, wholeness| {
            let usage = StorageUsage { wholeness, ..StorageUsage::default() };
            (NodeId(node), Signs { silent_for: Duration::ZERO, usage: Some(usage) })
        };
        assert_eq!(under_replicated_groups(&view, &[]), 0);
        let one_lacks = [says(1, Wholeness::Whole), says(2, Wholeness::Lacking)];
        assert_eq!(under_replicated_groups(&view, &one_lacks), 2);
        assert_eq!(unwritable_groups(&view, &one_lacks), 0, "it takes data all the same");
        assert_eq!(under_replicated_groups(&view, &[says(2, Wholeness::Whole)]), 0);
    }

    #[test]
    fn a_silence_is_told_when_it_has_lasted_and_its_end_once() {
        let seconds = [0, 2, 4, 0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 2].map(Duration::from_secs);
        let told: Vec<News> = seconds.windows(2).filter_map(|pair| news(pair[0], pair[1])).collect();
        assert_eq!(told, [News::WentSilent, News::CameBack]);
    }
}
