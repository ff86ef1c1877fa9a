//! Data that a storage node has and nobody may ever ask for: a gateway crashed between writing and committing,
//! or a late replica wrote after a deletion.

use esker_types::{DataId, GroupId, Timestamp};
use std::collections::BTreeMap;

/// What a storage node knows about who is writing some data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A blob of it is being written now.
    Writing,
    /// Its last blob was on disk at this time, by the node's clock.
    Idle {
        /// When.
        since: Timestamp,
    },
}

/// One DataId in a storage node's listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredData {
    /// The data, some blobs of which are stored.
    pub data: DataId,
    /// Whether it is being written.
    pub activity: Activity,
}

/// The data of a listing's page that the groups should be asked about, by the group that owns it: what nobody
/// has written to for `quiet_ms`, at most `limit` for each group, since each is one row of a `Condemn` command.
///
/// Being chosen permits nothing. It only spares the group questions about uploads that are under way, and
/// spares slow uploads the condemnation: the group decides, and only data that it condemned is deleted.
pub fn candidates(
    page: &[StoredData],
    now: Timestamp,
    quiet_ms: u64,
    limit: usize,
) -> BTreeMap<GroupId, Vec<DataId>> {
    let mut chosen: BTreeMap<GroupId, Vec<DataId>> = BTreeMap::new();
    let quiet = page.iter().filter(|stored| match stored.activity {
        Activity::Writing => false,
        Activity::Idle { since } => since.plus_millis(quiet_ms) <= now,
    });
    for stored in quiet {
        let of_group = chosen.entry(stored.data.group()).or_default();
        if of_group.len() < limit && !of_group.contains(&stored.data) {
            of_group.push(stored.data);
        }
    }
    chosen
}
