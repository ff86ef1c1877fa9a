//! Acknowledging that placement groups move: from then on this node stores nothing for an earlier state of them.

use super::due;
use super::ledger::Interrupted;
use super::rhythm::Rhythm;
use super::upkeep::Upkeep;
use esker_index::command::CommandBody;
use esker_rpc::STAT_MAX;
use esker_types::{Fence, GroupId};

/// Most fences of one command.
pub(super) const FENCES_PER_COMMAND: usize = 512;
const _: () = assert!(FENCES_PER_COMMAND <= STAT_MAX);

/// Works until it is dropped.
pub(super) async fn run(upkeep: &Upkeep) {
    let mut rhythm = Rhythm::new(&upkeep.views);
    loop {
        let due = rhythm.view().map(|view| due::fences(&view, upkeep.node)).unwrap_or_default();
        if due.is_empty() {
            rhythm.changed().await;
            continue;
        }
        if let Err(error) = acknowledge(upkeep, &due).await {
            tracing::warn!(%error, "acknowledging a move is tried again");
            rhythm.changed_within(upkeep.settings.retry).await;
        }
    }
}

/// Durable here first, then told to all. What was told is in the view on return, so that it is told once.
async fn acknowledge(upkeep: &Upkeep, due: &[Fence]) -> Result<(), Interrupted> {
    for fences in due.chunks(FENCES_PER_COMMAND) {
        upkeep.local.fence(fences).await?;
        let body =
            CommandBody::PlacementProgress { node: upkeep.node, fenced: fences.to_vec(), copied: Vec::new() };
        let _ = upkeep.ledger.propose(GroupId::DIRECTORY, body).await??;
    }
    upkeep.views.refresh().await?;
    Ok(())
}
