//! Lets concurrent synced commits share one device flush.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::KvError;

/// Counts commits, and knows how many of them are on stable storage.
///
/// A failed flush is final: the kernel may have dropped the dirty pages, so a second flush that succeeds proves nothing
/// (Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
#[derive(Debug, Default)]
pub(crate) struct GroupSync {
    applied: AtomicU64,
    synced: Mutex<u64>,
    failed: AtomicBool,
}

impl GroupSync {
    /// Refuses work after a failed write.
    pub(crate) fn check(&self, doing: &'static str) -> Result<(), KvError> {
        if self.failed.load(Ordering::Acquire) {
            Err(KvError::Closed { doing: doing.into() })
        } else {
            Ok(())
        }
    }

    /// Counts one more commit as handed to the engine; the caller serialises commits. Returns its number.
    pub(crate) fn applied_one(&self) -> u64 {
        self.applied.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The number of the newest commit.
    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Remembers that nobody can tell any more what is on disk.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Returns once commit number `through` is durable. One caller at a time flushes; those that waited for it and whose
    /// commits it covered do not flush again.
    pub(crate) fn sync_through(
        &self,
        through: u64,
        flush: impl FnOnce() -> Result<(), KvError>,
    ) -> Result<(), KvError> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        self.check("sync")?;
        if *synced >= through {
            return Ok(());
        }
        let covered = self.applied();
        flush().inspect_err(|_| self.fail())?;
        *synced = covered;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_covers_every_commit_before_it() {
        let group = GroupSync::default();
        let first = group.applied_one();
        let second = group.applied_one();
        let mut flushes = 0;
        for through in [second, first] {
            group
                .sync_through(through, || {
                    flushes += 1;
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(flushes, 1);
    }

    #[test]
    fn a_failed_flush_is_final() {
        let group = GroupSync::default();
        let number = group.applied_one();
        let failure = || Err(KvError::io("flush", std::io::Error::other("disk gone")));
        assert!(matches!(group.sync_through(number, failure), Err(KvError::Io { .. })));
        assert!(matches!(group.sync_through(number, || Ok(())), Err(KvError::Closed { .. })));
        assert!(group.check("commit").is_err());
    }
}
