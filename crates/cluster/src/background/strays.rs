//! Blobs of placement groups that this node has left. They are deleted once the nodes that took over have them.
//!
//! A move ends when the new set has everything that was written, so these are copies too many. Yet each is looked for
//! on the new set before it is deleted, and handed over where it is missing: a bug in a move must cost space, not data.

use super::due;
use super::fetch::exactly;
use super::ledger::Interrupted;
use super::settings::BackgroundSettings;
use super::upkeep::{Upkeep, within};
use crate::topology::PlacementState;
use crate::view::ClusterView;
use esker_rpc::{BlobInfo, GroupFilter, STAT_MAX, StorageError};
use esker_types::{BlobId, ByteRange, Fence, NodeId, PlacementGroup};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// Longest time in which another node must have stored a blob of at most 8 MiB that is handed over.
const HAND_OVER_DEADLINE: Duration = Duration::from_secs(60);

/// When this node last looked, and what it found clean.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    clean: BTreeSet<PlacementGroup>,
    swept: Option<Instant>,
    failed: Option<Instant>,
    confidence: Confidence,
}

/// Whether groups that are clean stay clean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Confidence {
    /// Some were found clean for the first time. A repair that began before they left may yet store a blob of theirs.
    #[default]
    Fresh,
    /// All were found clean twice, with time between.
    Settled,
}

impl Leaving {
    /// Forgets groups that have come back.
    pub(super) fn keep_only(&mut self, foreign: &BTreeSet<PlacementGroup>) {
        self.clean.retain(|group| foreign.contains(group));
    }

    /// How long to wait before looking again; none if it is time now.
    pub(super) fn wait(
        &self,
        foreign: &BTreeSet<PlacementGroup>,
        now: Instant,
        settings: &BackgroundSettings,
    ) -> Option<Duration> {
        let left = |since: Instant, interval: Duration| {
            Some((since + interval).saturating_duration_since(now)).filter(|left| !left.is_zero())
        };
        if foreign.is_empty() {
            return Some(settings.stray_interval);
        }
        if let Some(wait) = self.failed.and_then(|at| left(at, settings.repair_retry)) {
            return Some(wait);
        }
        let all_clean = foreign.is_subset(&self.clean);
        let interval = match self.confidence {
            Confidence::Fresh => settings.repair_retry.min(settings.stray_interval),
            Confidence::Settled => settings.stray_interval,
        };
        self.swept.filter(|_| all_clean).and_then(|at| left(at, interval))
    }

    /// All was looked at, and these groups have no blob here any more.
    pub(super) fn swept(&mut self, clean: Swept, now: Instant) {
        self.failed = clean.kept.then_some(now);
        self.confidence = match clean.groups.is_subset(&self.clean) {
            true => Confidence::Settled,
            false => Confidence::Fresh,
        };
        self.clean = clean.groups;
        self.swept = Some(now);
    }

    /// Not all was looked at.
    pub(super) fn failed(&mut self, now: Instant) {
        self.failed = Some(now);
    }
}

/// What came of looking.
#[derive(Debug)]
pub(super) struct Swept {
    /// Groups that have no blob here any more.
    pub(super) groups: BTreeSet<PlacementGroup>,
    /// Whether there are blobs that could not be given away yet.
    pub(super) kept: bool,
}

impl Upkeep {
    /// Deletes this node's blobs of these groups as far as those who took over have them.
    pub(super) async fn sweep_strays(&self, groups: &BTreeSet<PlacementGroup>) -> Result<Swept, Interrupted> {
        let mut clean = groups.clone();
        let Some((_, of)) = self.view_with_places() else { return Ok(Swept { groups: clean, kept: false }) };
        let filter = GroupFilter { of, groups: groups.clone() };
        let mut after = None;
        loop {
            let page = self.local.list(Some(&filter), after, STAT_MAX).await?;
            let mut by_group: BTreeMap<PlacementGroup, Vec<BlobInfo>> = BTreeMap::new();
            for info in page.blobs {
                by_group.entry(PlacementGroup::of(info.blob, of)).or_default().push(info);
            }
            let mut given: Vec<(Fence, Vec<BlobId>)> = Vec::new();
            let view = self.views.latest();
            for (group, blobs) in by_group {
                let state = view.as_ref().and_then(|view| Some((view, view.placement(group)?)));
                let taken = match state {
                    Some((view, state)) if !state.moves() => {
                        let taken = self.give_away(view, state, &blobs).await;
                        given.push((due::fence_of(state), taken.clone()));
                        taken
                    }
                    _ => Vec::new(),
                };
                if taken.len() < blobs.len() {
                    clean.remove(&group);
                }
            }
            for group in self.delete_strays(given).await? {
                clean.remove(&group);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let kept = clean.len() < groups.len();
        Ok(Swept { groups: clean, kept })
    }

    /// Sees to it that the group's nodes have the blobs, and returns those of which that is sure: a majority has it,
    /// and every node that answers.
    async fn give_away(&self, view: &ClusterView, state: &PlacementState, blobs: &[BlobInfo]) -> Vec<BlobId> {
        let names: Vec<BlobId> = blobs.iter().map(|info| info.blob).collect();
        let mut holders = vec![0; blobs.len()];
        let mut refused = vec![false; blobs.len()];
        for member in &state.replicas {
            let Ok(lengths) = self.stat(view, *member, &names).await else { continue };
            for (at, (info, length)) in blobs.iter().zip(lengths).enumerate() {
                let outcome = match length {
                    Some(length) if length == info.length => Ok(()),
                    _ => self.hand_over(view, *member, *info, due::fence_of(state)).await,
                };
                match outcome {
                    Ok(()) => holders[at] += 1,
                    Err(error) => {
                        tracing::warn!(blob = ?info.blob, node = %member, %error, "could not hand a blob over");
                        refused[at] = true;
                    }
                }
            }
        }
        let majority = state.replicas.len() / 2 + 1;
        let sure = |at: &usize| holders[*at] >= majority && !refused[*at];
        (0..blobs.len()).filter(sure).map(|at| names[at]).collect()
    }

    async fn hand_over(
        &self,
        view: &ClusterView,
        member: NodeId,
        info: BlobInfo,
        fence: Fence,
    ) -> Result<(), StorageError> {
        let storage = self.nodes.get(view, member)?;
        let range = ByteRange { first: 0, last: info.length.saturating_sub(1) };
        let reader = self.local.get(info.blob, range).await?;
        self.pace.take(info.length).await;
        let failure = Arc::new(Mutex::new(None));
        let body = exactly(reader, info.length, failure);
        let put = within(HAND_OVER_DEADLINE, storage.put(info.blob, fence, body)).await;
        self.nodes.health().note(member, &put);
        put.map(drop)
    }

    /// Deletes blobs whose groups are still as they were when they were given away, by a read that begins now.
    /// Everything that is deleted was listed before this read: a blob that came since, because the group has come
    /// back, is not among them. Returns the groups that have changed.
    async fn delete_strays(
        &self,
        given: Vec<(Fence, Vec<BlobId>)>,
    ) -> Result<Vec<PlacementGroup>, Interrupted> {
        if given.iter().all(|(_, blobs)| blobs.is_empty()) {
            return Ok(Vec::new());
        }
        let view = self.views.refresh().await?;
        let foreign = due::foreign(&view, self.node);
        let (gone, changed): (Vec<_>, Vec<_>) = given.into_iter().partition(|(fence, _)| {
            foreign.contains(&fence.group) && view.placement(fence.group).map(due::fence_of) == Some(*fence)
        });
        let blobs: Vec<BlobId> = gone.into_iter().flat_map(|(_, blobs)| blobs).collect();
        if !blobs.is_empty() {
            self.local.delete(&blobs).await?;
            self.counters.strays_deleted.add(blobs.len() as u64);
        }
        Ok(changed.into_iter().map(|(fence, _)| fence.group).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(numbers: &[u16]) -> BTreeSet<PlacementGroup> {
        numbers.iter().map(|number| PlacementGroup(*number)).collect()
    }

    #[test]
    fn groups_that_are_clean_are_looked_at_once_more_soon_and_then_rarely() {
        let (settings, now) = (BackgroundSettings::default(), Instant::now());
        let mut leaving = Leaving::default();
        let left = groups(&[1, 2]);
        let clean = |numbers| Swept { groups: groups(numbers), kept: false };
        assert_eq!(leaving.wait(&left, now, &settings), None, "never looked");
        leaving.swept(clean(&[1, 2]), now);
        assert_eq!(leaving.wait(&left, now, &settings), Some(settings.repair_retry));
        leaving.swept(clean(&[1, 2]), now);
        assert_eq!(leaving.wait(&left, now, &settings), Some(settings.stray_interval));
        // Another group leaves.
        let more = groups(&[1, 2, 3]);
        assert_eq!(leaving.wait(&more, now, &settings), None);
        leaving.swept(clean(&[1, 2, 3]), now);
        assert_eq!(leaving.wait(&more, now, &settings), Some(settings.repair_retry));
    }
}
