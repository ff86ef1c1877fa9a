//! The pointer row: which keyspace holds a group's rows, and which log entry they are the result of.

use esker_index::codec::{Malformed, Reader, Writer};
use esker_types::GroupId;

use crate::codec::Encoded;
use crate::types::{LogId, SnapshotMeta, StoredMembership};

/// The keyspace of the pointer rows of all groups.
pub(crate) const POINTERS: &str = "meta";

/// The value of a pointer row. It is written in the same batch as the rows that it describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// Counts snapshot installs; part of the keyspace's name.
    pub(crate) generation: u64,
    /// The last log entry that was applied.
    pub(crate) applied: Option<LogId>,
    /// The last membership that was applied.
    pub(crate) membership: StoredMembership,
}

impl Pointer {
    pub(crate) fn key(group: GroupId) -> Vec<u8> {
        [b"group/".as_slice(), &group.0.to_be_bytes()].concat()
    }

    pub(crate) fn meta(&self) -> SnapshotMeta {
        SnapshotMeta { last_log_id: self.applied, last_membership: self.membership.clone() }
    }
}

impl Encoded for Pointer {
    const NAME: &'static str = "pointer row";

    fn write(&self, w: &mut Writer) {
        w.u64(self.generation).option(self.applied.as_ref(), |w, id| id.write(w));
        self.membership.write(w);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(Pointer {
            generation: r.u64()?,
            applied: r.option(LogId::read)?,
            membership: StoredMembership::read(r)?,
        })
    }
}

/// The name of a generation's keyspace.
pub(crate) fn keyspace_name(group: GroupId, generation: u64) -> String {
    format!("{}{generation}", keyspace_prefix(group))
}

/// What the names of all keyspaces of a group start with.
pub(crate) fn keyspace_prefix(group: GroupId) -> String {
    format!("sm-{}-", group.0)
}
