//! Garbage: data whose last user is gone. It is deleted on every replica, and then its entry is reclaimed.

use super::{GARBAGE_RECLAIMED_BYTES_TOTAL, Interrupted, Reconciler};
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Step};
use esker_index::query::{Answer, GarbageWork, Query};
use esker_types::{BlobId, GroupId, Timestamp, blobs_of};

/// Entries that are read at a time.
const ENTRIES_PER_PAGE: usize = 64;

pub(super) async fn collect(reconciler: &Reconciler, group: GroupId) -> Result<(), Interrupted> {
    let grace = u64::try_from(reconciler.settings.garbage_grace.as_micros()).unwrap_or(u64::MAX);
    let before = Timestamp(reconciler.clock.now().0.saturating_sub(grace));
    loop {
        let query = Query::Garbage { before, limit: ENTRIES_PER_PAGE };
        let Answer::Garbage(work) = reconciler.metadata.query(group, query).await? else {
            return Err(Interrupted::OtherAnswer);
        };
        if work.is_empty() {
            return Ok(());
        }
        for entry in work {
            if !reclaim(reconciler, group, entry).await? {
                return Ok(());
            }
        }
    }
}

/// Deletes one step of an entry; false if the group says that it is too early.
async fn reclaim(reconciler: &Reconciler, group: GroupId, work: GarbageWork) -> Result<bool, Interrupted> {
    let blobs: Vec<BlobId> =
        work.data.iter().flat_map(|(data, length)| blobs_of(*data, *length)).map(|(blob, _)| blob).collect();
    let bytes = work.data.iter().map(|(_, length)| *length).sum();
    reconciler.delete(&blobs).await?;
    let body = CommandBody::Reclaim { entry: work.entry, reclaimed: work.reclaimed };
    match reconciler.propose(group, body).await? {
        Ok(Done::Step(Step::More | Step::Finished)) => {
            metrics::counter!(GARBAGE_RECLAIMED_BYTES_TOTAL).increment(bytes);
            Ok(true)
        }
        Ok(_) => Err(Interrupted::OtherAnswer),
        Err(_) => Ok(false),
    }
}
