//! The metadata layer without a log or replicas: the state machine itself, in memory.

use crate::metadata::{Metadata, MetadataError, Proposal};
use async_trait::async_trait;
use esker_env::Clock;
use esker_index::command::Command;
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, Query};
use esker_index::rows::{MemoryRows, Overlay, RowsError};
use esker_types::GroupId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Applies commands at once, to as many groups as are asked for.
pub struct MemoryMetadata {
    clock: Arc<dyn Clock>,
    groups: Mutex<BTreeMap<GroupId, MemoryRows>>,
}

impl MemoryMetadata {
    /// Groups without a row, whose commands are dated by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> MemoryMetadata {
        MemoryMetadata { clock, groups: Mutex::default() }
    }
}

impl fmt::Debug for MemoryMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMetadata").finish_non_exhaustive()
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it maps errors")]
fn failed(error: RowsError) -> MetadataError {
    MetadataError::Failed(error.to_string())
}

#[async_trait]
impl Metadata for MemoryMetadata {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        let Proposal { request, deadline, body } = proposal;
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = groups.entry(group).or_default();
        let command = Command { request, deadline, proposed_at: self.clock.now(), body };
        let mut overlay = Overlay::new(rows);
        let outcome = esker_index::apply(&mut overlay, group, &command).map_err(failed)?;
        let changes = overlay.into_changes();
        rows.apply(changes);
        Ok(outcome)
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        esker_index::answer(groups.entry(group).or_default(), &query).map_err(failed)
    }

    fn leads(&self, _: GroupId) -> bool {
        true
    }
}
