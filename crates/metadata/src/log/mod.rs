//! openraft's log and votes, in the node's write-ahead log.

mod reader;

use std::io;
use std::sync::Arc;

use esker_types::GroupId;
use esker_wal::{Durability, Record, Wal};
use openraft::OptionalSend;
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};

use crate::codec::{Encoded, decode_option};
use crate::types::{Entry, LogId, TypeConfig, Vote};

/// The log of one group. It has no state of its own: the write-ahead log knows everything that was appended.
#[derive(Clone, Debug)]
pub(crate) struct LogStore {
    wal: Arc<Wal>,
    group: GroupId,
}

impl LogStore {
    pub(crate) fn new(wal: Arc<Wal>, group: GroupId) -> LogStore {
        LogStore { wal, group }
    }

    fn group(&self) -> u16 {
        self.group.0
    }

    /// Appends a record that the next durable one takes along. Records are durable in order, so that no entry or vote
    /// is ever durable without what was appended before it.
    async fn append_lazily(&self, record: Record) -> Result<(), io::Error> {
        let done = Box::new(|_| ());
        self.wal.append(vec![record], Durability::NotNeeded, done).await.map_err(io::Error::other)
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let state = self.wal.state(self.group());
        let purged = state.purged.map(|(_, id)| LogId::decode(id)).transpose().map_err(io::Error::other)?;
        let last = match state.entries {
            Some(entries) => {
                let last = *entries.end();
                let last = self.read(last..last + 1, u64::MAX).await?;
                last.last().map(|entry| entry.log_id)
            }
            None => purged,
        };
        Ok(LogState { last_purged_log_id: purged, last_log_id: last })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        let record = Record::Vote { group: self.group(), payload: vote.encode() };
        self.wal.append_synced(vec![record]).await.map_err(io::Error::other)
    }

    /// Not synced: after a crash the rows are brought up to this entry at once, and to those beyond it when a leader
    /// says that they are committed.
    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        let Some(committed) = committed else { return Ok(()) };
        self.append_lazily(Record::Committed { group: self.group(), payload: committed.encode() }).await
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        decode_option(self.wal.state(self.group()).committed.unwrap_or_default()).map_err(io::Error::other)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let group = self.group();
        let record =
            |entry: Entry| Record::Entry { group, index: entry.log_id.index, payload: entry.encode() };
        let records: Vec<Record> = entries.into_iter().map(record).collect();
        let done =
            Box::new(move |result: Result<(), _>| callback.io_completed(result.map_err(io::Error::other)));
        self.wal.append(records, Durability::Synced, done).await.map_err(io::Error::other)
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> Result<(), io::Error> {
        let from_index = last_log_id.map_or(0, |id| id.index + 1);
        self.append_lazily(Record::Truncate { group: self.group(), from_index }).await
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), io::Error> {
        if self.wal.state(self.group()).purged.is_some_and(|(purged, _)| purged >= log_id.index) {
            return Ok(());
        }
        let payload = log_id.encode();
        self.append_lazily(Record::Purge { group: self.group(), upto_index: log_id.index, payload }).await
    }
}
