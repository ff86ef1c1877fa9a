//! The pointer row: which keyspace holds a group's rows, and which log entry they are the result of.

use esker_index::codec::{Malformed, Reader, Writer};
use esker_types::GroupId;

use crate::codec::Encoded;
use crate::types::{LogId, SnapshotMeta, StoredMembership};

/// The keyspace of the pointer rows of all groups.
pub(crate) const POINTERS: &str = "meta";

/// The key of the mark: a row of each keyspace that names the last applied entry, as the pointer row does. It is
/// greater than every key of the index, and no part of what is hashed or sent.
pub(crate) const MARK: &[u8] = &[0xff];

/// Whether a keyspace has a mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It was last written by a version that had none.
    #[default]
    Absent,
    /// It has one. If it names another entry than the pointer row, one of the keyspaces lost what was written to both.
    Present,
}

/// The value of a pointer row. It is written in the same batch as the rows that it describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// Counts snapshot installs; part of the keyspace's name.
    pub(crate) generation: u64,
    /// The last log entry that was applied.
    pub(crate) applied: Option<LogId>,
    /// The last membership that was applied.
    pub(crate) membership: StoredMembership,
    pub(crate) mark: Mark,
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
    const VERSION: u8 = 2;

    fn write(&self, w: &mut Writer) {
        w.u64(self.generation).option(self.applied.as_ref(), |w, id| id.write(w));
        self.membership.write(w);
        w.u8(match self.mark {
            Mark::Absent => 0,
            Mark::Present => 1,
        });
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let pointer = Pointer::read_old(r, 1)?;
        let mark = match r.u8()? {
            0 => Mark::Absent,
            1 => Mark::Present,
            _ => return Err(r.malformed()),
        };
        Ok(Pointer { mark, ..pointer })
    }

    fn read_old(r: &mut Reader, _version: u8) -> Result<Self, Malformed> {
        Ok(Pointer {
            generation: r.u64()?,
            applied: r.option(LogId::read)?,
            membership: StoredMembership::read(r)?,
            mark: Mark::Absent,
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
