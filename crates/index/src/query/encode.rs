//! Queries as bytes, for nodes that ask one another. The numbers of the kinds are never given out again.

use super::{Detail, KeyFilter, Query, VersionMarker};
use crate::codec::{Malformed, Reader, Writer};
use crate::records::{read_version_id, write_version_id};
use bytes::Bytes;
use esker_types::{BucketId, BucketName, DataId, NodeId, ObjectKey, UploadId};

const VERSION: u8 = 1;

impl Query {
    /// The bytes that are sent.
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(VERSION);
        write(&mut w, self);
        w.finish().into()
    }

    /// Reads what [`Query::encode`] wrote.
    pub fn decode(bytes: Bytes) -> Result<Query, Malformed> {
        let (mut r, _) = Reader::versioned(bytes, "query", VERSION)?;
        let query = read(&mut r)?;
        r.finish()?;
        Ok(query)
    }
}

fn write(w: &mut Writer, query: &Query) {
    match query {
        Query::Directory { name } => w.u8(1).text(name.as_str()),
        Query::Directories { prefix, after, limit } => {
            write_text_option(w.u8(2).text(prefix), after.as_deref()).count(*limit)
        }
        Query::Bucket { bucket } => w.u8(3).u64(bucket.0),
        Query::Version { bucket, key, version, detail } => {
            w.u8(4).u64(bucket.0).text(key.as_str()).option(*version, write_version_id).u8(match detail {
                Detail::Record => 0,
                Detail::Manifest => 1,
            })
        }
        Query::Versions { bucket, filter, after, limit } => {
            write_filter(w.u8(5).u64(bucket.0), filter);
            w.option(after.as_ref(), write_version_marker).count(*limit)
        }
        Query::Current { bucket, filter, after, limit } => {
            write_filter(w.u8(6).u64(bucket.0), filter);
            write_text_option(w, after.as_deref()).count(*limit)
        }
        Query::Uploads { bucket, filter, after, limit } => {
            write_filter(w.u8(7).u64(bucket.0), filter);
            w.option(after.as_ref(), write_upload_marker).count(*limit)
        }
        Query::Parts { bucket, key, upload, after, limit } => {
            w.u8(8).u64(bucket.0).text(key.as_str()).raw(upload.as_bytes()).u16(*after).count(*limit)
        }
        Query::Garbage { before, after: None, limit } => w.u8(9).time(*before).count(*limit),
        Query::Garbage { before, after: Some(after), limit } => {
            w.u8(15).time(*before).u64(*after).count(*limit)
        }
        Query::Unheld { data } => w.u8(10).list(data, |w, data| {
            w.raw(data.as_bytes());
        }),
        Query::Unfinished { limit } => w.u8(11).count(*limit),
        Query::Topology { newer_than } => w.u8(12).u64(*newer_than),
        Query::Repairs { node, after, limit } => {
            w.u8(13).u64(node.0).option(*after, |w, data| {
                w.raw(data.as_bytes());
            });
            w.count(*limit)
        }
        Query::GroupSummary => w.u8(14),
    };
}

fn read(r: &mut Reader) -> Result<Query, Malformed> {
    Ok(match r.u8()? {
        1 => Query::Directory { name: BucketName::parse(&r.text()?).map_err(|_| r.malformed())? },
        2 => Query::Directories { prefix: r.text()?, after: r.option(Reader::text)?, limit: r.count()? },
        3 => Query::Bucket { bucket: BucketId(r.u64()?) },
        4 => Query::Version {
            bucket: BucketId(r.u64()?),
            key: read_key(r)?,
            version: r.option(read_version_id)?,
            detail: match r.u8()? {
                0 => Detail::Record,
                1 => Detail::Manifest,
                _ => return Err(r.malformed()),
            },
        },
        5 => Query::Versions {
            bucket: BucketId(r.u64()?),
            filter: read_filter(r)?,
            after: r.option(read_version_marker)?,
            limit: r.count()?,
        },
        6 => Query::Current {
            bucket: BucketId(r.u64()?),
            filter: read_filter(r)?,
            after: r.option(Reader::text)?,
            limit: r.count()?,
        },
        7 => Query::Uploads {
            bucket: BucketId(r.u64()?),
            filter: read_filter(r)?,
            after: r.option(read_upload_marker)?,
            limit: r.count()?,
        },
        8 => Query::Parts {
            bucket: BucketId(r.u64()?),
            key: read_key(r)?,
            upload: UploadId::from_bytes(r.array()?),
            after: r.u16()?,
            limit: r.count()?,
        },
        9 => Query::Garbage { before: r.time()?, after: None, limit: r.count()? },
        15 => Query::Garbage { before: r.time()?, after: Some(r.u64()?), limit: r.count()? },
        10 => Query::Unheld { data: r.list(|r| Ok(DataId::from_bytes(r.array()?)))? },
        11 => Query::Unfinished { limit: r.count()? },
        12 => Query::Topology { newer_than: r.u64()? },
        13 => Query::Repairs {
            node: NodeId(r.u64()?),
            after: r.option(|r| Ok(DataId::from_bytes(r.array()?)))?,
            limit: r.count()?,
        },
        14 => Query::GroupSummary,
        _ => return Err(r.malformed()),
    })
}

fn write_filter(w: &mut Writer, filter: &KeyFilter) {
    write_text_option(w.text(&filter.prefix), filter.delimiter.as_deref());
}

/// A delimiter that is there is not empty, as its type says.
fn read_filter(r: &mut Reader) -> Result<KeyFilter, Malformed> {
    let filter = KeyFilter { prefix: r.text()?, delimiter: r.option(Reader::text)? };
    if filter.delimiter.as_deref() == Some("") { Err(r.malformed()) } else { Ok(filter) }
}

pub(super) fn write_text_option<'w>(w: &'w mut Writer, text: Option<&str>) -> &'w mut Writer {
    w.option(text, |w, text| {
        w.text(text);
    })
}

pub(super) fn read_key(r: &mut Reader) -> Result<ObjectKey, Malformed> {
    ObjectKey::parse(r.text()?).map_err(|_| r.malformed())
}

pub(super) fn write_version_marker(w: &mut Writer, marker: &VersionMarker) {
    w.text(&marker.key).option(marker.version, write_version_id);
}

pub(super) fn read_version_marker(r: &mut Reader) -> Result<VersionMarker, Malformed> {
    Ok(VersionMarker { key: r.text()?, version: r.option(read_version_id)? })
}

pub(super) fn write_upload_marker(w: &mut Writer, (key, upload): &(String, Option<UploadId>)) {
    w.text(key).option(*upload, |w, upload| {
        w.raw(upload.as_bytes());
    });
}

pub(super) fn read_upload_marker(r: &mut Reader) -> Result<(String, Option<UploadId>), Malformed> {
    Ok((r.text()?, r.option(|r| Ok(UploadId::from_bytes(r.array()?)))?))
}
