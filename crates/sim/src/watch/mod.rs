//! Stands before every storage node and looks whether it keeps its promises.
//!
//! What clients see heals: a put that slipped past a fence is handed over later, a blob that one node deleted is fetched
//! from another. So the promises themselves are looked at, where they are given.

mod deletions;
mod fences;

use crate::oracle::Oracle;
use crate::world::machine::Machine;
use async_trait::async_trait;
use deletions::Suspicion;
use esker_rpc::testing::Delegate;
use esker_rpc::{BlobBody, Storage, StorageError};
use esker_types::{BlobId, Fence, NodeId, PlacementEpoch, PlacementGroup};
use fences::Flight;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What all storage nodes have promised, and what they do. It outlives their processes.
#[derive(Debug)]
pub struct Watch {
    oracle: Oracle,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    machines: Vec<Arc<Machine>>,
    /// The epochs that nodes have acknowledged.
    promised: BTreeMap<(NodeId, PlacementGroup), PlacementEpoch>,
    next: u64,
    /// Puts under way.
    flights: BTreeMap<u64, Flight>,
    /// Deletions that look wrong.
    suspicions: Vec<Suspicion>,
}

impl Watch {
    /// Nothing was promised yet. What is wrong is told the oracle.
    pub fn new(oracle: Oracle) -> Watch {
        Watch { oracle, state: Mutex::default() }
    }

    /// A machine has come, whose rows say what may be deleted.
    pub fn add(&self, machine: Arc<Machine>) {
        self.lock().machines.push(machine);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A storage node that is watched.
pub struct Watched {
    /// What it does.
    pub storage: Arc<dyn Storage>,
    /// Which one it is.
    pub node: NodeId,
    /// Who looks.
    pub watch: Arc<Watch>,
}

#[async_trait]
impl Delegate for Watched {
    fn inner(&self) -> Result<&dyn Storage, StorageError> {
        Ok(&*self.storage)
    }

    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        let flight = self.take_off(blob, fence).await;
        let result = self.storage.put(blob, fence, body).await;
        flight.land(&result);
        result
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        self.watch.looks_at_deletion(self.node, blobs);
        self.storage.delete(blobs).await
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        self.storage.fence(fences).await?;
        self.promise(fences).await;
        Ok(())
    }
}
