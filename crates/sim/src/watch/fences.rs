//! Fences: once a node has acknowledged a state of a placement group, every put of an earlier one is listed or fails.

use super::{Watch, Watched};
use esker_rpc::StorageError;
use esker_types::{BlobId, Fence, NodeId};
use std::sync::Arc;

/// A put under way.
#[derive(Debug)]
pub(super) struct Flight {
    node: NodeId,
    blob: BlobId,
    fence: Fence,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    /// A later state was acknowledged when the blob was not listed.
    MustFail,
}

/// The watch's handle on a put; it is gone when the put is.
pub(super) struct Ticket {
    watch: Arc<Watch>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.watch.lock().flights.remove(&self.number);
    }
}

impl Ticket {
    /// The put has ended.
    pub(super) fn land(self, result: &Result<u64, StorageError>) {
        let flight = self.watch.lock().flights.remove(&self.number);
        match (flight, result) {
            (Some(Flight { node, blob, fence, fate: Fate::MustFail }), Ok(_)) => self.watch.oracle.wrong(
                format!("{node} has acknowledged a later state than {fence:?} and then stored {blob:?}"),
            ),
            (_, Err(StorageError::Stale(_))) => self.watch.oracle.saw("stale put"),
            _ => {}
        }
    }
}

impl Watched {
    /// A put begins.
    pub(super) async fn take_off(&self, blob: BlobId, fence: Fence) -> Ticket {
        let promised = self.watch.lock().promised.get(&(self.node, fence.group)).copied();
        // To store again what is there changes nothing.
        let late = promised.is_some_and(|epoch| epoch > fence.epoch) && !self.lists(blob).await;
        let fate = if late { Fate::MustFail } else { Fate::Open };
        let mut state = self.watch.lock();
        state.next += 1;
        let number = state.next;
        state.flights.insert(number, Flight { node: self.node, blob, fence, fate });
        drop(state);
        Ticket { watch: self.watch.clone(), number }
    }

    /// The node has acknowledged these states.
    pub(super) async fn promise(&self, fences: &[Fence]) {
        for (number, blob) in self.watch.raise(self.node, fences) {
            self.watch.oracle.saw("put overtaken by a fence");
            if !self.lists(blob).await
                && let Some(flight) = self.watch.lock().flights.get_mut(&number)
            {
                flight.fate = Fate::MustFail;
            }
        }
    }

    async fn lists(&self, blob: BlobId) -> bool {
        self.storage.stat(&[blob]).await.is_ok_and(|found| found.first().is_some_and(Option::is_some))
    }
}

impl Watch {
    /// A node has acknowledged these states. Returns its puts of earlier ones that are under way.
    fn raise(&self, node: NodeId, fences: &[Fence]) -> Vec<(u64, BlobId)> {
        let mut state = self.lock();
        for fence in fences {
            let epoch = state.promised.entry((node, fence.group)).or_insert(fence.epoch);
            *epoch = fence.epoch.max(*epoch);
        }
        let overtaken = |flight: &Flight| {
            let by = |fence: &Fence| flight.fence.group == fence.group && flight.fence.epoch < fence.epoch;
            flight.node == node && fences.iter().any(by)
        };
        let flights = state.flights.iter().filter(|(_, flight)| overtaken(flight));
        flights.map(|(number, flight)| (*number, flight.blob)).collect()
    }
}
