//! What must hold in every state, and what must happen in some: a model in which nothing happens proves
//! nothing.

use crate::rules::{Command, Outcome, Row};
use crate::world::{State, World, Wrong};
use stateright::Property;

pub(crate) const NO_MISSING_BLOB: &str = "no version points to a missing blob";
pub(crate) const NO_REFERENCED_DELETED: &str = "no referenced blob is deleted";
pub(crate) const READERS_ARE_SAFE: &str = "a reader within its time never meets a deleted blob";
pub(crate) const CONDEMNED_STAYS_OUT: &str = "condemned data is never committed";
pub(crate) const EVERY_OUTCOME_SETTLES: &str = "every outcome settles its data";
pub(crate) const ONE_OUTCOME: &str = "a request has one outcome";
pub(crate) const ROWS_AGREE: &str = "rows, references and garbage agree";
pub(crate) const ALL_IS_COLLECTED: &str = "if everybody stops, all that is not referenced is collected";

pub(crate) const PUT: &str = "a put succeeds";
pub(crate) const REFUSED: &str = "a put is refused";
pub(crate) const PUT_MEETS_CONDEMNED: &str = "a put meets condemned data";
pub(crate) const DISCARD_WINS: &str = "a discard wins against a put";
pub(crate) const SHARED: &str = "two keys share data";
pub(crate) const LATE_BLOB_CONDEMNED: &str =
    "a blob that is stored after its data was reclaimed is condemned";
pub(crate) const PUT_AFTER_RECLAIM: &str = "a put arrives after its data was reclaimed";

/// All properties.
pub(crate) fn all() -> Vec<Property<World>> {
    let mut all = invariants();
    all.extend(reached());
    all
}

/// What must hold in every state.
pub(crate) fn invariants() -> Vec<Property<World>> {
    vec![
        Property::always(NO_MISSING_BLOB, |_, state: &State| {
            state.group.holders.iter().flatten().all(|data| state.uploads[*data].stored != 0)
        }),
        Property::always(NO_REFERENCED_DELETED, |_, state: &State| {
            state.wrong != Some(Wrong::DeletedReferenced)
        }),
        Property::always(READERS_ARE_SAFE, |_, state: &State| state.wrong != Some(Wrong::DeletedUnderReader)),
        Property::always(EVERY_OUTCOME_SETTLES, |_, state: &State| {
            state.wrong != Some(Wrong::DataNotSettled)
        }),
        Property::always(ONE_OUTCOME, |_, state: &State| state.wrong != Some(Wrong::TwoOutcomes)),
        Property::always(CONDEMNED_STAYS_OUT, |_, state: &State| {
            state.group.holders.iter().flatten().all(|data| state.group.rows[*data] != Some(Row::Condemned))
        }),
        Property::always(ROWS_AGREE, |world: &World, state: &State| {
            (0..world.targets.len()).all(|data| rows_agree(state, data))
        }),
        Property::always(ALL_IS_COLLECTED, all_is_collected),
    ]
}

/// Held if and only if referenced or listed, never both; and the count is the number of references.
fn rows_agree(state: &State, data: usize) -> bool {
    let group = &state.group;
    let references = group.holders.iter().flatten().filter(|held| **held == data).count();
    let listed = group.garbage_due[data].is_some();
    let held = matches!(group.rows[data], Some(Row::Held { .. }));
    usize::from(group.references[data]) == references
        && held == ((references > 0) ^ listed)
        && !(listed && references > 0)
}

/// Nobody sends or stores any more, all messages are lost, and only the collectors run, as long as they like.
fn all_is_collected(world: &World, state: &State) -> bool {
    let mut group = state.group.clone();
    (0..world.targets.len()).all(|data| {
        let mut stored = state.uploads[data].stored != 0;
        if let Some(due) = group.garbage_due[data] {
            group.time = group.time.max(due);
            stored = false;
            group.apply(world.rules, Command::Reclaim { data });
        }
        if stored && group.apply(world.rules, Command::Condemn { data }) == Outcome::Done {
            stored = false;
        }
        let referenced = group.holders.contains(&Some(data));
        let held = matches!(group.rows[data], Some(Row::Held { .. }));
        referenced || !(stored || held)
    })
}

/// What must be found in some state, in worlds that have the actors for it.
fn reached() -> Vec<Property<World>> {
    vec![
        Property::sometimes(PUT, |_, state| told(state, Outcome::Done).next().is_some()),
        Property::sometimes(REFUSED, |_, state| told(state, Outcome::Refused).next().is_some()),
        Property::sometimes(PUT_MEETS_CONDEMNED, |_, state| {
            told(state, Outcome::DataTaken).any(|data| state.group.rows[data] == Some(Row::Condemned))
        }),
        Property::sometimes(DISCARD_WINS, |_, state| {
            told(state, Outcome::DataTaken).any(|data| state.group.garbage_due[data].is_some())
        }),
        Property::sometimes(SHARED, |_, state: &State| state.group.references.iter().any(|count| *count > 1)),
        Property::sometimes(LATE_BLOB_CONDEMNED, |world, state| {
            told(state, Outcome::Done).any(|data| {
                let upload = &state.uploads[data];
                upload.confirmed == world.all_replicas() && upload.may_sweep && upload.stored != 0
            })
        }),
        Property::sometimes(PUT_AFTER_RECLAIM, |world, state| {
            // Listed again: it is not due now, and was when it was reclaimed.
            told(state, Outcome::Done).any(|data| {
                let upload = &state.uploads[data];
                upload.confirmed == world.all_replicas()
                    && upload.discarded.is_none()
                    && state.group.garbage_due[data].is_some_and(|due| due > state.group.time)
            })
        }),
    ]
}

/// The uploads whose clients were told this.
fn told(state: &State, outcome: Outcome) -> impl Iterator<Item = usize> + '_ {
    (0..state.uploads.len()).filter(move |data| state.uploads[*data].told == Some(outcome))
}
