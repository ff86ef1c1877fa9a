//! The kinds of fault, and how one is chosen.

use super::disks::Illness;
use crate::world::{Cluster, End};
use esker_env::{Random as _, SeededRandom};
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A machine's process ends, and starts again later.
    Crash(usize, End),
    /// A gateway's process ends, and another one starts at once.
    Gateway(usize),
    /// A machine's node is drained, and later not any more.
    Drain(usize),
    /// Another machine comes, and stays.
    Join,
    /// A machine's disk fails or is full; later its process is started anew, on a disk that works.
    Disk(usize, Illness),
    /// Links between machines are harmed.
    Links(Harm, Vec<(String, String)>),
    /// Messages take up to so long.
    SlowNetwork(Duration),
    /// Jobs of disks take up to so long.
    SlowDisks(Duration),
    /// A machine's clock is wrong by so many milliseconds.
    Clock(usize, i64),
}

/// What is wrong with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing gets through.
    Cut,
    /// Nothing gets through from the first to the second.
    OneWay,
    /// Everything waits until the fault is over.
    Hold,
}

/// The next fault.
pub fn draw(random: &SeededRandom, cluster: &Cluster) -> Fault {
    let machine = below(random, cluster.machines.len());
    match random.below(24) {
        0..3 => Fault::Crash(machine, End::PowerLoss),
        3 => Fault::Crash(machine, End::Kill),
        4 => Fault::Crash(machine, End::Wipe),
        5 => Fault::Gateway(below(random, cluster.gateways.len())),
        6..12 => links(random, cluster, machine),
        12 => Fault::SlowNetwork(Duration::from_millis(50 + random.below(300))),
        13 | 14 => Fault::SlowDisks(Duration::from_millis(20 + random.below(200))),
        15 => Fault::Clock(machine, clock(random)),
        16..19 => Fault::Drain(machine),
        19 | 20 => Fault::Join,
        _ => Fault::Disk(machine, Illness::draw(random)),
    }
}

/// By a little, by more than is trusted, by an hour; ahead or behind.
fn clock(random: &SeededRandom) -> i64 {
    let millis: i64 = match random.below(3) {
        0 => 800,
        1 => 20_000,
        _ => 3_600_000,
    };
    if random.chance(1, 2) { millis } else { -millis }
}

fn links(random: &SeededRandom, cluster: &Cluster, machine: usize) -> Fault {
    let harm = match random.below(5) {
        0 | 1 => Harm::Cut,
        2 | 3 => Harm::OneWay,
        _ => Harm::Hold,
    };
    let names = cluster.all_names();
    let one = cluster.machines[machine].name.clone();
    let others = names.iter().filter(|name| **name != one);
    let links: Vec<(String, String)> = match random.below(4) {
        // One machine is alone, or is not heard, or hears nothing.
        0 | 1 => others.map(|other| (one.clone(), other.clone())).collect(),
        2 => others.map(|other| (other.clone(), one.clone())).collect(),
        _ => {
            let others: Vec<&String> = others.collect();
            vec![(one, others[below(random, others.len())].clone())]
        }
    };
    Fault::Links(harm, links)
}

pub(super) fn below(random: &SeededRandom, count: usize) -> usize {
    usize::try_from(random.below(count.max(1) as u64)).unwrap_or(0)
}
