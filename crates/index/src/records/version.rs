//! Rows of versions.

use super::Record;
use crate::codec::{Malformed, Reader, Writer};
use esker_types::{
    ETag, ManifestId, ObjectChecksum, Sequence, Timestamp, VersionId, VersionUuid, VersioningState,
};

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
