//! Orphans: data that is stored on this node although nobody committed it, because its gateway crashed or gave up, or
//! because a replica came back with what had been deleted meanwhile.
//!
//! Age only picks whom to ask about. What is deleted was condemned by its group first: from then on no command can
//! commit it any more.

use super::ledger::Interrupted;
use super::upkeep::Upkeep;
use esker_durability::{Activity, StoredData, candidates};
use esker_index::command::CommandBody;
use esker_index::outcome::Done;
use esker_index::query::{Answer, Query};
use esker_rpc::BlobInfo;
use esker_types::{BlobId, DataId, GroupId, Timestamp};
use std::collections::BTreeSet;

/// Blobs that are listed at a time. No more data ids than one question may name.
const BLOBS_PER_PAGE: usize = CommandBody::DATA_IDS_MAX;

/// Works until it is dropped.
pub(super) async fn run(upkeep: &Upkeep) {
    loop {
        match upkeep.sweep_orphans().await {
            Ok(()) => tokio::time::sleep(upkeep.settings.orphan_age / 2).await,
            Err(error) => {
                tracing::warn!(%error, "looking for uncommitted data is tried again");
                tokio::time::sleep(upkeep.settings.repair_retry).await;
            }
        }
    }
}

impl Upkeep {
    /// Looks at all blobs of this node once.
    pub(super) async fn sweep_orphans(&self) -> Result<(), Interrupted> {
        let quiet_ms = u64::try_from(self.settings.orphan_age.as_millis()).unwrap_or(u64::MAX);
        let mut after = None;
        loop {
            let page = self.local.list(None, after, BLOBS_PER_PAGE).await?;
            let stored: Vec<StoredData> = page.blobs.iter().map(stored_data).collect();
            let now = self.ledger.clock.now();
            for (group, data) in candidates(&stored, now, quiet_ms, CommandBody::DATA_IDS_MAX) {
                // An unknown group's data is left alone: nobody could say that it is an orphan.
                if self.settings.groups.contains(&group) {
                    let condemned = self.condemn(group, data).await?;
                    self.delete_condemned(&page.blobs, &condemned).await?;
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Asks the group which of this data it does not hold, and condemns that. Returns what is condemned.
    async fn condemn(&self, group: GroupId, data: Vec<DataId>) -> Result<BTreeSet<DataId>, Interrupted> {
        let Answer::Unheld(unheld) = self.ledger.query(group, Query::Unheld { data }).await? else {
            return Err(Interrupted::OtherAnswer);
        };
        if unheld.is_empty() {
            return Ok(BTreeSet::new());
        }
        let outcome = self.ledger.propose(group, CommandBody::Condemn { data: unheld.clone() }).await?;
        let Done::Condemned { held } = outcome? else { return Err(Interrupted::OtherAnswer) };
        let held: BTreeSet<usize> = held.into_iter().map(|position| position as usize).collect();
        let condemned = unheld.into_iter().enumerate().filter(|(position, _)| !held.contains(position));
        Ok(condemned.map(|(_, data)| data).collect())
    }

    async fn delete_condemned(
        &self,
        listed: &[BlobInfo],
        condemned: &BTreeSet<DataId>,
    ) -> Result<(), Interrupted> {
        let blobs: Vec<BlobId> =
            listed.iter().map(|info| info.blob).filter(|blob| condemned.contains(&blob.data)).collect();
        if blobs.is_empty() {
            return Ok(());
        }
        self.local.delete(&blobs).await?;
        self.counters.orphans_deleted.add(blobs.len() as u64);
        tracing::info!(blobs = blobs.len(), "deleted blobs that nobody had committed");
        Ok(())
    }
}

/// An upload writes its blobs one after the other, and its id says when it began.
fn stored_data(info: &BlobInfo) -> StoredData {
    let since = Timestamp::from_millis(info.blob.data.millis());
    StoredData { data: info.blob.data, activity: Activity::Idle { since } }
}
