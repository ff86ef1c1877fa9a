//! Follows what openraft tells of a replica.

use openraft::RaftMetrics;
use openraft::alias::WatchReceiverOf;
use openraft::async_runtime::watch::WatchReceiver;

use crate::types::{Raft, TypeConfig};

/// openraft's core is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// The metrics of a replica as they change.
pub(crate) struct Observer(WatchReceiverOf<TypeConfig, RaftMetrics<TypeConfig>>);

impl Observer {
    pub(crate) fn new(raft: &Raft) -> Observer {
        Observer(raft.metrics())
    }

    /// Looks at the newest metrics. Keep it brief: openraft can't change them meanwhile.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&RaftMetrics<TypeConfig>) -> T) -> T {
        look(&self.0.borrow_watched())
    }

    /// Waits until `found` finds what it looks for.
    pub(crate) async fn wait<T>(
        &mut self,
        mut found: impl FnMut(&RaftMetrics<TypeConfig>) -> Option<T>,
    ) -> Result<T, Gone> {
        loop {
            if let Some(result) = found(&self.0.borrow_and_update()) {
                return Ok(result);
            }
            self.0.changed().await.map_err(|_| Gone)?;
        }
    }
}
