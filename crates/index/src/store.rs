//! Typed access to rows: records by key, and the few lookups that both `apply` and `answer` need.

use crate::keys;
use crate::records::{BucketPhase, BucketRecord, Record, VersionRecord};
use crate::rows::{ReadRows, Rows, RowsError};
use bytes::Bytes;
use esker_types::{BucketId, Sequence, VersionId};
use std::ops::ControlFlow;

pub(crate) fn load<T: Record, R: ReadRows + ?Sized>(rows: &R, key: &[u8]) -> Result<Option<T>, RowsError> {
    rows.get(key)?
        .map(|value| T::decode(value).map_err(|e| RowsError::corrupt(key, e.to_string())))
        .transpose()
}

pub(crate) fn save<T: Record, R: Rows + ?Sized>(rows: &mut R, key: Vec<u8>, record: &T) {
    rows.put(key, record.encode());
}

/// Up to `most` rows under a prefix, in order.
pub(crate) fn rows_under<R: ReadRows + ?Sized>(
    rows: &R,
    prefix: &[u8],
    most: usize,
) -> Result<Vec<(Vec<u8>, Bytes)>, RowsError> {
    let mut found = Vec::new();
    rows.scan(prefix, &keys::prefix_end(prefix), &mut |row, value| {
        found.push((row.to_vec(), value.clone()));
        if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

/// Records under a prefix, in order; `split` takes their keys apart.
pub(crate) fn records_under<T: Record, K, R: ReadRows + ?Sized>(
    rows: &R,
    prefix: &[u8],
    split: impl Fn(&[u8]) -> Option<K>,
) -> Result<Vec<(K, T)>, RowsError> {
    rows_under(rows, prefix, usize::MAX)?
        .into_iter()
        .map(|(row, value)| {
            let key = split(&row).ok_or_else(|| RowsError::corrupt(&row, "malformed key"))?;
            let record = T::decode(value).map_err(|e| RowsError::corrupt(&row, e.to_string()))?;
            Ok((key, record))
        })
        .collect()
}

/// The incarnation, if it takes commands.
pub(crate) fn open_bucket<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
) -> Result<Option<BucketRecord>, RowsError> {
    let record: Option<BucketRecord> = load(rows, &keys::bucket(bucket))?;
    Ok(record.filter(|record| record.phase == BucketPhase::Open))
}

/// A version and its place in the order.
pub(crate) type Placed = (Sequence, VersionRecord);

/// The newest version of a key: object or marker.
pub(crate) fn newest<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    key: &[u8],
) -> Result<Option<Placed>, RowsError> {
    let start = keys::key_versions(bucket, key);
    let mut first = None;
    rows.scan(&start, &keys::prefix_end(&start), &mut |row, value| {
        first = Some((row.to_vec(), value.clone()));
        ControlFlow::Break(())
    })?;
    let Some((row, value)) = first else { return Ok(None) };
    let (_, sequence) =
        keys::split_version(&row).ok_or_else(|| RowsError::corrupt(&row, "bad version key"))?;
    let record = VersionRecord::decode(value).map_err(|e| RowsError::corrupt(&row, e.to_string()))?;
    Ok(Some((sequence, record)))
}

/// The sequence of a key's null version.
pub(crate) fn null_sequence<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    key: &[u8],
) -> Result<Option<Sequence>, RowsError> {
    let row = keys::null(bucket, key);
    let Some(value) = rows.get(&row)? else { return Ok(None) };
    let bytes =
        <[u8; 8]>::try_from(value.as_ref()).map_err(|_| RowsError::corrupt(&row, "not a sequence"))?;
    Ok(Some(Sequence(u64::from_be_bytes(bytes))))
}

/// The version of a key that has this id.
pub(crate) fn version<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    key: &[u8],
    id: VersionId,
) -> Result<Option<Placed>, RowsError> {
    let sequence = match id {
        VersionId::Null => null_sequence(rows, bucket, key)?,
        VersionId::Id(id) => Some(id.sequence()),
    };
    let Some(sequence) = sequence else { return Ok(None) };
    let record: Option<VersionRecord> = load(rows, &keys::version(bucket, key, sequence))?;
    Ok(record.filter(|record| record.id == id).map(|record| (sequence, record)))
}
