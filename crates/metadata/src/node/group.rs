//! This node's replica of one group.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use esker_env::Clock;
use esker_rpc::metadata::MetadataError;
use esker_types::{GroupId, NodeId, Timestamp};
use esker_wal::Wal;
use openraft::errors::Fatal;

use crate::clocks::{GroupTime, Samples};
use crate::network::{Conditions, Peers};
use crate::node::admission::Admission;
use crate::node::read::ReadQueue;
use crate::node::{Observer, Settings};
use crate::rows::GroupRows;
use crate::types::{Peer, Raft, TypeConfig};

/// A replica, and what it takes to answer for its group.
#[derive(Debug)]
pub(crate) struct Group {
    id: GroupId,
    raft: Raft,
    rows: Arc<GroupRows>,
    reads: ReadQueue,
    time: Arc<GroupTime>,
    /// The last proposal time that this node gave out, in microseconds.
    last_proposed_at: AtomicU64,
    pub(super) parts: Parts,
}

/// What the groups of a node share.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) settings: Arc<Settings>,
    pub(crate) wal: Arc<Wal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) peers: Peers,
    pub(crate) samples: Arc<Samples>,
    pub(crate) conditions: Arc<Conditions>,
    pub(crate) admission: Admission,
}

/// Why a replica could not do something for its group.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// Only the leader can. The attempt may have left a trace.
    NotLeader(Trace),
    /// It is no use to try another replica.
    Failed(MetadataError),
}

/// What a failed attempt to log a command may have left in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trace {
    /// Nothing.
    None,
    /// The command, perhaps.
    MaybeLogged,
}

impl Trace {
    pub(crate) fn maybe_logged(self) -> bool {
        self == Trace::MaybeLogged
    }
}

impl NotDone {
    pub(super) fn fatal(error: &Fatal<TypeConfig>) -> NotDone {
        NotDone::Failed(MetadataError::Failed(error.to_string()))
    }

    /// The replica failed while it had the command: other replicas may have it by then.
    pub(super) fn unknown(error: &impl ToString) -> NotDone {
        NotDone::Failed(MetadataError::Unknown(error.to_string()))
    }
}

impl Group {
    pub(crate) fn new(
        id: GroupId,
        raft: Raft,
        rows: Arc<GroupRows>,
        time: Arc<GroupTime>,
        parts: Parts,
    ) -> Arc<Group> {
        time.attach(Observer::new(&raft));
        Arc::new_cyclic(|group| Group {
            id,
            raft,
            rows,
            reads: ReadQueue::start(group.clone()),
            time,
            last_proposed_at: AtomicU64::new(0),
            parts,
        })
    }

    pub(crate) fn id(&self) -> GroupId {
        self.id
    }

    pub(crate) fn node(&self) -> NodeId {
        self.parts.settings.node
    }

    pub(crate) fn raft(&self) -> &Raft {
        &self.raft
    }

    pub(crate) fn rows(&self) -> &Arc<GroupRows> {
        &self.rows
    }

    pub(crate) fn peers(&self) -> &Peers {
        &self.parts.peers
    }

    /// A member that says nothing for longer than this is not there.
    pub(crate) fn silence_max(&self) -> Duration {
        self.parts.settings.election_timeout_max * 2
    }

    pub(super) fn reads(&self) -> &ReadQueue {
        &self.reads
    }

    /// The group's time.
    pub(crate) fn time(&self) -> &Arc<GroupTime> {
        &self.time
    }

    /// The time for a new proposal, if this replica leads and its clock is to be trusted: whole milliseconds, and
    /// never less than for the one before.
    pub(super) fn proposal_time(&self) -> Option<Timestamp> {
        let now = self.time.leader_time()?;
        let now = Timestamp::from_millis(now.millis());
        let before = self.last_proposed_at.fetch_max(now.micros(), Ordering::Relaxed);
        Some(Timestamp(now.micros().max(before)))
    }

    /// The leader of the group, as far as this replica knows.
    pub(super) fn leader(&self) -> Option<(NodeId, Peer)> {
        self.observe().look(|metrics| {
            let leader = metrics.current_leader?;
            let peer = metrics.membership_config.membership().get_node(&leader)?;
            Some((NodeId(leader), peer.clone()))
        })
    }

    /// Follows what the replica knows of its group.
    pub(crate) fn observe(&self) -> Observer {
        Observer::new(&self.raft)
    }
}
