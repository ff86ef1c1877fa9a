//! What must always hold, looked at from outside of all processes: between two steps of time nothing moves.

mod equal_states;
mod leaders_in_order;
mod rows;

pub use equal_states::EqualStates;
pub use leaders_in_order::LeadersInOrder;
pub use rows::MachineRows;

use crate::world::Cluster;
use std::time::Duration;

/// How often leaders are looked at, and rows.
const LEADERS: Duration = Duration::from_millis(10);
const ROWS: Duration = Duration::from_secs(2);

/// All invariants, and when they are due.
#[derive(Debug, Default)]
pub struct Invariants {
    leaders: LeadersInOrder,
    states: EqualStates,
    leaders_due: Duration,
    rows_due: Duration,
}

impl Invariants {
    /// Looks at what is due.
    ///
    /// # Errors
    /// What does not hold.
    pub fn step(&mut self, cluster: &Cluster) -> Result<(), String> {
        let now = cluster.elapsed();
        if now >= self.leaders_due {
            self.leaders_due = now + LEADERS;
            self.leaders.look(cluster)?;
        }
        if now >= self.rows_due {
            self.rows_due = now + ROWS;
            self.states.look(cluster)?;
            cluster.plan.watch.judge()?;
        }
        match cluster.oracle.first_wrong() {
            Some(wrong) => Err(wrong),
            None => Ok(()),
        }
    }

    /// Looks at the end: all replicas have the same rows, and these keep the index's own invariants.
    ///
    /// # Errors
    /// What does not hold.
    pub fn end(&mut self, cluster: &Cluster) -> Result<(), String> {
        self.states.look(cluster)?;
        self.states.all_equal(cluster)
    }
}
