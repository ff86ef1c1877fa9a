//! Reads entries for replication and for applying them.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::sync::Arc;

use esker_env::spawn_blocking;
use futures::stream::{self, Stream, TryStreamExt};
use openraft::OptionalSend;
use openraft::storage::RaftLogReader;

use crate::codec::{Encoded, decode_option};
use crate::log::LogStore;
use crate::types::{Entry, TypeConfig, Vote};

/// The most bytes of entries that are read at once for sending or applying, beyond the last entry read.
const READ_BYTES_MAX: u64 = 4 * 1024 * 1024;

impl LogStore {
    /// Reads the entries of `range` that exist, until their bytes exceed `bytes_max`. Recent ones are in memory, but
    /// older ones come from the disk, so this never runs on the runtime's own threads.
    pub(super) async fn read(&self, range: Range<u64>, bytes_max: u64) -> Result<Vec<Entry>, io::Error> {
        let wal = Arc::clone(&self.wal);
        let group = self.group();
        let read = spawn_blocking(move || {
            let entries = wal.entries(group, range, bytes_max).map_err(io::Error::other)?;
            entries.into_iter().map(|(_, bytes)| Entry::decode(bytes).map_err(io::Error::other)).collect()
        });
        read.await.map_err(io::Error::other)?
    }
}

fn indexes(range: &impl RangeBounds<u64>) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    start..end.max(start)
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, io::Error> {
        self.read(indexes(&range), u64::MAX).await
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        decode_option(self.wal.state(self.group()).vote.unwrap_or_default()).map_err(io::Error::other)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, io::Error> {
        self.read(start..end, READ_BYTES_MAX).await
    }

    /// The entries of the range that exist, read piece by piece: what is to be applied may be long.
    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = Result<Entry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let store = self.clone();
        let pieces = stream::try_unfold(indexes(&range), move |left| {
            let store = store.clone();
            async move {
                if left.is_empty() {
                    return Ok::<_, io::Error>(None);
                }
                let entries = store.read(left.clone(), READ_BYTES_MAX).await?;
                let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(None) };
                if first.log_id.index != left.start {
                    return Err(io::Error::other(format!("log entry {} is missing", left.start)));
                }
                let next = last.log_id.index + 1;
                Ok(Some((stream::iter(entries.into_iter().map(Ok)), next..left.end)))
            }
        });
        Box::pin(pieces.try_flatten())
    }
}
