//! One possible course of events up to now: what the key is, and what of the operations under way has happened.
//!
//! Decisions are put off as long as they can be. An operation happens when another one needs what it does, or when it
//! returns. So most courses never part, and few are kept:
//!
//! - A read that is under way happens as soon as the key is what it saw; it changes nothing, so that is never wrong.
//! - A write without a condition that is under way when another one happens may have happened just before it, where nobody
//!   saw it; and so may one that makes the key what it is already. From then on it is *free*: it may happen or not. One of
//!   unknown outcome is free from its beginning, and for ever.

use super::search::{Search, TooMuch};
use super::step::{Kind, Need, State, Step};
use std::collections::BTreeSet;

/// The number of an operation in the key's history.
pub(super) type Number = u32;

/// A course of events. A completed write that is neither owed nor free has happened, and so has a read that is not awaited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Course {
    /// What the key is.
    pub(super) state: State,
    /// Writes under way that must still happen before they return; sorted, like the others.
    owed: Vec<Number>,
    /// Writes that may happen or not.
    free: Vec<Number>,
    /// Reads under way that have not seen what they saw.
    awaited: Vec<Number>,
}

impl Course {
    /// Nothing has happened, and the key has no value.
    pub(super) fn start() -> Course {
        Course { state: State::Absent, owed: Vec::new(), free: Vec::new(), awaited: Vec::new() }
    }

    /// An operation begins.
    pub(super) fn begin(&mut self, steps: &[Step], number: Number) {
        let step = steps[number as usize];
        let list = match step.kind {
            Kind::Looks if step.need.is_met_by(self.state) => return,
            Kind::Looks => &mut self.awaited,
            // It may be the write that changed nothing, just now.
            Kind::Sets(state) if step.need == Need::Nothing && state == self.state => &mut self.free,
            Kind::Sets(_) => &mut self.owed,
            Kind::MaySet(_) => &mut self.free,
        };
        insert(list, number);
    }

    /// An operation returns: adds the courses of which it may be a part to those that the search has found.
    pub(super) fn end(self, steps: &[Step], number: Number, search: &mut Search) -> Result<(), TooMuch> {
        let mut open = vec![self];
        while let Some(mut course) = open.pop() {
            if !search.look_at(&course)? {
                continue;
            }
            let awaited = course.awaited.binary_search(&number).is_ok();
            let owed = course.owed.binary_search(&number).is_ok();
            let free = course.free.binary_search(&number).is_ok();
            if !awaited && !owed && !free {
                search.found.insert(course);
                continue;
            }
            if !awaited && steps[number as usize].need.is_met_by(course.state) {
                search.found.insert(course.with(steps, number));
            }
            open.extend(course.useful(steps, number).into_iter().map(|write| course.with(steps, write)));
            if free {
                remove(&mut course.free, number);
                search.found.insert(course);
            }
        }
        Ok(())
    }

    /// How much memory it takes, in numbers.
    pub(super) fn size(&self) -> usize {
        1 + self.owed.len() + self.free.len() + self.awaited.len()
    }

    /// The course in which a write happens now.
    fn with(&self, steps: &[Step], number: Number) -> Course {
        let mut course = self.clone();
        remove(&mut course.owed, number);
        remove(&mut course.free, number);
        let step = steps[number as usize];
        course.state = step.result().expect("only writes happen by themselves");
        course.awaited.retain(|read| !steps[*read as usize].need.is_met_by(course.state));
        let state = course.state;
        course.release(steps, |other| step.need == Need::Nothing || other.result() == Some(state));
        course
    }

    /// Makes those of the owed writes free that may hide, and for which `unseen` holds.
    fn release(&mut self, steps: &[Step], unseen: impl Fn(Step) -> bool) {
        let step = |number: &Number| steps[*number as usize];
        let (hidden, owed): (Vec<Number>, Vec<Number>) =
            self.owed.iter().partition(|number| step(number).may_hide() && unseen(step(number)));
        hidden.into_iter().for_each(|number| insert(&mut self.free, number));
        self.owed = owed;
    }

    /// The writes that may happen now and are of use to others before the returning one happens: they make the key what
    /// somebody needs, directly or over others, or their condition holds now and perhaps never again.
    fn useful(&self, steps: &[Step], returning: Number) -> Vec<Number> {
        let step = |number: Number| steps[number as usize];
        let conditional = |number: &Number| step(*number).need != Need::Nothing;
        let owed = self.owed.iter().copied().filter(conditional);
        let mut wanted: BTreeSet<Need> =
            self.awaited.iter().copied().chain(owed).map(|number| step(number).need).collect();
        let mut over: Vec<Number> = self.free.iter().copied().filter(conditional).collect();
        let is_wanted = |wanted: &BTreeSet<Need>, number: Number| {
            let result = step(number).result();
            result.is_some_and(|state| state != self.state && wanted.iter().any(|need| need.is_met_by(state)))
        };
        // What a useful write needs is needed as well.
        loop {
            let (useful, rest): (Vec<_>, Vec<_>) =
                over.iter().partition(|number| is_wanted(&wanted, **number));
            if useful.is_empty() {
                break;
            }
            wanted.extend(useful.into_iter().map(|number| step(number).need));
            over = rest;
        }
        let mut useful = Vec::new();
        let mut kinds_of_unknown = BTreeSet::new();
        // One that changes nothing may follow others that nobody is to see.
        let hides = |number: Number| {
            let others = || self.owed.iter().filter(|other| **other != number && step(**other).may_hide());
            step(number).may_hide() && step(number).result() == Some(self.state) && others().next().is_some()
        };
        let is_useful = |number: Number| is_wanted(&wanted, number) || hides(number);
        let is_possible = |number: &Number| *number != returning && step(*number).need.is_met_by(self.state);
        for number in self.owed.iter().copied().filter(is_possible) {
            if conditional(&number) || is_useful(number) {
                useful.push(number);
            }
        }
        for number in self.free.iter().copied().filter(is_possible) {
            // Of several unknown ones that do the same, the first does as well as another.
            let Step { need, kind } = step(number);
            let is_first = !matches!(kind, Kind::MaySet(_)) || kinds_of_unknown.insert((need, kind));
            if is_first && is_useful(number) {
                useful.push(number);
            }
        }
        useful
    }

    /// Whether everything that may follow the other course may follow this one too.
    pub(super) fn covers(&self, other: &Course) -> bool {
        let has = |list: &[Number], number: &Number| list.binary_search(number).is_ok();
        self.state == other.state
            && self.owed.iter().all(|number| has(&other.owed, number))
            && self.awaited.iter().all(|number| has(&other.awaited, number))
            && other.free.iter().all(|number| has(&self.free, number))
            // What is owed there may happen here as well: it is owed or free.
            && other.owed.iter().all(|number| has(&self.owed, number) || has(&self.free, number))
    }
}

fn insert(list: &mut Vec<Number>, number: Number) {
    if let Err(at) = list.binary_search(&number) {
        list.insert(at, number);
    }
}

fn remove(list: &mut Vec<Number>, number: Number) {
    if let Ok(at) = list.binary_search(&number) {
        list.remove(at);
    }
}
