//! The values of rows. Format version 1 of each; golden bytes are in `tests/formats.rs`.

use crate::codec::{Malformed, Reader, Writer};
use crate::live::Tree;
use crate::outcome::OutcomeRecord;
use bytes::Bytes;
use esker_types::{
    BucketId, BucketName, Checksum, ChecksumAlgorithm, ChecksumType, DataId, ETag, Extent, GroupId,
    ManifestId, ObjectChecksum, Sequence, Timestamp, VersionId, VersionUuid, VersioningState,
};

/// A value that is stored in rows.
pub trait Record: Sized {
    /// What error messages call it.
    const NAME: &'static str;
    /// Writes all fields.
    fn write(&self, w: &mut Writer);
    /// Reads all fields.
    fn read(r: &mut Reader) -> Result<Self, Malformed>;

    /// The row's value.
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::versioned(1);
        self.write(&mut w);
        w.finish()
    }

    /// The record that a row's value holds.
    fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let (mut r, _) = Reader::versioned(bytes, Self::NAME, 1)?;
        let record = Self::read(&mut r)?;
        r.finish()?;
        Ok(record)
    }
}

/// What a Raft group knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct GroupRecord {
    /// The group's logical time: the largest `proposed_at` that it applied.
    pub time: Timestamp,
    /// The last bucket id that was given out (group 0 only).
    pub last_bucket: u64,
    /// The number of the next garbage entry.
    pub next_garbage: u64,
    /// No garbage entry has a lower number.
    pub first_garbage: u64,
    /// Outcomes with deadlines below this are gone.
    pub outcomes_from: Timestamp,
    /// Completed uploads to be forgotten before this are gone.
    pub completed_from: Timestamp,
}

impl Record for GroupRecord {
    const NAME: &'static str = "group record";

    fn write(&self, w: &mut Writer) {
        w.time(self.time).u64(self.last_bucket).u64(self.next_garbage).u64(self.first_garbage);
        w.time(self.outcomes_from).time(self.completed_from);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(GroupRecord {
            time: r.time()?,
            last_bucket: r.u64()?,
            next_garbage: r.u64()?,
            first_garbage: r.u64()?,
            outcomes_from: r.time()?,
            completed_from: r.time()?,
        })
    }
}

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

/// An immutable object: everything that HEAD shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRecord {
    /// Length of the body in bytes.
    pub size: u64,
    /// The entity tag.
    pub etag: ETag,
    /// The checksum that the client chose, or the default one.
    pub checksum: Option<ObjectChecksum>,
    /// The number of parts, for an object made by a multipart upload.
    pub parts: Option<u16>,
    /// Where its bytes are; none if it has no bytes and no parts.
    pub manifest: Option<ManifestId>,
    /// Headers that are stored and returned as they came: lower-case name and exact value.
    pub headers: Vec<(String, String)>,
}

/// What a version is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionBody {
    /// The key was deleted.
    DeleteMarker,
    /// An object.
    Object(ObjectRecord),
}

/// One version of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRecord {
    /// Its id. `Null` for at most one version of a key.
    pub id: VersionId,
    /// When it was ordered.
    pub last_modified: Timestamp,
    /// What it is.
    pub body: VersionBody,
}

impl VersionRecord {
    /// The object, unless this is a delete marker.
    pub fn object(&self) -> Option<&ObjectRecord> {
        match &self.body {
            VersionBody::DeleteMarker => None,
            VersionBody::Object(object) => Some(object),
        }
    }
}

impl Record for VersionRecord {
    const NAME: &'static str = "version record";

    fn write(&self, w: &mut Writer) {
        write_version_id(w, self.id);
        w.time(self.last_modified);
        match &self.body {
            VersionBody::DeleteMarker => {
                w.u8(0);
            }
            VersionBody::Object(object) => {
                w.u8(1).u64(object.size).etag(&object.etag);
                w.option(object.checksum.as_ref(), |w, c| {
                    w.object_checksum(c);
                });
                w.u16(object.parts.unwrap_or(0));
                w.option(object.manifest, |w, m| {
                    w.raw(m.as_bytes());
                });
                w.pairs(&object.headers);
            }
        }
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(VersionRecord {
            id: read_version_id(r)?,
            last_modified: r.time()?,
            body: match r.u8()? {
                0 => VersionBody::DeleteMarker,
                1 => VersionBody::Object(ObjectRecord {
                    size: r.u64()?,
                    etag: r.etag()?,
                    checksum: r.option(Reader::object_checksum)?,
                    parts: Some(r.u16()?).filter(|parts| *parts > 0),
                    manifest: r.option(|r| Ok(ManifestId::from_bytes(r.array()?)))?,
                    headers: r.pairs()?,
                }),
                _ => return Err(r.malformed()),
            },
        })
    }
}

pub(crate) fn write_version_id(w: &mut Writer, id: VersionId) {
    match id {
        VersionId::Null => w.u8(0),
        VersionId::Id(id) => w.u8(1).raw(id.uuid().as_bytes()),
    };
}

pub(crate) fn read_version_id(r: &mut Reader) -> Result<VersionId, Malformed> {
    match r.u8()? {
        0 => Ok(VersionId::Null),
        // Any UUID: a client may name one that the server never made.
        1 => VersionId::parse(&uuid::Uuid::from_bytes(r.array()?).as_hyphenated().to_string())
            .map_err(|_| r.malformed()),
        _ => Err(r.malformed()),
    }
}

/// The id of the version that `sequence` made, as the bucket's state decides.
pub(crate) fn version_id(state: VersioningState, sequence: Sequence, entropy: u64) -> VersionId {
    match state {
        VersioningState::Enabled => VersionId::Id(VersionUuid::new(sequence, entropy)),
        VersioningState::Unversioned | VersioningState::Suspended => VersionId::Null,
    }
}

/// Where a manifest's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestBody {
    /// In the index itself.
    Inline(Bytes),
    /// On storage nodes, in order.
    Extents(Vec<Extent>),
}

/// One part of a multipart object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSummary {
    /// Its number, 1 to 10,000.
    pub number: u16,
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum, if the upload has an algorithm.
    pub checksum: Option<Checksum>,
}

/// The data of one upload: what versions share and what is reference-counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRecord {
    /// Where the bytes are.
    pub body: ManifestBody,
    /// The parts in order; empty unless it is a multipart object.
    pub parts: Vec<PartSummary>,
}

impl Record for ManifestRecord {
    const NAME: &'static str = "manifest";

    fn write(&self, w: &mut Writer) {
        match &self.body {
            ManifestBody::Inline(bytes) => w.u8(0).bytes(bytes),
            ManifestBody::Extents(extents) => w.u8(1).list(extents, |w, extent| {
                w.raw(extent.data.as_bytes()).u64(extent.offset).u64(extent.length);
            }),
        };
        w.list(&self.parts, |w, part| {
            w.u16(part.number).u64(part.size).option(part.checksum.as_ref(), |w, c| {
                w.checksum(c);
            });
        });
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(ManifestRecord {
            body: match r.u8()? {
                0 => ManifestBody::Inline(r.bytes()?),
                1 => ManifestBody::Extents(r.list(|r| {
                    Ok(Extent { data: DataId::from_bytes(r.array()?), offset: r.u64()?, length: r.u64()? })
                })?),
                _ => return Err(r.malformed()),
            },
            parts: r.list(|r| {
                Ok(PartSummary { number: r.u16()?, size: r.u64()?, checksum: r.option(Reader::checksum)? })
            })?,
        })
    }
}

/// What the group knows of a data id. No row: nothing, so an upload may still be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataRecord {
    /// A manifest or a part refers to it, or it is in a garbage entry.
    Held,
    /// A sweep found it unreferenced; no later command may commit it.
    Condemned(Timestamp),
}

impl Record for DataRecord {
    const NAME: &'static str = "data record";

    fn write(&self, w: &mut Writer) {
        match self {
            DataRecord::Held => w.u8(0),
            DataRecord::Condemned(at) => w.u8(1).time(*at),
        };
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        match r.u8()? {
            0 => Ok(DataRecord::Held),
            1 => Ok(DataRecord::Condemned(r.time()?)),
            _ => Err(r.malformed()),
        }
    }
}

/// Data whose last user is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GarbageItem {
    /// A manifest; its row stays until its data is deleted.
    Manifest(ManifestId),
    /// Uploads or parts that no manifest took, with their lengths in bytes.
    Data(Vec<(DataId, u64)>),
}

/// A garbage entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarbageRecord {
    /// When the last user went, by the group's logical time.
    pub since: Timestamp,
    /// How many of its data ids were reclaimed already.
    pub reclaimed: u32,
    /// The data.
    pub item: GarbageItem,
}

impl Record for GarbageRecord {
    const NAME: &'static str = "garbage entry";

    fn write(&self, w: &mut Writer) {
        w.time(self.since).u32(self.reclaimed);
        match &self.item {
            GarbageItem::Manifest(manifest) => w.u8(0).raw(manifest.as_bytes()),
            GarbageItem::Data(list) => w.u8(1).list(list, |w, (data, length)| {
                w.raw(data.as_bytes()).u64(*length);
            }),
        };
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(GarbageRecord {
            since: r.time()?,
            reclaimed: r.u32()?,
            item: match r.u8()? {
                0 => GarbageItem::Manifest(ManifestId::from_bytes(r.array()?)),
                1 => GarbageItem::Data(r.list(|r| Ok((DataId::from_bytes(r.array()?), r.u64()?)))?),
                _ => return Err(r.malformed()),
            },
        })
    }
}

/// The checksum that the parts of an upload carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadChecksum {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// What the object's value is computed over.
    pub kind: ChecksumType,
}

/// A multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// When it was initiated.
    pub initiated: Timestamp,
    /// The headers that the object will have.
    pub headers: Vec<(String, String)>,
    /// The checksum that the client chose.
    pub checksum: Option<UploadChecksum>,
}

impl Record for UploadRecord {
    const NAME: &'static str = "upload record";

    fn write(&self, w: &mut Writer) {
        w.time(self.initiated).pairs(&self.headers).option(self.checksum, |w, c| {
            w.u8(crate::codec::algorithm_number(c.algorithm)).u8(match c.kind {
                ChecksumType::FullObject => 0,
                ChecksumType::Composite => 1,
            });
        });
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(UploadRecord {
            initiated: r.time()?,
            headers: r.pairs()?,
            checksum: r.option(|r| {
                Ok(UploadChecksum {
                    algorithm: r.algorithm()?,
                    kind: match r.u8()? {
                        0 => ChecksumType::FullObject,
                        1 => ChecksumType::Composite,
                        _ => return Err(r.malformed()),
                    },
                })
            })?,
        })
    }
}

/// One uploaded part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRecord {
    /// Its number, 1 to 10,000.
    pub number: u16,
    /// Its length in bytes.
    pub size: u64,
    /// The MD5 of its bytes.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Option<Checksum>,
    /// Its data; none if it is empty.
    pub data: Option<DataId>,
    /// When it was uploaded.
    pub last_modified: Timestamp,
}

/// Neighbouring parts of an upload, in order of their numbers. Parts share rows so that completing or
/// aborting an upload of 10,000 parts stays within the bound on rows that one command touches.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartPage {
    /// The parts whose number divided by [`PartPage::SPAN`] is the page's number.
    pub parts: Vec<PartRecord>,
}

impl PartPage {
    /// How many part numbers share a row.
    pub const SPAN: u16 = 64;

    /// The page that holds a part number.
    pub fn of(number: u16) -> u16 {
        number / PartPage::SPAN
    }
}

impl Record for PartPage {
    const NAME: &'static str = "page of parts";

    fn write(&self, w: &mut Writer) {
        w.list(&self.parts, |w, part| {
            w.u16(part.number).u64(part.size).etag(&part.etag);
            w.option(part.checksum.as_ref(), |w, c| {
                w.checksum(c);
            });
            w.option(part.data, |w, d| {
                w.raw(d.as_bytes());
            });
            w.time(part.last_modified);
        });
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let parts = r.list(|r| {
            Ok(PartRecord {
                number: r.u16()?,
                size: r.u64()?,
                etag: r.etag()?,
                checksum: r.option(Reader::checksum)?,
                data: r.option(|r| Ok(DataId::from_bytes(r.array()?)))?,
                last_modified: r.time()?,
            })
        })?;
        Ok(PartPage { parts })
    }
}

/// A completed upload, kept for replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedRecord {
    /// Of the key and the parts that were named.
    pub fingerprint: u64,
    /// What completing gave.
    pub outcome: OutcomeRecord,
}

impl Record for CompletedRecord {
    const NAME: &'static str = "completed upload";

    fn write(&self, w: &mut Writer) {
        w.u64(self.fingerprint);
        self.outcome.write(w);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(CompletedRecord { fingerprint: r.u64()?, outcome: OutcomeRecord::read(r)? })
    }
}
