//! Deletions: no blob is deleted that a version refers to, from a node that has to have it.

use super::{State, Watch};
use crate::invariants::MachineRows;
use esker_index::keys;
use esker_index::records::{
    GarbageItem, GarbageRecord, GroupRecord, ManifestBody, ManifestRecord, PlacementState, Record,
    TopologyRecord,
};
use esker_index::rows::{ReadRows as _, RowsError};
use esker_types::{BlobId, DataId, ManifestId, NodeId, PlacementGroup, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::ops::ControlFlow;

/// The newest rows are known this long after something was done because of them.
const KNOWN_AFTER_MICROS: u64 = 10_000_000;

/// A deletion that is wrong unless the node knew more than any machine's rows said.
#[derive(Debug)]
pub(super) struct Suspicion {
    at: Timestamp,
    node: NodeId,
    blob: BlobId,
    state: PlacementState,
}

impl Watch {
    /// A node is about to delete blobs.
    pub(super) fn looks_at_deletion(&self, node: NodeId, blobs: &[BlobId]) {
        let mut state = self.lock();
        let Some(known) = newest(&state) else { return };
        for blob in blobs {
            self.oracle.saw("deleted blob");
            if let Some(placement) = known.needs(node, *blob) {
                let suspicion = Suspicion { at: known.time, node, blob: *blob, state: placement.clone() };
                state.suspicions.push(suspicion);
            }
        }
    }

    /// Looks again at deletions that looked wrong, when it is certain on what rows they were based.
    ///
    /// # Errors
    /// The one that was wrong.
    pub fn judge(&self) -> Result<(), String> {
        let mut state = self.lock();
        if state.suspicions.is_empty() {
            return Ok(());
        }
        let Some(known) = newest(&state) else { return Ok(()) };
        let due = |suspicion: &Suspicion| suspicion.at.0 + KNOWN_AFTER_MICROS <= known.time.0;
        let (due, later) = std::mem::take(&mut state.suspicions).into_iter().partition(due);
        state.suspicions = later;
        let due: Vec<Suspicion> = due;
        // If its placement has changed since, the node may have known that.
        let wrong = due
            .iter()
            .find(|one| known.needs(one.node, one.blob).is_some_and(|now| now.epoch == one.state.epoch));
        wrong.map_or(Ok(()), |Suspicion { node, blob, .. }| {
            Err(format!("{node} has deleted {blob:?}, which it has to have and a version refers to"))
        })
    }
}

/// What the rows say of blobs.
struct Known {
    time: Timestamp,
    referenced: BTreeSet<DataId>,
    placements: BTreeMap<PlacementGroup, PlacementState>,
    groups: Option<NonZeroU16>,
}

impl Known {
    /// The state of the blob's placement group, if the node has to have the blob.
    fn needs(&self, node: NodeId, blob: BlobId) -> Option<&PlacementState> {
        let placement = self.placements.get(&PlacementGroup::of(blob, self.groups?))?;
        (self.referenced.contains(&blob.data) && placement.replicas.contains(&node)).then_some(placement)
    }
}

impl Known {
    fn read(rows: &MachineRows) -> Result<Known, RowsError> {
        let mut known = Known {
            time: load::<GroupRecord>(rows, &keys::group()).unwrap_or_default().time,
            referenced: BTreeSet::new(),
            placements: BTreeMap::new(),
            groups: load::<TopologyRecord>(rows, &keys::topology())
                .and_then(|record| NonZeroU16::new(record.placements)),
        };
        let mut garbage = BTreeSet::new();
        each::<GarbageRecord>(rows, b"G", |_, entry| {
            if let GarbageItem::Manifest(manifest) = entry.item {
                garbage.insert(manifest);
            }
        })?;
        each::<ManifestRecord>(rows, b"M", |key, manifest| {
            let id = key.get(1..).and_then(|id| id.try_into().ok()).map(ManifestId::from_bytes);
            if let ManifestBody::Extents(extents) = manifest.body
                && id.is_some_and(|id| !garbage.contains(&id))
            {
                known.referenced.extend(extents.iter().map(|extent| extent.data));
            }
        })?;
        each::<PlacementState>(rows, b"T", |_, state| {
            known.placements.insert(state.group, state);
        })?;
        Ok(known)
    }
}

/// All rows of a kind, by the tag that their keys begin with.
fn each<T: Record>(rows: &MachineRows, tag: &[u8], mut take: impl FnMut(&[u8], T)) -> Result<(), RowsError> {
    let mut malformed = None;
    rows.scan(tag, &keys::prefix_end(tag), &mut |key, value| match T::decode(value.clone()) {
        Ok(record) => {
            take(key, record);
            ControlFlow::Continue(())
        }
        Err(error) => {
            malformed = Some(RowsError::Engine(error.to_string()));
            ControlFlow::Break(())
        }
    })?;
    malformed.map_or(Ok(()), Err)
}

/// The newest rows of all machines.
fn newest(state: &State) -> Option<Known> {
    let all = state.machines.iter().filter_map(|machine| MachineRows::of(machine));
    let newest = all.max_by_key(|rows| load::<GroupRecord>(rows, &keys::group()).map(|group| group.time));
    Known::read(&newest?).ok()
}

fn load<T: Record>(rows: &MachineRows, key: &[u8]) -> Option<T> {
    T::decode(rows.get(key).ok()??).ok()
}
