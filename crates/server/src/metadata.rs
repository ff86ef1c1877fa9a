//! Starts the metadata role, or what stands in for it where the node has none.

use crate::forming::Settled;
use crate::open::World;
use crate::settings::Settings;
use crate::start_error::{LEADER_TIMEOUT, StartError};
use esker_env::Disk;
use esker_kv::Engine;
use esker_metadata::{Formation, MetadataHandle, MetadataNode, Peer, RaftPlane};
use esker_rpc::transport::{Incoming, Network};
use esker_storage::{DataDir, DataDirError};
use esker_types::GroupId;
use esker_wal::Wal;
use std::sync::Arc;

/// What the metadata role is made of.
pub(crate) struct Parts {
    pub(crate) wal: Wal,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) network: Network,
    /// None for a node without peers.
    pub(crate) incoming: Option<Incoming>,
}

/// Starts this node's replicas, and begins the first group if that is this node's task.
pub(crate) async fn start(
    settings: &Settings,
    world: &World,
    dir: &DataDir,
    settled: &Settled,
    parts: Parts,
) -> Result<MetadataNode, StartError> {
    let Parts { wal, engine, network, incoming } = parts;
    let alone = incoming.is_none();
    let mut chosen = esker_metadata::Settings::new(settled.cluster.0, dir.node());
    chosen.formation = Formation::Wait;
    if let Some(endpoint) = &settings.cluster.endpoint {
        chosen.address.clone_from(&endpoint.address);
    }
    if alone {
        // No follower could miss entries, and entries carry small objects: this bounds the log to a few hundred
        // megabytes. What it costs is a sync of the rows now and then.
        chosen.entries_per_snapshot = 10_000;
        chosen.entries_kept = 1_000;
    }
    let space = world.disk.space(dir.path()).map_err(DataDirError::Disk)?;
    chosen.disk_reserve_bytes = settings.free_space().bytes(space);
    let peers = incoming.map(|incoming| RaftPlane { network, incoming });
    let components =
        esker_metadata::Components { wal: Arc::new(wal), engine, clock: world.clock.clone(), peers };
    let node = MetadataNode::start(components, chosen).await?;
    if let Some(members) = &settled.begins {
        begin(node.handle(), members).await?;
    }
    if alone {
        let led = node.handle().wait_for(GroupId::DIRECTORY, |status| status.leader.is_some());
        tokio::time::timeout(LEADER_TIMEOUT, led).await.map_err(|_| StartError::NoLeader)??;
        dir.mark_formed(&*world.disk)?;
    }
    Ok(node)
}

/// Begins the first group, unless an earlier start did.
async fn begin(handle: &MetadataHandle, members: &[(esker_types::NodeId, String)]) -> Result<(), StartError> {
    let status = handle.status(GroupId::DIRECTORY)?;
    if status.last_log_index.is_some() || !status.voters.is_empty() {
        return Ok(());
    }
    let voters = members.iter().map(|(node, address)| (*node, Peer { address: address.clone() })).collect();
    tracing::info!(members = members.len(), "beginning the cluster's first group");
    handle.initialize(GroupId::DIRECTORY, voters).await?;
    Ok(())
}

/// Remembers that the node's log has begun, once it takes part in a group that has a leader. From then on an empty log
/// is a lost one.
pub(crate) async fn remember_begin(handle: MetadataHandle, dir: Arc<DataDir>, disk: Arc<dyn Disk>) {
    let takes_part =
        |status: &esker_metadata::GroupStatus| status.leader.is_some() && status.last_log_index.is_some();
    if handle.wait_for(GroupId::DIRECTORY, takes_part).await.is_err() {
        return;
    }
    let marked = tokio::task::spawn_blocking(move || dir.mark_formed(&*disk)).await;
    if let Ok(Err(error)) = marked {
        tracing::warn!(%error, "can't write down that this node's log has begun");
    }
}
