//! Exchanges nodes of sets that are complete: first until they are spread as well as can be, then until no node could
//! be less full.
//!
//! Both go step by step, each of them an improvement. That suffices: pairs that share a zone or a host, and
//! fullness, are convex in what each zone, host and node has, so where no step helps there is nothing better.

use super::chain::{self, Swap, cost, crowding};
use super::layout::{At, Layout};

/// Exchanges nodes within each set as long as that leaves fewer of them in the same zone, or on the same host.
pub(super) fn spread(layout: &mut Layout, origin: &[Vec<At>]) {
    for group in 0..origin.len() {
        while let Some(swap) = best_spread(layout, group, origin) {
            layout.swap(group, swap.from, swap.to);
        }
    }
}

/// The exchange that spreads a set best, if any does.
fn best_spread(layout: &Layout, group: usize, origin: &[Vec<At>]) -> Option<Swap> {
    let set = &layout.sets()[group];
    let staying: Vec<At> = layout.staying().collect();
    if !staying.iter().any(|at| !set.contains(at)) {
        return None;
    }
    let swaps = set.iter().filter(|from| staying.contains(from)).flat_map(|from| {
        let free = staying.iter().filter(|to| !set.contains(to));
        free.map(move |to| Swap { group, from: *from, to: *to })
    });
    let gain = |swap: &Swap| {
        let (was, is) = crowding(layout, *swap);
        (was.0.cast_signed() - is.0.cast_signed(), was.1.cast_signed() - is.1.cast_signed())
    };
    let better = swaps.filter(|swap| gain(swap) > (0, 0));
    better.min_by(|a, b| {
        let fullness = || {
            let leaving = layout.compare_fullness((b.from, 0), (a.from, 0));
            leaving.then_with(|| layout.compare_fullness((a.to, 1), (b.to, 1)))
        };
        let moves = |swap: &Swap| cost(*swap, origin);
        gain(b).cmp(&gain(a)).then_with(|| moves(a).cmp(&moves(b))).then_with(fullness)
    })
}

/// Moves replicas from full nodes to less full ones until no move helps.
pub(super) fn level(layout: &mut Layout, origin: &[Vec<At>]) {
    while level_once(layout, origin) {}
}

/// Makes one node less full, beginning with the fullest. Says whether it could.
fn level_once(layout: &mut Layout, origin: &[Vec<At>]) -> bool {
    let mut donors: Vec<At> = layout.staying().collect();
    donors.sort_by(|a, b| layout.compare_fullness((*b, 0), (*a, 0)).then(a.cmp(b)));
    for donor in donors {
        if !layout.staying().any(|to| layout.levels(donor, to)) {
            return false;
        }
        let chain = chain::shortest(layout, donor, origin, 1, |to| layout.levels(donor, to));
        if chain.is_some_and(|chain| chain::apply(layout, &chain)) {
            return true;
        }
    }
    false
}

/// Gives nodes back what they lost where they got something else instead, as far as that leaves everybody as full. A
/// set with a vacancy can't always take the node that has most room; others then made room for it in vain.
pub(super) fn economize(layout: &mut Layout, origin: &[Vec<At>]) {
    while economize_once(layout, origin) {}
}

/// Makes at least one replica stay where it was. Says whether it could.
fn economize_once(layout: &mut Layout, origin: &[Vec<At>]) -> bool {
    let gained = |layout: &Layout, at: At| {
        let mut pairs = layout.sets().iter().zip(origin);
        pairs.any(|(set, origin)| set.contains(&at) && !origin.contains(&at))
    };
    for group in 0..origin.len() {
        let missing =
            |at: &At| layout.staying().any(|staying| staying == *at) && !layout.sets()[group].contains(at);
        let lost: Vec<At> = origin[group].iter().copied().filter(missing).collect();
        for back in lost.into_iter().filter(|at| gained(layout, *at)).collect::<Vec<_>>() {
            let arrived: Vec<At> =
                layout.sets()[group].iter().copied().filter(|at| !origin[group].contains(at)).collect();
            for from in arrived {
                let restore = Swap { group, from, to: back };
                let chain = chain::shortest(layout, back, origin, 0, |to| to == from);
                let whole = chain.map(|chain| [vec![restore], chain].concat());
                if whole.is_some_and(|chain| chain::apply(layout, &chain)) {
                    return true;
                }
            }
        }
    }
    false
}
