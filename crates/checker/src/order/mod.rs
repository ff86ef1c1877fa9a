//! The bucket has one total order: every version has a number of its own in it, and the order agrees with time, with
//! every list, and with what was acknowledged. For buckets that keep all versions: versioning is enabled, and
//! no version is deleted by its id.

mod lists;
mod placed;

use crate::history::{Action, History, Moment, Operation, ReadOutcome};
use crate::violation::{CheckError, Violation};
use placed::{Placed, placed};
use std::collections::BTreeMap;

/// Checks the bucket's order:
///
/// - no two writes have the same version or the same number;
/// - a write that began after another operation had ended has a larger number than that one wrote or read, on whatever
///   keys they are;
/// - a read's version is the one that the write of its value made, and not older than what was read or written before;
/// - every list is sorted, shows only what was attempted, as it was attempted and once, and shows all that was
///   acknowledged, read or listed before it began. One of a single page shows the bucket up to one number.
pub fn check_order(history: &History) -> Result<(), CheckError> {
    lists::check_each(history)?;
    let placed = placed(history)?;
    reads_show_writes(history, &placed)?;
    let mut all: Vec<Sighting<'_>> = placed.iter().map(Sighting::of_write).collect();
    all.extend(history.operations().filter_map(Sighting::of_read));
    in_order(&mut all.iter().collect::<Vec<_>>(), |later| later.look == Look::Writes)?;
    let mut by_key: BTreeMap<&str, Vec<&Sighting<'_>>> = BTreeMap::new();
    all.iter().for_each(|sighting| by_key.entry(&sighting.operation.key).or_default().push(sighting));
    by_key.values_mut().try_for_each(|of_key| in_order(of_key, |_| true))?;
    lists::check_together(history, &placed)?;
    Ok(())
}

/// How an operation came to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    Writes,
    Reads,
}

/// An operation and the number that it wrote or read.
#[derive(Clone, Copy, Debug)]
struct Sighting<'a> {
    number: u64,
    look: Look,
    operation: &'a Operation,
    /// When it had ended for sure.
    ended: Option<Moment>,
}

impl<'a> Sighting<'a> {
    fn of_write(write: &Placed<'a>) -> Sighting<'a> {
        let ended = write.is_acknowledged().then_some(write.operation.returned);
        Sighting { number: write.version.sequence().0, look: Look::Writes, operation: write.operation, ended }
    }

    fn of_read(operation: &'a Operation) -> Option<Sighting<'a>> {
        let number = read_version(operation)?.sequence().0;
        Some(Sighting { number, look: Look::Reads, operation, ended: Some(operation.returned) })
    }
}

fn read_version(operation: &Operation) -> Option<esker_types::VersionUuid> {
    match operation.action {
        Action::Get { outcome: ReadOutcome::Found(_, version) } => version,
        _ => None,
    }
}

/// No operation that had ended before a later one began has a larger number than it; only those for which `binds` holds
/// are looked at as the later ones.
fn in_order(sightings: &mut [&Sighting<'_>], binds: impl Fn(&Sighting<'_>) -> bool) -> Result<(), Violation> {
    sightings.sort_by_key(|sighting| (sighting.number, sighting.look, sighting.operation.invoked));
    let mut latest: Option<&Sighting<'_>> = None;
    for ended in sightings.iter().copied() {
        let after = |later: &&Sighting<'_>| ended.ended.is_some_and(|end| end < later.operation.invoked);
        if let Some(later) = latest.filter(after) {
            let what = format!(
                "the order is not that of time: the operation that had number {} ended before the one began that had \
                 number {}",
                ended.number, later.number
            );
            return Err(Violation::new(what, [ended.operation, later.operation]));
        }
        if binds(ended) && latest.is_none_or(|latest| latest.operation.invoked < ended.operation.invoked) {
            latest = Some(ended);
        }
    }
    Ok(())
}

/// Reads show versions as they were written.
fn reads_show_writes(history: &History, placed: &[Placed<'_>]) -> Result<(), Violation> {
    let by_version: BTreeMap<_, _> = placed.iter().map(|write| (write.version, write)).collect();
    for operation in history.operations() {
        let Action::Get { outcome: ReadOutcome::Found(value, Some(version)) } = operation.action else {
            continue;
        };
        let write = by_version.get(&version);
        if let Some(write) = write.filter(|write| !write.wrote(&operation.key, value)) {
            let what = "a read shows a value with the version of another write".to_owned();
            return Err(Violation::new(what, [operation, write.operation]));
        }
    }
    Ok(())
}
