//! Chains of swaps: a replica goes from one node to another over nodes in between, each in a set of its own.
//!
//! A chain changes only how much its two ends hold. One swap is enough mostly; longer chains matter where zones and hosts,
//! or a node that is in the set already, forbid the direct one.

use super::layout::{At, Crowding, Layout};

/// One node of one set replaced by another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Swap {
    pub(super) group: usize,
    pub(super) from: At,
    pub(super) to: At,
}

/// How the rest of the set crowds the node that goes, and the one that comes.
pub(super) fn crowding(layout: &Layout, swap: Swap) -> (Crowding, Crowding) {
    let rest = || layout.sets()[swap.group].iter().copied().filter(|at| *at != swap.from);
    (layout.crowding(swap.from, rest()), layout.crowding(swap.to, rest()))
}

/// How many more replicas move than without the swap: one that moves anyway may as well go elsewhere.
pub(super) fn cost(swap: Swap, origin: &[Vec<At>]) -> i8 {
    let origin = &origin[swap.group];
    i8::from(!origin.contains(&swap.to)) - i8::from(!origin.contains(&swap.from))
}

/// The fewest swaps of at most `cost_max` each that lead from a node to one of `ends`, no set the worse for them; of several
/// such ends the one that is least full. Each step is one of the cheapest.
pub(super) fn shortest(
    layout: &Layout,
    start: At,
    origin: &[Vec<At>],
    cost_max: i8,
    ends: impl Fn(At) -> bool,
) -> Option<Vec<Swap>> {
    let mut reached: Vec<(At, Option<Swap>)> = vec![(start, None)];
    let mut frontier = vec![start];
    while !frontier.is_empty() {
        let mut found: Vec<Swap> = Vec::new();
        for from in std::mem::take(&mut frontier) {
            for swap in swaps_from(layout, from).filter(|swap| cost(*swap, origin) <= cost_max) {
                if reached.iter().any(|(at, _)| *at == swap.to) {
                    continue;
                }
                match found.iter_mut().find(|other| other.to == swap.to) {
                    None => found.push(swap),
                    Some(other) if cost(swap, origin) < cost(*other, origin) => *other = swap,
                    Some(_) => {}
                }
            }
        }
        reached.extend(found.iter().map(|swap| (swap.to, Some(*swap))));
        let ends = found.iter().filter(|swap| ends(swap.to));
        let best = ends.min_by(|a, b| layout.compare_fullness((a.to, 1), (b.to, 1)).then(a.to.cmp(&b.to)));
        if let Some(end) = best {
            return Some(traced(&reached, *end));
        }
        frontier.extend(found.iter().map(|swap| swap.to));
    }
    None
}

/// The swaps that led to the last one, in order.
fn traced(reached: &[(At, Option<Swap>)], end: Swap) -> Vec<Swap> {
    let mut chain = vec![end];
    let by = |at: At| reached.iter().find(|(reached, _)| *reached == at).and_then(|(_, swap)| *swap);
    while let Some(swap) = by(chain[chain.len() - 1].from) {
        chain.push(swap);
    }
    chain.reverse();
    chain
}

/// The swaps that take a node out of one of its sets and make the set no worse spread.
fn swaps_from(layout: &Layout, from: At) -> impl Iterator<Item = Swap> + '_ {
    let sets = layout.sets().iter().enumerate().filter(move |(_, set)| set.contains(&from));
    sets.flat_map(move |(group, set)| {
        let free = layout.staying().filter(|to| !set.contains(to));
        free.map(move |to| Swap { group, from, to }).filter(|swap| keeps_spread(layout, *swap))
    })
}

/// Whether a set is spread no worse after a swap.
pub(super) fn keeps_spread(layout: &Layout, swap: Swap) -> bool {
    let (was, is) = crowding(layout, swap);
    is <= was
}

/// Makes the swaps, or none of them: two of one set may be in each other's way.
pub(super) fn apply(layout: &mut Layout, chain: &[Swap]) -> bool {
    for (done, swap) in chain.iter().enumerate() {
        let set = &layout.sets()[swap.group];
        let possible = set.contains(&swap.from) && !set.contains(&swap.to) && keeps_spread(layout, *swap);
        if !possible {
            for swap in chain[..done].iter().rev() {
                layout.swap(swap.group, swap.to, swap.from);
            }
            return false;
        }
        layout.swap(swap.group, swap.from, swap.to);
    }
    true
}
