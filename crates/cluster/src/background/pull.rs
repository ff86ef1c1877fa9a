//! The one way in which a node catches up: it lists what others have of its placement groups, and fetches what it
//! lacks.
//!
//! A pull remembers nothing. What was fetched is on disk, so that a pull that was cut off goes on where it was, at the
//! cost of listing again.

use super::fetch::{FetchError, Fetched};
use super::upkeep::Upkeep;
use crate::view::ClusterView;
use esker_rpc::{BlobInfo, GroupFilter, StorageError};
use esker_types::{BlobId, Fence, NodeId, PlacementEpoch, PlacementGroup};
use futures::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;

/// Blobs that are fetched at the same time.
const FETCHES_AT_ONCE: usize = 8;

/// What is to be pulled of one placement group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupPull {
    /// The state of the group for which the pull is planned; it ends for this group once there is a later one.
    pub(super) epoch: PlacementEpoch,
    /// The nodes whose lists are read.
    pub(super) sources: Vec<NodeId>,
    /// How many of them must be read to their ends.
    pub(super) needed: usize,
}

/// What is to be pulled.
pub(super) type PullPlan = BTreeMap<PlacementGroup, GroupPull>;

/// What came of a pull.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pulled {
    /// The groups of which this node now has everything that the needed number of sources listed.
    pub(super) complete: Vec<Fence>,
    /// How many groups are not complete; to be tried again.
    pub(super) incomplete: usize,
}

/// How far a group has come.
#[derive(Debug)]
struct Progress {
    listed: usize,
    /// Whether all that was listed so far is here.
    whole: bool,
}

impl Upkeep {
    /// Pulls until all sources are read or failed. To be dropped when it is no longer wanted.
    pub(super) async fn pull(&self, plan: &PullPlan) -> Pulled {
        let mut progress: BTreeMap<PlacementGroup, Progress> =
            plan.keys().map(|group| (*group, Progress { listed: 0, whole: true })).collect();
        let sources: BTreeSet<NodeId> = plan.values().flat_map(|pull| &pull.sources).copied().collect();
        // One source after the other: what the first one had is not asked of the next again.
        for source in sources {
            if let Err(error) = self.pull_from(source, plan, &mut progress).await {
                tracing::info!(%source, %error, "could not read all that a node has; going on with the others");
            }
        }
        let mut pulled = Pulled::default();
        for (group, pull) in plan {
            let progress = &progress[group];
            if progress.whole && progress.listed >= pull.needed {
                pulled.complete.push(Fence { group: *group, epoch: pull.epoch });
            } else {
                pulled.incomplete += 1;
            }
        }
        pulled
    }

    /// Reads one source's list to its end.
    async fn pull_from(
        &self,
        source: NodeId,
        plan: &PullPlan,
        progress: &mut BTreeMap<PlacementGroup, Progress>,
    ) -> Result<(), StorageError> {
        let groups: BTreeSet<PlacementGroup> = plan
            .iter()
            .filter(|(group, pull)| pull.sources.contains(&source) && progress[group].whole)
            .map(|(group, _)| *group)
            .collect();
        let Some((mut view, of)) = self.view_with_places() else { return Ok(()) };
        let filter = GroupFilter { of, groups };
        let mut after = None;
        while !filter.groups.is_empty() {
            let page = self.list(&view, source, &filter, after).await?;
            let Some((newer, _)) = self.view_with_places() else { return Ok(()) };
            view = newer;
            self.drop_outdated(&view, plan, progress);
            let wanted = page.blobs.into_iter().filter(|info| {
                let group = PlacementGroup::of(info.blob, of);
                filter.groups.contains(&group) && progress[&group].whole
            });
            for group in self.pull_page(&view, source, wanted.collect(), of).await? {
                progress.get_mut(&group).expect("only groups of the plan are pulled").whole = false;
            }
            match page.next {
                Some(next) if after.is_none_or(|after| next > after) => after = Some(next),
                Some(_) => {
                    return Err(StorageError::Unavailable("its list goes round in circles".to_owned()));
                }
                None => break,
            }
        }
        for group in &filter.groups {
            progress.get_mut(group).expect("only groups of the plan are pulled").listed += 1;
        }
        Ok(())
    }

    /// Gives up on groups that have changed since the pull was planned.
    fn drop_outdated(
        &self,
        view: &ClusterView,
        plan: &PullPlan,
        progress: &mut BTreeMap<PlacementGroup, Progress>,
    ) {
        for (group, pull) in plan {
            if view.placement(*group).is_none_or(|state| state.epoch != pull.epoch) {
                progress.get_mut(group).expect("progress is kept of all groups of the plan").whole = false;
            }
        }
    }

    pub(super) fn view_with_places(&self) -> Option<(Arc<ClusterView>, NonZeroU16)> {
        let view = self.views.latest()?;
        let groups = view.group_count()?;
        Some((view, groups))
    }

    /// Fetches what this node lacks of a page, and returns the groups of which something could not be had.
    async fn pull_page(
        &self,
        view: &ClusterView,
        source: NodeId,
        listed: Vec<BlobInfo>,
        of: NonZeroU16,
    ) -> Result<BTreeSet<PlacementGroup>, StorageError> {
        let blobs: Vec<BlobId> = listed.iter().map(|info| info.blob).collect();
        let here = self.local.stat(&blobs).await?;
        let lacking = listed.into_iter().zip(here).filter(|(_, here)| here.is_none()).map(|(info, _)| info);
        let mut fetches = futures::stream::iter(lacking)
            .map(|info| async move { (info, self.fetch(view, info, Some(source)).await) })
            .buffer_unordered(FETCHES_AT_ONCE);
        let mut failed = BTreeSet::new();
        while let Some((info, outcome)) = fetches.next().await {
            match outcome {
                // Gone: it was deleted since it was listed, by the word of the node that listed it.
                Ok(Fetched::Stored | Fetched::Gone) => {}
                Ok(Fetched::Unreadable) => self.note_unreadable(info),
                // The next blob would fail in the same way.
                Err(FetchError::Local(error @ (StorageError::Full | StorageError::Failed(_)))) => {
                    return Err(error);
                }
                Err(error) => {
                    // One line for a group, since a node that went away fails every blob alike.
                    let group = PlacementGroup::of(info.blob, of);
                    if failed.insert(group) {
                        tracing::warn!(blob = ?info.blob, group = group.0, %error, "could not fetch a blob");
                    }
                }
            }
        }
        Ok(failed)
    }

    /// A blob that no node can read can't be fetched at any later time either: waiting for it would keep a move from
    /// ever ending.
    pub(super) fn note_unreadable(&self, info: BlobInfo) {
        self.counters.unreadable.add(1);
        tracing::error!(blob = ?info.blob, "no replica of this blob verifies: its data is lost unless a disk comes back");
    }
}
