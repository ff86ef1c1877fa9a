//! Answers queries from one consistent view of the rows.

mod cluster;
mod current;
mod grouped;
mod uploads;
mod versions;

use crate::apply::data::{decode_entry, entry_data};
use crate::command::CommandBody;
use crate::keys;
use crate::query::{
    Answer, BucketSummary, Detail, GarbageWork, Query, Unfinished, VersionAnswer, VersionEntry,
};
use crate::records::{
    BucketPhase, BucketRecord, DataRecord, DirectoryEntry, DirectoryState, GroupRecord, ManifestRecord,
    Record,
};
use crate::rows::{ReadRows, RowsError};
use crate::store::{load, newest, open_bucket, version};
use esker_types::{BucketId, BucketName, ObjectKey, Timestamp, VersionId};
use std::ops::ControlFlow;

/// Answers one query.
pub fn answer<R: ReadRows + ?Sized>(rows: &R, query: &Query) -> Result<Answer, RowsError> {
    Ok(match query {
        Query::Directory { name } => Answer::Directory(load(rows, &keys::directory(name.as_str()))?),
        Query::Directories { prefix, after, limit } => directories(rows, prefix, after.as_deref(), *limit)?,
        Query::Bucket { bucket } => Answer::Bucket(open_bucket(rows, *bucket)?.map(|record| BucketSummary {
            versioning: record.versioning,
            sequence: record.sequence,
            versions: record.versions,
            objects: record.live.len(),
            name: record.name,
            owner: record.owner,
        })),
        Query::Version { bucket, key, version, detail } => {
            Answer::Version(one_version(rows, *bucket, key, *version, *detail)?)
        }
        Query::Versions { bucket, filter, after, limit } => {
            Answer::Versions(versions::page(rows, *bucket, filter, after.as_ref(), *limit)?)
        }
        Query::Current { bucket, filter, after, limit } => {
            Answer::Current(current::page(rows, *bucket, filter, after.as_deref(), *limit)?)
        }
        Query::Uploads { bucket, filter, after, limit } => {
            Answer::Uploads(uploads::page(rows, *bucket, filter, after.as_ref(), *limit)?)
        }
        Query::Parts { bucket, key, upload, after, limit } => {
            Answer::Parts(uploads::parts(rows, *bucket, key, *upload, *after, *limit)?)
        }
        Query::Garbage { before, after, limit } => Answer::Garbage(garbage(rows, *before, *after, *limit)?),
        Query::Unheld { data } => {
            let mut unheld = Vec::new();
            for id in data.iter().take(CommandBody::DATA_IDS_MAX) {
                if load::<DataRecord, _>(rows, &keys::data(*id))? != Some(DataRecord::Held) {
                    unheld.push(*id);
                }
            }
            Answer::Unheld(unheld)
        }
        Query::Unfinished { limit } => Answer::Unfinished(unfinished(rows, *limit)?),
        Query::Topology { newer_than } => Answer::Topology(cluster::topology(rows, *newer_than)?),
        Query::Repairs { node, after, limit } => {
            Answer::Repairs(cluster::repairs(rows, *node, *after, *limit)?)
        }
        Query::GroupSummary => Answer::GroupSummary(cluster::summary(rows)?),
    })
}

fn key_of(row: &[u8], bytes: Vec<u8>) -> Result<ObjectKey, RowsError> {
    let text = String::from_utf8(bytes).map_err(|_| RowsError::corrupt(row, "the key is not UTF-8"))?;
    ObjectKey::parse(text).map_err(|e| RowsError::corrupt(row, e.to_string()))
}

fn decode<T: Record>(row: &[u8], value: bytes::Bytes) -> Result<T, RowsError> {
    T::decode(value).map_err(|e| RowsError::corrupt(row, e.to_string()))
}

/// Turns a row into something, or leaves it out.
type Keep<'a, T> = dyn FnMut(&[u8], &bytes::Bytes) -> Result<Option<T>, RowsError> + 'a;

/// Collects rows of `start..end` that `keep` turns into something, until there are `most` or the rows end.
fn collect<R: ReadRows + ?Sized, T>(
    rows: &R,
    start: &[u8],
    end: &[u8],
    most: usize,
    keep: &mut Keep<'_, T>,
) -> Result<Vec<T>, RowsError> {
    let mut found = Vec::new();
    let mut failed = None;
    if most > 0 {
        rows.scan(start, end, &mut |row, value| {
            match keep(row, value) {
                Ok(Some(value)) => found.push(value),
                Ok(None) => {}
                Err(e) => {
                    failed = Some(e);
                    return ControlFlow::Break(());
                }
            }
            if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
    }
    failed.map_or(Ok(found), Err)
}

fn directories<R: ReadRows + ?Sized>(
    rows: &R,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Answer, RowsError> {
    let first = keys::directory(prefix);
    let end = keys::prefix_end(&first);
    // A name's successor is the name and a NUL, which no name holds.
    let start = after.map_or(first.clone(), |name| first.max([keys::directory(name), vec![0]].concat()));
    let mut entries = collect(rows, &start, &end, limit.saturating_add(1), &mut |row, value| {
        let entry: DirectoryEntry = decode(row, value.clone())?;
        let name = directory_name(row)?;
        Ok((entry.state == DirectoryState::Active).then_some((name, entry)))
    })?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    Ok(Answer::Directories { entries, more })
}

fn directory_name(row: &[u8]) -> Result<BucketName, RowsError> {
    let text = row.get(1..).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    BucketName::parse(text).map_err(|e| RowsError::corrupt(row, e.to_string()))
}

fn one_version<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    key: &ObjectKey,
    named: Option<VersionId>,
    detail: Detail,
) -> Result<Option<VersionAnswer>, RowsError> {
    let Some(record) = open_bucket(rows, bucket)? else { return Ok(None) };
    let newest = newest(rows, bucket, key.as_bytes())?;
    let newest_sequence = newest.as_ref().map(|(sequence, _)| *sequence);
    let found = match named {
        None => newest,
        Some(id) => version(rows, bucket, key.as_bytes(), id)?,
    };
    let manifest_id =
        found.as_ref().and_then(|(_, record)| record.object()).and_then(|object| object.manifest);
    let manifest = match (detail, manifest_id) {
        (Detail::Manifest, Some(id)) => {
            let row = keys::manifest(id);
            let manifest: Option<ManifestRecord> = load(rows, &row)?;
            Some(manifest.ok_or_else(|| RowsError::corrupt(&row, "the manifest is missing"))?)
        }
        _ => None,
    };
    Ok(Some(VersionAnswer {
        versioning: record.versioning,
        found: found.map(|(sequence, record)| VersionEntry {
            key: key.clone(),
            sequence,
            record,
            latest: newest_sequence == Some(sequence),
        }),
        manifest,
        key_exists: newest_sequence.is_some(),
    }))
}

fn garbage<R: ReadRows + ?Sized>(
    rows: &R,
    before: Timestamp,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<GarbageWork>, RowsError> {
    let group: GroupRecord = load(rows, &keys::group())?.unwrap_or_default();
    let first = group.first_garbage.max(after.map_or(0, |after| after.saturating_add(1)));
    if first >= group.next_garbage || limit == 0 {
        return Ok(Vec::new());
    }
    let (mut due, mut failed) = (Vec::new(), None);
    rows.scan(&keys::garbage(first), &keys::garbage(group.next_garbage), &mut |row, value| {
        match decode_entry(row, value.clone()) {
            // Entries are numbered in order of the group's time, so the first that is too young ends the search.
            Ok((_, entry)) if entry.since >= before => return ControlFlow::Break(()),
            Ok(found) => due.push(found),
            Err(error) => failed = Some(error),
        }
        if due.len() < limit && failed.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed.map_or(Ok(()), Err)?;
    due.into_iter()
        .map(|(number, entry)| {
            let data = entry_data(rows, &entry)?.into_iter().skip(entry.reclaimed as usize);
            let data = data.take(CommandBody::DATA_IDS_MAX).collect();
            Ok(GarbageWork { entry: number, reclaimed: entry.reclaimed, data })
        })
        .collect()
}

fn unfinished<R: ReadRows + ?Sized>(rows: &R, limit: usize) -> Result<Vec<Unfinished>, RowsError> {
    let prefix = keys::directories();
    let mut found = collect(rows, &prefix, &keys::prefix_end(&prefix), limit, &mut |row, value| {
        let entry: DirectoryEntry = decode(row, value.clone())?;
        let name = directory_name(row)?;
        Ok((entry.state == DirectoryState::Creating).then_some(Unfinished::Creating { name, entry }))
    })?;
    let prefix = keys::buckets();
    let left = limit - found.len();
    found.extend(collect(rows, &prefix, &keys::prefix_end(&prefix), left, &mut |row, value| {
        let record: BucketRecord = decode(row, value.clone())?;
        let bucket = row.get(1..).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map(u64::from_be_bytes);
        let bucket = BucketId(bucket.ok_or_else(|| RowsError::corrupt(row, "bad bucket key"))?);
        let name = record.name;
        Ok((record.phase == BucketPhase::Sealed).then_some(Unfinished::Sealed { name, bucket }))
    })?);
    Ok(found)
}
