//! The store of a node: one above the stores of its disks.

use super::claims::Claims;
use super::tracker::Tracker;
use super::unit::{Unit, UnitState, Units};
use crate::maintain::Throttle;
use crate::put::blocking;
use crate::store::SegmentStore;
use esker_rpc::StorageError;
use esker_types::BlobId;
use std::sync::Arc;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

/// Blobs on all disks of a node. Its calls need a tokio runtime, like those of a [`SegmentStore`].
#[derive(Debug)]
pub struct NodeStore {
    units: Arc<Units>,
    claims: Claims,
    /// Held to look at several disks as one, and alone to move rows from one to another: nobody must miss a blob that
    /// is on its way.
    rows: RwLock<()>,
    tracker: Tracker,
    rescue: Throttle,
}

impl NodeStore {
    pub(super) fn new(units: Vec<Unit>, tracker: Tracker, rescue: Throttle) -> NodeStore {
        assert!(units.first().is_some_and(|unit| unit.store().is_some()), "the system disk is in use");
        let rows = RwLock::new(());
        NodeStore { units: Arc::new(Units(units)), claims: Claims::default(), rows, tracker, rescue }
    }

    pub(super) fn units(&self) -> &Arc<Units> {
        &self.units
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(super) fn rows(&self) -> &RwLock<()> {
        &self.rows
    }

    pub(super) fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    pub(super) fn rescue_pace(&self) -> Throttle {
        self.rescue
    }

    pub(super) fn unit(&self, at: usize) -> &Unit {
        &self.units.0[at]
    }

    /// The disks in use.
    pub(super) fn stores(&self) -> impl Iterator<Item = &SegmentStore> {
        self.units.0.iter().filter_map(Unit::store)
    }

    /// The store of the system disk.
    pub(super) fn system(&self) -> &SegmentStore {
        let system = self.units.0.first().and_then(Unit::store);
        system.unwrap_or_else(|| unreachable!("a node without its system disk does not start"))
    }

    /// The only store, if the node has and knows of one disk alone.
    pub(super) fn only(&self) -> Option<&SegmentStore> {
        if self.units.0.len() == 1 { Some(self.system()) } else { None }
    }

    /// Looks something up on a blocking thread.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Units) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let units = Arc::clone(&self.units);
        blocking(move || look(&units)).await?
    }

    /// Takes the rows of a blob away from all disks that are not sound, if one that is has it.
    pub(super) async fn settle(&self, blob: BlobId) -> Result<(), StorageError> {
        if self.units.0.iter().all(|unit| unit.sound().is_some()) {
            return Ok(());
        }
        let held = self.look(move |units| units.holders_not_sound(blob)).await?;
        if held.is_empty() {
            return Ok(());
        }
        let _alone = self.rows.write().await;
        // The disk that has it may have failed since: then no row is one too many.
        if self.look(move |units| units.claimed(blob)).await?.is_some() {
            for at in held {
                self.units.disown(at, &[blob]).await?;
            }
        }
        Ok(())
    }

    /// Why no disk takes blobs, if none does.
    pub fn health(&self) -> Result<(), StorageError> {
        if self.units.any_sound() { Ok(()) } else { self.system().health() }
    }

    /// What an operator should know of the disks although the node serves: one text for each that is not in use.
    pub fn remarks(&self) -> Vec<String> {
        let remark = |unit: &Unit| match (&unit.state, unit.store()) {
            (UnitState::Out(out), _) => Some(format!("{} is out of use: {}", unit.path, out.why)),
            (UnitState::In(_), Some(store)) => {
                let because = store.core().retired_because()?;
                Some(format!("{} takes no data: {because}", unit.path))
            }
            (UnitState::In(_), None) => None,
        };
        self.units.0.iter().filter_map(remark).collect()
    }

    /// The size of the disks in use, together. Blocks on a system call for each.
    ///
    /// # Errors
    /// A disk does not tell.
    pub fn capacity_bytes(&self) -> Result<u64, StorageError> {
        self.units.capacity_bytes()
    }

    /// The stores of the disks, the system disk's first; none for a disk that is out of use.
    pub fn disks(&self) -> Vec<Option<&SegmentStore>> {
        self.units.0.iter().map(Unit::store).collect()
    }

    /// Closes the store of each disk, as [`SegmentStore::close`] does.
    ///
    /// # Errors
    /// A disk that was not retired before can't be closed; all others are.
    pub async fn close(&self) -> Result<(), StorageError> {
        if let Some(only) = self.only() {
            return only.close().await;
        }
        let closed = self.stores().map(|store| async {
            let retired = store.core().retired.is_cancelled();
            store.close().await.or_else(|error| if retired { Ok(()) } else { Err(error) })
        });
        futures::future::join_all(closed).await.into_iter().collect()
    }

    /// Compacts and scrubs each disk, and moves what retired disks have, until `shutdown`. `on_corrupt` gets the blobs that
    /// scrubbing or a read found damaged, as in [`SegmentStore::run_maintenance`].
    pub async fn run_maintenance(
        &self,
        shutdown: &CancellationToken,
        on_corrupt: impl Fn(&[BlobId]) + Send + Sync,
    ) {
        let stores = self.stores().map(|store| store.run_maintenance(shutdown, &on_corrupt));
        let all = futures::future::join_all(stores);
        let rescue = async {
            if self.units.0.len() > 1 {
                let _ = shutdown.run_until_cancelled(self.run_rescue()).await;
            }
        };
        futures::future::join(all, rescue).await;
    }
}
