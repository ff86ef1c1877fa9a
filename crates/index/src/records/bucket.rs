//! Rows of buckets: what a name stands for, and what orders an incarnation's versions.

use super::Record;
use crate::codec::{Malformed, Reader, Writer};
use crate::live::Tree;
use esker_types::{BucketId, BucketName, GroupId, Sequence, Timestamp, VersioningState};

/// How far a bucket's creation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryState {
    /// The name is taken; its incarnation may not be open yet. Not visible to clients.
    Creating,
    /// The incarnation is open.
    Active,
}

/// What a bucket's name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The incarnation.
    pub id: BucketId,
    /// The group that orders its versions.
    pub group: GroupId,
    /// The account that owns it.
    pub owner: String,
    /// When it was created.
    pub created: Timestamp,
    /// How far creation has come.
    pub state: DirectoryState,
}

impl Record for DirectoryEntry {
    const NAME: &'static str = "bucket directory entry";

    fn write(&self, w: &mut Writer) {
        w.u64(self.id.0).u16(self.group.0).text(&self.owner).time(self.created);
        w.u8(match self.state {
            DirectoryState::Creating => 0,
            DirectoryState::Active => 1,
        });
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(DirectoryEntry {
            id: BucketId(r.u64()?),
            group: GroupId(r.u16()?),
            owner: r.text()?,
            created: r.time()?,
            state: match r.u8()? {
                0 => DirectoryState::Creating,
                1 => DirectoryState::Active,
                _ => return Err(r.malformed()),
            },
        })
    }
}

/// Whether an incarnation takes commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketPhase {
    /// It does.
    Open,
    /// It was deleted while empty: it answers as if it were gone, and is cleaned up step by step.
    Sealed,
}

/// One incarnation of a bucket: what its versions need to be ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketRecord {
    /// The name that the directory gives it.
    pub name: BucketName,
    /// The account that owns it.
    pub owner: String,
    /// Whether it takes commands.
    pub phase: BucketPhase,
    /// Whether it keeps versions.
    pub versioning: VersioningState,
    /// The sequence of the last mutation.
    pub sequence: Sequence,
    /// The largest `last_modified` ever given out.
    pub last_modified: Timestamp,
    /// How many versions and delete markers it holds.
    pub versions: u64,
    /// The index of keys whose newest version is an object.
    pub live: Tree,
}

impl Record for BucketRecord {
    const NAME: &'static str = "bucket record";

    fn write(&self, w: &mut Writer) {
        w.text(self.name.as_str()).text(&self.owner);
        w.u8(match self.phase {
            BucketPhase::Open => 0,
            BucketPhase::Sealed => 1,
        });
        w.u8(versioning_number(self.versioning));
        w.u64(self.sequence.0).time(self.last_modified).u64(self.versions);
        self.live.write(w);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(BucketRecord {
            name: BucketName::parse(&r.text()?).map_err(|_| r.malformed())?,
            owner: r.text()?,
            phase: match r.u8()? {
                0 => BucketPhase::Open,
                1 => BucketPhase::Sealed,
                _ => return Err(r.malformed()),
            },
            versioning: read_versioning(r)?,
            sequence: Sequence(r.u64()?),
            last_modified: r.time()?,
            versions: r.u64()?,
            live: Tree::read(r)?,
        })
    }
}

pub(crate) fn versioning_number(state: VersioningState) -> u8 {
    match state {
        VersioningState::Unversioned => 0,
        VersioningState::Enabled => 1,
        VersioningState::Suspended => 2,
    }
}

pub(crate) fn read_versioning(r: &mut Reader) -> Result<VersioningState, Malformed> {
    match r.u8()? {
        0 => Ok(VersioningState::Unversioned),
        1 => Ok(VersioningState::Enabled),
        2 => Ok(VersioningState::Suspended),
        _ => Err(r.malformed()),
    }
}
