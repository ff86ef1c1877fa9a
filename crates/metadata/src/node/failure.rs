//! Notices that a replica has failed for good.

use std::sync::Arc;

use openraft::errors::Fatal;
use tokio::sync::watch;

use crate::node::Group;

/// Follows a replica until it stops; says so if it was not told to.
pub(super) async fn follow(group: Arc<Group>, failure: watch::Sender<Option<String>>) {
    let mut observer = group.observe();
    let id = group.id();
    // The sender of the metrics lives in openraft's core, so holding the group here would keep nothing alive but
    // itself; still, a stopped node should drop its rows at once.
    drop(group);
    let stopped = observer.wait(|metrics| metrics.running_state.clone().err()).await;
    // If openraft's core is gone without a word, it panicked.
    let error = stopped.unwrap_or(Fatal::Panicked);
    if error != Fatal::Stopped {
        tracing::error!(group = id.0, %error, "a metadata replica failed");
        failure.send_replace(Some(format!("group {}: {error}", id.0)));
    }
}
