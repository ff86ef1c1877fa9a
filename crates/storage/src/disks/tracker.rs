//! What the node lost with a disk, until it is made up for.
//!
//! There are two ways to lose a disk. One that is *retired* while in use is still read: its blobs are listed, not claimed,
//! and copied away. One that is *gone* at a start takes its blobs off the lists: from then on the lists prove nothing, until
//! the node has compared itself with others, and the system disk remembers that.

use super::roster::RosterFile;
use crate::put::blocking;
use crate::telemetry;
use async_trait::async_trait;
use esker_rpc::{Loss, Losses, StorageError, Wholeness};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What is pending.
#[derive(Debug)]
struct State {
    /// The last loss; 0 if there was none.
    last: Loss,
    /// Whether lists lack blobs.
    lists: Wholeness,
    /// Whether there are readable blobs on retired disks that were not copied away yet.
    copies: Wholeness,
}

/// The losses of one node.
#[derive(Debug)]
pub(super) struct Tracker {
    roster: Arc<RosterFile>,
    state: Mutex<State>,
    pending: watch::Sender<Option<Loss>>,
}

impl Tracker {
    /// Goes on with what the roster remembers.
    pub(super) fn new(roster: Arc<RosterFile>) -> Tracker {
        let lists = roster.get().wholeness;
        let loss = (lists == Wholeness::Lacking).then_some(Loss(1));
        let state = State { last: loss.unwrap_or(Loss(0)), lists, copies: Wholeness::Whole };
        let tracker = Tracker { roster, state: Mutex::new(state), pending: watch::Sender::new(loss) };
        tracker.publish();
        tracker
    }

    /// A disk was retired.
    pub(super) fn retired(&self) {
        let mut state = self.lock();
        state.last = Loss(state.last.0 + 1);
        state.copies = Wholeness::Lacking;
        self.pending.send_replace(Some(state.last));
        drop(state);
        self.publish();
    }

    /// What can be read on retired disks is elsewhere.
    pub(super) fn rescued(&self) {
        self.lock().copies = Wholeness::Whole;
        self.publish();
    }

    /// Whether the node's lists, and its word that a blob is not there, can be relied on.
    pub(super) fn lists(&self) -> Wholeness {
        self.lock().lists
    }

    /// Whether the node has what it should have, on disks that are sound.
    pub(super) fn wholeness(&self) -> Wholeness {
        match (self.pending.borrow().is_some(), self.lock().copies) {
            (false, Wholeness::Whole) => Wholeness::Whole,
            _ => Wholeness::Lacking,
        }
    }

    fn publish(&self) {
        let lacking = if self.wholeness() == Wholeness::Lacking { 1.0 } else { 0.0 };
        metrics::gauge!(telemetry::LACKING).set(lacking);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No holder leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Losses for super::NodeStore {
    fn pending(&self) -> watch::Receiver<Option<Loss>> {
        self.tracker().pending.subscribe()
    }

    async fn made_up(&self, loss: Loss) -> Result<(), StorageError> {
        let tracker = self.tracker();
        if tracker.lock().last != loss {
            return Ok(());
        }
        if tracker.lists() == Wholeness::Lacking {
            // Only disks that are gone at a start take blobs off the lists, so no later loss can have done so.
            let roster = Arc::clone(&tracker.roster);
            let marked = blocking(move || roster.mark_whole()).await?;
            marked.map_err(|error| StorageError::Failed(error.to_string()))?;
            tracker.lock().lists = Wholeness::Whole;
        }
        let settled = tracker.pending.send_if_modified(|pending| {
            let settled = *pending == Some(loss);
            if settled {
                *pending = None;
            }
            settled
        });
        if settled {
            tracing::info!("what was lost with a disk is made up for, as far as any node has it");
        }
        tracker.publish();
        Ok(())
    }
}
