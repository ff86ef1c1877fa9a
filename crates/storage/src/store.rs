//! The store: [`Storage`] over one directory of segments.

use crate::commit::{Committer, Request};
use crate::core::Core;
use crate::fence::Fences;
use crate::format::{FRAGMENT_BYTES, Record, Tombstone, record::HEADER_BYTES};
use crate::log::{Log, Purpose, storage_error};
use crate::maintain::{self, CompactReport, ScrubReport, SegmentFacts, Throttle};
use crate::options::{Components, IndexStart, StorageOptions};
use crate::put::{Putter, blocking};
use crate::recover::{self, OpenError, OpenReport};
use crate::{fence, get, telemetry};
use async_trait::async_trait;
use esker_rpc::{BlobBody, BlobPage, BlobReader, GroupFilter, Storage, StorageError, StorageUsage};
use esker_types::{BlobId, ByteRange, Fence};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How many blobs one request to the committer deletes.
const DELETE_BATCH: usize = 256;

/// Blobs in segment files.
///
/// Its calls need a tokio runtime; disk calls run on the runtime's blocking threads and on one of its own.
/// Dropping it waits for what is on its way to the disk, a few milliseconds, and is otherwise like a crash, which is
/// fine; [`close`](Self::close) makes the next start faster.
#[derive(Debug)]
pub struct SegmentStore {
    core: Arc<Core>,
    committer: Committer,
    /// One permit for each fragment on its way to the disk.
    buffers: Semaphore,
    reads: Arc<Semaphore>,
    /// Held while a segment is compacted: one at a time.
    compaction: tokio::sync::Mutex<()>,
}

impl SegmentStore {
    /// Opens the store. Blocks, and reads every segment that the index doesn't cover: run it on a blocking
    /// thread.
    pub fn open(
        components: Components,
        options: StorageOptions,
        start: IndexStart,
    ) -> Result<(SegmentStore, OpenReport), OpenError> {
        let fences = Fences::load(&*components.disk, Fences::path(&components.dir))?;
        let mut recovered = recover::read(&components, start)?;
        let log = Log::new(&components, &options, recovered.next_number);
        let mut report = std::mem::take(&mut recovered.report);
        recover::settle(&recovered, &mut report, |losers| {
            let mut pins = Vec::new();
            for loser in losers {
                let slot = log.reserve(Purpose::Tombstone, HEADER_BYTES as u64)?;
                let horizon = slot.pin.segment().number;
                let record = Record::Tombstone(Tombstone { blob: loser.blob, write: loser.write, horizon });
                slot.write(record, &[], &[]).map_err(|error| storage_error(&error))?;
                pins.push(slot.pin);
            }
            for segment in log.unsealed() {
                segment.file.sync_data().map_err(|error| storage_error(&error))?;
            }
            Ok(())
        })?;
        log.prepare().map_err(OpenError::Prepare)?;
        let buffers = usize::try_from(options.buffer_bytes).unwrap_or(usize::MAX) / FRAGMENT_BYTES;
        let buffers = Semaphore::new(buffers.clamp(1, Semaphore::MAX_PERMITS));
        let reads = Arc::new(Semaphore::new(options.reads_max.clamp(1, Semaphore::MAX_PERMITS)));
        let damaged = report.damaged_segments.clone();
        let core = Arc::new(Core::new(components, options, recovered.index, log, fences, damaged));
        core.adopt_new_segments();
        let committer = Committer::spawn(core.clone()).map_err(OpenError::Thread)?;
        let compaction = tokio::sync::Mutex::new(());
        Ok((SegmentStore { core, committer, buffers, reads, compaction }, report))
    }

    /// Seals the open segment and makes the index durable, so that the next start reads neither. Puts in
    /// progress fail, and so do puts and deletes that come later. Closing twice is an error.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.core.closing.cancel();
        self.committer.ask(|reply| Request::Close { reply }).await
    }

    /// What compaction is planned from: the sealed segments.
    pub async fn segment_facts(&self) -> Result<Vec<SegmentFacts>, StorageError> {
        let core = self.core.clone();
        blocking(move || maintain::facts(&core).map_err(|error| storage_error(&error))).await?
    }

    /// Copies what is live in a sealed segment elsewhere, and removes it.
    pub async fn compact_segment(
        &self,
        segment: u64,
        throttle: Throttle,
    ) -> Result<CompactReport, StorageError> {
        let _one_at_a_time = self.compaction.lock().await;
        maintain::compact(&self.core, &self.committer, segment, throttle).await
    }

    /// Compacts the segments that are worth it. Returns how many were removed.
    pub async fn compact(&self, throttle: Throttle) -> Result<u64, StorageError> {
        let facts = self.segment_facts().await?;
        maintain::publish(&self.core, &facts);
        let mut removed = 0;
        for segment in maintain::plan(&facts, self.core.options.segment_bytes) {
            removed += u64::from(self.compact_segment(segment, throttle).await?.removed);
        }
        Ok(removed)
    }

    /// Reads and verifies about `bytes_max` of blobs, from where the last step stopped; across restarts too.
    pub async fn scrub_step(&self, bytes_max: u64, throttle: Throttle) -> Result<ScrubReport, StorageError> {
        maintain::scrub(&self.core, bytes_max, throttle).await
    }

    /// Compacts and scrubs until `shutdown`. `on_corrupt` gets the blobs that scrubbing or a read found damaged: they
    /// are to be put again. One that isn't may be told of again.
    pub async fn run_maintenance(
        &self,
        shutdown: &CancellationToken,
        on_corrupt: impl Fn(&[BlobId]) + Send + Sync,
    ) {
        maintain::run(self, shutdown, on_corrupt).await;
    }

    /// Why nothing is written any more, if the disk is retired after a failed fdatasync.
    pub fn health(&self) -> Result<(), StorageError> {
        self.core.check_writable()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

#[async_trait]
impl Storage for SegmentStore {
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        let putter = Putter { core: &self.core, committer: &self.committer, buffers: &self.buffers };
        putter.put(blob, fence, body).await
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        get::get(&self.core, &self.reads, blob, range).await
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        for batch in blobs.chunks(DELETE_BATCH) {
            let blobs = batch.to_vec();
            let dead = self.committer.ask(|reply| Request::Delete { blobs, reply }).await?;
            metrics::counter!(telemetry::DELETES).increment(batch.len() as u64);
            let core = self.core.clone();
            blocking(move || core.punch(&dead)).await?;
        }
        Ok(())
    }

    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        let (core, blobs) = (self.core.clone(), blobs.to_vec());
        blocking(move || blobs.into_iter().map(|blob| core.stat(blob)).collect()).await?
    }

    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError> {
        let (core, filter) = (self.core.clone(), filter.cloned());
        Ok(blocking(move || core.index.list(filter.as_ref(), after, limit)).await??)
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        let (core, durable) = (self.core.clone(), fences.to_vec());
        blocking(move || fence::persist(&core, &durable)).await??;
        let fences = fences.to_vec();
        self.committer.ask(|reply| Request::Fence { fences, reply }).await
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        let core = self.core.clone();
        blocking(move || core.usage()).await?
    }
}
