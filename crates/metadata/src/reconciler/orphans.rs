//! Orphans: data that is stored although nobody committed it, because its gateway crashed or gave up.
//!
//! Age only picks whom to ask about. What is deleted was condemned by its group first: from then on no command can
//! commit it any more.

use super::{Interrupted, ORPHANS_DELETED_TOTAL, Reconciler};
use esker_durability::{Activity, StoredData, candidates};
use esker_index::command::CommandBody;
use esker_index::outcome::Done;
use esker_index::query::{Answer, Query};
use esker_rpc::BlobInfo;
use esker_types::{BlobId, DataId, GroupId, Timestamp};
use std::collections::BTreeSet;

/// Blobs that are listed at a time. No more data ids than one question may name.
const BLOBS_PER_PAGE: usize = CommandBody::DATA_IDS_MAX;

pub(super) async fn sweep(reconciler: &Reconciler) -> Result<(), Interrupted> {
    let quiet_ms = u64::try_from(reconciler.settings.orphan_age.as_millis()).unwrap_or(u64::MAX);
    let mut after = None;
    loop {
        let page = reconciler.storage.list(after, BLOBS_PER_PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.blob);
        let stored: Vec<StoredData> = page.iter().map(stored_data).collect();
        let chosen = candidates(&stored, reconciler.clock.now(), quiet_ms, CommandBody::DATA_IDS_MAX);
        for (group, data) in chosen {
            let condemned = condemn(reconciler, group, data).await?;
            let blobs: Vec<BlobId> =
                page.iter().map(|info| info.blob).filter(|blob| condemned.contains(&blob.data)).collect();
            reconciler.delete(&blobs).await?;
            metrics::counter!(ORPHANS_DELETED_TOTAL).increment(blobs.len() as u64);
        }
    }
}

/// An upload writes its blobs one after the other, and its id says when it began.
fn stored_data(info: &BlobInfo) -> StoredData {
    let since = Timestamp::from_millis(info.blob.data.millis());
    StoredData { data: info.blob.data, activity: Activity::Idle { since } }
}

/// Asks the group which of this data it does not hold, and condemns that. Returns what is condemned.
async fn condemn(
    reconciler: &Reconciler,
    group: GroupId,
    data: Vec<DataId>,
) -> Result<BTreeSet<DataId>, Interrupted> {
    let Answer::Unheld(unheld) = reconciler.metadata.query(group, Query::Unheld { data }).await? else {
        return Err(Interrupted::OtherAnswer);
    };
    if unheld.is_empty() {
        return Ok(BTreeSet::new());
    }
    let outcome = reconciler.propose(group, CommandBody::Condemn { data: unheld.clone() }).await?;
    let Ok(Done::Condemned { held }) = outcome else { return Err(Interrupted::OtherAnswer) };
    let held: BTreeSet<usize> = held.into_iter().map(|position| position as usize).collect();
    let condemned = unheld.into_iter().enumerate().filter(|(position, _)| !held.contains(position));
    Ok(condemned.map(|(_, data)| data).collect())
}
