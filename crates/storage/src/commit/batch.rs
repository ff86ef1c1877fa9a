//! A group commit: records written, one fdatasync for each segment touched, one commit of the index, answers.

use super::request::{Abandoned, Reply};
use super::{Move, Phase, PutOutcome, Retraction, Write};
use crate::core::Core;
use crate::format::record::HEADER_BYTES;
use crate::format::{Record, Tombstone};
use crate::index::{BlobRow, Changes, Location};
use crate::log::{OpenSegment, Pin, Purpose, storage_error};
use crate::telemetry;
use esker_rpc::StorageError;
use esker_types::{BlobId, Fence};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a tombstone may say of the segments that hold what it buries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Horizon {
    /// The segment that it is written to: whatever it buries was reserved before.
    Here,
    /// What an older copy of the tombstone says.
    Given(u64),
}

/// Requests that share a commit.
pub(super) struct CommitBatch<'a> {
    core: &'a Core,
    changes: Changes<'a>,
    /// Segments to sync.
    touched: BTreeMap<u64, Arc<OpenSegment>>,
    /// Held until the index is committed.
    pins: Vec<Pin>,
    answers: Vec<Answer>,
    /// Fragments to punch out after the commit.
    dead: Vec<(Location, u64)>,
}

enum Answer {
    Stored(Box<Write>, Reply<PutOutcome>),
    /// Not before the commit: the blob that is there may be of this very batch.
    Duplicate(Box<Write>, BlobRow, Reply<PutOutcome>),
    Deleted(Reply<Vec<(Location, u64)>>, Vec<(Location, u64)>),
    Done(Reply<()>),
    /// Even if the commit fails: the fence is durable already, and of the puts before it none will succeed then.
    Fenced(Reply<()>),
}

impl<'a> CommitBatch<'a> {
    pub(super) fn new(core: &'a Core) -> CommitBatch<'a> {
        let (touched, pins) = (BTreeMap::new(), Vec::new());
        let changes = Changes::new(&core.index);
        CommitBatch { core, changes, touched, pins, answers: Vec::new(), dead: Vec::new() }
    }

    pub(super) fn changes(&self) -> &Changes<'a> {
        &self.changes
    }

    fn touch(&mut self, pin: Pin) {
        self.touched.insert(pin.segment().number, pin.segment().clone());
        self.pins.push(pin);
    }

    fn bury(&mut self, blob: BlobId, write: u64, horizon: Horizon) -> Result<(), StorageError> {
        self.core.check_writable()?;
        let slot = self.core.log.reserve(Purpose::Tombstone, HEADER_BYTES as u64)?;
        let here = slot.pin.segment().number;
        let horizon = match horizon {
            Horizon::Here => here,
            Horizon::Given(horizon) => horizon,
        };
        let record = Record::Tombstone(Tombstone { blob, write, horizon });
        slot.write(record, &[], &[]).map_err(|error| storage_error(&error))?;
        self.changes.add_tombstone(here, record.bytes());
        self.touch(slot.pin);
        Ok(())
    }

    /// Puts before this one are in this commit, or in an earlier one; those after it are checked against it.
    pub(super) fn fence(&mut self, fences: &[Fence], reply: Reply<()>) {
        self.core.fences.enforce(fences);
        self.answers.push(Answer::Fenced(reply));
    }

    pub(super) fn put(&mut self, write: Box<Write>, replaces: Option<u64>, reply: Reply<PutOutcome>) {
        if let Err(stale) = self.core.fences.check(write.fence) {
            return refuse(reply, stale);
        }
        let old = match self.changes.row(write.blob) {
            Ok(old) => old,
            Err(error) => return refuse(reply, error.into()),
        };
        if let Some(row) = &old {
            if row.length != write.length {
                // Dropping the write buries it.
                return refuse(reply, StorageError::Exists);
            }
            if replaces != Some(row.write) {
                self.answers.push(Answer::Duplicate(write, row.clone(), reply));
                return;
            }
            if let Err(error) = self.bury(write.blob, row.write, Horizon::Here) {
                return refuse(reply, error);
            }
            self.dead.extend(data_of(row));
        }
        for pin in write.pins() {
            self.touched.insert(pin.segment().number, pin.segment().clone());
        }
        self.changes.set(write.blob, old.as_ref(), Some(write.row()));
        self.answers.push(Answer::Stored(write, reply));
    }

    pub(super) fn forget(&mut self, abandoned: Abandoned) {
        if abandoned.retraction == Retraction::MaybeComplete
            && let Err(error) = self.bury(abandoned.blob, abandoned.write, Horizon::Here)
        {
            // After a crash the blob may be there although its put failed: an orphan, which is collected.
            tracing::warn!(%error, blob = ?abandoned.blob, "an abandoned blob has no tombstone");
        } else {
            self.dead.extend(abandoned.fragments);
        }
        self.pins.extend(abandoned.pins);
    }

    pub(super) fn delete(&mut self, blobs: &[BlobId], reply: Reply<Vec<(Location, u64)>>) {
        let mut dead = Vec::new();
        for blob in blobs {
            let deleted = self.changes.row(*blob).map_err(StorageError::from).and_then(|row| {
                let Some(row) = row else { return Ok(()) };
                self.bury(*blob, row.write, Horizon::Here)?;
                dead.extend(data_of(&row));
                self.changes.set(*blob, Some(&row), None);
                self.core.suspects.clear(*blob);
                Ok(())
            });
            if let Err(error) = deleted {
                // What was buried before stays so; deleting it again is fine.
                self.dead.extend(dead);
                return refuse(reply, error);
            }
        }
        self.answers.push(Answer::Deleted(reply, dead));
    }

    pub(super) fn moved(&mut self, moves: Vec<(Move, Pin)>, reply: Reply<()>) {
        for (moved, pin) in moves {
            let blob = moved.fragment.blob;
            let number = usize::from(moved.fragment.number);
            let row = match self.changes.row(blob) {
                Ok(row) => row,
                Err(error) => return refuse(reply, error.into()),
            };
            // A blob that was deleted meanwhile has its tombstone; the copy is dead.
            if let Some(old) = row.filter(|row| row.write == moved.fragment.write)
                && old.places.get(number) == Some(&moved.from)
            {
                let mut new = old.clone();
                new.places[number] = moved.to;
                self.changes.set(blob, Some(&old), Some(new));
            }
            self.touch(pin);
        }
        self.answers.push(Answer::Done(reply));
    }

    pub(super) fn rebury(&mut self, tombstones: &[Tombstone], reply: Reply<()>) {
        for tombstone in tombstones {
            let horizon = Horizon::Given(tombstone.horizon);
            if let Err(error) = self.bury(tombstone.blob, tombstone.write, horizon) {
                return refuse(reply, error);
            }
        }
        self.answers.push(Answer::Done(reply));
    }

    /// Makes it all durable, in this order: records, index, answers.
    pub(super) fn finish(self) {
        let core = self.core;
        metrics::histogram!(telemetry::BATCH_REQUESTS)
            .record(f64::from(u32::try_from(self.answers.len()).unwrap_or(u32::MAX)));
        let result = core.check_writable().and_then(|()| {
            for segment in self.touched.values() {
                core.sync_file(&*segment.file)?;
            }
            core.adopt_new_segments();
            // After a failed commit nobody knows what the index holds; the segments do, on the next start.
            self.changes.commit().map_err(|error| core.retire(&format!("index: {error}")))
        });
        for answer in self.answers {
            if let (Answer::Stored(write, _), Ok(())) = (&answer, &result) {
                core.suspects.clear(write.blob);
            }
            answer.send(result.clone());
        }
        drop(self.pins);
        if result.is_ok() {
            core.punch(&self.dead);
        }
    }
}

/// The fragments of a row with their bytes of data.
fn data_of(row: &BlobRow) -> impl Iterator<Item = (Location, u64)> + '_ {
    row.places.iter().enumerate().map(|(number, place)| (*place, row.data_bytes(number)))
}

fn refuse<T>(reply: Reply<T>, error: StorageError) {
    // A caller who went away needs no answer.
    let _ = reply.send(Err(error));
}

impl Answer {
    fn send(self, result: Result<(), StorageError>) {
        match self {
            Answer::Stored(mut write, reply) => {
                // If the commit failed, dropping the write asks for a tombstone, which a retired disk can't give.
                if result.is_ok() {
                    write.phase = Phase::Settled;
                    metrics::counter!(telemetry::PUTS).increment(1);
                    metrics::counter!(telemetry::PUT_BYTES).increment(write.length);
                }
                let _ = reply.send(result.map(|()| PutOutcome::Stored));
            }
            Answer::Duplicate(write, row, reply) => {
                let _ = reply.send(result.map(|()| PutOutcome::Duplicate(write, row)));
            }
            Answer::Deleted(reply, dead) => {
                let _ = reply.send(result.map(|()| dead));
            }
            Answer::Done(reply) => {
                let _ = reply.send(result);
            }
            Answer::Fenced(reply) => {
                let _ = reply.send(Ok(()));
            }
        }
    }
}
