//! Carries out the steps of the plan, one at a time, where the group's leader is. Everywhere else it only learns where
//! the other nodes are.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use esker_index::query::{Answer, Query, Topology};
use esker_types::{NodeId, Timestamp};
use openraft::ChangeMembers;

use crate::clocks::Trust;
use crate::membership::plan::{Step, plan};
use crate::membership::situation::situation;
use crate::node::{Group, show, show_summary};
use crate::types::Peer;

/// Steps that were taken, by `result`.
pub(crate) const STEPS: &str = "esker_metadata_membership_steps_total";
/// Leaders that let another node lead because of their clock.
pub(crate) const CLOCK_HAND_OVERS: &str = "esker_metadata_clock_hand_overs_total";

/// A step that takes longer is looked at anew: its entry stays in the log, and is committed or not.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Keeps the members of a group in step with the topology, whose rows are in `directory`. Ends with the group.
pub(crate) async fn keep(group: Weak<Group>, directory: Weak<Group>, interval: Duration) {
    let mut known = Topology::default();
    let mut clock = OwnClock::Right;
    loop {
        tokio::time::sleep(interval).await;
        let (Some(group), Some(directory)) = (group.upgrade(), directory.upgrade()) else { return };
        show(&group);
        show_rows(&group).await;
        let keeper = Keeper { group, directory };
        if let Err(error) = keeper.round(&mut known, &mut clock).await {
            tracing::debug!(group = keeper.group.id().0, %error, "the membership is looked at again later");
        }
    }
}

/// Shows what this replica's rows count, which may be behind what the group counts.
async fn show_rows(group: &Arc<Group>) {
    let rows = Arc::clone(group.rows());
    let read = esker_env::spawn_blocking(move || {
        let view = rows.view().map_err(|error| error.to_string())?;
        esker_index::answer(&view, &Query::GroupSummary).map_err(|error| error.to_string())
    });
    match read.await {
        Ok(Ok(Answer::GroupSummary(summary))) => show_summary(group, &summary),
        // A replica that can't read its rows says so where it applies to them.
        failed => tracing::debug!(group = group.id().0, ?failed, "what the rows count can't be shown"),
    }
}

/// Why a round ended early. The next one starts afresh.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("the topology can't be read: {0}")]
    Topology(String),
    #[error("{0} failed: {1}")]
    Step(String, String),
}

/// What the last round found, so that a wrong clock is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OwnClock {
    Right,
    Wrong,
}

impl OwnClock {
    fn of(trust: Option<Trust>) -> OwnClock {
        match trust {
            Some(Trust::Ahead { .. } | Trust::Behind { .. }) => OwnClock::Wrong,
            Some(Trust::Trusted | Trust::Unknown) | None => OwnClock::Right,
        }
    }
}

struct Keeper {
    group: Arc<Group>,
    directory: Arc<Group>,
}

impl Keeper {
    async fn round(&self, known: &mut Topology, clock: &mut OwnClock) -> Result<(), Interrupted> {
        self.refresh(known).await?;
        let trust = self.group.time().judge();
        let before = std::mem::replace(clock, OwnClock::of(trust));
        match trust {
            None => return Ok(()),
            Some(Trust::Ahead { median } | Trust::Behind { median }) => {
                self.hand_over_to_a_better_clock(median, before).await;
                return Ok(());
            }
            Some(Trust::Trusted | Trust::Unknown) => {}
        }
        if !self.group.has_room_for_data()
            && let Some(roomier) = self.group.roomier()
        {
            tracing::warn!(group = self.group.id().0, to = %roomier, "the disk is full; another node is to lead");
            self.group.hand_over_to(roomier).await;
            return Ok(());
        }
        if self.next(known).is_none() {
            return Ok(());
        }
        // The rows of this replica may be old; a step is planned from what the cluster agrees about.
        let failed = |error: &dyn std::fmt::Display| Interrupted::Topology(error.to_string());
        self.directory.catch_up().await.map_err(|error| failed(&error))?;
        self.refresh(known).await?;
        match self.next(known) {
            Some(step) => self.take(step).await,
            None => Ok(()),
        }
    }

    /// Reads the topology of this node's own rows, if it has changed, and learns the addresses.
    async fn refresh(&self, known: &mut Topology) -> Result<(), Interrupted> {
        let (rows, version) = (Arc::clone(self.directory.rows()), known.version);
        let read = esker_env::spawn_blocking(move || {
            let query = Query::Topology { newer_than: version };
            let view = rows.view().map_err(|error| error.to_string())?;
            esker_index::answer(&view, &query).map_err(|error| error.to_string())
        });
        let answer = read.await.map_err(|error| Interrupted::Topology(error.to_string()))?;
        let Answer::Topology(newer) = answer.map_err(Interrupted::Topology)? else {
            return Err(Interrupted::Topology("an answer of another kind".to_owned()));
        };
        if let Some(newer) = newer {
            for (node, record) in &newer.nodes {
                if record.takes_part() {
                    self.group.peers().learn(*node, &record.info.address);
                }
            }
            *known = newer;
        }
        Ok(())
    }

    fn next(&self, known: &Topology) -> Option<Step> {
        let silence_max = self.group.silence_max();
        let own = self.group.node();
        let now = self.group.observe().look(|metrics| situation(own, known, metrics, silence_max));
        plan(&now?)
    }

    async fn take(&self, step: Step) -> Result<(), Interrupted> {
        tracing::info!(group = self.group.id().0, ?step, "changes who takes part");
        let text = format!("{step:?}");
        let taken = tokio::time::timeout(STEP_TIMEOUT, self.change(step)).await;
        let taken = taken.unwrap_or_else(|_| Err("it takes too long".to_owned()));
        let result = if taken.is_ok() { "ok" } else { "failed" };
        metrics::counter!(STEPS, "result" => result).increment(1);
        taken.map_err(|error| Interrupted::Step(text, error))
    }

    async fn change(&self, step: Step) -> Result<(), String> {
        let raft = self.group.raft();
        let ids = |nodes: BTreeSet<NodeId>| nodes.into_iter().map(|node| node.0).collect::<BTreeSet<u64>>();
        let change = match step {
            Step::HandOver(node) => {
                self.group.hand_over_to(node).await;
                return Ok(());
            }
            Step::AddLearner(node, address) => {
                let added = raft.add_learner(node.0, Peer { address }, false).await;
                return added.map(drop).map_err(|error| error.to_string());
            }
            Step::SetAddresses(addresses) => {
                let peers = addresses.into_iter().map(|(node, address)| (node.0, Peer { address }));
                ChangeMembers::SetNodes(peers.collect())
            }
            Step::SetVoters(voters) => ChangeMembers::ReplaceAllVoters(ids(voters)),
            Step::RemoveLearners(nodes) => ChangeMembers::RemoveNodes(ids(nodes)),
        };
        raft.change_membership(change, true).await.map(drop).map_err(|error| error.to_string())
    }

    async fn hand_over_to_a_better_clock(&self, median: Timestamp, before: OwnClock) {
        let time = self.group.time();
        let better = self.group.best_follower(|node| time.shows(node, median));
        if before == OwnClock::Right {
            let (group, own) = (self.group.id().0, time.own_clock().millis());
            let (median, to) = (median.millis(), better.map(|node| node.to_string()));
            tracing::error!(group, own, median, to, "this node's clock is wrong; another node is to lead");
        }
        if let Some(better) = better {
            metrics::counter!(CLOCK_HAND_OVERS).increment(1);
            self.group.hand_over_to(better).await;
        }
    }
}
