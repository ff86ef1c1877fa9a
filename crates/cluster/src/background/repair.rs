//! Working off what is recorded for this node: data that was committed while its replica here was late.

use super::fetch::{FetchError, Fetched};
use super::ledger::Interrupted;
use super::upkeep::Upkeep;
use esker_index::command::CommandBody;
use esker_index::query::{Answer, Query};
use esker_rpc::{BlobInfo, STAT_MAX, StorageError};
use esker_types::{BlobId, DataId, GroupId, blobs_of};
use futures::StreamExt as _;

/// Rows that are read at a time; no more than one command may name.
const ROWS_PER_PAGE: usize = 200;
const _: () = assert!(ROWS_PER_PAGE <= CommandBody::DATA_IDS_MAX);
/// Uploads that are repaired at the same time.
const REPAIRS_AT_ONCE: usize = 8;

/// Works until it is dropped.
pub(super) async fn run(upkeep: &Upkeep) {
    let settings = &upkeep.settings;
    let mut retry = settings.retry;
    loop {
        let pending = match upkeep.repair_round().await {
            Ok(pending) => pending,
            Err(error) => {
                tracing::warn!(%error, "repairs go on at the next round");
                1
            }
        };
        // What is in the way is mostly gone soon: a node that has just started knows no leader yet, and others are
        // starting, too. What stays in the way is not asked about each second.
        let pause = if pending == 0 { settings.repair_interval } else { retry.min(settings.repair_retry) };
        retry = if pending == 0 { settings.retry } else { pause * 2 };
        tokio::time::sleep(pause).await;
    }
}

impl Upkeep {
    /// Works off all rows of this node once. Returns how many could not be.
    pub(super) async fn repair_round(&self) -> Result<u64, Interrupted> {
        let mut pending = 0;
        for group in &self.settings.groups {
            pending += self.repair_group(*group).await?;
        }
        self.counters.repairs_pending.set(pending);
        Ok(pending)
    }

    async fn repair_group(&self, group: GroupId) -> Result<u64, Interrupted> {
        let (mut after, mut pending) = (None, 0);
        loop {
            let query = Query::Repairs { node: self.node, after, limit: ROWS_PER_PAGE };
            let Answer::Repairs(rows) = self.ledger.query(group, query).await? else {
                return Err(Interrupted::OtherAnswer);
            };
            let Some((last, _)) = rows.last() else { return Ok(pending) };
            after = Some(*last);
            let listed = rows.len();
            let (settled, stopped) = self.repair_page(rows).await;
            pending += (listed - settled.len()) as u64;
            self.tell_repaired(group, settled).await?;
            if let Some(error) = stopped {
                return Err(error);
            }
            if listed < ROWS_PER_PAGE {
                return Ok(pending);
            }
        }
    }

    /// Repairs a page of rows, and returns those that are done. The second says why it stopped early, if it did.
    async fn repair_page(&self, rows: Vec<(DataId, u64)>) -> (Vec<DataId>, Option<Interrupted>) {
        let mut repairs = futures::stream::iter(rows)
            .map(|(data, length)| async move { (data, self.repair(data, length).await) })
            .buffer_unordered(REPAIRS_AT_ONCE);
        let mut settled = Vec::new();
        while let Some((data, outcome)) = repairs.next().await {
            match outcome {
                Ok(true) => settled.push(data),
                Ok(false) => {}
                Err(error) => return (settled, Some(error)),
            }
        }
        (settled, None)
    }

    async fn tell_repaired(&self, group: GroupId, data: Vec<DataId>) -> Result<(), Interrupted> {
        if data.is_empty() {
            return Ok(());
        }
        let count = data.len() as u64;
        let _ = self.ledger.propose(group, CommandBody::Repaired { node: self.node, data }).await??;
        self.counters.repairs_done.add(count);
        Ok(())
    }

    /// Whether nothing of this data is missing here any more that belongs here. An error stops the round: others would
    /// meet it too.
    async fn repair(&self, data: DataId, length: u64) -> Result<bool, Interrupted> {
        let Some((view, _)) = self.view_with_places() else { return Ok(false) };
        let belongs = |info: &BlobInfo| {
            let state = view.placement_of(info.blob);
            state
                .is_some_and(|state| state.replicas.contains(&self.node) || state.target.contains(&self.node))
        };
        let blobs = blobs_of(data, length).map(|(blob, length)| BlobInfo { blob, length });
        let wanted: Vec<BlobInfo> = blobs.filter(belongs).collect();
        let mut missing = 0;
        for chunk in wanted.chunks(STAT_MAX) {
            let names: Vec<BlobId> = chunk.iter().map(|info| info.blob).collect();
            let here = self.local.stat(&names).await?;
            for (info, _) in chunk.iter().zip(here).filter(|(_, here)| here.is_none()) {
                match self.fetch(&view, *info, None).await {
                    Ok(Fetched::Stored) => {}
                    Ok(Fetched::Gone) => missing += 1,
                    Ok(Fetched::Unreadable) => {
                        self.note_unreadable(*info);
                        return Ok(false);
                    }
                    Err(FetchError::Local(error @ (StorageError::Full | StorageError::Failed(_)))) => {
                        return Err(error.into());
                    }
                    Err(error) => {
                        tracing::info!(blob = ?info.blob, %error, "a repair is tried again later");
                        return Ok(false);
                    }
                }
            }
        }
        if missing == 0 { Ok(true) } else { self.is_unheld(data, missing).await }
    }

    /// Whether the group does not hold data of which nothing is left anywhere: then it was deleted, and nothing is to
    /// be repaired.
    async fn is_unheld(&self, data: DataId, missing: usize) -> Result<bool, Interrupted> {
        let Answer::Unheld(unheld) =
            self.ledger.query(data.group(), Query::Unheld { data: vec![data] }).await?
        else {
            return Err(Interrupted::OtherAnswer);
        };
        let deleted = unheld.contains(&data);
        if !deleted {
            // Also while garbage is being deleted: then the entry's end is near, and the row goes with it.
            tracing::warn!(%data, missing, "no node has these blobs, and the data is not reclaimed yet");
        }
        Ok(deleted)
    }
}
