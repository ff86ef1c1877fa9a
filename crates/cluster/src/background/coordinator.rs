//! What one node does for all: giving blobs their places, moving them when nodes come and go, declaring nodes lost.
//!
//! Every node runs this, and only the one that leads the directory group acts. Two that both believe to lead do no
//! harm: each command names what it expects, and the group applies it only if that is still so.

use super::counters::Counters;
use super::ledger::{Interrupted, Ledger};
use super::liveness::Liveness;
use super::planning;
use super::rhythm::Rhythm;
use super::settings::BackgroundSettings;
use crate::keeper::ViewHandle;
use crate::view::ClusterView;
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Step};
use esker_index::query::{Answer, Query};
use esker_types::{GroupId, NodeId, NodeState};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often it is looked whether there is something to forget of nodes that are gone.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);
/// How often it is looked while blobs have no places, since everybody waits for them.
const FIRST_INTERVAL: Duration = Duration::from_millis(100);

/// The members of the Raft groups.
pub trait Seats: Send + Sync + 'static {
    /// Whether a group counts the node among its members, with or without a vote. Also true if that is not known.
    fn names(&self, node: NodeId) -> bool;
}

/// The surroundings of the work for all.
pub(super) struct Coordinator {
    pub(super) views: ViewHandle,
    pub(super) seats: Arc<dyn Seats>,
    pub(super) ledger: Ledger,
    pub(super) liveness: Arc<Liveness>,
    pub(super) counters: Arc<Counters>,
    pub(super) settings: Arc<BackgroundSettings>,
}

/// What is remembered from round to round. All of it may be forgotten.
#[derive(Default)]
struct Memory {
    /// When the first storage node was seen that has no blobs to keep yet.
    first_seen: Option<Instant>,
    /// The nodes of the last view, and those that have gone since this process began.
    known: BTreeSet<NodeId>,
    gone: BTreeSet<NodeId>,
    /// Those of which nothing was recorded any more when this was last looked at, and when that was.
    forgotten: BTreeSet<NodeId>,
    forgotten_at: Option<Instant>,
}

impl Coordinator {
    /// Works until it is dropped.
    pub(super) async fn run(&self) {
        let mut rhythm = Rhythm::new(&self.views);
        let mut memory = Memory::default();
        loop {
            let Some(view) = rhythm.view() else {
                rhythm.changed().await;
                continue;
            };
            memory.note(&view);
            if self.ledger.metadata.leads(GroupId::DIRECTORY)
                && let Err(error) = self.round(&view, &mut memory).await
            {
                tracing::warn!(%error, "what the leader does for all goes on at the next round");
            }
            let interval = self.settings.coordinator.interval;
            let placed = view.group_count().is_some();
            rhythm.changed_within(if placed { interval } else { FIRST_INTERVAL.min(interval) }).await;
        }
    }

    async fn round(&self, view: &ClusterView, memory: &mut Memory) -> Result<(), Interrupted> {
        if view.group_count().is_none() {
            return self.create_placement(view, memory).await;
        }
        self.declare_lost(view).await?;
        self.move_placements(view).await?;
        let looks_at_all = memory.forgotten_at.is_none_or(|at| at.elapsed() >= FORGET_INTERVAL);
        if looks_at_all {
            memory.forgotten.clear();
            memory.forgotten_at = Some(Instant::now());
        }
        let due: Vec<NodeId> = memory.gone.difference(&memory.forgotten).copied().collect();
        for node in due {
            self.forget_repairs(node).await?;
            memory.forgotten.insert(node);
        }
        self.remove_lost(view, &memory.forgotten).await
    }

    /// Gives blobs their places once the nodes are there that were expected, or were waited for.
    async fn create_placement(&self, view: &ClusterView, memory: &mut Memory) -> Result<(), Interrupted> {
        let settings = &self.settings.coordinator;
        let signs = |node| self.liveness.of(node);
        let nodes = planning::active_storage_nodes(view, &signs);
        if nodes == 0 {
            return Ok(());
        }
        let waited = memory.first_seen.get_or_insert_with(Instant::now).elapsed();
        if nodes < settings.nodes_expected.get() && waited < settings.nodes_wait {
            return Ok(());
        }
        let sets = planning::first(view, settings.placement_groups, &signs);
        let groups = sets.len();
        let _ = self.ledger.propose(GroupId::DIRECTORY, CommandBody::CreatePlacement { sets }).await??;
        tracing::info!(groups, nodes, "gave blobs their places");
        self.views.refresh().await?;
        Ok(())
    }

    async fn move_placements(&self, view: &ClusterView) -> Result<(), Interrupted> {
        let signs = |node| self.liveness.of(node);
        let moves = planning::moves(view, self.settings.coordinator.moves_max, &signs);
        if moves.is_empty() {
            return Ok(());
        }
        let count = moves.len();
        let _ = self.ledger.propose(GroupId::DIRECTORY, CommandBody::MovePlacement { moves }).await??;
        tracing::info!(groups = count, "began to move placement groups");
        self.counters.moves_begun.add(count as u64);
        // Planned again by this view, the same would be begun again.
        self.views.refresh().await?;
        Ok(())
    }

    async fn declare_lost(&self, view: &ClusterView) -> Result<(), Interrupted> {
        let Some(lost_after) = self.settings.coordinator.lost_after else { return Ok(()) };
        let signs = |node| self.liveness.of(node);
        let Some(node) = planning::lost(view, lost_after, &signs) else { return Ok(()) };
        tracing::warn!(%node, ?lost_after, "a node gave no sign of life for too long: it is declared lost");
        let body = CommandBody::SetNodeState { node, state: NodeState::Lost };
        let _ = self.ledger.propose(GroupId::DIRECTORY, body).await??;
        self.counters.nodes_lost.add(1);
        self.views.refresh().await?;
        Ok(())
    }

    /// Nobody will ever work off what is recorded for a node that is gone. More may come for a while, of writes that
    /// began before it went.
    async fn forget_repairs(&self, node: NodeId) -> Result<(), Interrupted> {
        for group in &self.settings.groups {
            let query = Query::Repairs { node, after: None, limit: 1 };
            let Answer::Repairs(rows) = self.ledger.query(*group, query).await? else {
                return Err(Interrupted::OtherAnswer);
            };
            if rows.is_empty() {
                continue;
            }
            let forget = || CommandBody::ForgetRepairs { node };
            while self.ledger.propose(*group, forget()).await?? == Done::Step(Step::More) {}
            tracing::info!(%node, group = group.0, "forgot the repairs of a node that is gone");
        }
        Ok(())
    }

    /// Removes nodes that are lost once nothing names them. One that has a seat in a Raft group keeps it until another
    /// node can take it, and would lose it by this.
    async fn remove_lost(&self, view: &ClusterView, forgotten: &BTreeSet<NodeId>) -> Result<(), Interrupted> {
        for (node, record) in view.nodes() {
            let is_named = !planning::holds_no_placement(view, *node) || self.seats.names(*node);
            if record.state != NodeState::Lost || is_named || !forgotten.contains(node) {
                continue;
            }
            let body = CommandBody::SetNodeState { node: *node, state: NodeState::Removed };
            // A set may have come to name it again since this view; the next round sees that.
            match self.ledger.propose(GroupId::DIRECTORY, body).await? {
                Ok(_) => tracing::info!(%node, "removed a lost node, which nothing names any more"),
                Err(refusal) => tracing::debug!(%node, %refusal, "a lost node is not removed yet"),
            }
        }
        Ok(())
    }
}

impl Memory {
    fn note(&mut self, view: &ClusterView) {
        let here: BTreeSet<NodeId> =
            view.nodes().iter().map(|(node, _)| *node).filter(|node| view.present(*node).is_some()).collect();
        let lost = view.nodes().iter().map(|(node, _)| *node).filter(|node| !here.contains(node));
        self.gone.extend(lost.chain(self.known.difference(&here).copied()));
        self.known = here;
    }
}
