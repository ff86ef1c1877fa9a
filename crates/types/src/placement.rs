//! Where blobs belong: the names of placement groups and of their states.

use crate::data::BlobId;
use std::num::NonZeroU16;

/// Blobs that are placed together. A cluster has a fixed number of groups, chosen when it is formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacementGroup(pub u16);

impl PlacementGroup {
    /// The placement group of a blob, among `groups`. Part of the stored format: a blob is looked for where this
    /// says, so it never changes.
    pub fn of(blob: BlobId, groups: NonZeroU16) -> PlacementGroup {
        let bytes = u128::from_be_bytes(*blob.data.as_bytes());
        #[allow(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
        let (high, low) = ((bytes >> 64) as u64, bytes as u64);
        let hash = mix(mix(mix(high) ^ low) ^ u64::from(blob.chunk));
        let group = (u128::from(hash) * u128::from(groups.get())) >> 64;
        PlacementGroup(u16::try_from(group).expect("a group is less than the number of groups"))
    }
}

/// Counts the states of one placement group: each change of its nodes has a larger epoch than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacementEpoch(pub u64);

/// A placement group as somebody knows it. A storage node that has acknowledged a later epoch refuses to store a
/// blob for an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence {
    /// The group.
    pub group: PlacementGroup,
    /// Its epoch.
    pub epoch: PlacementEpoch,
}

/// The finalizer of SplitMix64: each input bit flips about half of the output's.
pub fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
