//! What the committer is asked to do.

use super::{Write, WriteToken};
use crate::format::{Fragment, Tombstone};
use crate::index::{BlobRow, Location};
use crate::log::{Pin, Slot};
use esker_rpc::StorageError;
use esker_types::{BlobId, Fence};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Notify, oneshot};

/// The way to the committer. It never blocks: every request but the small [`Request::Forget`] has a caller who
/// waits for it, so there are no more of them than callers.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    queue: Sender<Request>,
    /// Tells a committer that is a task.
    arrived: Arc<Notify>,
}

/// The committer is gone, and the request with it.
#[derive(Debug)]
pub(crate) struct Gone;

impl Requests {
    pub(crate) fn new() -> (Requests, Receiver<Request>) {
        let (queue, receiver) = channel();
        (Requests { queue, arrived: Arc::new(Notify::new()) }, receiver)
    }

    pub(crate) fn send(&self, request: Request) -> Result<(), Gone> {
        self.queue.send(request).map_err(|_| Gone)?;
        self.arrived.notify_one();
        Ok(())
    }

    /// Notified when there is a request, or one way less to the committer.
    pub(super) fn arrived(&self) -> Arc<Notify> {
        self.arrived.clone()
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.arrived.notify_one();
    }
}

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StorageError>>;

/// A piece of work for the committer.
#[derive(Debug)]
pub(crate) enum Request {
    /// Make a complete write durable and part of the index. `replaces` names an older write that may be
    /// replaced, because it was found to be damaged.
    Put { write: Box<Write>, replaces: Option<u64>, reply: Reply<PutOutcome> },
    /// A put was given up before it was settled.
    Forget(Box<Abandoned>),
    /// Delete blobs; the answer tells which fragments may be punched out.
    Delete { blobs: Vec<BlobId>, reply: Reply<Vec<(Location, u64)>> },
    /// Reserve space for copies of those fragments that are still part of a blob and still in `segment`.
    ReserveMoves { segment: u64, fragments: Vec<(Fragment, u64)>, reply: Reply<Vec<(Move, Slot)>> },
    /// Copies are written; make them durable, and the index point to them.
    Moved { moves: Vec<(Move, Pin)>, reply: Reply<()> },
    /// Hold puts to these states of placement groups, which are durable already. Answered once every put before it
    /// is part of the index or has failed.
    Fence { fences: Vec<Fence>, reply: Reply<()> },
    /// Write tombstones of a segment that is to go once more.
    Rebury { tombstones: Vec<Tombstone>, reply: Reply<()> },
    /// Remove a segment that nothing needs; false if something does.
    Remove { segment: u64, reply: Reply<bool> },
    /// Seal everything, make the index durable, and stop.
    Close { reply: Reply<()> },
}

/// What became of a complete write.
#[derive(Debug)]
pub(crate) enum PutOutcome {
    /// It is durable.
    Stored,
    /// A blob of this name and length is there. The write comes back, in case that the other one is damaged.
    Duplicate(Box<Write>, BlobRow),
}

/// What is left of a put that was given up.
#[derive(Debug)]
pub(crate) struct Abandoned {
    pub(crate) blob: BlobId,
    pub(crate) write: u64,
    /// Whether recovery may find the write complete, so that it takes a tombstone to keep it away.
    pub(crate) retraction: Retraction,
    /// The fragments with their bytes of data.
    pub(crate) fragments: Vec<(Location, u64)>,
    pub(crate) pins: Vec<Pin>,
    /// Dropped by the committer, so that a store that closes knows when it has seen the last of them.
    pub(crate) _token: Option<WriteToken>,
}

/// Whether a tombstone is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retraction {
    /// The last fragment was never written.
    Incomplete,
    /// It may be on the disk.
    MaybeComplete,
}

/// A fragment that moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) fragment: Fragment,
    pub(crate) from: Location,
    pub(crate) to: Location,
}
