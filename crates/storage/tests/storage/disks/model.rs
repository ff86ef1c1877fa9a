//! Any sequence of operations and failures of disks, against a map of what was acknowledged.

use crate::support::node::{Node, put};
use crate::support::runtime;
use esker_env::{DiskOperation, FaultDuration};
use esker_rpc::{Losses as _, Storage, StorageError, Wholeness};
use esker_storage::contract::{blob, content, list, read_all};
use esker_storage::{NodeStore, Rescue};
use proptest::prelude::*;
use std::collections::BTreeMap;

const DISKS: usize = 3;
const LENGTHS: [u64; 3] = [0, 900, 70_000];

fn length(number: u64) -> u64 {
    LENGTHS[usize::try_from(number % 3).unwrap()] + number
}

#[derive(Debug, Clone)]
enum Step {
    Put(u64),
    Delete(u64),
    /// The next fdatasync on this disk fails.
    FailSync(usize),
    /// All writes on this disk fail until the node starts again.
    FailWrites(usize),
    Rescue,
    /// The node starts again; without this one of its disks, if there is one.
    Reopen(Option<usize>),
    /// What is not claimed is stored again, as the comparison with other nodes does it.
    MakeUp,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..24_u64).prop_map(Step::Put),
        4 => (0..24_u64).prop_map(Step::Delete),
        1 => (0..DISKS).prop_map(Step::FailSync),
        1 => (0..DISKS).prop_map(Step::FailWrites),
        2 => Just(Step::Rescue),
        2 => prop::option::of(1..DISKS).prop_map(Step::Reopen),
        2 => Just(Step::MakeUp),
    ];
    prop::collection::vec(step, 1..60)
}

/// What is known of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It was acknowledged.
    There,
    /// It was deleted, and is not there before the next start: a disk that could not note it may bring it back then.
    Deleted,
    /// It may be there, whole, or not.
    Maybe,
}

struct Run {
    node: Node,
    store: NodeStore,
    known: BTreeMap<u64, Known>,
}

impl Run {
    async fn step(mut self, step: Step) -> Run {
        match step {
            Step::Put(number) => match put(&self.store, number, length(number)).await {
                Ok(stored) => {
                    assert_eq!(stored, length(number));
                    self.known.insert(number, Known::There);
                }
                Err(StorageError::Failed(_)) => {
                    let known = self.known.entry(number).or_insert(Known::Maybe);
                    if *known == Known::Deleted {
                        *known = Known::Maybe;
                    }
                }
                Err(other) => panic!("{other}"),
            },
            Step::Delete(number) => match self.store.delete(&[blob(number)]).await {
                Ok(()) => drop(self.known.insert(number, Known::Deleted)),
                Err(StorageError::Failed(_)) => drop(self.known.insert(number, Known::Maybe)),
                Err(other) => panic!("{other}"),
            },
            Step::FailSync(disk) => self.node.fail(disk, DiskOperation::Sync, FaultDuration::Once),
            Step::FailWrites(disk) => self.node.fail(disk, DiskOperation::Write, FaultDuration::Forever),
            Step::Rescue => self.rescue().await,
            Step::Reopen(without) => {
                let Run { node, store, mut known } = self;
                drop(store);
                node.disk.clear_faults();
                if let Some(disk) = without {
                    node.pull_out(disk);
                }
                known
                    .values_mut()
                    .filter(|known| **known == Known::Deleted)
                    .for_each(|known| *known = Known::Maybe);
                let store = node.open();
                return Run { node, store, known };
            }
            Step::MakeUp => self.make_up().await,
        }
        self
    }

    /// A rescue that is done leaves nothing readable on a failed disk, if there is one that takes it.
    async fn rescue(&mut self) {
        if self.store.rescue_once().await == Rescue::Done && self.store.health().is_ok() {
            let lacking = self.store.list(None, None, 1).await.unwrap().wholeness == Wholeness::Lacking;
            for number in self.there() {
                let claimed = self.store.stat(&[blob(number)]).await.unwrap()[0].is_some();
                let read = read_all(&self.store, blob(number), length(number)).await.is_ok();
                assert!(claimed == read && (read || lacking), "blob {number}: {claimed} {read} {lacking}");
            }
        }
    }

    async fn make_up(&mut self) {
        for number in self.there() {
            if self.store.stat(&[blob(number)]).await.unwrap()[0].is_none()
                && put(&self.store, number, length(number)).await.is_err()
            {
                return;
            }
        }
        let loss = *self.store.pending().borrow();
        if let Some(loss) = loss {
            self.store.made_up(loss).await.unwrap();
        }
        let page = self.store.list(None, None, 100).await.unwrap();
        assert_eq!(page.wholeness, Wholeness::Whole);
        for number in self.there() {
            assert!(page.blobs.iter().any(|info| info.blob == blob(number)), "blob {number} is listed");
        }
    }

    fn there(&self) -> Vec<u64> {
        let there = self.known.iter().filter(|(_, known)| **known == Known::There);
        there.map(|(number, _)| *number).collect()
    }

    async fn check(&self) {
        let listed: Vec<_> = list(&self.store).await.unwrap();
        assert!(listed.is_sorted_by(|one, other| one.blob < other.blob), "in order, each once");
        let lacking = self.store.list(None, None, 1).await.unwrap().wholeness == Wholeness::Lacking;
        for (number, known) in &self.known {
            let (blob, length) = (blob(*number), length(*number));
            let is_listed = listed.iter().any(|info| info.blob == blob && info.length == length);
            match (known, read_all(&self.store, blob, length).await) {
                (Known::There | Known::Maybe, Ok(bytes)) => {
                    assert!(bytes == content(*number, length), "blob {number} reads as it was written");
                    // An empty blob has no byte that would tell.
                    assert!(
                        is_listed || *known == Known::Maybe && length == 0,
                        "blob {number} is read, not listed"
                    );
                }
                (Known::There, Err(StorageError::Corrupt(_) | StorageError::Unavailable(_))) => {
                    assert!(!is_listed && lacking, "blob {number} is lost without a lost disk");
                }
                (Known::Deleted, Err(StorageError::NotFound | StorageError::Unavailable(_))) => {
                    assert!(!is_listed, "blob {number} was deleted");
                }
                (Known::Maybe, Err(_)) => {}
                (known, read) => panic!("blob {number}: {known:?}, but {:?}", read.map(|bytes| bytes.len())),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_there_or_known_to_be_lost_whatever_disks_fail(steps in steps()) {
        runtime().block_on(async {
            let node = Node::with_disks(DISKS);
            let store = node.open();
            let mut run = Run { node, store, known: BTreeMap::new() };
            for step in steps {
                run = run.step(step).await;
                run.check().await;
            }
        });
    }
}
