//! What peers said of themselves when they last answered.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use esker_types::NodeId;

/// Which peers have a full disk. A leader that has one itself looks for another node to lead.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    full: Mutex<BTreeSet<NodeId>>,
}

/// Whether a disk takes more data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    None,
}

impl Conditions {
    /// Notes what a peer said.
    pub(crate) fn heard(&self, peer: NodeId, room: Room) {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        match room {
            Room::Enough => full.remove(&peer),
            Room::None => full.insert(peer),
        };
    }

    /// Whether a peer takes data, as far as is known.
    pub(crate) fn has_room(&self, peer: NodeId) -> bool {
        !self.full.lock().unwrap_or_else(PoisonError::into_inner).contains(&peer)
    }
}
