//! Which moves to begin now: few at a time, so that data arrives in whole groups and clients keep their share of the
//! disks.

use super::{Change, Reason};
use esker_types::PlacementGroup;
use std::collections::BTreeSet;

/// The changes to begin, at most so many that `max` groups move at the same time; the most urgent first.
///
/// A group that moves already goes on as it does, unless a node that it moves to is gone: waiting would be
/// in vain then, so its move is replaced by another one, whatever `max` says.
pub fn batch(plan: &[Change], in_flight: &BTreeSet<PlacementGroup>, max: usize) -> Vec<Change> {
    let mut free = max.saturating_sub(in_flight.len());
    let mut by_urgency: Vec<&Change> = plan.iter().collect();
    by_urgency.sort_by_key(|change| (change.reason, change.group));
    by_urgency.retain(|change| {
        if in_flight.contains(&change.group) {
            return change.reason == Reason::Gone;
        }
        let begins = free > 0;
        free = free.saturating_sub(1);
        begins
    });
    by_urgency.into_iter().cloned().collect()
}
