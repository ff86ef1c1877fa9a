//! Gives every set as many nodes that stay as it should have.

use super::Standing;
use super::layout::{At, Layout};
use esker_types::placement::mix;
use std::cmp::Reverse;

/// Fills each set in turn, with nodes that are where few others of it are, and not full.
pub(super) fn fill(layout: &mut Layout, replicas: usize) {
    for group in 0..layout.sets().len() {
        let old = layout.sets()[group].clone();
        let new = filled(layout, group, &old, replicas);
        if new != old {
            layout.set(group, new);
        }
    }
}

/// What a set should be: the nodes that stay, others in the places of those that don't, and further ones until there
/// are enough. Where there are no others, those that leave or are gone stay, and the latter are the first to go.
fn filled(layout: &Layout, group: usize, old: &[At], replicas: usize) -> Vec<At> {
    let kept = kept(layout, old, replicas);
    let mut places: Vec<Option<At>> = old.iter().map(|at| kept.contains(at).then_some(*at)).collect();
    let mut chosen = kept;
    while chosen.len() < replicas {
        let Some(best) = best_addition(layout, group, &chosen) else { break };
        chosen.push(best);
        match places.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(best),
            None => places.push(Some(best)),
        }
    }
    // Without substitutes a set is still no smaller than it was.
    for standing in [Standing::Leaves, Standing::Gone] {
        for (place, at) in places.iter_mut().zip(old) {
            if place.is_none() && chosen.len() < replicas && layout.standing(*at) == standing {
                chosen.push(*at);
                *place = Some(*at);
            }
        }
    }
    places.into_iter().flatten().collect()
}

/// The nodes of a set that stay, without those that are too many: first the ones that others crowd, then the full ones.
fn kept(layout: &Layout, old: &[At], replicas: usize) -> Vec<At> {
    let mut kept: Vec<At> = Vec::with_capacity(old.len());
    kept.extend(old.iter().filter(|at| layout.standing(**at) == Standing::Stays));
    while kept.len() > replicas {
        let crowding = |at: At| layout.crowding(at, kept.iter().copied().filter(|other| *other != at));
        let worst = (0..kept.len()).max_by(|a, b| {
            let (a, b) = (kept[*a], kept[*b]);
            crowding(a)
                .cmp(&crowding(b))
                .then_with(|| layout.compare_fullness((a, 0), (b, 0)))
                .then(a.cmp(&b))
        });
        kept.remove(worst.expect("there are more nodes than replicas"));
    }
    kept
}

/// The node that should join: it shares zone and host with few, and is then least full. Nodes that are equal in this
/// take turns as the groups do.
fn best_addition(layout: &Layout, group: usize, chosen: &[At]) -> Option<At> {
    let free = layout.staying().filter(|at| !chosen.contains(at));
    free.min_by(|a, b| {
        let crowding = |at: At| layout.crowding(at, chosen.iter().copied());
        let turn = |at: At| Reverse(mix(layout.id(at).0 ^ group as u64));
        let fullness = || layout.compare_fullness((*a, 1), (*b, 1));
        crowding(*a).cmp(&crowding(*b)).then_with(fullness).then_with(|| turn(*a).cmp(&turn(*b)))
    })
}
