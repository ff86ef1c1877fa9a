//! Joining placement groups and leaving them.
//!
//! **Architecture Invariant:** one task does both, one after the other. So a blob that a pull counts as present can't be
//! one that is just being deleted because the node had left its group before.

use super::due;
use super::ledger::Interrupted;
use super::pull::PullPlan;
use super::rhythm::Rhythm;
use super::strays::Leaving;
use super::upkeep::Upkeep;
use esker_index::command::CommandBody;
use esker_types::{Fence, GroupId};
use std::time::Duration;
use tokio::time::Instant;

use super::fences::FENCES_PER_COMMAND;

/// Works until it is dropped. After a restart it goes on from the rows alone.
pub(super) async fn run(upkeep: &Upkeep) {
    let mut rhythm = Rhythm::new(&upkeep.views);
    let mut leaving = Leaving::default();
    loop {
        let Some(view) = rhythm.view() else {
            rhythm.changed().await;
            continue;
        };
        let joins = due::joins(&view, upkeep.node);
        let foreign = due::foreign(&view, upkeep.node);
        let wait = if joins.is_empty() {
            leave_if_due(upkeep, &mut leaving, &foreign).await
        } else {
            join(upkeep, &joins).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "joining placement groups is tried again");
                upkeep.settings.retry
            })
        };
        rhythm.changed_within(wait).await;
    }
}

/// Pulls, and tells which groups are complete. Returns when to look again if nothing changes.
async fn join(upkeep: &Upkeep, joins: &PullPlan) -> Result<Duration, Interrupted> {
    let pulled = upkeep.pull(joins).await;
    tell_copied(upkeep, &pulled.complete).await?;
    if !pulled.complete.is_empty() {
        tracing::info!(complete = pulled.complete.len(), left = pulled.incomplete, "joined placement groups");
        upkeep.views.refresh().await?;
    }
    Ok(upkeep.settings.retry)
}

async fn tell_copied(upkeep: &Upkeep, complete: &[Fence]) -> Result<(), Interrupted> {
    for copied in complete.chunks(FENCES_PER_COMMAND) {
        let body =
            CommandBody::PlacementProgress { node: upkeep.node, fenced: Vec::new(), copied: copied.to_vec() };
        let _ = upkeep.ledger.propose(GroupId::DIRECTORY, body).await??;
    }
    Ok(())
}

/// Looks for blobs that don't belong here, if it is time to. Returns when to look again if nothing changes.
async fn leave_if_due(
    upkeep: &Upkeep,
    leaving: &mut Leaving,
    foreign: &std::collections::BTreeSet<esker_types::PlacementGroup>,
) -> Duration {
    let settings = &upkeep.settings;
    let now = Instant::now();
    leaving.keep_only(foreign);
    if let Some(wait) = leaving.wait(foreign, now, settings) {
        return wait;
    }
    match upkeep.sweep_strays(foreign).await {
        Ok(clean) => leaving.swept(clean, now),
        Err(error) => {
            tracing::warn!(%error, "looking for blobs that don't belong here is tried again");
            leaving.failed(now);
        }
    }
    leaving.wait(foreign, now, settings).unwrap_or(settings.retry)
}
