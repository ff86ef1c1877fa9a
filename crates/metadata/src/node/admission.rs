//! Which commands a node takes: how many may wait, and which ones a nearly full disk has room for.

use std::sync::Arc;

use esker_index::command::CommandBody;
use esker_rpc::metadata::MetadataError;
use esker_types::NodeId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::node::{Group, Settings};

/// The part of the disk's reserve that no command may use.
const FLOOR_OF_RESERVE: u64 = 8;
/// What the log keeps for votes, memberships and purges once the disk has nothing left to give, in bytes.
const LOG_FLOOR_BYTES: u64 = 1 << 20;

/// The proposals that wait, bounded by their number and by their bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    bytes_max: usize,
}

/// The place of a proposal that waits.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(settings: &Settings) -> Admission {
        let bytes_max = settings.proposals_bytes_max.min(Semaphore::MAX_PERMITS);
        Admission {
            places: Arc::new(Semaphore::new(settings.proposals_max)),
            bytes: Arc::new(Semaphore::new(bytes_max)),
            bytes_max,
        }
    }

    fn enter(&self, bytes: usize) -> Option<Place> {
        let bytes = u32::try_from(bytes.min(self.bytes_max)).ok()?;
        Some(Place {
            _place: Arc::clone(&self.places).try_acquire_owned().ok()?,
            _bytes: Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?,
        })
    }
}

impl Group {
    /// A place for a command of so many bytes.
    ///
    /// # Errors
    /// `Unavailable` if too much waits already. Waiting here, too, would only hide that.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Place, MetadataError> {
        let full = || MetadataError::Unavailable("too many proposals wait".to_owned());
        self.parts.admission.enter(bytes).ok_or_else(full)
    }

    /// Whether the disk of the log and the rows has space for a command of so many bytes. Neither may ever meet a
    /// full disk: they could not go on.
    pub(super) fn has_room_for(&self, body: &CommandBody, bytes: u64) -> bool {
        (self.has_room_for_data() || !adds_data(body)) && self.has_room_for_entries(bytes)
    }

    /// Whether there is space for entries that a leader has accepted.
    pub(crate) fn has_room_for_entries(&self, bytes: u64) -> bool {
        let wal = &self.parts.wal;
        let log_has_room = !wal.is_low() || wal.free_bytes() >= LOG_FLOOR_BYTES.saturating_add(bytes);
        log_has_room && self.disk_free_bytes() >= self.reserve_bytes() / FLOOR_OF_RESERVE
    }

    /// Whether there is space for commands that add data, and for all rows once more.
    pub(crate) fn has_room_for_data(&self) -> bool {
        !self.parts.wal.is_low() && self.disk_free_bytes() >= self.reserve_bytes()
    }

    /// If this replica leads, a voter that has the room and the clock to lead.
    pub(crate) fn roomier(&self) -> Option<NodeId> {
        self.best_follower(|node| self.parts.conditions.has_room(node) && self.time().agrees(node))
    }

    /// Whether another voter may have room, as far as is known.
    pub(super) fn others_have_room(&self) -> bool {
        let own = self.node();
        self.observe().look(|metrics| {
            let mut others = metrics.membership_config.voter_ids().map(NodeId).filter(|node| *node != own);
            others.any(|node| self.parts.conditions.has_room(node))
        })
    }

    fn disk_free_bytes(&self) -> u64 {
        self.parts.wal.disk_free_bytes()
    }

    fn reserve_bytes(&self) -> u64 {
        self.parts.settings.disk_reserve_bytes
    }
}

/// Whether the command makes the index grow, as far as a client decides it. Commands that free space, or that finish
/// what was begun, are let through to the reserve that the log keeps for them.
fn adds_data(body: &CommandBody) -> bool {
    match body {
        CommandBody::CreateBucket { .. }
        | CommandBody::OpenBucket { .. }
        | CommandBody::PutObject { .. }
        | CommandBody::CopyObject { .. }
        | CommandBody::CreateUpload { .. }
        | CommandBody::PutPart { .. } => true,
        CommandBody::ActivateBucket { .. }
        | CommandBody::SealBucket { .. }
        | CommandBody::RemoveBucket { .. }
        | CommandBody::PurgeBucket { .. }
        | CommandBody::PutVersioning { .. }
        | CommandBody::DeleteObject { .. }
        | CommandBody::CompleteUpload { .. }
        | CommandBody::AbortUpload { .. }
        | CommandBody::Discard { .. }
        | CommandBody::Condemn { .. }
        | CommandBody::Reclaim { .. }
        | CommandBody::ReclaimSteps { .. }
        | CommandBody::Repaired { .. }
        | CommandBody::ForgetRepairs { .. }
        | CommandBody::RegisterNode { .. }
        | CommandBody::SetNodeState { .. }
        | CommandBody::SetClusterSettings { .. }
        | CommandBody::CreatePlacement { .. }
        | CommandBody::MovePlacement { .. }
        | CommandBody::PlacementProgress { .. } => false,
    }
}
