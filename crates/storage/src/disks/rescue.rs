//! Moving what can be read on retired disks to sound ones, and taking rows away from disks that are out once their blobs
//! are elsewhere.
//!
//! A copy is a put like any other, so that it is durable before the row of the old one goes. What can't be read stays in the
//! rows of its disk: it must come from other nodes, and whoever puts it takes the row away.

use super::NodeStore;
use super::unit::{Unit, UnitState};
use crate::telemetry;
use esker_rpc::{BlobBody, BlobInfo, BodyAborted, Storage as _, StorageError, Wholeness};
use esker_types::{BlobId, ByteRange, Fence, PlacementEpoch, PlacementGroup};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::time::Duration;

const PAGE: usize = 256;
/// Copies under way at a time.
const COPIES_AT_ONCE: usize = 4;
/// How long after a round that was stopped, mostly for want of space, the next one begins.
const PAUSE: Duration = Duration::from_secs(10);

/// Copies within a node are not held to fences: the blob is on the node's lists already.
const UNFENCED: Fence = Fence { group: PlacementGroup(0), epoch: PlacementEpoch(u64::MAX) };

/// What came of looking at the disks that are not sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescue {
    /// What can be read on them is on sound disks.
    Done,
    /// Not yet: it is to be tried again, mostly when there is more space.
    Later,
}

/// What came of one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    Elsewhere,
    /// It can't be read where it is.
    Unreadable,
}

impl NodeStore {
    /// Works until it is dropped.
    pub(super) async fn run_rescue(&self) {
        let mut retiring: FuturesUnordered<_> =
            self.stores().map(|store| store.core().retired.clone().cancelled_owned()).collect();
        // After a crash, rows of a disk that is out may have come back.
        let mut due = self.units().0.iter().any(|unit| matches!(unit.state, UnitState::Out(_)));
        loop {
            if due {
                due = self.rescue_once().await == Rescue::Later;
            }
            let pause = async {
                match due {
                    true => tokio::time::sleep(PAUSE).await,
                    false => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(()) = retiring.next() => {
                    self.tracker().retired();
                    due = true;
                }
                () = pause => {}
            }
        }
    }

    /// Looks at every disk that is not sound once. [Maintenance](NodeStore::run_maintenance) does so when there is a reason.
    pub async fn rescue_once(&self) -> Rescue {
        if !self.units().any_sound() {
            // There is nothing that could take it. Others do, if there are any.
            self.tracker().rescued();
            return Rescue::Done;
        }
        for (at, unit) in self.units().0.iter().enumerate() {
            let rescued = match &unit.state {
                UnitState::Out(_) => self.forget_what_is_elsewhere(at).await,
                UnitState::In(_) if unit.retired().is_some() => self.empty(at, unit).await,
                UnitState::In(_) => continue,
            };
            if let Err(error) = rescued {
                tracing::warn!(disk = %unit.path, %error, "what is on a failed disk is looked at again");
                return Rescue::Later;
            }
        }
        self.tracker().rescued();
        Rescue::Done
    }

    async fn page(&self, at: usize, after: Option<BlobId>) -> Result<Vec<BlobInfo>, StorageError> {
        self.look(move |units| Ok(units.0[at].index().list(None, after, PAGE)?.blobs)).await
    }

    /// Takes the rows of blobs away that are on sound disks.
    async fn forget_what_is_elsewhere(&self, at: usize) -> Result<(), StorageError> {
        let mut after = None;
        loop {
            let page = self.page(at, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.blob);
            let _alone = self.rows().write().await;
            let claimed = self.look(move |units| {
                let mut claimed = Vec::new();
                for info in page {
                    if units.claimed(info.blob)?.is_some() {
                        claimed.push(info.blob);
                    }
                }
                Ok(claimed)
            });
            let claimed = claimed.await?;
            if !claimed.is_empty() {
                self.units().disown(at, &claimed).await?;
            }
        }
    }

    /// Copies all that can be read on a retired disk.
    async fn empty(&self, at: usize, unit: &Unit) -> Result<(), StorageError> {
        let (mut after, mut copied, mut unreadable) = (None, 0_u64, 0_u64);
        loop {
            let page = self.page(at, after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.blob);
            let mut copies = futures::stream::iter(page)
                .map(|info| self.rescue_blob(unit, info))
                .buffer_unordered(COPIES_AT_ONCE);
            while let Some(outcome) = copies.next().await {
                match outcome? {
                    Copied::Elsewhere => copied += 1,
                    Copied::Unreadable => unreadable += 1,
                }
            }
        }
        tracing::info!(disk = %unit.path, copied, unreadable, "went through what is on a failed disk");
        Ok(())
    }

    async fn rescue_blob(&self, unit: &Unit, info: BlobInfo) -> Result<Copied, StorageError> {
        let BlobInfo { blob, length } = info;
        if self.look(move |units| units.claimed(blob)).await?.is_some() {
            self.settle(blob).await?;
            return Ok(Copied::Elsewhere);
        }
        let Some(store) = unit.store() else { return Ok(Copied::Unreadable) };
        let body: BlobBody = match ByteRange::whole(length) {
            None => futures::stream::empty().boxed(),
            Some(range) => match store.get(blob, range).await {
                Ok(reader) => reader.map(|piece| piece.map_err(|_| BodyAborted)).boxed(),
                // Deleted since it was listed.
                Err(StorageError::NotFound) => return Ok(Copied::Elsewhere),
                Err(_) => return Ok(Copied::Unreadable),
            },
        };
        match self.put(blob, UNFENCED, body).await {
            Ok(_) => {
                metrics::counter!(telemetry::RESCUED_BLOBS).increment(1);
                metrics::counter!(telemetry::RESCUED_BYTES).increment(length);
                self.rescue_pace().pace(length).await;
                Ok(Copied::Elsewhere)
            }
            Err(StorageError::Aborted) => Ok(Copied::Unreadable),
            Err(error) => Err(error),
        }
    }

    /// Whether the node's lists, and its word that a blob is not there, can be relied on.
    pub(super) fn lists(&self) -> Wholeness {
        self.tracker().lists()
    }
}
