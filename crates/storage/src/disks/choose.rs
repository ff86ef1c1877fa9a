//! Which disk takes a blob. Pure.
//!
//! A disk's chance is its free space, so that disks of any sizes fill up together and all of them work meanwhile. Where a
//! blob lies is looked up in the disks' rows, not computed: free space changes. That the same blob, tried again at once,
//! mostly comes to the same disk is only convenient.

use esker_types::BlobId;

/// A disk that may take a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its place among the disks.
    pub(super) disk: usize,
    /// What is free on it, in bytes.
    pub(super) free_bytes: u64,
    /// What of that is for new data, beyond what is reserved, and promised to puts under way.
    pub(super) room_bytes: u64,
}

/// The disk that takes a blob; none if there is no disk. One that has no room is chosen only if none has: it will say so.
pub(super) fn choose(blob: BlobId, candidates: &[Candidate]) -> Option<usize> {
    let all: u128 = candidates.iter().map(|candidate| u128::from(candidate.room_bytes)).sum();
    if all == 0 {
        return candidates
            .iter()
            .max_by_key(|candidate| candidate.free_bytes)
            .map(|candidate| candidate.disk);
    }
    // A point on a line on which each disk is as long as its room.
    let mut point = (u128::from(hash(blob)) * all) >> 64;
    candidates.iter().find_map(|candidate| {
        let room = u128::from(candidate.room_bytes);
        let here = point < room;
        point = point.saturating_sub(room);
        here.then_some(candidate.disk)
    })
}

/// A number that depends on all of the name: splitmix64 over its words.
fn hash(blob: BlobId) -> u64 {
    let (high, low) = blob.data.as_bytes().split_at(8);
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    [word(high), word(low), u64::from(blob.chunk)].into_iter().fold(0, |state, word| {
        let mut mixed = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_types::{DataId, GroupId};

    fn blob(number: u64) -> BlobId {
        BlobId { data: DataId::new(number, GroupId(1), number), chunk: 0 }
    }

    fn disks(rooms: &[u64]) -> Vec<Candidate> {
        let candidate = |(disk, room_bytes): (usize, &u64)| Candidate {
            disk,
            free_bytes: room_bytes + disk as u64,
            room_bytes: *room_bytes,
        };
        rooms.iter().enumerate().map(candidate).collect()
    }

    #[test]
    fn disks_get_blobs_by_their_room() {
        let disks = disks(&[100, 0, 300]);
        let mut counts = [0; 3];
        for number in 0..4000 {
            counts[choose(blob(number), &disks).unwrap()] += 1;
        }
        assert!((850..1150).contains(&counts[0]) && counts[1] == 0, "{counts:?}");
    }

    #[test]
    fn without_any_room_the_disk_with_most_space_is_asked_and_without_disks_none() {
        assert_eq!(choose(blob(1), &disks(&[0, 0, 0])), Some(2));
        assert_eq!(choose(blob(1), &[]), None);
        assert_eq!(
            choose(blob(1), &disks(&[u64::MAX, u64::MAX])),
            choose(blob(1), &disks(&[1 << 40, 1 << 40]))
        );
    }
}
