//! What must hold in every state, and what must happen in some.

use crate::world::{Pull, Put, State, Sweep, World};
use stateright::Property;

pub(crate) const NO_BLOB_IS_LOST: &str = "a blob whose version is committed is on a member of its group";

pub(crate) const WRITTEN_DURING_A_MOVE: &str = "a put with a joint epoch is about to be committed";
pub(crate) const REFUSED_AS_STALE: &str = "a put with an old epoch meets a fence";
pub(crate) const COPIED: &str = "a node has copied a committed blob";
pub(crate) const REPLANNED: &str = "a move is replaced by another one";
pub(crate) const STRAY_DELETED: &str = "a stray is about to be deleted while its blob is committed";
pub(crate) const REPAIRED: &str = "a late replica is about to be repaired";
pub(crate) const LOST_NODE_LEFT: &str = "a lost node is replaced by a node that has the blob";

/// All properties. One blob is enough: no rule compares two.
pub(crate) fn all() -> Vec<Property<World>> {
    vec![
        Property::always(NO_BLOB_IS_LOST, |_, state: &State| {
            state.put != Put::Committed || !state.blob.and(state.placement.members()).is_empty()
        }),
        Property::sometimes(WRITTEN_DURING_A_MOVE, |world, state: &State| match state.put {
            Put::Sent { placement, stored, .. } => {
                !placement.target.is_empty() && world.is_durable(placement, stored)
            }
            _ => false,
        }),
        Property::sometimes(REFUSED_AS_STALE, |_, state: &State| match state.put {
            Put::Sent { stored, refuse, .. } => !refuse.without(stored).without(state.lost).is_empty(),
            _ => false,
        }),
        Property::sometimes(COPIED, |_, state: &State| {
            let copied =
                |node: usize| state.pulls[node] == Pull::Listed { wants: true } && state.blob.has(node);
            state.put == Put::Committed && state.placement.target.iter().any(copied)
        }),
        Property::sometimes(REPLANNED, |world: &World, state: &State| {
            state.moves > 1 && !state.placement.target.is_empty() && state.placement.replicas == world.start
        }),
        Property::sometimes(STRAY_DELETED, |_, state: &State| {
            let swept = |node: usize| state.sweeps[node] == Sweep::Allowed;
            state.put == Put::Committed && state.blob.iter().any(swept)
        }),
        Property::sometimes(REPAIRED, |_, state: &State| {
            let late = state.late.and(state.placement.members()).without(state.lost).without(state.blob);
            state.put == Put::Committed && !late.is_empty()
        }),
        Property::sometimes(LOST_NODE_LEFT, |world, state: &State| {
            let now = state.placement;
            state.put == Put::Committed
                && now.target.is_empty()
                && !world.start.without(now.replicas).and(state.lost).is_empty()
                && state.lost.and(now.replicas).is_empty()
                && !state.blob.and(now.replicas).without(world.start).is_empty()
        }),
    ]
}
