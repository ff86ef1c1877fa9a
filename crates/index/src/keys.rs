//! Where each row lives: one tag byte, then fields whose bytes sort as the values do.
//!
//! | tag | fields | value |
//! |---|---|---|
//! | `A` | | [`GroupRecord`](crate::records::GroupRecord) |
//! | `B` | bucket name | directory entry (group 0 only) |
//! | `C` | bucket id | [`BucketRecord`](crate::records::BucketRecord) |
//! | `D` | data id | whether the data is held or condemned |
//! | `G` | number | garbage entry, oldest first |
//! | `H` | node id | node that was not removed (group 0 only) |
//! | `J` | node id | node that was removed (group 0 only) |
//! | `L` | bucket id, node number | node of the live-key index |
//! | `M` | manifest id | manifest |
//! | `N` | bucket id, key | sequence of the key's null version |
//! | `P` | bucket id, upload id, page | a page of parts |
//! | `Q` | manifest id | reference count, when it is above 1 |
//! | `R` | deadline, request id | outcome of a command |
//! | `S` | | [`TopologyRecord`](crate::records::TopologyRecord) (group 0 only) |
//! | `T` | placement group | [`PlacementState`](crate::records::PlacementState) (group 0 only) |
//! | `U` | bucket id, key, upload id | multipart upload in progress |
//! | `V` | bucket id, key, inverted sequence | version |
//! | `W` | node id, data id | data that the node has to repair |
//! | `X` | bucket id, upload id | completed upload |
//! | `Y` | time, bucket id, upload id | when a completed upload is forgotten |
//!
//! An object key inside a row key has its NULs written as `00 FF` and ends in `00 00`, so that row keys sort as
//! (object key, rest) and no object key's rows lie within another's.

mod cluster;

pub use cluster::*;

use esker_types::{BucketId, DataId, ManifestId, RequestId, Sequence, Timestamp, UploadId};

/// Builds row keys.
#[derive(Debug)]
pub struct RowKey(Vec<u8>);

impl RowKey {
    /// A key of this kind.
    pub fn tag(tag: u8) -> RowKey {
        RowKey(vec![tag])
    }

    fn raw(mut self, bytes: &[u8]) -> RowKey {
        self.0.extend_from_slice(bytes);
        self
    }

    fn bucket(self, bucket: BucketId) -> RowKey {
        self.raw(&bucket.0.to_be_bytes())
    }

    fn object(mut self, key: &[u8]) -> RowKey {
        escape_into(&mut self.0, key);
        self.raw(&[0, 0])
    }
}

fn escape_into(out: &mut Vec<u8>, key: &[u8]) {
    for byte in key {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
}

/// Reads an object key off the front of `bytes`; returns it and what follows its end mark.
pub fn split_object_key(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut key = Vec::with_capacity(bytes.len());
    let mut i = 0;
    loop {
        match (bytes.get(i)?, bytes.get(i + 1)) {
            (0, Some(0)) => return Some((key, &bytes[i + 2..])),
            (0, Some(0xff)) => {
                key.push(0);
                i += 2;
            }
            (0, _) => return None,
            (byte, _) => {
                key.push(*byte);
                i += 1;
            }
        }
    }
}

/// The first key after every key that starts with `prefix`.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while end.pop_if(|byte| *byte == 0xff).is_some() {}
    match end.last_mut() {
        Some(last) => *last += 1,
        // Row keys lead with a tag below 0xff, so a prefix of one never gets here.
        None => end.push(0xff),
    }
    end
}

/// The group's own row.
pub fn group() -> Vec<u8> {
    vec![b'A']
}

/// The directory entry of a bucket's name.
pub fn directory(name: &str) -> Vec<u8> {
    RowKey::tag(b'B').raw(name.as_bytes()).0
}

/// The start of all directory entries.
pub fn directories() -> Vec<u8> {
    vec![b'B']
}

/// A bucket incarnation.
pub fn bucket(bucket: BucketId) -> Vec<u8> {
    RowKey::tag(b'C').bucket(bucket).0
}

/// The start of all bucket incarnations.
pub fn buckets() -> Vec<u8> {
    vec![b'C']
}

/// What is known of a data id.
pub fn data(data: DataId) -> Vec<u8> {
    RowKey::tag(b'D').raw(data.as_bytes()).0
}

/// A garbage entry.
pub fn garbage(number: u64) -> Vec<u8> {
    RowKey::tag(b'G').raw(&number.to_be_bytes()).0
}

/// The start of a bucket's live-key index.
pub fn live(bucket: BucketId) -> Vec<u8> {
    RowKey::tag(b'L').bucket(bucket).0
}

/// A manifest.
pub fn manifest(manifest: ManifestId) -> Vec<u8> {
    RowKey::tag(b'M').raw(manifest.as_bytes()).0
}

/// A manifest's reference count.
pub fn references(manifest: ManifestId) -> Vec<u8> {
    RowKey::tag(b'Q').raw(manifest.as_bytes()).0
}

/// The sequence of a key's null version.
pub fn null(bucket: BucketId, key: &[u8]) -> Vec<u8> {
    RowKey::tag(b'N').bucket(bucket).object(key).0
}

/// The start of a bucket's versions.
pub fn bucket_versions(bucket: BucketId) -> Vec<u8> {
    RowKey::tag(b'V').bucket(bucket).0
}

/// The start of a key's versions.
pub fn key_versions(bucket: BucketId, key: &[u8]) -> Vec<u8> {
    RowKey::tag(b'V').bucket(bucket).object(key).0
}

/// Where the versions of the first key that is not below `text` start. `text` may be any bytes, a prefix or a
/// marker that is no key.
pub fn versions_from(bucket: BucketId, text: &[u8]) -> Vec<u8> {
    let mut row = RowKey::tag(b'V').bucket(bucket).0;
    escape_into(&mut row, text);
    row
}

/// One version. Newer versions of a key sort first.
pub fn version(bucket: BucketId, key: &[u8], sequence: Sequence) -> Vec<u8> {
    RowKey::tag(b'V').bucket(bucket).object(key).raw(&(!sequence.0).to_be_bytes()).0
}

/// Takes a version's row key apart: object key and sequence.
pub fn split_version(row: &[u8]) -> Option<(Vec<u8>, Sequence)> {
    let (key, rest) = split_object_key(row.get(9..)?)?;
    Some((key, version_rest(rest)?))
}

/// What follows the object key in a version's row key.
pub fn version_rest(rest: &[u8]) -> Option<Sequence> {
    Some(Sequence(!u64::from_be_bytes(rest.try_into().ok()?)))
}

/// The outcome of a command.
pub fn outcome(deadline: Timestamp, request: RequestId) -> Vec<u8> {
    RowKey::tag(b'R').raw(&deadline.0.to_be_bytes()).raw(request.as_bytes()).0
}

/// Where outcomes with this deadline or a later one start.
pub fn outcomes_from(deadline: Timestamp) -> Vec<u8> {
    RowKey::tag(b'R').raw(&deadline.0.to_be_bytes()).0
}

/// The start of a bucket's uploads in progress.
pub fn bucket_uploads(bucket: BucketId) -> Vec<u8> {
    RowKey::tag(b'U').bucket(bucket).0
}

/// Where the uploads of the first key that is not below `text` start.
pub fn uploads_from(bucket: BucketId, text: &[u8]) -> Vec<u8> {
    let mut row = RowKey::tag(b'U').bucket(bucket).0;
    escape_into(&mut row, text);
    row
}

/// The start of a key's uploads in progress.
pub fn key_uploads(bucket: BucketId, key: &[u8]) -> Vec<u8> {
    RowKey::tag(b'U').bucket(bucket).object(key).0
}

/// An upload in progress.
pub fn upload(bucket: BucketId, key: &[u8], upload: UploadId) -> Vec<u8> {
    RowKey::tag(b'U').bucket(bucket).object(key).raw(upload.as_bytes()).0
}

/// Takes an upload's row key apart: object key and upload id.
pub fn split_upload(row: &[u8]) -> Option<(Vec<u8>, UploadId)> {
    let (key, rest) = split_object_key(row.get(9..)?)?;
    Some((key, upload_rest(rest)?))
}

/// What follows the object key in an upload's row key.
pub fn upload_rest(rest: &[u8]) -> Option<UploadId> {
    Some(UploadId::from_bytes(rest.try_into().ok()?))
}

/// The start of an upload's pages of parts.
pub fn parts(bucket: BucketId, upload: UploadId) -> Vec<u8> {
    RowKey::tag(b'P').bucket(bucket).raw(upload.as_bytes()).0
}

/// One page of an upload's parts.
pub fn part_page(bucket: BucketId, upload: UploadId, page: u16) -> Vec<u8> {
    RowKey::tag(b'P').bucket(bucket).raw(upload.as_bytes()).raw(&page.to_be_bytes()).0
}

/// A completed upload.
pub fn completed(bucket: BucketId, upload: UploadId) -> Vec<u8> {
    RowKey::tag(b'X').bucket(bucket).raw(upload.as_bytes()).0
}

/// The start of a bucket's completed uploads.
pub fn bucket_completed(bucket: BucketId) -> Vec<u8> {
    RowKey::tag(b'X').bucket(bucket).0
}

/// When a completed upload is forgotten.
pub fn completed_until(time: Timestamp, bucket: BucketId, upload: UploadId) -> Vec<u8> {
    RowKey::tag(b'Y').raw(&time.0.to_be_bytes()).bucket(bucket).raw(upload.as_bytes()).0
}

/// Where uploads to be forgotten at this time or later start.
pub fn completed_until_from(time: Timestamp) -> Vec<u8> {
    RowKey::tag(b'Y').raw(&time.0.to_be_bytes()).0
}

/// Takes a [`completed_until`] key apart.
pub fn split_completed_until(row: &[u8]) -> Option<(Timestamp, BucketId, UploadId)> {
    let time = u64::from_be_bytes(row.get(1..9)?.try_into().ok()?);
    let bucket = u64::from_be_bytes(row.get(9..17)?.try_into().ok()?);
    Some((Timestamp(time), BucketId(bucket), UploadId::from_bytes(row.get(17..)?.try_into().ok()?)))
}

#[cfg(test)]
mod tests;
