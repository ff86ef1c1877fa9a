//! Which nodes answered lately. Only an order of preference: nothing is decided about data by it.

use esker_rpc::StorageError;
use esker_types::NodeId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// For how long a node that failed is left alone.
#[derive(Clone, Copy, Debug)]
pub struct HealthOptions {
    /// After the first failure.
    pub pause_first: Duration,
    /// After many; it doubles from failure to failure up to this.
    pub pause_max: Duration,
}

impl Default for HealthOptions {
    /// Half a second to eight.
    fn default() -> HealthOptions {
        HealthOptions { pause_first: Duration::from_millis(500), pause_max: Duration::from_secs(8) }
    }
}

/// The nodes that failed lately.
#[derive(Debug)]
pub struct Health {
    options: HealthOptions,
    /// Nodes that are not here answered, or were never asked.
    failing: Mutex<HashMap<NodeId, Failing>>,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    pause: Duration,
    until: Instant,
    /// Whether somebody asks it although it failed, and has not told yet what came of it.
    tried: bool,
}

impl Health {
    /// All nodes are thought well of.
    pub fn new(options: HealthOptions) -> Health {
        Health { options, failing: Mutex::default() }
    }

    /// Whether to ask the node as if nothing had happened. After the pause of a node that failed, this is true once
    /// for each further pause: that caller tries whether it is back.
    pub fn is_well(&self, node: NodeId) -> bool {
        let now = Instant::now();
        let mut all = self.failing();
        let Some(failing) = all.get_mut(&node) else { return true };
        if now < failing.until {
            return false;
        }
        failing.until = now + failing.pause;
        failing.tried = true;
        true
    }

    /// The node answered.
    pub fn answered(&self, node: NodeId) {
        self.forget(node);
    }

    /// The node did not answer in time, or said that its disk fails.
    pub fn failed(&self, node: NodeId) {
        let now = Instant::now();
        let mut all = self.failing();
        let failing = all.entry(node).or_insert(Failing { pause: Duration::ZERO, until: now, tried: false });
        // Requests that were under way together fail together: they count once.
        if now < failing.until && !failing.tried {
            return;
        }
        failing.pause = (failing.pause * 2).min(self.options.pause_max).max(self.options.pause_first);
        failing.until = now + failing.pause;
        failing.tried = false;
    }

    /// Takes an answer's word for the node's health. What is wrong with one blob says nothing of the node.
    pub fn note<T>(&self, node: NodeId, result: &Result<T, StorageError>) {
        match result {
            Err(StorageError::Unavailable(_) | StorageError::Failed(_)) => self.failed(node),
            // The sender's doing; whether the node is well is not known.
            Err(StorageError::Aborted) => {}
            _ => self.answered(node),
        }
    }

    /// Nothing is known of the node.
    pub(crate) fn forget(&self, node: NodeId) {
        self.failing().remove(&node);
    }

    fn failing(&self) -> MutexGuard<'_, HashMap<NodeId, Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(7);

    #[tokio::test(start_paused = true)]
    async fn a_node_that_failed_is_tried_once_in_each_pause() {
        let health = Health::new(HealthOptions::default());
        assert!(health.is_well(NODE));
        health.failed(NODE);
        assert!(!health.is_well(NODE));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(health.is_well(NODE), "one tries");
        assert!(!health.is_well(NODE), "the others wait for what it finds");
        health.answered(NODE);
        assert!(health.is_well(NODE) && health.is_well(NODE));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_from_failure_to_failure_and_are_bounded() {
        let health = Health::new(HealthOptions::default());
        let mut pauses = Vec::new();
        for _ in 0..7 {
            health.failed(NODE);
            health.failed(NODE);
            let begin = Instant::now();
            while !health.is_well(NODE) {
                tokio::time::advance(Duration::from_millis(500)).await;
            }
            pauses.push(begin.elapsed().as_millis());
        }
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
    }

    #[test]
    fn what_is_wrong_with_a_blob_is_not_held_against_the_node() {
        let health = Health::new(HealthOptions::default());
        for error in [StorageError::NotFound, StorageError::Corrupt("x".to_owned()), StorageError::Aborted] {
            health.note(NODE, &Err::<(), _>(error));
            assert!(health.is_well(NODE));
        }
        health.note(NODE, &Err::<(), _>(StorageError::Unavailable("x".to_owned())));
        assert!(!health.is_well(NODE));
        health.note(NODE, &Err::<(), _>(StorageError::Aborted));
        assert!(!health.is_well(NODE));
        health.note(NODE, &Ok(()));
        assert!(health.is_well(NODE));
    }
}
