//! Which garbage entries are deleted together. Pure.

use esker_index::command::{CommandBody, ReclaimStep};
use esker_index::query::GarbageWork;
use esker_types::{BlobId, blobs_of};

/// Most blobs of one batch, unless a single entry has more: about what a node deletes with one call.
const BLOBS_MAX: usize = 1000;

/// Entries that are deleted together, and then reclaimed by one command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// For the command, in order of the entries.
    pub(super) steps: Vec<ReclaimStep>,
    /// The blobs of all of them.
    pub(super) blobs: Vec<BlobId>,
    /// Their bytes.
    pub(super) bytes: u64,
    data_ids: usize,
}

impl Batch {
    /// The last of its entries; none if it is empty.
    pub(super) fn last(&self) -> Option<u64> {
        self.steps.last().map(|step| step.entry)
    }

    /// Whether it and another one fit into one command and one call.
    fn has_room_for(&self, other: &Batch) -> bool {
        self.steps.len() + other.steps.len() <= CommandBody::RECLAIM_STEPS_MAX
            && self.data_ids + other.data_ids <= CommandBody::DATA_IDS_MAX
            && self.blobs.len() + other.blobs.len() <= BLOBS_MAX
    }

    fn add(&mut self, other: Batch) {
        self.steps.extend(other.steps);
        self.blobs.extend(other.blobs);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.data_ids += other.data_ids;
    }
}

impl From<GarbageWork> for Batch {
    fn from(GarbageWork { entry, reclaimed, data }: GarbageWork) -> Batch {
        let blobs = data.iter().flat_map(|(data, length)| blobs_of(*data, *length));
        Batch {
            steps: vec![ReclaimStep { entry, reclaimed }],
            blobs: blobs.map(|(blob, _)| blob).collect(),
            bytes: data.iter().fold(0, |bytes: u64, (_, length)| bytes.saturating_add(*length)),
            data_ids: data.len(),
        }
    }
}

/// All of the entries, in their order, in batches that one command may reclaim.
pub(super) fn batches(work: Vec<GarbageWork>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for next in work.into_iter().map(Batch::from) {
        match batches.last_mut() {
            Some(last) if last.has_room_for(&next) => last.add(next),
            _ => batches.push(next),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_types::{CHUNK_BYTES, DataId, GroupId};
    use proptest::prelude::*;

    fn entries() -> impl Strategy<Value = Vec<GarbageWork>> {
        let count = prop_oneof![4 => 0..3_usize, 1 => 0..=CommandBody::DATA_IDS_MAX];
        let length = prop_oneof![8 => 1..1000_u64, 1 => 1..2000 * CHUNK_BYTES];
        let entry = (count, length, any::<u32>());
        prop::collection::vec(entry, 0..150).prop_map(|entries| {
            let entries = (0_u64..).zip(entries);
            let work = |(entry, (count, length, reclaimed)): (u64, (usize, u64, u32))| {
                let data = |n: u64| (DataId::new(entry, GroupId(0), n), length / count.max(1) as u64 + 1);
                GarbageWork { entry, reclaimed, data: (0..count as u64).map(data).collect() }
            };
            entries.map(work).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn batches_are_all_of_the_entries_in_order_and_no_more_than_one_command_may_do(work in entries()) {
            let batches = batches(work.clone());
            let steps: Vec<ReclaimStep> = batches.iter().flat_map(|batch| batch.steps.clone()).collect();
            let wanted: Vec<ReclaimStep> = work
                .iter()
                .map(|work| ReclaimStep { entry: work.entry, reclaimed: work.reclaimed })
                .collect();
            prop_assert_eq!(steps, wanted);
            let alone: Vec<Batch> = work.into_iter().map(Batch::from).collect();
            let blobs = |batches: &[Batch]| -> Vec<BlobId> {
                batches.iter().flat_map(|batch| batch.blobs.clone()).collect()
            };
            prop_assert_eq!(blobs(&batches), blobs(&alone));
            for batch in &batches {
                prop_assert!((1..=CommandBody::RECLAIM_STEPS_MAX).contains(&batch.steps.len()));
                prop_assert!(batch.data_ids <= CommandBody::DATA_IDS_MAX);
                prop_assert!(batch.blobs.len() <= BLOBS_MAX || batch.steps.len() == 1);
            }
            for pair in batches.windows(2) {
                let next = alone.iter().find(|one| one.steps[0] == pair[1].steps[0]).unwrap();
                prop_assert!(!pair[0].has_room_for(next), "as few as can be");
            }
        }
    }
}
