//! Decides which memtables to write out, so that memory and journals stay bounded.

/// The limits, in bytes of memtable.
#[derive(Debug)]
pub(super) struct MemtablePolicy {
    /// For one keyspace.
    pub(super) one: u64,
    /// For all keyspaces together.
    pub(super) all: u64,
}

impl MemtablePolicy {
    /// How much may be committed between two looks at the memtables.
    pub(super) const PLAN_EVERY_BYTES: u64 = 64 * 1024;
    /// A sealed journal (64 MB) is deleted once every memtable that it covers is written out. A rarely written keyspace
    /// would keep journals for ever, so beyond this number every memtable goes out.
    const SEALED_JOURNALS_MAX: usize = 3;

    /// The ids of the memtables to seal now, given each active memtable's size.
    pub(super) fn plan(&self, sizes: &[(u64, u64)], sealed_journals: usize, is_flushing: bool) -> Vec<u64> {
        let filled = sizes.iter().filter(|(_, bytes)| *bytes > 0);
        // What is being written out may be what the journals wait for; sealing more would make many small tables.
        if sealed_journals > Self::SEALED_JOURNALS_MAX && !is_flushing {
            return filled.map(|(id, _)| *id).collect();
        }
        let mut seal: Vec<u64> =
            filled.clone().filter(|(_, bytes)| *bytes >= self.one).map(|(id, _)| *id).collect();
        let total: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
        if seal.is_empty() && total >= self.all {
            seal.extend(filled.max_by_key(|(_, bytes)| *bytes).map(|(id, _)| *id));
        }
        seal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: MemtablePolicy = MemtablePolicy { one: 100, all: 150 };

    #[test]
    fn small_memtables_stay() {
        assert!(POLICY.plan(&[(1, 99), (2, 50), (3, 0)], 0, false).is_empty());
    }

    #[test]
    fn a_full_memtable_goes() {
        assert_eq!(POLICY.plan(&[(1, 100), (2, 99)], 0, true), [1]);
    }

    #[test]
    fn the_largest_goes_when_all_together_are_too_large() {
        assert_eq!(POLICY.plan(&[(1, 40), (2, 60), (3, 50)], 0, false), [2]);
    }

    #[test]
    fn every_filled_memtable_goes_when_journals_pile_up_and_nothing_is_on_its_way() {
        assert_eq!(POLICY.plan(&[(1, 1), (2, 0), (3, 2)], 4, false), [1, 3]);
        assert!(POLICY.plan(&[(1, 1), (2, 0), (3, 2)], 4, true).is_empty());
    }
}
