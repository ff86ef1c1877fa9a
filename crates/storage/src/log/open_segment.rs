//! A segment that is written, and the reservations in it.

use crate::format::{Entry, Record, record::HEADER_BYTES};
use esker_env::{DiskFile, DiskResult};
use std::io::IoSlice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A segment without a footer.
#[derive(Debug)]
pub(crate) struct OpenSegment {
    pub(crate) number: u64,
    pub(crate) salt: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    entries: Mutex<Vec<Entry>>,
    pins: AtomicUsize,
}

impl OpenSegment {
    pub(crate) fn new(number: u64, salt: u64, file: Arc<dyn DiskFile>) -> OpenSegment {
        OpenSegment { number, salt, file, entries: Mutex::default(), pins: AtomicUsize::new(0) }
    }

    /// The records written so far, by offset.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        entries.sort_by_key(|entry| entry.offset);
        entries
    }

    /// Whether a record is being written, or its effect on the index is yet to be committed.
    pub(crate) fn is_pinned(&self) -> bool {
        self.pins.load(Ordering::Acquire) > 0
    }
}

/// Keeps a segment from being sealed: sealed means that the index covers all of its records.
#[derive(Debug)]
pub(crate) struct Pin(Arc<OpenSegment>);

impl Pin {
    pub(crate) fn new(segment: &Arc<OpenSegment>) -> Pin {
        segment.pins.fetch_add(1, Ordering::AcqRel);
        Pin(segment.clone())
    }

    pub(crate) fn segment(&self) -> &Arc<OpenSegment> {
        &self.0
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.pins.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Space for one record.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) pin: Pin,
    pub(crate) offset: u64,
}

impl Slot {
    /// Writes the record. After an error the space is lost, and holds anything.
    pub(crate) fn write(&self, record: Record, checksums: &[u8], data: &[u8]) -> DiskResult<()> {
        let segment = self.pin.segment();
        let header: [u8; HEADER_BYTES] = record.encode(segment.salt, self.offset);
        let parts = [IoSlice::new(&header), IoSlice::new(checksums), IoSlice::new(data)];
        segment.file.write_vectored_at(&parts, self.offset)?;
        let entry = Entry { record, offset: self.offset };
        segment.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(())
    }
}
