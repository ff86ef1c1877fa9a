//! What every operation works with.

use crate::data::Digesters;
use crate::metadata::MetadataClient;
use crate::route::Routes;
use crate::settings::Settings;
use esker_env::{Clock, Random};
use esker_rpc::BlobStore;
use esker_types::Timestamp;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The other roles, the gateway's settings, and the little that it remembers between requests: nothing that a
/// second gateway would need.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) metadata: Arc<MetadataClient>,
    pub(crate) storage: Arc<dyn BlobStore>,
    pub(crate) routes: Routes,
    pub(crate) digesters: Arc<Digesters>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// Work that goes on after its request was answered; shutdown waits for it.
    pub(crate) tasks: TaskTracker,
}

impl Core {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
