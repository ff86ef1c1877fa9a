//! Random schedules of everything that may happen to a cluster. Whatever happens, no acknowledged blob has fewer
//! replicas than its write quorum, less the one that a schedule may destroy; and once nothing more happens, all of
//! it is where it belongs, and nothing else anywhere.

use crate::support::{Options, World};
use esker_rpc::StorageError;
use esker_types::{BlobId, DataId, NodeId, NodeState};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const NODES_MIN: usize = 4;
const NODES_MAX: usize = 6;
const WRITE_QUORUM: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// Clients write.
    Upload(u8),
    /// A client writes slowly, while other things happen.
    UploadSlowly(u8, u16),
    /// Time passes.
    Pass(u16),
    /// A new node comes.
    Add,
    /// A node is to leave.
    Drain(u8),
    /// A node is to stay after all.
    Undrain(u8),
    /// A process dies.
    Kill(u8),
    /// All dead processes are started again.
    Restart,
    /// A node loses its network.
    CutOff(u8),
    /// All networks are whole again.
    Rejoin,
    /// A node is gone with its disk.
    Lose(u8),
    /// A blob decays on one node.
    Rot(u8, u16),
    /// A disk fills up, or is given room.
    Fill(u8),
    /// Another node leads.
    Lead(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1..12u8).prop_map(Event::Upload),
        4 => (2..100u8, 0..2000u16).prop_map(|(bytes, pause)| Event::UploadSlowly(bytes, pause)),
        8 => (0..3000u16).prop_map(Event::Pass),
        2 => Just(Event::Add),
        2 => any::<u8>().prop_map(Event::Drain),
        1 => any::<u8>().prop_map(Event::Undrain),
        2 => any::<u8>().prop_map(Event::Kill),
        2 => Just(Event::Restart),
        2 => any::<u8>().prop_map(Event::CutOff),
        2 => Just(Event::Rejoin),
        1 => any::<u8>().prop_map(Event::Lose),
        1 => (any::<u8>(), any::<u16>()).prop_map(|(node, blob)| Event::Rot(node, blob)),
        1 => any::<u8>().prop_map(Event::Fill),
        1 => any::<u8>().prop_map(Event::Lead),
    ]
}

/// A world, and what the schedule has done to it.
struct Schedule {
    world: World,
    next: u64,
    killed: Vec<NodeId>,
    full: Vec<NodeId>,
    /// Whether a replica was destroyed. Promised is that one may be.
    destroyed: bool,
    rotten: Option<(NodeId, BlobId)>,
    uploads: JoinSet<Result<(DataId, Vec<NodeId>), StorageError>>,
}

impl Schedule {
    fn present(&self) -> Vec<NodeId> {
        let nodes = self.world.index.topology().nodes;
        nodes.into_iter().filter(|(_, record)| record.takes_part()).map(|(node, _)| node).collect()
    }

    fn active(&self) -> usize {
        let nodes = self.world.index.topology().nodes;
        nodes.iter().filter(|(_, record)| record.state == NodeState::Active).count()
    }

    fn pick(&self, number: u8) -> NodeId {
        let present = self.present();
        present[usize::from(number) % present.len()]
    }

    async fn happen(&mut self, event: Event) {
        match event {
            Event::Upload(count) => {
                for number in 0..count {
                    // It may fail: too many nodes may be away.
                    let _ = self.world.client.upload(20 + u64::from(number)).await;
                }
            }
            Event::UploadSlowly(bytes, pause) => {
                let (client, pause) = (Arc::clone(&self.world.client), Duration::from_millis(pause.into()));
                let upload =
                    async move { client.upload_slowly(bytes.into(), usize::from(bytes / 2), pause).await };
                self.uploads.spawn(upload);
            }
            Event::Pass(millis) => self.world.pass(Duration::from_millis(millis.into())).await,
            Event::Add if self.present().len() < NODES_MAX => {
                self.world.add(NodeId(self.next));
                self.next += 1;
            }
            Event::Drain(node) if self.active() > NODES_MIN - 1 => {
                self.world.set_state(self.pick(node), NodeState::Draining);
            }
            Event::Undrain(node) => self.world.set_state(self.pick(node), NodeState::Active),
            Event::Kill(node) if self.world.running().len() > 1 => {
                let node = self.pick(node);
                if !self.killed.contains(&node) {
                    self.world.kill(node).await;
                    self.killed.push(node);
                }
            }
            Event::Restart => {
                for node in std::mem::take(&mut self.killed) {
                    self.world.restart(node);
                }
            }
            Event::CutOff(node) => self.world.cut_off(self.pick(node), true),
            Event::Rejoin => self.rejoin(),
            Event::Lose(node) if !self.destroyed && self.present().len() >= NODES_MIN => {
                self.lose(self.pick(node)).await;
            }
            Event::Rot(node, blob) if !self.destroyed => {
                let (disk, blobs) = (self.world.disk(self.pick(node)), self.world.client.blobs());
                if let Some((blob, _)) = blobs.get(usize::from(blob) % blobs.len().max(1)) {
                    disk.rot(*blob);
                    self.rotten = Some((self.pick(node), *blob));
                    self.scrub();
                    self.destroyed = true;
                }
            }
            Event::Fill(node) => {
                let node = self.pick(node);
                let fill = !self.full.contains(&node);
                self.full.retain(|full| *full != node);
                self.full.extend(fill.then_some(node));
                self.world.disk(node).set_full(fill);
            }
            Event::Lead(node) => {
                let running = self.world.running();
                self.world.index.set_leader(Some(running[usize::from(node) % running.len()]));
            }
            _ => {}
        }
    }

    async fn lose(&mut self, node: NodeId) {
        if self.world.running() == [node] {
            return;
        }
        match self.killed.iter().position(|killed| *killed == node) {
            Some(at) => drop(self.killed.remove(at)),
            None => self.world.kill(node).await,
        }
        self.world.set_state(node, NodeState::Lost);
        self.destroyed = true;
    }

    fn rejoin(&self) {
        for node in self.present() {
            self.world.cut_off(node, self.killed.contains(&node));
        }
    }

    fn check(&self, after: Event) {
        let present = self.present();
        let needed = WRITE_QUORUM - usize::from(self.destroyed);
        for (blob, length) in self.world.client.blobs() {
            let whole = present.iter().filter(|node| self.world.disk(**node).has_whole(blob, length)).count();
            assert!(whole >= needed, "{blob:?} has {whole} replicas after {after:?}");
        }
        self.world.index.check();
        self.world.check_moves();
    }

    /// Reports what decayed, as scrubbing would sooner or later.
    fn scrub(&self) {
        if let Some((node, blob)) = self.rotten
            && self.world.running().contains(&node)
        {
            self.world.report(node, blob);
        }
    }

    /// Nothing more happens, and nobody is away.
    async fn end(&mut self) {
        self.happen(Event::Restart).await;
        self.rejoin();
        for node in self.full.drain(..) {
            self.world.disk(node).set_full(false);
        }
        while self.uploads.join_next().await.is_some() {}
        // What decayed where it does not belong yet is no damage before it does.
        self.world.moved().await;
        self.scrub();
        self.world.settle().await;
    }
}

async fn run(events: Vec<Event>) {
    let options =
        Options { nodes: 4, groups: 8, audit_interval: Duration::from_secs(300), ..Options::default() };
    let world = World::start(options).await;
    let mut schedule = Schedule {
        world,
        next: 5,
        killed: Vec::new(),
        full: Vec::new(),
        destroyed: false,
        rotten: None,
        uploads: JoinSet::new(),
    };
    for event in events {
        schedule.happen(event).await;
        schedule.check(event);
    }
    schedule.end().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_loses_a_blob_or_leaves_anything_undone(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(run(events));
    }
}
