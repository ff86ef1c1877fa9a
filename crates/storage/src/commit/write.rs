//! A put in progress: the fragments written so far, and what becomes of them if it is given up.

use super::request::Abandoned;
use super::{Request, Requests, Retraction};
use crate::core::Core;
use crate::format::record::fragment_bytes;
use crate::format::{FRAGMENT_BYTES, Fragment, FragmentKind, Record};
use crate::index::{BlobRow, Location};
use crate::log::{Pin, Purpose, storage_error};
use esker_rpc::StorageError;
use esker_types::{BlobId, Fence};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far a put has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The last fragment is yet to come.
    Receiving,
    /// The last fragment was handed to the disk.
    Complete,
    /// The index or a tombstone decides; there is nothing left to clean up.
    Settled,
}

/// How many puts are in progress.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteCount(Arc<AtomicUsize>);

impl WriteCount {
    /// Counts one until the token is dropped.
    fn token(&self) -> WriteToken {
        self.0.fetch_add(1, Ordering::AcqRel);
        WriteToken(self.clone())
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// Stands for one put in progress.
#[derive(Debug)]
pub(crate) struct WriteToken(WriteCount);

impl Drop for WriteToken {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A put in progress. Dropping it before it is settled makes the blob not exist.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) blob: BlobId,
    /// The state of the blob's placement group that its sender knows.
    pub(crate) fence: Fence,
    pub(crate) id: u64,
    pub(crate) length: u64,
    pub(crate) phase: Phase,
    places: Vec<Location>,
    pins: Vec<Pin>,
    requests: Requests,
    token: Option<WriteToken>,
}

impl Write {
    pub(crate) fn new(blob: BlobId, fence: Fence, id: u64, requests: Requests, count: &WriteCount) -> Write {
        let (places, pins, token) = (Vec::new(), Vec::new(), Some(count.token()));
        Write { blob, fence, id, length: 0, phase: Phase::Receiving, places, pins, requests, token }
    }

    /// Writes the next fragment. Blocks on the disk.
    pub(crate) fn append(
        &mut self,
        core: &Core,
        kind: FragmentKind,
        data: &[u8],
    ) -> Result<(), StorageError> {
        core.check_writable()?;
        let too_long = |_| StorageError::TooLong;
        let fragment = Fragment {
            blob: self.blob,
            write: self.id,
            number: u16::try_from(self.places.len()).map_err(too_long)?,
            kind,
            length: u32::try_from(data.len()).map_err(too_long)?,
        };
        let checksums = fragment.encode_checksums(data);
        let slot = core.log.reserve(Purpose::Data, fragment_bytes(data.len() as u64))?;
        if kind == FragmentKind::Last {
            self.phase = Phase::Complete;
        }
        let result = slot.write(Record::Fragment(fragment), &checksums, data);
        self.places.push(Location { segment: slot.pin.segment().number, offset: slot.offset });
        self.length += data.len() as u64;
        if !self.pins.iter().any(|pin| Arc::ptr_eq(pin.segment(), slot.pin.segment())) {
            self.pins.push(slot.pin);
        }
        result.map_err(|error| storage_error(&error))
    }

    /// The index row of the complete write.
    pub(crate) fn row(&self) -> BlobRow {
        BlobRow { write: self.id, length: self.length, places: self.places.clone() }
    }

    /// The segments that must be synced.
    pub(crate) fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// The fragments with their bytes of data.
    pub(crate) fn fragments(&self) -> Vec<(Location, u64)> {
        let starts = (0..).step_by(FRAGMENT_BYTES);
        let bytes = |start: u64| self.length.saturating_sub(start).min(FRAGMENT_BYTES as u64);
        self.places.iter().copied().zip(starts.map(bytes)).collect()
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        let retraction = match self.phase {
            Phase::Settled => return,
            Phase::Receiving => Retraction::Incomplete,
            Phase::Complete => Retraction::MaybeComplete,
        };
        let abandoned = Abandoned {
            blob: self.blob,
            write: self.id,
            retraction,
            fragments: self.fragments(),
            pins: std::mem::take(&mut self.pins),
            _token: self.token.take(),
        };
        // If the committer is gone, the store is being dropped: what is on the disk looks as after a crash.
        let _ = self.requests.send(Request::Forget(Box::new(abandoned)));
    }
}
