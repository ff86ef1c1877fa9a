//! Reading the topology from the directory group.

use esker_index::query::{Answer, Query};
use esker_rpc::{Metadata, MetadataError};
use esker_types::GroupId;

pub use esker_index::query::{NodeRecord, PlacementState, Topology};

/// The topology, if there is a newer one than `newer_than`. Linearizable.
pub(crate) async fn read(
    metadata: &dyn Metadata,
    newer_than: u64,
) -> Result<Option<Topology>, MetadataError> {
    match metadata.query(GroupId::DIRECTORY, Query::Topology { newer_than }).await? {
        Answer::Topology(topology) => Ok(topology),
        _ => Err(MetadataError::Failed(
            "a question for the topology was answered by something else".to_owned(),
        )),
    }
}
