//! Collects what this node knows of the cluster.

use super::changes::groups_with;
use super::problems::problems;
use super::status::{Data, Disk, FORMAT, Follower, Group, Node, Scrub, Settings, Status, Work};
use esker_cluster::background::{Background, BackgroundStatus, Signs};
use esker_cluster::{ClusterView, ViewHandle};
use esker_env::Clock;
use esker_index::query::{Answer, GroupSummary, Query};
use esker_metadata::{GroupStatus, MetadataHandle};
use esker_rpc::{DiskState, Metadata, Scrubbed, StorageUsage};
use esker_types::{ClusterId, GroupId, NodeId, NodeRole, NodeState, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a group may take to tell what it counts.
const SUMMARY_TIMEOUT: Duration = Duration::from_secs(3);

/// Where a node finds what it tells.
pub(crate) struct Sources {
    pub(crate) cluster: ClusterId,
    pub(crate) node: NodeId,
    pub(crate) views: ViewHandle,
    pub(crate) metadata: Arc<dyn Metadata>,
    /// This node's own replicas; none without the metadata role.
    pub(crate) replicas: Option<MetadataHandle>,
    pub(crate) groups: Vec<GroupId>,
    pub(crate) background: Arc<Background>,
    /// The cluster's time, as near as it is known.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Tells the state of the cluster.
pub(crate) struct Report {
    sources: Sources,
}

impl Report {
    pub(crate) fn new(sources: Sources) -> Report {
        Report { sources }
    }

    /// For how long a node has not answered, if this node knows.
    pub(crate) fn silent_for(&self, node: NodeId) -> Option<Duration> {
        if node == self.sources.node {
            return Some(Duration::ZERO);
        }
        signs_of(&self.sources.background.status(), node).map(|signs| signs.silent_for)
    }

    /// The nodes that vote in any group, as far as this node knows.
    pub(crate) fn voters(&self) -> BTreeSet<NodeId> {
        let Some(replicas) = &self.sources.replicas else { return BTreeSet::new() };
        let status = self.sources.groups.iter().filter_map(|group| replicas.status(*group).ok());
        status.flat_map(|status| status.voters).collect()
    }

    /// The nodes that know more of the cluster than this one, best first: the leader of the directory group, or for a
    /// node without replicas, those that have some. None if this node leads, or knows of no leader.
    pub(crate) fn better_informed(&self, view: &ClusterView) -> Vec<NodeId> {
        let own = self.sources.node;
        match &self.sources.replicas {
            Some(replicas) => {
                let leader = replicas.status(GroupId::DIRECTORY).ok().and_then(|status| status.leader);
                leader.filter(|leader| *leader != own).into_iter().collect()
            }
            None => {
                let nodes = view.nodes().iter();
                let asked = nodes
                    .filter(|(_, record)| record.takes_part() && record.info.roles.has(NodeRole::Metadata));
                asked.map(|(node, _)| *node).collect()
            }
        }
    }

    /// Everything that this node knows.
    pub(crate) async fn collect(&self) -> Status {
        let Sources { cluster, node, views, background, .. } = &self.sources;
        let view = views.latest();
        let work = background.status();
        let mut groups = Vec::new();
        for group in &self.sources.groups {
            groups.push(self.group(*group).await);
        }
        let now = self.sources.clock.now();
        let nodes = view.as_deref().map(|view| nodes(view, &work, *node, &groups, now)).unwrap_or_default();
        let mut status = Status {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: Some(cluster.0.simple().to_string()),
            node: node.to_string(),
            settings: view.as_deref().map(|view| Settings {
                replicas: view.settings().replicas.get(),
                voters: view.settings().voters.get(),
            }),
            data: data(view.as_deref(), &work, &groups),
            nodes,
            groups,
            work: told(&work),
            ..Status::default()
        };
        status.problems = problems(&status);
        status.healthy = status.problems.is_empty();
        status
    }

    async fn group(&self, group: GroupId) -> Group {
        let asked = self.sources.metadata.query(group, Query::GroupSummary);
        let summary = match timeout(SUMMARY_TIMEOUT, asked).await {
            Ok(Ok(Answer::GroupSummary(summary))) => Some(summary),
            _ => None,
        };
        let status = self.sources.replicas.as_ref().and_then(|replicas| replicas.status(group).ok());
        told_group(group, status.as_ref(), summary.as_ref())
    }
}

fn signs_of(work: &BackgroundStatus, node: NodeId) -> Option<&Signs> {
    work.nodes.iter().find(|(other, _)| *other == node).map(|(_, signs)| signs)
}

fn nodes(
    view: &ClusterView,
    work: &BackgroundStatus,
    own: NodeId,
    groups: &[Group],
    now: Timestamp,
) -> Vec<Node> {
    let told = view.nodes().iter().map(|(node, record)| {
        let signs = signs_of(work, *node);
        // Nodes without the storage role are not asked; the leader of a group hears of those that follow.
        let id = node.to_string();
        let followed = groups.iter().flat_map(|group| &group.followers).find(|follower| follower.node == id);
        let heard = followed.and_then(|follower| follower.silent_seconds);
        let silent = if *node == own {
            Some(0.0)
        } else {
            signs.map(|signs| signs.silent_for.as_secs_f64()).or(heard)
        };
        let info = &record.info;
        Node {
            id,
            address: info.address.clone(),
            state: state_name(record.state).to_owned(),
            roles: info.roles.iter().map(|role| role_name(role).to_owned()).collect(),
            zone: info.zone.clone(),
            host: info.host.clone(),
            weight: info.weight,
            silent_seconds: silent,
            placement_groups: groups_with(view, *node) as u64,
            disk: signs.and_then(|signs| signs.usage).map(|usage| disk(usage, now)),
        }
    });
    told.collect()
}

pub(super) fn state_name(state: NodeState) -> &'static str {
    match state {
        NodeState::Active => "active",
        NodeState::Draining => "draining",
        NodeState::Lost => "lost",
        NodeState::Removed => "removed",
    }
}

fn role_name(role: NodeRole) -> &'static str {
    match role {
        NodeRole::Gateway => "gateway",
        NodeRole::Metadata => "metadata",
        NodeRole::Storage => "storage",
    }
}

fn disk(usage: StorageUsage, now: Timestamp) -> Disk {
    let StorageUsage { capacity_bytes, free_bytes, blobs, live_bytes, dead_bytes, scrubbed, disk } = usage;
    let Scrubbed { blobs: read, bytes, damaged, rounds, reached_millis } = scrubbed;
    let reached_age_seconds = reached_millis.map(|millis| now.millis().saturating_sub(millis) / 1000);
    let scrub = Scrub { blobs: read, bytes, damaged, rounds, reached_age_seconds };
    let retired = disk == DiskState::Retired;
    Disk { capacity_bytes, free_bytes, blobs, live_bytes, dead_bytes, scrub, retired }
}

fn told_group(group: GroupId, status: Option<&GroupStatus>, summary: Option<&GroupSummary>) -> Group {
    let names = |nodes: &[NodeId]| nodes.iter().map(NodeId::to_string).collect();
    Group {
        group: group.0,
        quorum: summary.is_some(),
        leader: status.and_then(|status| status.leader).map(|leader| leader.to_string()),
        term: status.map_or(0, |status| status.term),
        voters: status.map(|status| names(&status.voters)).unwrap_or_default(),
        learners: status.map(|status| names(&status.learners)).unwrap_or_default(),
        followers: status.map(followers).unwrap_or_default(),
        last_log_index: status.and_then(|status| status.last_log_index),
        applied_index: status.and_then(|status| status.applied_index),
        snapshot_index: status.and_then(|status| status.snapshot_index),
        log_entries: status.map_or(0, GroupStatus::log_entries),
        repairs: summary.map(|summary| summary.repairs),
        garbage_entries: summary.map(|summary| summary.garbage_entries),
        garbage_bytes: summary.map(|summary| summary.garbage_bytes),
    }
}

fn followers(status: &GroupStatus) -> Vec<Follower> {
    let told = status.members.iter().map(|member| Follower {
        node: member.node.to_string(),
        lag_entries: member.matched_index.map(|_| member.lag),
        silent_seconds: member.silence.map(|silence| silence.as_secs_f64()),
    });
    told.collect()
}

fn data(view: Option<&ClusterView>, work: &BackgroundStatus, groups: &[Group]) -> Data {
    let placements = view.map_or(&[][..], ClusterView::placements);
    let sum = |of: fn(&Group) -> Option<u64>| groups.iter().map(of).sum::<Option<u64>>();
    Data {
        placement_groups: placements.len() as u64,
        moving: placements.iter().filter(|state| state.moves()).count() as u64,
        to_move: work.groups_waiting as u64,
        under_replicated: view.map_or(0, ClusterView::under_replicated) as u64,
        repairs: sum(|group| group.repairs),
        garbage_entries: sum(|group| group.garbage_entries),
        garbage_bytes: sum(|group| group.garbage_bytes),
    }
}

fn told(work: &BackgroundStatus) -> Work {
    Work {
        pulled_blobs: work.pulled_blobs,
        pulled_bytes: work.pulled_bytes,
        unreadable_blobs: work.unreadable_blobs,
        repairs_done: work.repairs_done,
        repairs_pending: work.repairs_pending,
        damage_repaired: work.damage_repaired,
        damage_pending: work.damage_pending,
        orphans_deleted: work.orphans_deleted,
        strays_deleted: work.strays_deleted,
        audits: work.audits,
    }
}
