//! Asking the metadata layer, and telling it what was done.

use esker_env::{Clock, Random};
use esker_index::command::CommandBody;
use esker_index::outcome::{Outcome, Refusal};
use esker_index::query::{Answer, Query};
use esker_rpc::{Metadata, MetadataError, Proposal, StorageError};
use esker_types::{GroupId, RequestId};
use std::sync::Arc;

use crate::keeper::ViewError;

/// How long a command of the background work may wait to be applied, in milliseconds.
const DEADLINE_MILLIS: u64 = 30_000;

/// Why a job stopped early. It is taken up again later: every job reads from the rows what is left to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Interrupted {
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    View(#[from] ViewError),
    #[error("the group refused: {0}")]
    Refused(#[from] Refusal),
    #[error("an answer of another kind than the question")]
    OtherAnswer,
}

/// The metadata layer, and what dates and names a command.
#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) metadata: Arc<dyn Metadata>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

impl Ledger {
    /// Commits a command of which it does not matter how often it applies.
    pub(super) async fn propose(&self, group: GroupId, body: CommandBody) -> Result<Outcome, Interrupted> {
        let proposal = Proposal {
            request: RequestId(self.random.uuid_v4()),
            deadline: self.clock.now().plus_millis(DEADLINE_MILLIS),
            body,
        };
        Ok(self.metadata.propose(group, proposal).await?)
    }

    /// Answers a query linearizably.
    pub(super) async fn query(&self, group: GroupId, query: Query) -> Result<Answer, Interrupted> {
        Ok(self.metadata.query(group, query).await?)
    }
}
