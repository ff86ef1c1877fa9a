//! Leaders come in the order of their ids: term first, then node. A quorum has promised to follow no lesser one.
//!
//! openraft allows several leaders in a term, one after the other: what is unique is the pair.

use crate::world::Cluster;
use esker_metadata::Role;
use esker_types::{GroupId, NodeId};
use std::collections::BTreeSet;

/// The leaders that were seen: term and node.
#[derive(Debug, Default)]
pub struct LeadersInOrder {
    seen: BTreeSet<(u64, NodeId)>,
}

impl LeadersInOrder {
    /// Looks who leads now.
    ///
    /// # Errors
    /// A node has begun to lead after one with a greater id.
    pub fn look(&mut self, cluster: &Cluster) -> Result<(), String> {
        // Two may have begun since the last look; their order is not known.
        let before = self.seen.last().copied();
        for machine in &cluster.machines {
            let Some(process) = machine.process() else { continue };
            let Ok(status) = process.status(GroupId::DIRECTORY) else { continue };
            let id = (status.term, machine.node());
            if status.role != Role::Leader || !self.seen.insert(id) {
                continue;
            }
            cluster.note(format_args!("{} leads in term {}", machine.name, status.term));
            if let Some(before) = before.filter(|before| *before > id) {
                return Err(format!("{id:?} has begun to lead after {before:?} did"));
            }
        }
        Ok(())
    }
}
