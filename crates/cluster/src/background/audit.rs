//! Anti-entropy: from time to time a node compares all of its placement groups with its peers, and fetches what it
//! lacks, whatever the reason. It begins with this at its start, and as soon as it has lost a part of what it had.

use super::due;
use super::ledger::Interrupted;
use super::rhythm::Rhythm;
use super::upkeep::Upkeep;
use esker_rpc::Loss;
use esker_types::PlacementGroup;
use std::collections::BTreeSet;
use tokio::time::{Instant, timeout};

/// Works until it is dropped.
pub(super) async fn run(upkeep: &Upkeep) {
    let mut rhythm = Rhythm::new(&upkeep.views);
    let mut losses = upkeep.losses.pending();
    let mut recovery = Recovery::default();
    let mut retry = upkeep.settings.retry;
    loop {
        let Some(view) = rhythm.view().filter(|view| view.group_count().is_some()) else {
            rhythm.changed().await;
            continue;
        };
        let loss = *losses.borrow_and_update();
        let pause = match loss {
            Some(loss) => {
                let made_up = recovery.round(upkeep, loss).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "getting back what was lost is tried again");
                    MadeUp::NotYet
                });
                match made_up {
                    // There may be another one by now.
                    MadeUp::All if losses.borrow_and_update().is_some() => continue,
                    MadeUp::All => {
                        retry = upkeep.settings.retry;
                        upkeep.settings.audit_interval
                    }
                    MadeUp::NotYet => {
                        let pause = retry.min(upkeep.settings.repair_retry);
                        retry = pause * 2;
                        pause
                    }
                }
            }
            None => {
                let plan = due::audits(&view, upkeep.node);
                let begin = Instant::now();
                let before = upkeep.counters.pulled_blobs.get();
                let pulled = upkeep.pull(&plan).await;
                tell(upkeep, before, begin, (pulled.complete.len(), pulled.incomplete));
                upkeep.settings.audit_interval
            }
        };
        // A new loss doesn't wait. Whoever tells of losses lives as long as the store.
        if let Ok(Err(_)) = timeout(pause, losses.changed()).await {
            tokio::time::sleep(pause).await;
        }
    }
}

fn tell(upkeep: &Upkeep, before: u64, begin: Instant, (groups, incomplete): (usize, usize)) {
    let fetched = upkeep.counters.pulled_blobs.get() - before;
    if fetched > 0 || incomplete > 0 {
        let seconds = begin.elapsed().as_secs();
        tracing::info!(groups, incomplete, fetched, seconds, "compared with peers");
    }
    upkeep.counters.audits.add(1);
}

/// Whether a loss is made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MadeUp {
    All,
    NotYet,
}

/// Making up for a loss, in as many rounds as it takes.
#[derive(Debug, Default)]
struct Recovery {
    loss: Option<Loss>,
    /// The groups that were compared with all nodes since the loss became known. What they have in common with this node
    /// now can't be lost by that loss again, so that a move of one of them only matters to the others.
    compared: BTreeSet<PlacementGroup>,
}

impl Recovery {
    async fn round(&mut self, upkeep: &Upkeep, loss: Loss) -> Result<MadeUp, Interrupted> {
        if self.loss != Some(loss) {
            *self = Recovery { loss: Some(loss), compared: BTreeSet::new() };
        }
        // Groups that it is to join are compared, too: that it has copied one may have been told before the loss, and be
        // applied yet.
        let view = upkeep.views.refresh().await?;
        let mut plan = due::losses(&view, upkeep.node);
        plan.retain(|group, _| !self.compared.contains(group));
        if !plan.is_empty() {
            let (begin, before) = (Instant::now(), upkeep.counters.pulled_blobs.get());
            let pulled = upkeep.pull(&plan).await;
            tell(upkeep, before, begin, (pulled.complete.len(), pulled.incomplete));
            self.compared.extend(pulled.complete.iter().map(|fence| fence.group));
            // What changed meanwhile, the next round looks at.
            return Ok(MadeUp::NotYet);
        }
        upkeep.losses.made_up(loss).await?;
        Ok(MadeUp::All)
    }
}
