//! A simulated machine: what outlives its processes, and what can be seen of the one that runs.

use super::clock::{SimClock, SimTime};
use super::engine::SimEngine;
use super::net::PORT;
use crate::faults::Illness;
use esker_env::{Clock, Disk, Random, SeededRandom, SimDisk};
use esker_metadata::MetadataHandle;
use esker_storage::{ClusterChoice, DataDir};
use esker_types::{ClusterId, NodeId};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a machine keeps its data.
pub const DIR: &str = "/data";

/// The cluster of every simulation.
pub fn cluster() -> ClusterId {
    ClusterId::from_bytes(*b"simulated cluste")
}

/// A machine.
#[derive(Debug)]
pub struct Machine {
    /// What the network calls it.
    pub name: String,
    /// Its clock.
    pub clock: Arc<SimClock>,
    random: SeededRandom,
    parts: Mutex<Parts>,
}

#[derive(Debug)]
struct Parts {
    disk: SimDisk,
    engine: SimEngine,
    node: NodeId,
    process: Option<MetadataHandle>,
    health: Health,
}

/// Whether a process may fail, and whether it has.
#[derive(Debug, PartialEq, Eq)]
enum Health {
    /// Its disk works.
    Well,
    /// Its disk does not.
    Ill,
    /// It ended by itself.
    Failed { why: String, ill: bool },
}

/// A process that ended by itself.
#[derive(Debug)]
pub enum Failure {
    /// Because of its disk: that is what it should do.
    OfDisk(String),
    /// For no reason that is known.
    Unexpected(String),
}

impl Machine {
    /// A machine with an empty disk, whose node has its id already.
    pub fn new(name: String, time: SimTime, random: SeededRandom) -> Machine {
        let parts = Parts::empty(&random);
        Machine { name, clock: Arc::new(SimClock::new(time)), random, parts: Mutex::new(parts) }
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where others reach it.
    pub fn address(&self) -> String {
        format!("{}:{PORT}", self.name)
    }

    /// The node on its disk.
    pub fn node(&self) -> NodeId {
        self.lock().node
    }

    /// Its disk, as the process that runs now has it.
    pub fn disk(&self) -> SimDisk {
        self.lock().disk.clone()
    }

    /// Its rows, as the process that runs now has them.
    pub fn engine(&self) -> SimEngine {
        self.lock().engine.clone()
    }

    /// Random numbers of its own.
    pub fn random(&self) -> SeededRandom {
        self.random.fork()
    }

    /// The metadata node that runs, if it does.
    pub fn process(&self) -> Option<MetadataHandle> {
        self.lock().process.clone()
    }

    /// A process runs.
    pub fn runs(&self, process: MetadataHandle) {
        self.lock().process = Some(process);
    }

    /// Its disk stops to work as it should.
    pub fn falls_ill(&self, illness: &Illness) {
        let mut parts = self.lock();
        illness.strike(&parts.disk);
        parts.health = Health::Ill;
    }

    /// The process has ended by itself.
    pub fn failed(&self, why: String) {
        let mut parts = self.lock();
        let ill = parts.health != Health::Well;
        parts.health = Health::Failed { why, ill };
    }

    /// How its process failed, if it did and this was not asked before.
    pub fn take_failure(&self) -> Option<Failure> {
        let mut parts = self.lock();
        match std::mem::replace(&mut parts.health, Health::Well) {
            Health::Failed { why, ill: true } => Some(Failure::OfDisk(why)),
            Health::Failed { why, ill: false } => Some(Failure::Unexpected(why)),
            health => {
                parts.health = health;
                None
            }
        }
    }

    /// The power fails: what was not synced is lost or not, and nothing that the process still does counts.
    pub fn lose_power(&self) {
        let mut parts = self.lock();
        parts.stop();
        parts.disk = parts.disk.power_cut(&self.random);
        parts.disk.lift_limit();
        parts.engine = parts.engine.power_cut(&self.random);
    }

    /// The process is killed: all that it has written stays, and what was not synced may still be lost.
    pub fn kill(&self) {
        let mut parts = self.lock();
        parts.stop();
        parts.disk = parts.disk.after_kill();
        parts.disk.lift_limit();
    }

    /// The disks are replaced by empty ones; a new node will come.
    pub fn wipe(&self) {
        *self.lock() = Parts::empty(&self.random);
    }
}

impl Parts {
    fn stop(&mut self) {
        self.process = None;
        self.health = Health::Well;
    }

    fn empty(random: &dyn Random) -> Parts {
        let disk = SimDisk::seeded(random.u64());
        let dir = DataDir::open_or_create(&disk, Path::new(DIR), ClusterChoice::Exactly(cluster()), random);
        let node = dir.expect("an empty disk takes a directory").node();
        Parts { disk, engine: SimEngine::default(), node, process: None, health: Health::Well }
    }
}

/// What a process gets of its machine.
pub struct Given {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) engine: SimEngine,
}

impl Machine {
    /// What a process gets that starts now.
    pub(super) fn given(&self) -> Given {
        Given {
            disk: Arc::new(self.disk()),
            clock: self.clock.clone(),
            random: Arc::new(self.random()),
            engine: self.engine(),
        }
    }
}
