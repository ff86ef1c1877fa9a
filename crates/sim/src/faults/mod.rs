//! What goes wrong: chosen by the seed, one fault after the other, several at a time, each of which ends.

mod disks;
mod kinds;

pub use disks::Illness;
pub use kinds::{Fault, Harm, draw};

use crate::world::{Cluster, End};
use esker_env::{Random as _, SeededRandom};
use esker_types::NodeState;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A drain takes so many times as long as another fault, since data has to move.
const DRAIN_TIMES: u32 = 3;

/// How slow the disks are at the moment. Clones are the same.
#[derive(Clone, Debug)]
pub struct DiskPace(Rc<Cell<Duration>>);

impl DiskPace {
    /// Jobs take up to so long.
    pub fn new(max: Duration) -> DiskPace {
        DiskPace(Rc::new(Cell::new(max)))
    }

    /// How long the next job takes.
    pub fn next(&self, random: &SeededRandom) -> Duration {
        let max = u64::try_from(self.0.get().as_micros()).unwrap_or(0);
        Duration::from_micros(random.below(max + 1))
    }

    fn set(&self, max: Duration) {
        self.0.set(max);
    }
}

/// The faults of a simulation.
pub struct Trouble {
    random: SeededRandom,
    pace: DiskPace,
    next: Duration,
    current: Vec<(Duration, Fault)>,
    /// A second disk that is lost may be the last one that has something.
    wiped: Wiped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wiped {
    NotYet,
    Once,
}

impl Trouble {
    /// No fault yet.
    pub fn new(random: SeededRandom, pace: DiskPace, begin: Duration) -> Trouble {
        Trouble { random, pace, next: begin, current: Vec::new(), wiped: Wiped::NotYet }
    }

    /// Ends what is over, and begins what is due.
    pub fn step(&mut self, cluster: &mut Cluster) {
        let now = cluster.elapsed();
        let (over, current) = std::mem::take(&mut self.current).into_iter().partition(|(end, _)| *end <= now);
        self.current = current;
        let over: Vec<(Duration, Fault)> = over;
        for (_, fault) in over {
            self.end(cluster, &fault);
        }
        if now < self.next {
            return;
        }
        self.next = now + Duration::from_millis(100 + self.random.below(1_900));
        let fault = draw(&self.random, cluster);
        if self.allows(cluster, &fault) {
            let times = if matches!(fault, Fault::Drain(_)) { DRAIN_TIMES } else { 1 };
            let length = Duration::from_millis(300 + self.random.below(6_000)) * times;
            cluster.note(format_args!("--- {fault:?} for {:.1} s", length.as_secs_f64()));
            self.begin(cluster, &fault);
            self.current.push((now + length, fault));
        }
    }

    /// Ends everything.
    pub fn heal(&mut self, cluster: &mut Cluster) {
        for (_, fault) in std::mem::take(&mut self.current) {
            self.end(cluster, &fault);
        }
        cluster.note("--- healed");
    }

    fn allows(&mut self, cluster: &Cluster, fault: &Fault) -> bool {
        let same = |other: &Fault| match (fault, other) {
            (Fault::Crash(at, _) | Fault::Disk(at, _), Fault::Crash(other, _) | Fault::Disk(other, _)) => {
                at == other
            }
            (Fault::Clock(at, _), Fault::Clock(other, _)) => at == other,
            (fault, other) => std::mem::discriminant(fault) == std::mem::discriminant(other),
        };
        if self.current.iter().any(|(_, other)| same(other)) {
            return false;
        }
        match fault {
            Fault::Drain(_) if cluster.machines.len() <= 3 => return false,
            Fault::Join if cluster.machines.len() >= cluster.scale.machines_max => return false,
            _ => {}
        }
        if let Fault::Crash(_, End::Wipe) = fault {
            let calm = self.current.is_empty() && cluster.machines.len() > 2 && self.wiped == Wiped::NotYet;
            if calm {
                self.wiped = Wiped::Once;
            }
            return calm;
        }
        true
    }

    fn begin(&self, cluster: &mut Cluster, fault: &Fault) {
        match fault {
            Fault::Crash(at, end) => cluster.crash(*at, *end),
            Fault::Gateway(at) => cluster.bounce_gateway(*at),
            Fault::Drain(at) => cluster.order(*at, NodeState::Draining),
            Fault::Join => cluster.join(),
            Fault::Disk(at, illness) => cluster.machines[*at].falls_ill(illness),
            Fault::Links(harm, links) => {
                for (from, to) in links {
                    match harm {
                        Harm::Cut => cluster.network().partition(from.as_str(), to.as_str()),
                        Harm::OneWay => cluster.network().partition_oneway(from.as_str(), to.as_str()),
                        Harm::Hold => cluster.network().hold(from.as_str(), to.as_str()),
                    }
                }
            }
            Fault::SlowNetwork(max) => cluster.network().set_max_message_latency(*max),
            Fault::SlowDisks(max) => self.pace.set(*max),
            Fault::Clock(at, millis) => cluster.machines[*at].clock.shift_to(*millis),
        }
    }

    fn end(&self, cluster: &mut Cluster, fault: &Fault) {
        cluster.note(format_args!("--- over: {fault:?}"));
        let scale = cluster.scale.clone();
        match fault {
            Fault::Crash(at, _) => cluster.restart(*at),
            Fault::Gateway(_) | Fault::Join => {}
            Fault::Drain(at) => cluster.order(*at, NodeState::Active),
            Fault::Disk(at, illness) => {
                cluster.crash(*at, illness.end);
                cluster.restart(*at);
            }
            Fault::Links(harm, links) => {
                for (from, to) in links {
                    match harm {
                        Harm::Cut => cluster.network().repair(from.as_str(), to.as_str()),
                        Harm::OneWay => cluster.network().repair_oneway(from.as_str(), to.as_str()),
                        Harm::Hold => cluster.network().release(from.as_str(), to.as_str()),
                    }
                }
            }
            Fault::SlowNetwork(_) => cluster.network().set_max_message_latency(scale.latency_max),
            Fault::SlowDisks(_) => self.pace.set(scale.disk_delay_max),
            Fault::Clock(at, _) => cluster.machines[*at].clock.shift_to(0),
        }
    }
}
