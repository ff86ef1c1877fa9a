//! The nodes of the cluster, and what a test does to them.

use super::disk::Remote;
use super::index::Seat;
use super::{Client, Disk, Index, TokioClock};
use esker_cluster::background::{
    Background, BackgroundComponents, BackgroundSettings, CoordinatorSettings, Seats,
};
use esker_cluster::{
    Damage, DamageSink, Dial, HealthOptions, KeeperOptions, OwnStorage, StorageNodes, ViewKeeper,
};
use esker_env::{Clock, OsRandom};
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Step};
use esker_index::query::{Answer, GarbageWork, PlacementState, Query};
use esker_rpc::Storage;
use esker_types::{BlobId, GroupId, NodeId, NodeInfo, NodeRoles, NodeState, PlacementGroup, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a cluster may take to become what it should be. Nobody waits for it: time passes when all are idle.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The network: all disks by their nodes.
#[derive(Default)]
pub struct Wires {
    disks: Mutex<BTreeMap<NodeId, Arc<Disk>>>,
}

impl Wires {
    pub fn disk(&self, node: NodeId) -> Arc<Disk> {
        Arc::clone(&self.disks.lock().unwrap()[&node])
    }
}

/// The network as one node reaches others by it; none: as a client does, who is never cut off.
pub struct Line {
    pub from: Option<NodeId>,
    pub wires: Arc<Wires>,
}

impl Dial for Line {
    fn storage(&self, node: NodeId, _address: &str) -> Arc<dyn Storage> {
        Arc::new(Remote { disk: self.wires.disk(node), from: self.from.map(|from| self.wires.disk(from)) })
    }
}

pub struct Process {
    stop: CancellationToken,
    pub background: Background,
    pub damage: DamageSink,
    keeper: JoinHandle<()>,
}

#[derive(Clone)]
pub struct Options {
    pub nodes: u64,
    pub groups: u16,
    pub lost_after: Option<Duration>,
    pub audit_interval: Duration,
    pub orphan_age: Duration,
}

impl Default for Options {
    fn default() -> Options {
        let long = Duration::from_secs(1_000_000);
        Options { nodes: 3, groups: 128, lost_after: None, audit_interval: long, orphan_age: long }
    }
}

pub struct World {
    pub index: Arc<Index>,
    pub client: Arc<Client>,
    wires: Arc<Wires>,
    clock: Arc<TokioClock>,
    options: Options,
    unseated: Arc<Unseated>,
    processes: BTreeMap<NodeId, Process>,
}

/// The nodes that no Raft group counts among its members; at first there are none.
#[derive(Default)]
struct Unseated(Mutex<BTreeSet<NodeId>>);

impl Seats for Unseated {
    fn names(&self, node: NodeId) -> bool {
        !self.0.lock().unwrap().contains(&node)
    }
}

impl World {
    /// Nodes 1, 2, 3, …, and blobs have their places.
    pub async fn start(options: Options) -> World {
        let clock = Arc::new(TokioClock::new());
        let index = Index::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let wires = Arc::new(Wires::default());
        let client = Client::new(&index, &wires, &clock, 1);
        let nodes = options.nodes;
        let (unseated, processes) = (Arc::default(), BTreeMap::new());
        let mut world = World { index, client, wires, clock, options, unseated, processes };
        for node in 1..=nodes {
            world.add(NodeId(node));
        }
        world.until("blobs have places", |world| !world.index.topology().placements.is_empty()).await;
        world
    }

    /// Adds a node with an empty disk, and starts its process.
    pub fn add(&mut self, node: NodeId) {
        let old = self.wires.disks.lock().unwrap().insert(node, Arc::default());
        assert!(old.is_none(), "ids are never reused");
        let info = NodeInfo {
            address: format!("node-{node}:9100"),
            roles: NodeRoles::ALL,
            zone: String::new(),
            host: format!("host-{node}"),
            weight: 100,
        };
        self.index.apply(GroupId::DIRECTORY, CommandBody::RegisterNode { node, info }).unwrap();
        self.restart(node);
    }

    /// Starts a node's process, which knows nothing but what is on its disk.
    pub fn restart(&mut self, node: NodeId) {
        let disk = self.disk(node);
        disk.set_cut_off(false);
        let seat: Arc<dyn esker_rpc::Metadata> =
            Arc::new(Seat { index: Arc::clone(&self.index), node: Some(node) });
        let (keeper, views) = ViewKeeper::new(Arc::clone(&seat), KeeperOptions::default());
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(keeper.run(stop.clone()));
        let own = OwnStorage { node, storage: disk };
        let dial = Arc::new(Line { from: Some(node), wires: Arc::clone(&self.wires) });
        let nodes = Arc::new(StorageNodes::new(Some(own), dial, HealthOptions::default()));
        let (damage, reports) = DamageSink::channel(1000);
        let components = BackgroundComponents {
            metadata: seat,
            views,
            nodes,
            seats: Arc::clone(&self.unseated) as Arc<dyn Seats>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            random: Arc::new(OsRandom),
            damage: reports,
        };
        let background = Background::start(components, self.settings(), &stop);
        let old = self.processes.insert(node, Process { stop, background, damage, keeper });
        assert!(old.is_none(), "a node has one process");
        self.elect();
    }

    fn settings(&self) -> BackgroundSettings {
        BackgroundSettings {
            retry: Duration::from_millis(200),
            repair_interval: Duration::from_secs(1),
            repair_retry: Duration::from_secs(3),
            audit_interval: self.options.audit_interval,
            stray_interval: Duration::from_secs(60),
            orphan_age: self.options.orphan_age,
            coordinator: CoordinatorSettings {
                placement_groups: NonZeroU16::new(self.options.groups).unwrap(),
                nodes_expected: NonZeroUsize::new(usize::try_from(self.options.nodes).unwrap()).unwrap(),
                lost_after: self.options.lost_after,
                ..CoordinatorSettings::default()
            },
            ..BackgroundSettings::default()
        }
    }

    /// Ends a node's process at once. Its disk stays, and nobody reaches it.
    pub async fn kill(&mut self, node: NodeId) {
        let process = self.processes.remove(&node).expect("the node runs");
        self.disk(node).set_cut_off(true);
        process.stop.cancel();
        process.background.stopped().await;
        process.keeper.await.unwrap();
        self.elect();
    }

    /// The first node that runs leads.
    fn elect(&self) {
        let leads = self.index.leader().is_some_and(|leader| self.processes.contains_key(&leader));
        if !leads {
            self.index.set_leader(self.processes.keys().next().copied());
        }
    }

    /// Cuts a node off from the others, or joins it again. It goes on running.
    pub fn cut_off(&self, node: NodeId, cut_off: bool) {
        self.disk(node).set_cut_off(cut_off);
    }

    pub fn set_state(&self, node: NodeId, state: NodeState) {
        self.index.apply(GroupId::DIRECTORY, CommandBody::SetNodeState { node, state }).unwrap();
    }

    /// Lets the Raft groups leave a node out.
    pub fn unseat(&self, node: NodeId) {
        self.unseated.0.lock().unwrap().insert(node);
    }

    pub fn disk(&self, node: NodeId) -> Arc<Disk> {
        self.wires.disk(node)
    }

    pub fn process(&self, node: NodeId) -> &Process {
        &self.processes[&node]
    }

    pub fn running(&self) -> Vec<NodeId> {
        self.processes.keys().copied().collect()
    }

    pub fn report(&self, node: NodeId, blob: BlobId) {
        self.process(node).damage.report(Damage { node, blob });
    }

    /// Waits until something holds. Panics if it does not in an hour of the cluster's time.
    pub async fn until(&self, what: &str, holds: impl Fn(&World) -> bool) {
        let begin = self.clock.monotonic();
        let mut pause = Duration::from_millis(20);
        while !holds(self) {
            self.check_moves();
            if self.clock.monotonic() - begin >= PATIENCE {
                panic!("it never came to be that {what}: {}", self.describe());
            }
            // sleep: time passes at once when all are idle; there is no one event behind a condition on the whole
            tokio::time::sleep(pause).await;
            pause = (pause * 11 / 10).min(Duration::from_secs(2));
        }
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        // sleep: the time itself is what is meant
        tokio::time::sleep(time).await;
    }

    /// Waits until no group moves, and none is about to.
    pub async fn moved(&self) {
        loop {
            self.until("no group moves", |world| world.moving() == 0).await;
            let version = self.index.topology().version;
            self.pass(Duration::from_secs(5)).await;
            if self.index.topology().version == version {
                return;
            }
        }
    }

    /// Waits until nothing is left to do, and checks that all is where it belongs, and nothing else anywhere.
    pub async fn settle(&self) {
        self.moved().await;
        self.until("nothing is to be repaired", |world| world.index.summary().repairs == 0).await;
        self.until("everything is where it belongs", |world| world.missing().is_empty()).await;
        self.until("nothing is where it does not belong", |world| world.strays() == 0).await;
        self.index.check();
        self.client.read_all().await;
    }

    /// Checks what must hold of every move at every time: nodes say only what they did, and nobody says to have copied
    /// all before nothing can be added behind its back.
    pub fn check_moves(&self) {
        let topology = self.index.topology();
        let lost = |node: NodeId| {
            topology.nodes.iter().find(|(id, _)| *id == node).is_none_or(|(_, record)| !record.takes_part())
        };
        for state in &topology.placements {
            for node in &state.fenced {
                let fenced = self.disk(*node).fenced(state.group);
                assert!(fenced >= Some(state.epoch), "{node} has acknowledged {fenced:?}: {state:?}");
            }
            // Those that were lost since count: their lists may have been taken before, and what they had acknowledged
            // held until then.
            let is_fenced = state.fenced.len() >= state.fences_needed(lost);
            assert!(state.copied.is_empty() || is_fenced, "copied too early: {state:?}");
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn state_of(&self, node: NodeId) -> NodeState {
        let nodes = self.index.topology().nodes;
        nodes.into_iter().find(|(id, _)| *id == node).expect("the node is there").1.state
    }

    /// Reclaims all garbage, whose data must be deleted already.
    pub fn reclaim_garbage(&self) {
        let query = Query::Garbage { before: self.now(), after: None, limit: 100 };
        let Answer::Garbage(work) = self.index.ask(&query) else { panic!("no garbage") };
        for GarbageWork { entry, reclaimed, .. } in work {
            let done = self.index.apply(GroupId::DIRECTORY, CommandBody::Reclaim { entry, reclaimed });
            assert_eq!(done, Ok(Done::Step(Step::Finished)));
        }
    }

    pub fn moving(&self) -> usize {
        self.index.topology().placements.iter().filter(|state| state.moves()).count()
    }

    pub fn placement_of(&self, blob: BlobId) -> PlacementState {
        let groups = NonZeroU16::new(self.options.groups).unwrap();
        self.index.topology().placements[usize::from(PlacementGroup::of(blob, groups).0)].clone()
    }

    /// Blobs that were acknowledged and that a node lacks on which they belong, and which is not lost.
    pub fn missing(&self) -> Vec<(BlobId, NodeId)> {
        let topology = self.index.topology();
        let groups = NonZeroU16::new(self.options.groups).unwrap();
        let mut missing = Vec::new();
        for (blob, length) in self.client.blobs() {
            let state = &topology.placements[usize::from(PlacementGroup::of(blob, groups).0)];
            let present = |node: &&NodeId| topology.nodes.iter().any(|(id, r)| id == *node && r.takes_part());
            let lacks = state.replicas.iter().filter(present);
            let lacks = lacks.filter(|node| !self.disk(**node).has_whole(blob, length));
            missing.extend(lacks.map(|node| (blob, *node)));
        }
        missing
    }

    /// Blobs on nodes that take part on which they don't belong.
    pub fn strays(&self) -> usize {
        let topology = self.index.topology();
        let groups = NonZeroU16::new(self.options.groups).unwrap();
        let is_stray = |node: NodeId, blob: BlobId| {
            let state = &topology.placements[usize::from(PlacementGroup::of(blob, groups).0)];
            !state.names(node)
        };
        let present = topology.nodes.iter().filter(|(_, record)| record.takes_part());
        present
            .map(|(node, _)| {
                self.disk(*node).blobs().into_iter().filter(|blob| is_stray(*node, *blob)).count()
            })
            .sum()
    }

    /// How many groups each node is in.
    pub fn shares(&self) -> BTreeMap<NodeId, usize> {
        let mut shares = BTreeMap::new();
        for state in self.index.topology().placements {
            for node in state.replicas {
                *shares.entry(node).or_default() += 1;
            }
        }
        shares
    }

    fn describe(&self) -> String {
        let topology = self.index.topology();
        let moves: Vec<_> = topology.placements.iter().filter(|state| state.moves()).take(3).collect();
        let nodes: Vec<_> = topology.nodes.iter().map(|(node, record)| (node, record.state)).collect();
        let statuses: Vec<_> =
            self.processes.iter().map(|(node, process)| (node, process.background.status())).collect();
        let missing = self.missing();
        format!(
            "{} groups move, such as {moves:?}; {} repairs; {} missing, such as {:?}; {} strays; nodes {nodes:?}; {statuses:#?}",
            self.moving(),
            self.index.summary().repairs,
            missing.len(),
            missing.first(),
            self.strays()
        )
    }
}
