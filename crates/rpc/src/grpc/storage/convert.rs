//! Between the domain's words of storage and their messages. Reading gives none for what makes no sense.

use crate::grpc::call::Lost;
use crate::grpc::proto::storage as proto;
use crate::storage::{BlobInfo, BlobPage, DiskState, GroupFilter, Scrubbed, StorageError, StorageUsage};
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
    proto::Page { blobs: page.blobs.into_iter().map(info).collect(), next: page.next.map(blob) }
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
    Some(BlobPage { blobs, next })
}

pub(super) fn usage(usage: StorageUsage) -> proto::Usage {
    let StorageUsage { capacity_bytes, free_bytes, blobs, live_bytes, dead_bytes, scrubbed, disk } = usage;
    let retired = disk == DiskState::Retired;
    let scrubbed = Some(self::scrubbed(scrubbed));
    proto::Usage { capacity_bytes, free_bytes, blobs, live_bytes, dead_bytes, scrubbed, retired }
}

pub(super) fn read_usage(usage: proto::Usage) -> StorageUsage {
    let proto::Usage { capacity_bytes, free_bytes, blobs, live_bytes, dead_bytes, scrubbed, retired } = usage;
    let disk = if retired { DiskState::Retired } else { DiskState::Sound };
    let scrubbed = scrubbed.map(read_scrubbed).unwrap_or_default();
    StorageUsage { capacity_bytes, free_bytes, blobs, live_bytes, dead_bytes, scrubbed, disk }
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
