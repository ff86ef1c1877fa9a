//! When a job looks again: as soon as the topology has changed, or after a while.

use crate::keeper::ViewHandle;
use crate::view::ClusterView;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Follows the topology for one job.
pub(super) struct Rhythm {
    views: watch::Receiver<Option<Arc<ClusterView>>>,
}

impl Rhythm {
    pub(super) fn new(views: &ViewHandle) -> Rhythm {
        Rhythm { views: views.subscribe() }
    }

    /// The newest view. Later waits are for a newer one than this.
    pub(super) fn view(&mut self) -> Option<Arc<ClusterView>> {
        self.views.borrow_and_update().clone()
    }

    /// Waits until there is a newer view. For ever, if nobody keeps it up to date any more: the process is stopping.
    pub(super) async fn changed(&mut self) {
        if self.views.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until there is a newer view, but no longer than this.
    pub(super) async fn changed_within(&mut self, limit: Duration) {
        let _ = timeout(limit, self.changed()).await;
    }
}
