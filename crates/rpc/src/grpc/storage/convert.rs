//! Between the domain's words of storage and their messages. Reading gives none for what makes no sense.

use crate::grpc::call::Lost;
use crate::grpc::proto::storage as proto;
use crate::storage::{
    BlobInfo, BlobPage, DiskCondition, DiskState, DiskUsage, GroupFilter, Scrubbed, StorageError,
    StorageUsage, Wholeness,
};
use bytes::Bytes;
use esker_types::{BlobId, DataId, Fence, PlacementEpoch, PlacementGroup};
use proto::failure::Kind;
use std::num::NonZeroU16;

pub(super) fn blob(blob: BlobId) -> proto::Blob {
    proto::Blob { data: Bytes::copy_from_slice(blob.data.as_bytes()), chunk: blob.chunk }
}

pub(super) fn read_blob(blob: &proto::Blob) -> Option<BlobId> {
    let data = blob.data.as_ref().try_into().ok()?;
    Some(BlobId { data: DataId::from_bytes(data), chunk: blob.chunk })
}

pub(super) fn blobs(blobs: &[BlobId]) -> Vec<proto::Blob> {
    blobs.iter().copied().map(blob).collect()
}

pub(super) fn read_blobs(blobs: &[proto::Blob]) -> Option<Vec<BlobId>> {
    blobs.iter().map(read_blob).collect()
}

pub(super) fn fence(fence: Fence) -> proto::Fence {
    proto::Fence { group: fence.group.0.into(), epoch: fence.epoch.0 }
}

pub(super) fn read_fence(fence: &proto::Fence) -> Option<Fence> {
    let group = PlacementGroup(u16::try_from(fence.group).ok()?);
    Some(Fence { group, epoch: PlacementEpoch(fence.epoch) })
}

pub(super) fn filter(filter: &GroupFilter) -> proto::GroupFilter {
    let mut bitmap = vec![0_u8; usize::from(filter.of.get()).div_ceil(8)];
    for group in &filter.groups {
        // A group that the cluster does not have holds no blob.
        if let Some(byte) = bitmap.get_mut(usize::from(group.0 / 8)) {
            *byte |= 1 << (group.0 % 8);
        }
    }
    proto::GroupFilter { of: filter.of.get().into(), bitmap: bitmap.into() }
}

pub(super) fn read_filter(filter: &proto::GroupFilter) -> Option<GroupFilter> {
    let of = u16::try_from(filter.of).ok().and_then(NonZeroU16::new)?;
    if filter.bitmap.len() != usize::from(of.get()).div_ceil(8) {
        return None;
    }
    let holds = |group: &u16| filter.bitmap[usize::from(group / 8)] & 1 << (group % 8) != 0;
    Some(GroupFilter { of, groups: (0..of.get()).filter(holds).map(PlacementGroup).collect() })
}

pub(super) fn lengths(lengths: &[Option<u64>]) -> proto::Lengths {
    // No blob is as long as the largest number.
    let plus_one = lengths.iter().map(|length| length.map_or(0, |length| length.saturating_add(1)));
    proto::Lengths { plus_one: plus_one.collect() }
}

pub(super) fn read_lengths(lengths: proto::Lengths) -> Vec<Option<u64>> {
    lengths.plus_one.into_iter().map(|length| length.checked_sub(1)).collect()
}

pub(super) fn page(page: BlobPage) -> proto::Page {
    let info = |info: BlobInfo| proto::BlobInfo { blob: Some(blob(info.blob)), length: info.length };
    let lacking = page.wholeness == Wholeness::Lacking;
    proto::Page { blobs: page.blobs.into_iter().map(info).collect(), next: page.next.map(blob), lacking }
}

pub(super) fn read_page(page: &proto::Page) -> Option<BlobPage> {
    let info = |info: &proto::BlobInfo| {
        Some(BlobInfo { blob: read_blob(info.blob.as_ref()?)?, length: info.length })
    };
    let blobs = page.blobs.iter().map(info).collect::<Option<_>>()?;
    let next = match &page.next {
        Some(next) => Some(read_blob(next)?),
        None => None,
    };
    Some(BlobPage { blobs, next, wholeness: wholeness(page.lacking) })
}

pub(super) fn usage(usage: StorageUsage) -> proto::Usage {
    let StorageUsage { capacity_bytes, free_bytes, blobs, live_bytes, dead_bytes, .. } = usage;
    let StorageUsage { scrubbed, disk, wholeness, disks, .. } = usage;
    proto::Usage {
        capacity_bytes,
        free_bytes,
        blobs,
        live_bytes,
        dead_bytes,
        scrubbed: Some(self::scrubbed(scrubbed)),
        retired: disk == DiskState::Retired,
        lacking: wholeness == Wholeness::Lacking,
        disks: disks.into_iter().map(self::disk).collect(),
    }
}

fn wholeness(lacking: bool) -> Wholeness {
    if lacking { Wholeness::Lacking } else { Wholeness::Whole }
}

fn disk(disk: DiskUsage) -> proto::Disk {
    let DiskUsage { path, condition, why, capacity_bytes, free_bytes, blobs, live_bytes } = disk;
    let condition = match condition {
        DiskCondition::Sound => proto::disk::Condition::Sound,
        DiskCondition::Full => proto::disk::Condition::Full,
        DiskCondition::Retired => proto::disk::Condition::Retired,
        DiskCondition::Out => proto::disk::Condition::Out,
    };
    let condition = condition.into();
    proto::Disk { path, condition, why, capacity_bytes, free_bytes, blobs, live_bytes }
}

fn read_disk(disk: proto::Disk) -> DiskUsage {
    let condition = match disk.condition() {
        proto::disk::Condition::Sound => DiskCondition::Sound,
        proto::disk::Condition::Full => DiskCondition::Full,
        proto::disk::Condition::Retired => DiskCondition::Retired,
        // What a later version may say is not known to be good.
        proto::disk::Condition::Out | proto::disk::Condition::Unspecified => DiskCondition::Out,
    };
    let proto::Disk { path, condition: _, why, capacity_bytes, free_bytes, blobs, live_bytes } = disk;
    DiskUsage { path, condition, why, capacity_bytes, free_bytes, blobs, live_bytes }
}

pub(super) fn read_usage(usage: proto::Usage) -> StorageUsage {
    let proto::Usage { capacity_bytes, free_bytes, blobs, live_bytes, dead_bytes, .. } = usage;
    StorageUsage {
        capacity_bytes,
        free_bytes,
        blobs,
        live_bytes,
        dead_bytes,
        scrubbed: usage.scrubbed.map(read_scrubbed).unwrap_or_default(),
        disk: if usage.retired { DiskState::Retired } else { DiskState::Sound },
        wholeness: wholeness(usage.lacking),
        disks: usage.disks.into_iter().map(read_disk).collect(),
    }
}

fn scrubbed(scrubbed: Scrubbed) -> proto::Scrubbed {
    let Scrubbed { blobs, bytes, damaged, rounds, reached_millis } = scrubbed;
    proto::Scrubbed { blobs, bytes, damaged, rounds, reached_millis }
}

fn read_scrubbed(scrubbed: proto::Scrubbed) -> Scrubbed {
    let proto::Scrubbed { blobs, bytes, damaged, rounds, reached_millis } = scrubbed;
    Scrubbed { blobs, bytes, damaged, rounds, reached_millis }
}

impl From<StorageError> for proto::Failure {
    fn from(error: StorageError) -> proto::Failure {
        let (kind, message, epoch) = match error {
            StorageError::NotFound => (Kind::NotFound, String::new(), 0),
            StorageError::Corrupt(why) => (Kind::Corrupt, why, 0),
            StorageError::OutOfRange => (Kind::OutOfRange, String::new(), 0),
            StorageError::Full => (Kind::Full, String::new(), 0),
            StorageError::Aborted => (Kind::Aborted, String::new(), 0),
            StorageError::Exists => (Kind::Exists, String::new(), 0),
            StorageError::TooLong => (Kind::TooLong, String::new(), 0),
            StorageError::Stale(epoch) => (Kind::Stale, String::new(), epoch.0),
            StorageError::Unavailable(why) => (Kind::Unavailable, why, 0),
            StorageError::Failed(why) => (Kind::Failed, why, 0),
        };
        proto::Failure { kind: kind.into(), message, epoch }
    }
}

impl From<proto::Failure> for StorageError {
    fn from(failure: proto::Failure) -> StorageError {
        match failure.kind() {
            Kind::NotFound => StorageError::NotFound,
            Kind::Corrupt => StorageError::Corrupt(failure.message),
            Kind::OutOfRange => StorageError::OutOfRange,
            Kind::Full => StorageError::Full,
            Kind::Aborted => StorageError::Aborted,
            Kind::Exists => StorageError::Exists,
            Kind::TooLong => StorageError::TooLong,
            Kind::Stale => StorageError::Stale(PlacementEpoch(failure.epoch)),
            Kind::Failed => StorageError::Failed(failure.message),
            // The latter is of a later version than this one.
            Kind::Unavailable | Kind::Unspecified => StorageError::Unavailable(failure.message),
        }
    }
}

impl From<Lost> for StorageError {
    fn from(lost: Lost) -> StorageError {
        StorageError::Unavailable(lost.why())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_arrives_as_it_was_sent() {
        for error in [
            StorageError::NotFound,
            StorageError::Corrupt("block 3".to_owned()),
            StorageError::OutOfRange,
            StorageError::Full,
            StorageError::Aborted,
            StorageError::Exists,
            StorageError::TooLong,
            StorageError::Stale(PlacementEpoch(u64::MAX)),
            StorageError::Unavailable("stopping".to_owned()),
            StorageError::Failed("EIO".to_owned()),
        ] {
            assert_eq!(StorageError::from(proto::Failure::from(error.clone())), error);
        }
    }

    #[test]
    fn what_a_node_says_of_its_disks_arrives_as_it_was_sent() {
        let conditions =
            [DiskCondition::Sound, DiskCondition::Full, DiskCondition::Retired, DiskCondition::Out];
        let disks = conditions.into_iter().map(|condition| DiskUsage {
            path: format!("/srv/{condition:?}"),
            condition,
            why: "a reason".to_owned(),
            capacity_bytes: 4,
            free_bytes: 3,
            blobs: 2,
            live_bytes: 1,
        });
        let sent = StorageUsage {
            capacity_bytes: 9,
            free_bytes: 8,
            blobs: 7,
            live_bytes: 6,
            dead_bytes: 5,
            scrubbed: Scrubbed { blobs: 1, bytes: 2, damaged: 3, rounds: 4, reached_millis: Some(5) },
            disk: DiskState::Retired,
            wholeness: Wholeness::Lacking,
            disks: disks.collect(),
        };
        assert_eq!(read_usage(usage(sent.clone())), sent);
        assert_eq!(read_usage(usage(StorageUsage::default())), StorageUsage::default());
        for wholeness in [Wholeness::Whole, Wholeness::Lacking] {
            let sent = BlobPage { blobs: Vec::new(), next: None, wholeness };
            assert_eq!(read_page(&page(sent.clone())), Some(sent));
        }
    }

    #[test]
    fn a_filter_arrives_as_it_was_sent_and_a_bitmap_of_another_length_makes_no_sense() {
        for of in [1, 7, 8, 9, 512, u16::MAX] {
            let of = NonZeroU16::new(of).unwrap();
            let some = (0..of.get()).filter(|group| group % 3 == 0).map(PlacementGroup).collect();
            for groups in [some, [].into(), [PlacementGroup(of.get() - 1)].into()] {
                let sent = GroupFilter { of, groups };
                assert_eq!(read_filter(&filter(&sent)), Some(sent));
            }
        }
        let short = proto::GroupFilter { of: 9, bitmap: vec![0xff].into() };
        assert_eq!(read_filter(&short), None);
        assert_eq!(read_filter(&proto::GroupFilter { of: 0, bitmap: Bytes::new() }), None);
    }
}
