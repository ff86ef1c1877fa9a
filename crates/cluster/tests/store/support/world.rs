//! A cluster of nodes in memory, and one process's store over it.

use super::node::{Client, FakeNode};
use async_trait::async_trait;
use bytes::Bytes;
use esker_cluster::topology::{NodeRecord, PlacementState, Topology};
use esker_cluster::{
    Damage, DamageSink, Dial, HealthOptions, KeeperOptions, OwnStorage, ReplicatedStore, StorageNodes,
    StoreOptions, ViewHandle, ViewKeeper,
};
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, Query};
use esker_rpc::{
    BlobBody, BlobStore as _, Metadata, MetadataError, Proposal, Storage, StorageError, StoredBlob,
};
use esker_types::{
    BlobId, ByteRange, DataId, Fence, GroupId, NodeId, NodeInfo, NodeRoles, NodeState, PlacementEpoch,
    PlacementGroup,
};
use futures::StreamExt as _;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Bytes of the pieces that blobs are written and read in.
pub const PIECE: usize = 1000;

/// A blob id.
pub fn blob(number: u64) -> BlobId {
    BlobId { data: DataId::new(number, GroupId(0), number), chunk: 0 }
}

/// The bytes of a blob: no two pieces of any blobs are the same.
pub fn content(blob: BlobId, length: usize) -> Bytes {
    let seed = blob.data.millis();
    let word = |at: u64| (seed << 32 ^ at).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let mut bytes: Vec<u8> = (0..length.div_ceil(8) as u64).flat_map(word).collect();
    bytes.truncate(length);
    bytes.into()
}

/// These bytes as a put's body.
pub fn body(bytes: &Bytes) -> BlobBody {
    let pieces: Vec<_> = bytes.chunks(PIECE).map(|piece| Ok(bytes.slice_ref(piece))).collect();
    // Unlike some streams, this one panics when it is asked again after its end.
    futures::stream::unfold(pieces.into_iter(), |mut rest| async { Some((rest.next()?, rest)) }).boxed()
}

/// A node with every role.
pub fn record(node: NodeId, state: NodeState) -> (NodeId, NodeRecord) {
    let info = NodeInfo {
        address: format!("node-{}", node.0),
        roles: NodeRoles::ALL,
        zone: String::new(),
        host: String::new(),
        weight: 1,
    };
    (node, NodeRecord { info, state })
}

/// A placement group's state; members are given by their numbers.
pub fn state(group: u16, epoch: u64, replicas: &[u64], target: &[u64]) -> PlacementState {
    let nodes = |numbers: &[u64]| numbers.iter().copied().map(NodeId).collect();
    PlacementState {
        group: PlacementGroup(group),
        epoch: PlacementEpoch(epoch),
        replicas: nodes(replicas),
        target: nodes(target),
        fenced: Vec::new(),
        copied: Vec::new(),
    }
}

/// The directory group, as far as the topology goes.
#[derive(Debug, Default)]
pub struct FakeTopology {
    topology: Mutex<Topology>,
    /// The next questions meet these; none is no fault.
    pub faults: Mutex<VecDeque<Option<MetadataError>>>,
    /// When questions came.
    pub questions: Mutex<Vec<Instant>>,
}

impl FakeTopology {
    pub fn change(&self, change: impl FnOnce(&mut Topology)) {
        let mut topology = self.topology.lock().unwrap();
        change(&mut topology);
        topology.version += 1;
    }
}

#[async_trait]
impl Metadata for FakeTopology {
    async fn propose(&self, _: GroupId, _: Proposal) -> Result<Outcome, MetadataError> {
        Err(MetadataError::Failed("nothing is proposed here".to_owned()))
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        assert_eq!(group, GroupId::DIRECTORY);
        self.questions.lock().unwrap().push(Instant::now());
        if let Some(error) = self.faults.lock().unwrap().pop_front().flatten() {
            return Err(error);
        }
        let Query::Topology { newer_than } = query else { panic!("asked {query:?}") };
        let topology = self.topology.lock().unwrap().clone();
        Ok(Answer::Topology(Some(topology).filter(|topology| topology.version > newer_than)))
    }

    fn leads(&self, _: GroupId) -> bool {
        false
    }
}

/// The nodes by their addresses.
struct Network(BTreeMap<String, Arc<FakeNode>>);

impl Dial for Network {
    fn storage(&self, _: NodeId, address: &str) -> Arc<dyn Storage> {
        Arc::new(Client(Arc::clone(&self.0[address])))
    }
}

/// Nodes 1 to n, of which 1 is the process's own, and a store.
pub struct World {
    pub nodes: Vec<Arc<FakeNode>>,
    pub topology: Arc<FakeTopology>,
    pub views: ViewHandle,
    pub store: ReplicatedStore,
    pub damage: mpsc::Receiver<Damage>,
    _keeper: DropGuard,
}

impl World {
    /// So many nodes, all of which are the replicas of the only placement group.
    pub async fn new(nodes: u64) -> World {
        let all: Vec<u64> = (1..=nodes).collect();
        World::placed(nodes, vec![state(0, 1, &all, &[])]).await
    }

    /// So many nodes, and these placements.
    pub async fn placed(nodes: u64, placements: Vec<PlacementState>) -> World {
        let world = World::start(nodes, placements, StoreOptions::default());
        world.views.refresh().await.expect("a view");
        world
    }

    pub fn start(nodes: u64, placements: Vec<PlacementState>, options: StoreOptions) -> World {
        let fakes: Vec<Arc<FakeNode>> = (0..nodes).map(|_| Arc::default()).collect();
        let topology = Arc::new(FakeTopology::default());
        topology.change(|topology| {
            topology.nodes = (1..=nodes).map(|id| record(NodeId(id), NodeState::Active)).collect();
            topology.placements = placements;
        });
        let network = (1..).map(|id| format!("node-{id}")).zip(fakes.iter().cloned()).collect();
        let own = OwnStorage { node: NodeId(1), storage: Arc::new(Client(Arc::clone(&fakes[0]))) };
        let storage = StorageNodes::new(Some(own), Arc::new(Network(network)), HealthOptions::default());
        let (keeper, views) = ViewKeeper::new(Arc::clone(&topology) as _, KeeperOptions::default());
        let stop = CancellationToken::new();
        tokio::spawn(keeper.run(stop.clone()));
        let (sink, damage) = DamageSink::channel(100);
        let store = ReplicatedStore::new(views.clone(), Arc::new(storage), sink, options);
        World { nodes: fakes, topology, views, store, damage, _keeper: stop.drop_guard() }
    }

    /// A node by its number.
    pub fn node(&self, number: u64) -> &FakeNode {
        &self.nodes[usize::try_from(number).unwrap() - 1]
    }

    /// Lets a node acknowledge an epoch of a placement group.
    pub async fn fence(&self, number: u64, group: u16, epoch: u64) {
        let client = Client(Arc::clone(&self.nodes[usize::try_from(number).unwrap() - 1]));
        let fence = Fence { group: PlacementGroup(group), epoch: PlacementEpoch(epoch) };
        client.fence(&[fence]).await.unwrap();
    }

    /// Stores so many bytes.
    pub async fn put(&self, blob: BlobId, length: usize) -> Result<StoredBlob, StorageError> {
        self.store.put(blob, body(&content(blob, length))).await
    }

    /// Stores so many bytes on all nodes at once, without the store.
    pub fn everywhere(&self, blob: BlobId, length: usize) {
        self.nodes.iter().for_each(|node| node.insert(blob, content(blob, length)));
    }

    /// Reads a range to its end.
    pub async fn read(&self, blob: BlobId, first: usize, length: usize) -> Result<Vec<u8>, StorageError> {
        let range = ByteRange { first: first as u64, last: (first + length) as u64 - 1 };
        let mut reader = self.store.get(blob, range).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = reader.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }

    /// Reads a whole blob and checks its bytes.
    pub async fn check(&self, blob: BlobId, length: usize) {
        let bytes = self.read(blob, 0, length).await;
        assert!(bytes.as_deref() == Ok(&content(blob, length)[..]), "the bytes of {blob:?}");
    }

    /// Which nodes have all of a blob, by their numbers.
    pub fn holders(&self, blob: BlobId, length: usize) -> Vec<u64> {
        let whole = content(blob, length);
        let nodes = (1..).zip(&self.nodes);
        nodes.filter(|(_, node)| node.has(blob).as_ref() == Some(&whole)).map(|(id, _)| id).collect()
    }

    /// What was reported so far.
    pub fn reports(&mut self) -> Vec<Damage> {
        std::iter::from_fn(|| self.damage.try_recv().ok()).collect()
    }
}
