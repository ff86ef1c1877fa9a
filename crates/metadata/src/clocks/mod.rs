//! Time in a group: which clock dates its commands, and how a node with a wrong clock still knows that time.
//!
//! A command is dated by its leader. A leader whose clock is ahead of its quorum's dates nothing, and lets another node
//! lead; one whose clock is behind goes on from the group's logical time, which never goes back, until another one leads. Followers take the
//! time from the leader, so that the deadlines that they give are measured by the clock that judges them.

mod samples;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use esker_env::Clock;
use esker_types::{NodeId, Timestamp};
use openraft::ServerState;

use crate::node::Observer;
use crate::rows::GroupRows;

use samples::{RoundTrip, differ};
pub(crate) use samples::{Samples, Trust};

/// The time of one group, as this node knows it.
///
/// As a [`Clock`] it shows the leader's time. It moves on with this node's monotonic clock between two messages of the
/// leader, and may step back by as much as the leader corrects it; a deadline that was given stays within a message's
/// delay of what the leader takes it for.
pub(crate) struct GroupTime {
    own: NodeId,
    clock: Arc<dyn Clock>,
    samples: Arc<Samples>,
    rows: Arc<GroupRows>,
    /// Set once the replica runs.
    replica: OnceLock<Observer>,
    /// The group's time at a moment of the monotonic clock.
    anchor: Mutex<Option<(Timestamp, Duration)>>,
}

impl fmt::Debug for GroupTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupTime").field("own", &self.own).finish_non_exhaustive()
    }
}

impl GroupTime {
    pub(crate) fn new(
        own: NodeId,
        clock: Arc<dyn Clock>,
        samples: Arc<Samples>,
        rows: Arc<GroupRows>,
    ) -> GroupTime {
        GroupTime { own, clock, samples, rows, replica: OnceLock::new(), anchor: Mutex::default() }
    }

    /// Says whose time it is.
    pub(crate) fn attach(&self, replica: Observer) {
        // It is attached once, when the replica starts.
        let _ = self.replica.set(replica);
    }

    /// This node's own clock, right or wrong.
    pub(crate) fn own_clock(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether this node's clock may date what it leads; none if it does not lead.
    pub(crate) fn judge(&self) -> Option<Trust> {
        let voters: Vec<NodeId> = self.replica.get()?.look(|metrics| {
            let leads = metrics.state == ServerState::Leader;
            leads.then(|| metrics.membership_config.voter_ids().map(NodeId).collect())
        })?;
        Some(self.samples.judge(self.own, self.clock.now(), self.clock.monotonic(), voters))
    }

    /// The time by which this node may date what it leads: its clock's, or the group's logical time if that is later.
    pub(crate) fn leader_time(&self) -> Option<Timestamp> {
        match self.judge()? {
            Trust::Trusted | Trust::Behind { .. } => {}
            Trust::Ahead { .. } | Trust::Unknown => return None,
        }
        let now = self.clock.now().max(self.rows.time());
        self.follow(now);
        Some(now)
    }

    /// Takes the group's time from its leader.
    pub(crate) fn follow(&self, leader: Timestamp) {
        if leader != Timestamp(0) {
            let anchor = Some((leader, self.clock.monotonic()));
            *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = anchor;
        }
    }

    /// Notes what a peer's clock showed.
    pub(crate) fn heard(&self, peer: NodeId, clock: Timestamp, sent: Duration) {
        self.samples.record(peer, clock, RoundTrip { sent, received: self.clock.monotonic() });
    }

    /// Whether a peer's clock shows about this time.
    pub(crate) fn shows(&self, peer: NodeId, time: Timestamp) -> bool {
        let clock = self.samples.estimate(peer, self.clock.monotonic());
        clock.is_some_and(|clock| !differ(clock, time))
    }

    /// Whether a peer's clock is about right, as far as its leader knows.
    pub(crate) fn agrees(&self, peer: NodeId) -> bool {
        self.shows(peer, self.now())
    }

    fn anchored(&self) -> Option<Timestamp> {
        let (time, at) = (*self.anchor.lock().unwrap_or_else(PoisonError::into_inner))?;
        let since = self.clock.monotonic().saturating_sub(at);
        Some(Timestamp(time.0.saturating_add(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))))
    }
}

impl Clock for GroupTime {
    fn now(&self) -> Timestamp {
        let leading = self.leader_time();
        leading.or_else(|| self.anchored()).unwrap_or_else(|| match self.judge() {
            Some(Trust::Ahead { median }) => median,
            _ => self.clock.now(),
        })
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}
