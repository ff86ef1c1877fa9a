//! What the callers, the readers and the writer thread share.

use crate::cache::Stamp;
use crate::error::WalError;
use crate::gate::{Gate, Permit};
use crate::index::Index;
use crate::record::Record;
use esker_env::DiskFile;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Called once, on the writer's thread, when records are durable or never will be. It mustn't block.
pub type Completion = Box<dyn FnOnce(Result<(), WalError>) + Send>;

/// When an append is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the records are on disk.
    Synced,
    /// At once. The records ride along with the next batch that somebody waits for, and a crash before it loses
    /// them. For committed ids, which the log can be without.
    NotNeeded,
}

/// What the log has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WalCounters {
    /// Batches written, each with one sync.
    pub batches: u64,
    /// Records in them, those at the heads of segments included.
    pub records: u64,
    /// Bytes written for them.
    pub bytes: u64,
}

/// Records that were accepted and wait for the writer.
pub(crate) struct Submission {
    pub(crate) records: Vec<Record>,
    pub(crate) first_stamp: Stamp,
    /// None if nobody waits.
    pub(crate) done: Option<Completion>,
    pub(crate) permit: Permit,
}

/// Whether the log takes records.
#[derive(Debug)]
pub(crate) enum Status {
    Open,
    Closing,
    Poisoned(WalError),
}

pub(crate) struct Inner {
    pub(crate) index: Index,
    pub(crate) queue: Vec<Submission>,
    pub(crate) queued_bytes: u64,
    /// Whether somebody waits for what is queued.
    pub(crate) awaited: bool,
    pub(crate) status: Status,
    /// The segment files, by number.
    pub(crate) files: BTreeMap<u64, Arc<dyn DiskFile>>,
}

pub(crate) struct Shared {
    inner: Mutex<Inner>,
    pub(crate) work: Condvar,
    /// The same for a writer that is a task.
    pub(crate) arrived: Notify,
    pub(crate) gate: Arc<Gate>,
    pub(crate) dir: PathBuf,
    /// When so many bytes are queued that nobody waits for, they are written nevertheless.
    pub(crate) unawaited_bytes_max: u64,
    pub(crate) free_bytes: AtomicU64,
    pub(crate) missing_spares: AtomicUsize,
    pub(crate) disk_free_bytes: AtomicU64,
    batches: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        index: Index,
        files: BTreeMap<u64, Arc<dyn DiskFile>>,
        dir: PathBuf,
        queue_bytes_max: u64,
    ) -> Shared {
        let inner =
            Inner { index, queue: Vec::new(), queued_bytes: 0, awaited: false, status: Status::Open, files };
        Shared {
            inner: Mutex::new(inner),
            work: Condvar::new(),
            arrived: Notify::new(),
            gate: Gate::new(queue_bytes_max),
            dir,
            unawaited_bytes_max: queue_bytes_max / 4,
            free_bytes: AtomicU64::new(0),
            missing_spares: AtomicUsize::new(0),
            disk_free_bytes: AtomicU64::new(u64::MAX),
            batches: AtomicU64::new(0),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts records: from now on they can be read, and the writer will write them.
    pub(crate) fn submit(
        &self,
        records: Vec<Record>,
        durability: Durability,
        done: Completion,
        permit: Permit,
    ) -> Result<(), WalError> {
        let mut inner = self.lock();
        match &inner.status {
            Status::Open => {}
            Status::Closing => return Err(WalError::Closed),
            Status::Poisoned(error) => return Err(error.clone()),
        }
        let first_stamp = inner.index.accept(&records)?;
        inner.queued_bytes += cost(&records);
        let (done, at_once) = match durability {
            Durability::Synced => {
                inner.awaited = true;
                (Some(done), None)
            }
            Durability::NotNeeded => (None, Some(done)),
        };
        inner.queue.push(Submission { records, first_stamp, done, permit });
        let wake = self.is_due(&inner);
        drop(inner);
        if wake {
            self.wake();
        }
        if let Some(done) = at_once {
            done(Ok(()));
        }
        Ok(())
    }

    /// Tells the writer, whatever it is, that there is something to do.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
        self.arrived.notify_one();
    }

    /// Whether the queue is to be written now.
    pub(crate) fn is_due(&self, inner: &Inner) -> bool {
        inner.awaited || inner.queued_bytes >= self.unawaited_bytes_max
    }

    /// Fails everything that waits and everything that comes.
    pub(crate) fn poison(&self, error: &WalError) {
        let error = error.poison();
        let mut inner = self.lock();
        if !matches!(inner.status, Status::Poisoned(_)) {
            inner.status = Status::Poisoned(error.clone());
        }
        let queue = std::mem::take(&mut inner.queue);
        drop(inner);
        self.gate.close(&error);
        for submission in queue {
            if let Some(done) = submission.done {
                done(Err(error.clone()));
            }
        }
    }

    pub(crate) fn count_batch(&self, records: u32, bytes: u64) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(u64::from(records), Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn counters(&self) -> WalCounters {
        WalCounters {
            batches: self.batches.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// What records take of the queue.
pub(crate) fn cost(records: &[Record]) -> u64 {
    const RECORD_COST_BYTES: u64 = 64;
    records.iter().map(|record| record.payload().len() as u64 + RECORD_COST_BYTES).sum()
}
