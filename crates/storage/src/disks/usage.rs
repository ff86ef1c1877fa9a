//! What the disks of a node hold and have room for, together and each.

use super::unit::{Unit, UnitState, Units};
use crate::telemetry;
use esker_rpc::{DiskCondition, DiskState, DiskUsage, Scrubbed, StorageError, StorageUsage};

/// What one disk adds to the node's usage.
fn of(unit: &Unit) -> (DiskUsage, Option<StorageUsage>) {
    let totals = unit.index().totals();
    let disk = DiskUsage {
        path: unit.path.clone(),
        blobs: totals.blobs,
        live_bytes: totals.bytes,
        ..DiskUsage::default()
    };
    let store = match &unit.state {
        UnitState::Out(out) => {
            return (DiskUsage { condition: DiskCondition::Out, why: out.why.clone(), ..disk }, None);
        }
        UnitState::In(store) => store,
    };
    let core = store.core();
    let because = core.retired_because().map(str::to_owned);
    // One that failed may not even say how large it is.
    let usage = core.usage();
    let known = usage.as_ref().ok();
    let has_room = unit.candidate(0).is_some_and(|candidate| candidate.room_bytes > 0);
    let (condition, why) = match (because, &usage) {
        (Some(because), _) => (DiskCondition::Retired, because),
        (None, Err(error)) => (DiskCondition::Full, error.to_string()),
        (None, Ok(_)) if has_room => (DiskCondition::Sound, String::new()),
        (None, Ok(_)) => (DiskCondition::Full, "what is free is reserved".to_owned()),
    };
    let capacity_bytes = known.map_or(0, |usage| usage.capacity_bytes);
    let free_bytes = known.map_or(0, |usage| usage.free_bytes);
    let usage = known.cloned().unwrap_or(StorageUsage {
        blobs: totals.blobs,
        live_bytes: totals.bytes,
        scrubbed: core.scrub_progress.get(),
        disk: core.disk_state(),
        ..StorageUsage::default()
    });
    (DiskUsage { condition, why, capacity_bytes, free_bytes, ..disk }, Some(usage))
}

/// What all of them are together. Space counts where it can be used, or, where none can, where it was.
pub(super) fn usage(units: &Units) -> Result<StorageUsage, StorageError> {
    let any_sound = units.any_sound();
    let mut all = StorageUsage { disk: DiskState::Retired, ..StorageUsage::default() };
    let mut rounds = None;
    for unit in &units.0 {
        let (disk, usage) = of(unit);
        telemetry::show(&disk);
        if let Some(usage) = usage {
            all.blobs += usage.blobs;
            all.live_bytes += usage.live_bytes;
            all.dead_bytes += usage.dead_bytes;
            if usage.disk == DiskState::Sound || !any_sound {
                all.capacity_bytes += usage.capacity_bytes;
                all.free_bytes += usage.free_bytes;
            }
            if usage.disk == DiskState::Sound {
                all.disk = DiskState::Sound;
            }
            add(&mut all.scrubbed, &mut rounds, usage.scrubbed);
        }
        all.disks.push(disk);
    }
    Ok(all)
}

/// A node's round is over when the last disk's is, and has come to the oldest data that any disk has come to.
fn add(all: &mut Scrubbed, rounds: &mut Option<u64>, disk: Scrubbed) {
    all.blobs += disk.blobs;
    all.bytes += disk.bytes;
    all.damaged += disk.damaged;
    all.rounds = rounds.map_or(disk.rounds, |rounds: u64| rounds.min(disk.rounds));
    *rounds = Some(all.rounds);
    all.reached_millis = match (all.reached_millis, disk.reached_millis) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}
