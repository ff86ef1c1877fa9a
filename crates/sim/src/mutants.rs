//! Mistakes that are put into the product to see whether simulations find them: the test of the tester.

use async_trait::async_trait;
use clap::ValueEnum;
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Outcome};
use esker_index::query::{Answer, Query};
use esker_rpc::testing::Delegate;
use esker_rpc::{
    BlobBody, BlobReader, BlobStore, Metadata, MetadataError, Proposal, Storage, StorageError, StoredBlob,
};
use esker_types::{BlobId, ByteRange, Fence, GroupId};
use futures::StreamExt as _;
use std::sync::Arc;

use crate::invariants::MachineRows;
use crate::world::machine::Machine;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mutant {
    /// Puts don't tell which replicas are late, so that nobody repairs them.
    ForgetLate,
    /// Queries are answered from a replica's own rows, without asking the leader.
    StaleReads,
    /// A blob counts as stored once it was sent.
    EarlyAck,
    /// Storage nodes acknowledge placements without holding puts to them.
    SkipFence,
    /// The sweep for orphans deletes what is old without asking who holds it.
    SweepHeld,
}

/// Blobs whose late replicas are kept secret.
pub struct ForgetLate(pub Arc<dyn BlobStore>);

#[async_trait]
impl BlobStore for ForgetLate {
    async fn put(&self, blob: BlobId, body: BlobBody) -> Result<StoredBlob, StorageError> {
        let StoredBlob { length, .. } = self.0.put(blob, body).await?;
        Ok(StoredBlob { length, late: Vec::new() })
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        self.0.get(blob, range).await
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        self.0.delete(blobs).await
    }
}

/// A metadata layer that answers before it has caught up.
pub struct StaleReads {
    /// The right one.
    pub metadata: Arc<dyn Metadata>,
    /// Where its rows are.
    pub machine: Arc<Machine>,
}

#[async_trait]
impl Metadata for StaleReads {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        self.metadata.propose(group, proposal).await
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        match MachineRows::of(&self.machine) {
            Some(rows) if matches!(query, Query::Version { .. }) => {
                esker_index::answer(&rows, &query).map_err(|error| MetadataError::Failed(error.to_string()))
            }
            _ => self.metadata.query(group, query).await,
        }
    }

    fn leads(&self, group: GroupId) -> bool {
        self.metadata.leads(group)
    }
}

/// A metadata layer that holds no data, for the sweep.
pub struct SweepHeld(pub Arc<dyn Metadata>);

#[async_trait]
impl Metadata for SweepHeld {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        let condemns = matches!(proposal.body, CommandBody::Condemn { .. });
        let outcome = self.0.propose(group, proposal).await?;
        Ok(if condemns { outcome.map(|_| Done::Condemned { held: Vec::new() }) } else { outcome })
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        match query {
            Query::Unheld { data } => Ok(Answer::Unheld(data)),
            query => self.0.query(group, query).await,
        }
    }

    fn leads(&self, group: GroupId) -> bool {
        self.0.leads(group)
    }
}

/// A storage node, as somebody reaches it who makes a mistake.
pub struct Careless {
    /// The node.
    pub storage: Arc<dyn Storage>,
    /// The mistake.
    pub mutant: Mutant,
}

#[async_trait]
impl Delegate for Careless {
    fn inner(&self) -> Result<&dyn Storage, StorageError> {
        Ok(&*self.storage)
    }

    async fn put(&self, blob: BlobId, fence: Fence, mut body: BlobBody) -> Result<u64, StorageError> {
        if self.mutant != Mutant::EarlyAck {
            return self.storage.put(blob, fence, body).await;
        }
        let mut pieces = Vec::new();
        while let Some(piece) = body.next().await {
            pieces.push(Ok(piece.map_err(|_| StorageError::Aborted)?));
        }
        let length = pieces.iter().flatten().map(bytes::Bytes::len).sum::<usize>() as u64;
        let storage = self.storage.clone();
        let later = async move { storage.put(blob, fence, futures::stream::iter(pieces).boxed()).await };
        tokio::spawn(later);
        Ok(length)
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        match self.mutant {
            Mutant::SkipFence => Ok(()),
            _ => self.storage.fence(fences).await,
        }
    }
}
