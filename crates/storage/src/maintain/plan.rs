//! Which segments are worth compacting. Pure: facts in, numbers out.

/// What is known of a sealed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Its number.
    pub number: u64,
    /// Disk space that it holds; punched holes don't count.
    pub allocated_bytes: u64,
    /// Bytes of records that belong to a blob.
    pub live_bytes: u64,
    /// Bytes of tombstones.
    pub tombstone_bytes: u64,
}

/// Fewer small segments than this aren't worth merging.
const SMALL_MIN: usize = 4;
/// A segment whose live bytes are below this part of a full one is small: restarts leave such segments.
const SMALL_PART: u64 = 8;

impl SegmentFacts {
    /// Disk space that compacting would give back.
    fn dead_bytes(&self) -> u64 {
        self.allocated_bytes.saturating_sub(self.live_bytes + self.tombstone_bytes)
    }

    /// Compacting costs a copy of what is kept, so at least half of the space must come back for it.
    fn is_mostly_dead(&self) -> bool {
        self.live_bytes + self.tombstone_bytes <= self.dead_bytes()
    }

    /// Tombstones of the oldest segment bury nothing that is left, so they go with it.
    fn is_mostly_tombstones(&self) -> bool {
        self.live_bytes <= self.tombstone_bytes + self.dead_bytes()
    }
}

/// The segments to compact, the most rewarding first.
pub fn plan(segments: &[SegmentFacts], segment_bytes: u64) -> Vec<u64> {
    let oldest = segments.iter().map(|segment| segment.number).min();
    let small = |segment: &&SegmentFacts| segment.live_bytes < segment_bytes / SMALL_PART;
    let merge = segments.iter().filter(small).count() >= SMALL_MIN;
    let mut chosen: Vec<&SegmentFacts> = segments
        .iter()
        .filter(|segment| {
            segment.is_mostly_dead()
                || Some(segment.number) == oldest && segment.is_mostly_tombstones()
                || merge && small(segment)
        })
        .collect();
    chosen.sort_by_key(|segment| (segment.live_bytes, segment.number));
    chosen.into_iter().map(|segment| segment.number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(number: u64, allocated_bytes: u64, live_bytes: u64, tombstone_bytes: u64) -> SegmentFacts {
        SegmentFacts { number, allocated_bytes, live_bytes, tombstone_bytes }
    }

    #[test]
    fn segments_that_are_mostly_dead_are_compacted_cheapest_first() {
        let segments =
            [facts(0, 100, 90, 0), facts(1, 100, 50, 0), facts(2, 100, 51, 0), facts(3, 100, 0, 0)];
        assert_eq!(plan(&segments, 100), [3, 1]);
    }

    #[test]
    fn space_that_was_punched_out_does_not_count_as_dead() {
        assert_eq!(plan(&[facts(0, 100, 90, 0), facts(1, 40, 35, 0)], 100), Vec::<u64>::new());
    }

    #[test]
    fn only_the_oldest_segment_is_compacted_for_its_tombstones() {
        let segments = [facts(4, 100, 20, 80), facts(5, 100, 20, 80)];
        assert_eq!(plan(&segments, 100), [4]);
    }

    #[test]
    fn small_segments_are_merged_once_there_are_several() {
        let small: Vec<SegmentFacts> = (0..4).map(|number| facts(number, 10, 9, 0)).collect();
        assert_eq!(plan(&small[..3], 100), Vec::<u64>::new());
        assert_eq!(plan(&small, 100), [0, 1, 2, 3]);
    }
}
