//! Garbage: data whose last user is gone. It is deleted on every replica, and then its entries are reclaimed.
//!
//! Entries go in batches: one call to each storage node and one command for each. A batch of which a node does not
//! confirm all waits, and others go on, since they free what the nodes hold that are there.

use super::batches::{Batch, batches};
use super::{GARBAGE_RECLAIMED_BYTES, Interrupted, Reconciler};
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Refusal};
use esker_index::query::{Answer, Query};
use esker_types::{GroupId, Timestamp};

/// Entries that are read at a time.
const ENTRIES_PER_PAGE: usize = CommandBody::RECLAIM_STEPS_MAX;
/// Batches that may wait before the rest is left to the next round.
pub(super) const WAITING_MAX: usize = 16;

/// Where the next round begins: after this entry, or with the oldest. May be forgotten.
pub(super) type Resume = Option<u64>;

/// Collects until there is no more, or until too much of it waits. The error is that of the last batch that waits.
pub(super) async fn collect(
    reconciler: &Reconciler,
    group: GroupId,
    resume: &mut Resume,
) -> Result<(), Interrupted> {
    let grace = u64::try_from(reconciler.settings.garbage_grace.as_micros()).unwrap_or(u64::MAX);
    let before = Timestamp(reconciler.clock.now().0.saturating_sub(grace));
    let mut waiting = Vec::new();
    loop {
        let query = Query::Garbage { before, after: *resume, limit: ENTRIES_PER_PAGE };
        let Answer::Garbage(work) = reconciler.metadata.query(group, query).await? else {
            return Err(Interrupted::OtherAnswer);
        };
        let mut early = work.is_empty();
        for batch in batches(work) {
            match reclaim(reconciler, group, &batch).await {
                // Entries of which there is more to do are read again.
                Ok(Reclaimed::Done) => {}
                Ok(Reclaimed::TooEarly) => early = true,
                Err(Interrupted::Storage(error)) => {
                    *resume = batch.last();
                    waiting.push(error);
                }
                Err(error) => return Err(error),
            }
            if early || waiting.len() == WAITING_MAX {
                break;
            }
        }
        if early {
            // Later entries are younger.
            *resume = None;
        }
        if early || waiting.len() == WAITING_MAX {
            return waiting.pop().map_or(Ok(()), |error| Err(error.into()));
        }
    }
}

/// What the group said to a batch that is deleted everywhere.
enum Reclaimed {
    Done,
    TooEarly,
}

async fn reclaim(reconciler: &Reconciler, group: GroupId, batch: &Batch) -> Result<Reclaimed, Interrupted> {
    reconciler.delete(&batch.blobs).await?;
    match reconciler.propose(group, CommandBody::ReclaimSteps { steps: batch.steps.clone() }).await? {
        Ok(Done::Step(_)) => {
            metrics::counter!(GARBAGE_RECLAIMED_BYTES).increment(batch.bytes);
            Ok(Reclaimed::Done)
        }
        Err(Refusal::TooEarly) => Ok(Reclaimed::TooEarly),
        Ok(_) => Err(Interrupted::OtherAnswer),
        Err(refusal) => Err(Interrupted::Refused(refusal)),
    }
}
