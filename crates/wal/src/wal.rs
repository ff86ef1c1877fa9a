//! The handle that callers hold.

use crate::error::WalError;
use crate::index::GroupState;
use crate::options::WalOptions;
use crate::record::{Record, STATE_PAYLOAD_BYTES_MAX};
use crate::recovery::{Recovered, Recovery, recover};
use crate::shared::{Completion, Durability, Shared, Status, WalCounters, cost};
use crate::writer::Writer;
use crate::{Refusal, reader};
use bytes::Bytes;
use esker_env::{Disk, OneThread, Random};
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

/// An open log. Any number of threads may use it at once; dropping it writes what is queued and waits for that.
pub struct Wal {
    shared: Arc<Shared>,
    payload_bytes_max: u64,
    /// None where the writer is a task.
    writer: Option<JoinHandle<()>>,
}

impl Wal {
    /// Opens the log in `dir`, or starts one if there is none, and says what it holds. Blocks until all of it is
    /// read. Only one `Wal` may be open in a directory; the data directory's lock sees to that.
    ///
    /// `random` salts new segments. On a thread that does without others ([`OneThread`]) the writer is a task of the
    /// current runtime, and dropping the log doesn't wait for it.
    pub fn open(
        disk: &Arc<dyn Disk>,
        random: &Arc<dyn Random>,
        dir: &Path,
        options: &WalOptions,
    ) -> Result<(Wal, Recovery), WalError> {
        options.validate()?;
        let recovered = recover(disk, random, dir, options)?;
        let Recovered { index, stream, pool, active, files, next_frame, cut } = recovered;
        let recovery = Recovery { groups: index.states(), segments: files.len() as u64, cut };
        let shared = Arc::new(Shared::new(index, files, dir.to_owned(), options.queue_bytes_max));
        let mut writer = Writer::new(shared.clone(), stream, pool, active, next_frame);
        if OneThread::is_here() {
            tokio::spawn(writer.run_in_turn());
            return Ok((
                Wal { shared, payload_bytes_max: options.payload_bytes_max(), writer: None },
                recovery,
            ));
        }
        let for_thread = shared.clone();
        let body = move || {
            if catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
                for_thread.poison(&WalError::WriterLost);
            }
        };
        let spawned = std::thread::Builder::new().name("esker-wal".to_owned()).spawn(body);
        let writer = Some(spawned.map_err(|_| WalError::WriterLost)?);
        Ok((Wal { shared, payload_bytes_max: options.payload_bytes_max(), writer }, recovery))
    }

    /// Appends `records` as one step: all are accepted or none. Waits only while the queue is full. When it
    /// returns, the records can be read; `done` is called when they are durable, in the order of appends. If it
    /// fails, `done` is dropped without a call and nothing was appended.
    ///
    /// Records that together take up to half a segment survive a crash together or not at all; of more, a first
    /// part may survive.
    pub async fn append(
        &self,
        records: Vec<Record>,
        durability: Durability,
        done: Completion,
    ) -> Result<(), WalError> {
        self.check(&records)?;
        let permit = self.shared.gate.ask(cost(&records))?.wait().await?;
        self.shared.submit(records, durability, done, permit)
    }

    /// As [`append`](Wal::append), for threads that may block.
    pub fn append_blocking(
        &self,
        records: Vec<Record>,
        durability: Durability,
        done: Completion,
    ) -> Result<(), WalError> {
        self.check(&records)?;
        let permit = self.shared.gate.ask(cost(&records))?.wait_blocking()?;
        self.shared.submit(records, durability, done, permit)
    }

    /// Appends and waits until the records are durable.
    pub async fn append_synced(&self, records: Vec<Record>) -> Result<(), WalError> {
        let (tell, told) = tokio::sync::oneshot::channel();
        // A caller that stopped waiting needs no answer.
        let done = Box::new(move |result| drop(tell.send(result)));
        self.append(records, Durability::Synced, done).await?;
        told.await.unwrap_or(Err(WalError::WriterLost))
    }

    /// As [`append_synced`](Wal::append_synced), for threads that may block.
    pub fn append_synced_blocking(&self, records: Vec<Record>) -> Result<(), WalError> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let done = Box::new(move |result| drop(tell.send(result)));
        self.append_blocking(records, Durability::Synced, done)?;
        told.blocking_recv().unwrap_or(Err(WalError::WriterLost))
    }

    /// The entries of `range` that exist, in order and without gaps, until their payloads exceed `bytes_max`; at
    /// least one if any exists. Entries are found as soon as their append has returned. May read from disk.
    pub fn entries(
        &self,
        group: u16,
        range: Range<u64>,
        bytes_max: u64,
    ) -> Result<Vec<(u64, Bytes)>, WalError> {
        reader::entries(&self.shared, group, &range, bytes_max)
    }

    /// What the log holds for a group, with all that was appended, durable or not.
    pub fn state(&self, group: u16) -> GroupState {
        self.shared.lock().index.state(group)
    }

    /// The bytes that can be appended before the log needs space from the disk.
    pub fn free_bytes(&self) -> u64 {
        self.shared.free_bytes.load(Ordering::Relaxed)
    }

    /// Whether the disk had no space for a spare segment. Admission then refuses writes; what frees space
    /// (purges, votes, membership) still fits in what is left, for [`free_bytes`](Wal::free_bytes).
    pub fn is_low(&self) -> bool {
        self.shared.missing_spares.load(Ordering::Relaxed) > 0
    }

    /// What the log's disk had left when the log last looked, which it does with every batch and every second.
    pub fn disk_free_bytes(&self) -> u64 {
        self.shared.disk_free_bytes.load(Ordering::Relaxed)
    }

    /// The longest payload of an entry, in bytes.
    pub fn payload_bytes_max(&self) -> u64 {
        self.payload_bytes_max
    }

    /// Why the log failed, if it did. Its process must exit then.
    pub fn failure(&self) -> Option<WalError> {
        match &self.shared.lock().status {
            Status::Poisoned(error) => Some(error.clone()),
            Status::Open | Status::Closing => None,
        }
    }

    /// What the log has done since it was opened.
    pub fn counters(&self) -> WalCounters {
        self.shared.counters()
    }

    fn check(&self, records: &[Record]) -> Result<(), Refusal> {
        for record in records {
            let bytes_max = match record {
                Record::Entry { .. } => self.payload_bytes_max,
                _ => STATE_PAYLOAD_BYTES_MAX,
            };
            let bytes = record.payload().len() as u64;
            if bytes > bytes_max {
                return Err(Refusal::TooLarge { bytes, bytes_max });
            }
        }
        Ok(())
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        if matches!(inner.status, Status::Open) {
            inner.status = Status::Closing;
        }
        drop(inner);
        self.shared.gate.close(&WalError::Closed);
        self.shared.wake();
        if let Some(writer) = self.writer.take() {
            // A completion may hold the last handle; a thread can't wait for itself.
            if writer.thread().id() != std::thread::current().id() {
                // A panic was reported through the log's failure.
                let _ = writer.join();
            }
        }
    }
}

impl fmt::Debug for Wal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wal").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}
