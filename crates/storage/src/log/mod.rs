//! The append side: the open segment, where the next record goes, and the segments that wait to be sealed.
//!
//! Space is reserved under a lock and written outside it, so that concurrent streams interleave whole fragments.

mod names;
mod open_segment;
mod reserve;
pub(crate) mod seal;

pub(crate) use names::{segment_number, segment_path};
pub(crate) use open_segment::{OpenSegment, Pin, Slot};

use crate::options::{Components, StorageOptions};
use esker_env::{Disk, DiskError, Random};
use esker_rpc::StorageError;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::datadir::Identity;

/// The most records of one segment: bounds the memory for its footer (48 bytes each) until it is sealed.
const RECORDS_MAX: u64 = 1 << 16;

/// What a reservation is for, which decides how much of a full disk it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// New data: refused below the watermark.
    Data,
    /// Data that is moved so that its old segment can go: may use the space below the watermark.
    Move,
    /// A tombstone: may also use the reserve at the end of the open segment.
    Tombstone,
}

/// The segments that are appended to, one after the other.
#[derive(Debug)]
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    identity: Identity,
    random: Arc<dyn Random>,
    options: StorageOptions,
    state: Mutex<LogState>,
}

#[derive(Debug)]
struct LogState {
    active: Option<Active>,
    /// Full segments, oldest first, that are sealed in this order once nothing is on its way to them.
    rolled: VecDeque<Rolled>,
    next_number: u64,
    /// The salts of segments made since they were last asked for, so that the index can count their bytes.
    made: BTreeMap<u64, u64>,
}

#[derive(Debug)]
struct Active {
    segment: Arc<OpenSegment>,
    /// Where the next record goes.
    cursor: u64,
    /// Up to where the file's space is reserved.
    allocated: u64,
    /// Records reserved so far.
    records: u64,
}

#[derive(Debug, Clone)]
struct Rolled {
    segment: Arc<OpenSegment>,
    data_end: u64,
}

impl Log {
    /// A log whose first segment will be `next_number`.
    pub(crate) fn new(components: &Components, options: &StorageOptions, next_number: u64) -> Log {
        Log {
            disk: components.disk.clone(),
            dir: components.dir.segments(),
            identity: components.dir.identity(),
            random: components.random.clone(),
            options: options.clone(),
            state: Mutex::new(LogState {
                active: None,
                rolled: VecDeque::new(),
                next_number,
                made: BTreeMap::new(),
            }),
        }
    }

    /// The numbers and salts of the segments made since the last call.
    pub(crate) fn take_made(&self) -> BTreeMap<u64, u64> {
        std::mem::take(&mut self.state().made)
    }

    /// The segments without a footer that this process writes, oldest first.
    pub(crate) fn unsealed(&self) -> Vec<Arc<OpenSegment>> {
        let state = self.state();
        let rolled = state.rolled.iter().map(|rolled| rolled.segment.clone());
        rolled.chain(state.active.iter().map(|active| active.segment.clone())).collect()
    }

    fn state(&self) -> MutexGuard<'_, LogState> {
        // The state changes only after the IO that it describes has succeeded.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A disk's failure as callers see it.
pub(crate) fn storage_error(error: &DiskError) -> StorageError {
    if error.is_full() { StorageError::Full } else { StorageError::Failed(error.to_string()) }
}
