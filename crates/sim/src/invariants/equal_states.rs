//! Replicas that have applied the same entry have the same rows, and the rows keep the index's own invariants.

use super::rows::MachineRows;
use crate::world::Cluster;
use bytes::Bytes;
use esker_types::NodeId;
use std::collections::BTreeMap;

/// What the rows were, by the entry that they are the result of.
#[derive(Debug, Default)]
pub struct EqualStates {
    seen: BTreeMap<Bytes, (String, u64)>,
    /// How many snapshots each node has received.
    snapshots: BTreeMap<NodeId, u64>,
}

impl EqualStates {
    /// Looks at the rows of all machines, whether their processes run or not.
    ///
    /// # Errors
    /// Two machines differ, or one machine from its past; or rows contradict one another.
    pub fn look(&mut self, cluster: &Cluster) -> Result<(), String> {
        for machine in &cluster.machines {
            let Some(rows) = MachineRows::of(machine) else { continue };
            let known = self.snapshots.entry(machine.node()).or_default();
            if rows.snapshots() > *known {
                *known = rows.snapshots();
                cluster.oracle.saw("snapshot received");
            }
            let hash =
                esker_index::state_hash(&rows).map_err(|error| format!("{}: {error}", machine.name))?;
            match self.seen.get(&rows.applied) {
                None => {
                    esker_index::invariants::check(&rows)
                        .map_err(|broken| format!("the rows of {}: {broken}", machine.name))?;
                    self.seen.insert(rows.applied, (machine.name.clone(), hash));
                }
                Some((_, other)) if *other == hash => {}
                Some((other, _)) => {
                    return Err(format!(
                        "{} and {other} have applied the same entry and have other rows",
                        machine.name
                    ));
                }
            }
        }
        Ok(())
    }

    /// Looks whether all machines have applied the same entry.
    ///
    /// # Errors
    /// One of them has not.
    pub fn all_equal(&self, cluster: &Cluster) -> Result<(), String> {
        let applied =
            cluster.machines.iter().map(|machine| MachineRows::of(machine).map(|rows| rows.applied));
        let applied: Vec<Option<Bytes>> = applied.collect();
        match applied.windows(2).all(|pair| pair[0] == pair[1]) && applied[0].is_some() {
            true => Ok(()),
            false => Err(format!("the machines have not applied the same entries: {applied:?}")),
        }
    }
}
