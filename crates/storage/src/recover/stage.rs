//! The records that the index doesn't cover yet, sorted by blob. They are kept in the engine, not in memory.

use crate::format::fields::{blob_at, blob_bytes, u8_at, u16_at, u32_at, u64_at};
use crate::format::{Entry, Fragment, FragmentKind, Record};
use crate::index::Location;
use crate::scan::DataState;
use esker_kv::{Batch, Direction, Durability, Engine, KeyRange, Keyspace, KvError};
use esker_types::BlobId;
use std::sync::Arc;

const NAME: &str = "storage.recovery";
const BATCH_LEN: usize = 1000;
const KIND_TOMBSTONE: u8 = 0;
const KIND_WHOLE: u8 = 1;
const KIND_BAD: u8 = 2;

/// A staged record of one blob.
#[derive(Debug, Clone, Copy)]
pub(super) enum Staged {
    /// A write of the blob is buried.
    Tombstone { write: u64 },
    /// A fragment, and where it is. Of several copies the one in the highest segment is kept.
    Whole(Fragment, Location),
    /// A fragment of a write doesn't verify.
    Bad { write: u64 },
}

/// The keyspace of staged records.
#[derive(Debug)]
pub(crate) struct Stage {
    engine: Arc<dyn Engine>,
    keyspace: Keyspace,
    batch: Batch,
}

impl Stage {
    /// An empty one; what a crash left of an earlier one is dropped.
    pub(super) fn create(engine: Arc<dyn Engine>) -> Result<Stage, KvError> {
        engine.drop_keyspace(NAME)?;
        let keyspace = engine.open_keyspace(NAME)?;
        Ok(Stage { engine, keyspace, batch: Batch::new() })
    }

    /// Adds a record. Segments come in the order of their numbers.
    pub(super) fn add(&mut self, segment: u64, entry: &Entry, state: DataState) -> Result<(), KvError> {
        let (key, value) = encode(segment, entry, state);
        self.batch.put(&self.keyspace, key, value);
        if self.batch.len() >= BATCH_LEN { self.flush() } else { Ok(()) }
    }

    /// Commits what was added.
    pub(super) fn flush(&mut self) -> Result<(), KvError> {
        self.engine.commit(std::mem::take(&mut self.batch), Durability::Buffered)
    }

    /// Calls `settle` with the records of each blob.
    pub(super) fn for_each_blob<E: From<KvError>>(
        &self,
        mut settle: impl FnMut(BlobId, &[Staged]) -> Result<(), E>,
    ) -> Result<(), E> {
        let view = self.engine.view()?;
        let mut current: Option<BlobId> = None;
        let mut records = Vec::new();
        for pair in view.range(&self.keyspace, KeyRange::all(), Direction::Forward)? {
            let (key, value) = pair?;
            let Some((blob, staged)) = decode(&key, &value) else { continue };
            if let Some(finished) = current.filter(|current| *current != blob) {
                settle(finished, &records)?;
                records.clear();
            }
            current = Some(blob);
            records.push(staged);
        }
        current.map_or(Ok(()), |blob| settle(blob, &records))
    }

    /// Drops the keyspace.
    pub(super) fn drop_keyspace(&self) -> Result<(), KvError> {
        self.engine.drop_keyspace(NAME)
    }
}

fn encode(segment: u64, entry: &Entry, state: DataState) -> (Vec<u8>, Vec<u8>) {
    let mut value = Vec::new();
    let (blob, write, kind, number) = match (entry.record, state) {
        (Record::Tombstone(tombstone), _) => (tombstone.blob, tombstone.write, KIND_TOMBSTONE, 0),
        (Record::Fragment(fragment), DataState::Bad) => {
            (fragment.blob, fragment.write, KIND_BAD, fragment.number)
        }
        (Record::Fragment(fragment), DataState::Whole) => {
            value.push(u8::from(fragment.kind == FragmentKind::Last));
            value.extend_from_slice(&fragment.length.to_le_bytes());
            value.extend_from_slice(&segment.to_le_bytes());
            value.extend_from_slice(&entry.offset.to_le_bytes());
            (fragment.blob, fragment.write, KIND_WHOLE, fragment.number)
        }
    };
    let mut key = blob_bytes(blob).to_vec();
    key.extend_from_slice(&write.to_be_bytes());
    key.push(kind);
    key.extend_from_slice(&number.to_le_bytes());
    (key, value)
}

/// This process wrote the rows, and the engine checks them: one that doesn't decode can't be.
fn decode(key: &[u8], value: &[u8]) -> Option<(BlobId, Staged)> {
    let blob = blob_at(key, 0).ok()?;
    let write = key.get(20..28).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes)?;
    let staged = match u8_at(key, 28).ok()? {
        KIND_TOMBSTONE => Staged::Tombstone { write },
        KIND_BAD => Staged::Bad { write },
        _ => {
            let last = u8_at(value, 0).ok()? == 1;
            let fragment = Fragment {
                blob,
                write,
                number: u16_at(key, 29).ok()?,
                kind: if last { FragmentKind::Last } else { FragmentKind::Inner },
                length: u32_at(value, 1).ok()?,
            };
            let place = Location { segment: u64_at(value, 5).ok()?, offset: u64_at(value, 13).ok()? };
            Staged::Whole(fragment, place)
        }
    };
    Some((blob, staged))
}
