//! Keeps sequence numbers growing over reopenings.
//!
//! On recovery fjall continues after the highest sequence number that it finds in the keyspaces. It does not look at its own
//! directory of keyspaces, and compaction rewrites old sequence numbers to zero. So the next number can lie below ones that
//! the directory has used; then a drop gets a lower number than the creation it undoes, the next merge of the directory
//! keeps the creation, and at the following recovery the journal's rows of the dropped keyspace are replayed into the
//! keyspace that has the same name by then (found by the contract suite in fjall 3.1.13).
//!
//! The remedy is a row that holds a number which no sequence number has reached. It is raised, durably, before one does; an
//! opened store continues at the row's number.

use fjall::{Database, Keyspace, PersistMode};

use super::error::fjall_error;
use crate::KvError;

const ROW: &str = "sequence-lease";
/// How far ahead a lease reaches: one extra sync in so many commits.
const SPAN: u64 = 1 << 24;
/// What background work may use up between two looks: each table written or merged takes one number.
const MARGIN: u64 = 1 << 20;

/// The number that no sequence number has reached yet.
#[derive(Debug)]
pub(super) struct SequenceLease {
    end: u64,
}

impl SequenceLease {
    /// Moves a store that was just opened past every number of its earlier life.
    pub(super) fn resume(db: &Database, home: &Keyspace) -> Result<Self, KvError> {
        const DOING: &str = "resume the sequence numbers";
        let mut lease = Self { end: 0 };
        if let Some(row) = home.get(ROW).map_err(|e| fjall_error(DOING, e))? {
            let bytes = row.as_ref().try_into();
            lease.end = u64::from_be_bytes(bytes.map_err(|_| KvError::corruption(DOING, "not eight bytes"))?);
            db.supervisor.seqno.fetch_max(lease.end);
            db.supervisor.snapshot_tracker.set(lease.end);
        }
        lease.renew(db, home)?;
        Ok(lease)
    }

    /// Raises the lease if the sequence numbers come near its end. The caller serialises commits.
    pub(super) fn renew(&mut self, db: &Database, home: &Keyspace) -> Result<(), KvError> {
        const DOING: &str = "raise the sequence lease";
        if db.seqno().saturating_add(MARGIN) < self.end {
            return Ok(());
        }
        let end = db.seqno().saturating_add(SPAN);
        home.insert(ROW, end.to_be_bytes()).map_err(|e| fjall_error(DOING, e))?;
        db.persist(PersistMode::SyncData).map_err(|e| fjall_error(DOING, e))?;
        self.end = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fjall::KeyspaceCreateOptions;

    use super::*;

    #[test]
    fn a_reopened_store_continues_past_every_number_it_used() {
        let dir = tempfile::tempdir().unwrap();
        let mut highest = 0;
        for round in 0..4 {
            let db = Database::builder(dir.path()).open().unwrap();
            let home = db.keyspace("home", KeyspaceCreateOptions::default).unwrap();
            SequenceLease::resume(&db, &home).unwrap();
            assert!(db.seqno() > highest, "round {round}");
            // Only the directory remembers these numbers.
            for n in 0..5 {
                let passing = db.keyspace(&n.to_string(), KeyspaceCreateOptions::default).unwrap();
                db.delete_keyspace(passing).unwrap();
            }
            home.rotate_memtable_and_wait().unwrap();
            home.major_compact().unwrap();
            highest = db.seqno();
        }
    }
}
