//! Which storage nodes give signs of life, and how full they are.
//!
//! What counts against a node is the time in which it was asked and did not answer, not the time on a clock: a process
//! that was stopped for an hour, or a machine that slept, must not find everybody else an hour silent.

use super::upkeep::within;
use crate::keeper::ViewHandle;
use crate::nodes::StorageNodes;
use crate::view::ClusterView;
use esker_rpc::{DiskState, StorageUsage};
use esker_types::NodeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A node that did not answer for so long is down, and worth a line in the log: one question that fails is not.
const SILENCE: Duration = Duration::from_secs(10);

/// What is known of a storage node's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        let retired = self.usage.is_some_and(|usage| usage.disk == DiskState::Retired);
        !self.is_silent() && !retired
    }
}

/// How many placement groups can take no data, as far as the signs of life of their nodes tell. A node that was not
/// asked yet has not failed to answer.
pub fn unwritable_groups(view: &ClusterView, signs: &[(NodeId, Signs)]) -> usize {
    let fails = |node: NodeId| signs.iter().any(|(other, signs)| *other == node && !signs.takes_data());
    view.unwritable(|node| view.present(node).is_some() && !fails(node))
}

/// The storage nodes' signs of life.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    signs: Mutex<BTreeMap<NodeId, Signs>>,
}

impl Liveness {
    /// What is known of a node; none if it was not asked yet.
    pub(super) fn of(&self, node: NodeId) -> Option<Signs> {
        self.signs().get(&node).copied()
    }

    /// What is known of all nodes that take part.
    pub(super) fn all(&self) -> Vec<(NodeId, Signs)> {
        self.signs().iter().map(|(node, signs)| (*node, *signs)).collect()
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
            let old = signs.get(&node).copied();
            let new = match answer {
                Ok(usage) => Signs { silent_for: Duration::ZERO, usage: Some(usage) },
                Err(_) => Signs {
                    silent_for: old.map_or(Duration::ZERO, |signs| signs.silent_for).saturating_add(since),
                    usage: old.and_then(|signs| signs.usage),
                },
            };
            tell(node, old.map_or(Duration::ZERO, |signs| signs.silent_for), new.silent_for);
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

    #[test]
    fn a_silence_is_told_when_it_has_lasted_and_its_end_once() {
        let seconds = [0, 2, 4, 0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 2].map(Duration::from_secs);
        let told: Vec<News> = seconds.windows(2).filter_map(|pair| news(pair[0], pair[1])).collect();
        assert_eq!(told, [News::WentSilent, News::CameBack]);
    }
}
