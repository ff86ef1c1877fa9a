//! Rounds of the reconciler over the state machine itself and storage nodes that confirm or don't.

use super::garbage::{Resume, WAITING_MAX, collect};
use super::{Reconciler, ReconcilerSettings};
use async_trait::async_trait;
use esker_env::{Clock as _, ManualClock, SeededRandom};
use esker_index::command::{Command, CommandBody};
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, GroupSummary, Query};
use esker_rpc::testing::MemoryMetadata;
use esker_rpc::{
    BlobBody, BlobReader, BlobStore, Metadata, MetadataError, Proposal, StorageError, StoredBlob,
};
use esker_types::{BlobId, ByteRange, CHUNK_BYTES, DataId, GroupId, RequestId, Timestamp};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const GROUP: GroupId = GroupId::DIRECTORY;
const GRACE: Duration = Duration::from_secs(600);

/// The state machine; counts the commands.
struct Group {
    memory: MemoryMetadata,
    commands: Mutex<Vec<CommandBody>>,
}

#[async_trait]
impl Metadata for Group {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        self.commands.lock().unwrap().push(proposal.body.clone());
        self.memory.propose(group, proposal).await
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        self.memory.query(group, query).await
    }

    fn leads(&self, group: GroupId) -> bool {
        self.memory.leads(group)
    }
}

/// Storage nodes of which one does not confirm the deletion of some data.
#[derive(Default)]
struct Nodes {
    kept: Mutex<BTreeSet<DataId>>,
    calls: Mutex<usize>,
    /// What deletions were asked for.
    asked: Mutex<BTreeSet<BlobId>>,
    /// What every node confirmed.
    deleted: Mutex<BTreeSet<BlobId>>,
}

#[async_trait]
impl BlobStore for Nodes {
    async fn put(&self, _: BlobId, _: BlobBody) -> Result<StoredBlob, StorageError> {
        unreachable!("the reconciler stores nothing")
    }

    async fn get(&self, _: BlobId, _: ByteRange) -> Result<BlobReader, StorageError> {
        unreachable!("the reconciler reads nothing")
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        *self.calls.lock().unwrap() += 1;
        self.asked.lock().unwrap().extend(blobs);
        let kept = self.kept.lock().unwrap();
        if blobs.iter().any(|blob| kept.contains(&blob.data)) {
            return Err(StorageError::Unavailable("node 3 is down".to_owned()));
        }
        self.deleted.lock().unwrap().extend(blobs);
        Ok(())
    }
}

/// A reconciler and all that it works on.
struct World {
    clock: Arc<ManualClock>,
    group: Arc<Group>,
    nodes: Arc<Nodes>,
    reconciler: Reconciler,
    resume: Resume,
}

impl World {
    fn new() -> World {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_767_323_045_678)));
        let memory = MemoryMetadata::new(clock.clone());
        let group = Arc::new(Group { memory, commands: Mutex::default() });
        let nodes = Arc::new(Nodes::default());
        let settings = ReconcilerSettings {
            groups: vec![GROUP],
            interval: Duration::from_secs(1),
            garbage_grace: GRACE,
        };
        let random = Arc::new(SeededRandom::new(1));
        let reconciler = Reconciler::new(group.clone(), nodes.clone(), clock.clone(), random, settings);
        World { clock, group, nodes, reconciler, resume: None }
    }

    /// Makes one garbage entry of each number: data of so many bytes.
    async fn discard(&self, numbers: std::ops::Range<u64>, length: u64) {
        for number in numbers {
            let body = CommandBody::Discard { data: vec![(data(number), length)] };
            let request = RequestId(Uuid::from_u128(u128::from(number)));
            let deadline = self.clock.now().plus_millis(30_000);
            let outcome = self.group.memory.propose(GROUP, Proposal { request, deadline, body }).await;
            assert!(outcome.unwrap().is_ok());
        }
    }

    fn keep(&self, numbers: impl IntoIterator<Item = u64>) {
        *self.nodes.kept.lock().unwrap() = numbers.into_iter().map(data).collect();
    }

    /// Whether a round could do all that it looked at.
    async fn round(&mut self) -> bool {
        collect(&self.reconciler, GROUP, &mut self.resume).await.is_ok()
    }

    async fn entries(&self) -> u64 {
        match self.group.memory.query(GROUP, Query::GroupSummary).await {
            Ok(Answer::GroupSummary(GroupSummary { garbage_entries, .. })) => garbage_entries,
            other => panic!("no summary: {other:?}"),
        }
    }

    fn counts(&self) -> (usize, usize) {
        (*self.nodes.calls.lock().unwrap(), self.group.commands.lock().unwrap().len())
    }

    fn deleted(&self) -> usize {
        self.nodes.deleted.lock().unwrap().len()
    }
}

fn data(number: u64) -> DataId {
    DataId::new(number, GROUP, number)
}

#[tokio::test]
async fn entries_share_calls_and_commands() {
    let mut world = World::new();
    world.discard(0..250, 1000).await;
    world.clock.advance(GRACE * 2);
    assert!(world.round().await);
    assert_eq!((world.entries().await, world.deleted()), (0, 250));
    assert_eq!(world.counts(), (3, 3), "calls and commands, a hundred entries each");
    assert!(world.round().await);
    assert_eq!(world.counts(), (3, 3));
}

#[tokio::test]
async fn a_large_entry_is_a_batch_of_its_own() {
    let mut world = World::new();
    world.discard(0..3, 2000 * CHUNK_BYTES).await;
    world.clock.advance(GRACE * 2);
    assert!(world.round().await);
    assert_eq!((world.entries().await, world.deleted(), world.counts()), (0, 6000, (3, 3)));
}

#[tokio::test]
async fn what_waits_for_a_node_holds_up_nothing_else() {
    let mut world = World::new();
    world.discard(0..400, 1000).await;
    world.clock.advance(GRACE * 2);
    world.keep([150]);
    assert!(!world.round().await, "it is said that something waits");
    assert_eq!(world.entries().await, 100, "the batch of the one that waits");
    assert!(!world.round().await);
    assert_eq!(world.entries().await, 100);
    world.keep([]);
    assert!(world.round().await);
    assert_eq!((world.entries().await, world.deleted()), (0, 400));
}

#[tokio::test]
async fn while_a_node_is_down_the_others_are_told_to_delete_everything_in_bounded_rounds() {
    let mut world = World::new();
    let batches = WAITING_MAX as u64 * 2 + 3;
    world.discard(0..batches * 100, 1).await;
    world.clock.advance(GRACE * 2);
    world.keep(0..batches * 100);
    for round in 1..=2 {
        assert!(!world.round().await);
        assert_eq!(world.counts().0, WAITING_MAX * round, "no more than so many calls");
    }
    assert!(!world.round().await);
    assert_eq!(world.counts().0 as u64, batches, "the rest");
    assert_eq!(world.nodes.asked.lock().unwrap().len() as u64, batches * 100, "none was left out");
    assert!(!world.round().await);
    assert_eq!(world.counts(), (WAITING_MAX * 3 + 3, 0), "and from the oldest on again");
    world.keep([]);
    while world.entries().await > 0 {
        assert!(world.round().await);
    }
}

#[tokio::test]
async fn nothing_is_deleted_before_its_grace_is_over() {
    let mut world = World::new();
    world.discard(0..10, 1000).await;
    world.clock.advance(GRACE);
    world.discard(10..20, 1000).await;
    assert!(world.round().await);
    assert_eq!(world.counts(), (0, 0));
    world.clock.advance(Duration::from_secs(1));
    assert!(world.round().await);
    assert_eq!((world.entries().await, world.deleted()), (10, 10));
}

#[tokio::test]
async fn a_group_that_finds_it_too_early_is_asked_again_later() {
    let mut world = World::new();
    world.reconciler.settings.garbage_grace = Duration::ZERO;
    world.discard(0..10, 1000).await;
    world.clock.advance(Duration::from_millis(Command::LIFETIME_MILLIS_MAX));
    assert!(world.round().await);
    assert_eq!(world.entries().await, 10, "a late command could still name the data");
    world.clock.advance(Duration::from_millis(1));
    assert!(world.round().await);
    assert_eq!(world.entries().await, 0);
}
