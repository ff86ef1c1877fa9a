//! Whether a group's log and its rows are of one history.
//!
//! The log and the rows lie in different directories, so one of them can be lost or restored from a backup while the
//! other goes on. openraft takes rows that are ahead of the log for a snapshot that was installed just before a crash,
//! and goes on from them; but a lost log took votes with it, and perhaps acknowledged commands. So a node looks before
//! it starts openraft, and does not start when it can tell that something is gone.

use esker_index::codec::Malformed;
use esker_types::NodeId;
use esker_wal::GroupState;

use crate::codec::Encoded;
use crate::rows::Pointer;
use crate::types::Vote;

/// How the log and the rows contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// There are rows and no log at all.
    #[error(
        "its rows are the result of log entries up to {applied}, but its log is gone, and with it votes and perhaps \
         acknowledged writes. {}",
        ADVICE
    )]
    LogMissing {
        /// The last entry that was applied to the rows.
        applied: u64,
    },
    /// The log ends before the rows do.
    #[error(
        "its rows are the result of log entries up to {applied}, but its log ends at {}: the log is older than the \
         rows. {}",
        entry(*last),
        ADVICE
    )]
    LogBehind {
        /// The last entry that was applied to the rows.
        applied: u64,
        /// The last entry of the log.
        last: Option<u64>,
    },
    /// The log begins after the rows end.
    #[error(
        "its log begins after entry {purged}, but its rows end at {}: rows that were durable are gone. {}",
        entry(*applied),
        ADVICE
    )]
    RowsBehind {
        /// The last entry that was purged from the log.
        purged: u64,
        /// The last entry that was applied to the rows.
        applied: Option<u64>,
    },
    /// The log can't be read.
    #[error("its log holds a value that can't be read: {0}")]
    Malformed(String),
}

const ADVICE: &str = "If the directories wal and kv of the data directory do not belong together, put back the pair \
                      that does: restore both from the same backup. Otherwise remove this node from its cluster and \
                      let it join again with an empty data directory";

fn entry(index: Option<u64>) -> String {
    index.map_or_else(|| "no entry at all".to_owned(), |index| format!("entry {index}"))
}

impl From<Malformed> for HistoryError {
    fn from(error: Malformed) -> HistoryError {
        HistoryError::Malformed(error.to_string())
    }
}

/// Checks what a replica finds at its start.
pub(super) fn check(node: NodeId, log: &GroupState, rows: &Pointer) -> Result<(), HistoryError> {
    let applied = rows.applied.map(|id| id.index);
    if let Some((purged, _)) = log.purged
        && applied.is_none_or(|applied| applied < purged)
    {
        return Err(HistoryError::RowsBehind { purged, applied });
    }
    let Some(applied) = rows.applied else { return Ok(()) };
    let Some(vote) = log.vote.clone() else {
        return Err(HistoryError::LogMissing { applied: applied.index });
    };
    let last =
        log.entries.as_ref().map(|entries| *entries.end()).or(log.purged.as_ref().map(|(last, _)| *last));
    let behind = || HistoryError::LogBehind { applied: applied.index, last };
    // A vote for a leader is durable before any entry of that leader is accepted.
    if Vote::decode(vote)?.leader_id.term < applied.leader_id.term {
        return Err(behind());
    }
    // What a voter without others applies, it has synced. With others, a majority may have committed an entry that this
    // replica had yet to sync, and a snapshot may have been installed but the log not purged; openraft fills that hole.
    if is_alone(node, rows) && last.is_none_or(|last| last < applied.index) {
        return Err(behind());
    }
    Ok(())
}

fn is_alone(node: NodeId, rows: &Pointer) -> bool {
    rows.membership.membership().voter_ids().eq([node.0])
}
