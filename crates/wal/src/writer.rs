//! The writer thread: the only code that writes records. It takes all that waits, writes it as one frame, syncs
//! once, and completes it in order.

use crate::bytes::crc32c;
use crate::cache::Stamp;
use crate::error::WalError;
use crate::frame::{FRAME_HEADER_BYTES, FrameHeader, LogPosition, frame_bytes};
use crate::gate::Permit;
use crate::index::Place;
use crate::record::{Record, encode_record};
use crate::segments::{Active, Pool};
use crate::shared::{Completion, Inner, Shared, Status, Submission};
use crate::stream::Stream;
use crate::telemetry;
use esker_env::disk_delay;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How often an idle writer looks at the disk's space, and tries again to make a spare segment that is missing.
const REFILL_INTERVAL: Duration = Duration::from_secs(1);

/// A buffer that grew beyond this for a large batch is given back after it.
const BUFFER_BYTES_KEPT: usize = 4 << 20;

pub(crate) struct Writer {
    shared: Arc<Shared>,
    stream: Stream,
    pool: Pool,
    active: Active,
    next_frame: u64,
    frame: Batch,
}

/// The frame that is being gathered.
#[derive(Default)]
struct Batch {
    /// The header's place, and the records.
    bytes: Vec<u8>,
    records: u32,
    /// Whether it holds more than a segment's head.
    has_records: bool,
    /// Where in `bytes` the entries are.
    entries: Vec<Entry>,
    /// Whom to tell, in order.
    done: Vec<Completion>,
    permits: Vec<Permit>,
}

struct Entry {
    group: u16,
    index: u64,
    stamp: Stamp,
    at: usize,
    payload_bytes: u32,
}

enum Work {
    Write(VecDeque<Submission>),
    Refill,
    Stop,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        stream: Stream,
        pool: Pool,
        active: Active,
        next_frame: u64,
    ) -> Writer {
        let writer = Writer { shared, stream, pool, active, next_frame, frame: Batch::default() };
        writer.publish_space();
        writer.publish_missing_spares();
        writer
    }

    /// Writes until the log is closed or fails.
    pub(crate) fn run(&mut self) {
        loop {
            let work = self.wait();
            if self.turn(work).is_break() {
                return;
            }
        }
    }

    /// The same as a task, where there are no threads. The disk's delay is before the write, so that what comes
    /// meanwhile shares it.
    pub(crate) async fn run_in_turn(mut self) {
        let shared = self.shared.clone();
        loop {
            let idle = !self.has_work();
            let late = idle && timeout(REFILL_INTERVAL, shared.arrived.notified()).await.is_err();
            if !late {
                disk_delay().await;
            }
            let work = self.take_work().or(late.then_some(Work::Refill));
            let Some(work) = work else { continue };
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(work)));
            if turn.is_err() {
                shared.poison(&WalError::WriterLost);
            }
            if !matches!(turn, Ok(ControlFlow::Continue(()))) {
                return;
            }
        }
    }

    fn turn(&mut self, work: Work) -> ControlFlow<()> {
        let mut submissions = VecDeque::new();
        let result = match work {
            Work::Write(taken) => {
                submissions = taken;
                self.write(&mut submissions)
            }
            Work::Refill => self.maintain(),
            Work::Stop => match self.seal() {
                Ok(()) => return ControlFlow::Break(()),
                Err(error) => Err(error),
            },
        };
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.fail(&error, submissions);
                ControlFlow::Break(())
            }
        }
    }

    fn has_work(&self) -> bool {
        let inner = self.shared.lock();
        self.shared.is_due(&inner) || matches!(inner.status, Status::Closing)
    }

    fn take_work(&self) -> Option<Work> {
        self.work_of(&mut self.shared.lock())
    }

    fn work_of(&self, inner: &mut Inner) -> Option<Work> {
        let closing = matches!(inner.status, Status::Closing);
        if self.shared.is_due(inner) || (closing && !inner.queue.is_empty()) {
            inner.awaited = false;
            inner.queued_bytes = 0;
            return Some(Work::Write(std::mem::take(&mut inner.queue).into()));
        }
        closing.then_some(Work::Stop)
    }

    fn wait(&self) -> Work {
        let mut inner = self.shared.lock();
        loop {
            if let Some(work) = self.work_of(&mut inner) {
                return work;
            }
            let waited = self.shared.work.wait_timeout(inner, REFILL_INTERVAL);
            let (back, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                return Work::Refill;
            }
            inner = back;
        }
    }

    /// Writes submissions in order. After an error, those that were not completed are left.
    fn write(&mut self, submissions: &mut VecDeque<Submission>) -> Result<(), WalError> {
        while let Some(submission) = submissions.front() {
            let bytes = submission.records.iter().map(Record::encoded_len).sum();
            // An append that fits into one frame isn't torn in two, even if it has to wait for a new segment.
            if !self.fits(bytes) && bytes <= self.pool.capacity() / 2 {
                self.next_segment()?;
            }
            let mut stamp = submission.first_stamp;
            for record in &submission.records {
                if !self.fits(record.encoded_len()) {
                    self.next_segment()?;
                }
                if !self.fits(record.encoded_len()) {
                    // Only if the head alone nearly fills a segment: thousands of groups in a tiny one.
                    return Err(WalError::InvalidOptions("segment_bytes is too small for so many groups"));
                }
                self.add(record, stamp);
                stamp += u64::from(matches!(record, Record::Entry { .. }));
            }
            if let Some(submission) = submissions.pop_front() {
                self.frame.done.extend(submission.done);
                self.frame.permits.push(submission.permit);
            }
        }
        self.flush()?;
        self.maintain()
    }

    /// Whether so many bytes of records fit into the segment, with what is gathered already.
    fn fits(&mut self, bytes: u64) -> bool {
        self.begin();
        let gathered = (self.frame.bytes.len() - FRAME_HEADER_BYTES) as u64;
        frame_bytes(gathered + bytes) <= self.active.free_bytes()
    }

    /// Starts a frame, unless one is started. The first of a segment begins with the segment's head.
    fn begin(&mut self) {
        if self.frame.bytes.is_empty() {
            self.frame.bytes.resize(FRAME_HEADER_BYTES, 0);
            if !self.active.has_frames {
                self.frame.records = self.stream.encode_head(&mut self.frame.bytes);
            }
        }
    }

    fn add(&mut self, record: &Record, stamp: Stamp) {
        let at = self.frame.bytes.len();
        encode_record(record, &mut self.frame.bytes);
        self.frame.records += 1;
        self.frame.has_records = true;
        if let Record::Entry { group, index, payload } = record {
            let payload_bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            self.frame.entries.push(Entry { group: *group, index: *index, stamp, at, payload_bytes });
        }
        self.stream.apply_record(record, self.active.number);
    }

    /// Finishes the segment and starts the next.
    fn next_segment(&mut self) -> Result<(), WalError> {
        if !self.frame.has_records && !self.active.has_frames {
            // The segment is empty; another would be no larger.
            return Ok(());
        }
        self.flush()?;
        let previous_end = self.active.end;
        self.active = self.pool.start(self.active.number + 1, self.next_frame, previous_end)?;
        self.shared.lock().files.insert(self.active.number, self.active.file.clone());
        self.publish_space();
        Ok(())
    }

    /// Writes and syncs the frame, then tells those who wait for it.
    fn flush(&mut self) -> Result<(), WalError> {
        if self.frame.records > 0 {
            self.write_frame()?;
        }
        let batch = &mut self.frame;
        let stored: Vec<_> = batch
            .entries
            .drain(..)
            .map(|entry| {
                let offset = self.active.end - frame_bytes((batch.bytes.len() - FRAME_HEADER_BYTES) as u64);
                let place = Place {
                    segment: self.active.number,
                    offset: u32::try_from(offset + entry.at as u64).unwrap_or(u32::MAX),
                    payload_bytes: entry.payload_bytes,
                };
                (entry.group, entry.index, entry.stamp, place)
            })
            .collect();
        self.shared.lock().index.stored(&stored);
        batch.bytes.clear();
        if batch.bytes.capacity() > BUFFER_BYTES_KEPT {
            batch.bytes = Vec::new();
        }
        batch.records = 0;
        batch.has_records = false;
        batch.permits.clear();
        for done in batch.done.drain(..) {
            done(Ok(()));
        }
        Ok(())
    }

    fn write_frame(&mut self) -> Result<(), WalError> {
        let payload = &self.frame.bytes[FRAME_HEADER_BYTES..];
        let header = FrameHeader {
            salt: self.active.salt,
            number: self.next_frame,
            synced: LogPosition { segment: self.active.number, offset: self.active.end },
            // A frame is shorter than its segment, hence than 2 GiB.
            payload_bytes: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            records: self.frame.records,
            payload_crc: crc32c(payload),
        };
        self.frame.bytes[..FRAME_HEADER_BYTES].copy_from_slice(&header.encode());
        let unpadded = self.frame.bytes.len();
        self.frame.bytes.resize(usize::try_from(header.frame_bytes()).unwrap_or(unpadded), 0);
        self.active.file.write_at(&self.frame.bytes, self.active.end)?;
        let begun = Instant::now();
        self.active.file.sync_data()?;
        metrics::histogram!(telemetry::FSYNC_DURATION).record(begun.elapsed().as_secs_f64());
        metrics::histogram!(telemetry::BATCH_RECORDS).record(f64::from(header.records));
        metrics::counter!(telemetry::WRITTEN_BYTES).increment(header.frame_bytes());
        self.frame.bytes.truncate(unpadded);
        self.active.end += header.frame_bytes();
        self.active.has_frames = true;
        self.next_frame = self.next_frame.wrapping_add(1);
        self.shared.count_batch(header.records, header.frame_bytes());
        Ok(())
    }

    /// Takes back the segments that nothing needs, and makes spare ones.
    pub(crate) fn maintain(&mut self) -> Result<(), WalError> {
        // Until the head of the active segment is on disk, the segments before hold the only votes.
        if self.active.has_frames {
            let needed = self.stream.oldest_needed().unwrap_or(self.active.number).min(self.active.number);
            loop {
                let mut inner = self.shared.lock();
                let Some((&number, _)) =
                    inner.files.first_key_value().filter(|&(&number, _)| number < needed)
                else {
                    break;
                };
                let file = inner.files.remove(&number);
                drop(inner);
                if let Some(file) = file {
                    self.pool.retire(number, &file)?;
                }
            }
        }
        self.pool.refill()?;
        self.publish_space();
        self.publish_missing_spares();
        Ok(())
    }

    /// To be called when spare segments were just tried to make: that one is missing says nothing of the disk as long
    /// as nobody has tried.
    fn publish_missing_spares(&self) {
        self.shared.missing_spares.store(self.pool.missing(), Ordering::Relaxed);
    }

    fn publish_space(&self) {
        let free = self.active.free_bytes() + self.pool.free_bytes();
        self.shared.free_bytes.store(free, Ordering::Relaxed);
        let segments = u32::try_from(self.shared.lock().files.len()).unwrap_or(u32::MAX);
        metrics::gauge!(telemetry::SEGMENTS).set(f64::from(segments));
        self.shared.disk_free_bytes.store(self.pool.disk_free_bytes(), Ordering::Relaxed);
    }

    /// Ends a clean shutdown with an empty frame, which says that everything before it was synced: damage to the
    /// last batch is then told from a torn tail.
    fn seal(&mut self) -> Result<(), WalError> {
        if self.active.has_frames && self.fits(0) {
            self.write_frame()?;
        }
        Ok(())
    }

    /// Tells everyone who waits that nothing more will be written.
    fn fail(&mut self, error: &WalError, submissions: VecDeque<Submission>) {
        tracing::error!(%error, "the log failed and takes no more records");
        // First, so that nobody who is told now can append again.
        self.shared.poison(error);
        let poisoned = error.poison();
        let waiting = submissions.into_iter().filter_map(|submission| submission.done);
        for done in std::mem::take(&mut self.frame.done).into_iter().chain(waiting) {
            done(Err(poisoned.clone()));
        }
    }
}
