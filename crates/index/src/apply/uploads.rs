//! Multipart uploads. The version is ordered, and dated, when the upload completes.

use super::{Applied, Context, data, done, objects, refuse, repairs, versions};
use crate::command::{CommandBody, CompletePart, Target};
use crate::keys;
use crate::outcome::{Done, Outcome, OutcomeRecord, Refusal};
use crate::records::{
    CompletedRecord, ManifestBody, ManifestRecord, ObjectRecord, PartPage, PartRecord, PartSummary, Record,
    UploadChecksum, UploadRecord, VersionBody,
};
use crate::rows::{ReadRows, Rows, RowsError};
use crate::store::{load, newest, save};
use esker_types::limits::{OBJECT_BYTES_MAX, PART_BYTES_MIN, PART_NUMBER_MAX, PUT_BYTES_MAX};
use esker_types::{BucketId, DataId, Extent, ManifestId, UploadId};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

pub(super) fn create<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    target: &Target,
    upload: UploadId,
    headers: &[(String, String)],
    checksum: Option<UploadChecksum>,
) -> Applied {
    if context.bucket(target.bucket)?.is_none() {
        refuse!(Refusal::NoSuchBucket);
    }
    let record = UploadRecord { initiated: context.time(), headers: headers.to_vec(), checksum };
    save(context.rows, keys::upload(target.bucket, target.key.as_bytes(), upload), &record);
    done()
}

fn find<R: ReadRows + ?Sized>(
    rows: &R,
    target: &Target,
    upload: UploadId,
) -> Result<Option<UploadRecord>, RowsError> {
    load(rows, &keys::upload(target.bucket, target.key.as_bytes(), upload))
}

pub(super) fn put_part<R: Rows + ?Sized>(context: &mut Context<'_, R>) -> Applied {
    let command = context.command;
    let CommandBody::PutPart { target, upload, number, size, etag, checksum, data: stored } = &command.body
    else {
        refuse!(Refusal::Malformed)
    };
    let late = stored.as_ref().map_or(0, |stored| stored.late.len());
    if !(1..=PART_NUMBER_MAX).contains(number)
        || *size > PUT_BYTES_MAX
        || stored.is_some() != (*size > 0)
        || late > CommandBody::NODES_MAX
    {
        refuse!(Refusal::Malformed);
    }
    if context.bucket(target.bucket)?.is_none() {
        refuse!(Refusal::NoSuchBucket);
    }
    if find(context.rows, target, *upload)?.is_none() {
        refuse!(Refusal::NoSuchUpload);
    }
    if let Some(stored) = stored {
        if !data::hold(context, stored.data)? {
            refuse!(Refusal::DataSettled);
        }
        repairs::add(context, stored, *size)?;
    }
    let row = keys::part_page(target.bucket, *upload, PartPage::of(*number));
    let mut page: PartPage = load(context.rows, &row)?.unwrap_or_default();
    let part = PartRecord {
        number: *number,
        size: *size,
        etag: etag.clone(),
        checksum: checksum.clone(),
        data: stored.as_ref().map(|stored| stored.data),
        last_modified: context.time(),
    };
    match page.parts.binary_search_by_key(number, |part| part.number) {
        Ok(at) => {
            let old = std::mem::replace(&mut page.parts[at], part);
            data::add_garbage(context, old.data.map(|data| (data, old.size)).as_slice());
        }
        Err(at) => page.parts.insert(at, part),
    }
    save(context.rows, row, &page);
    Ok(Ok(Done::PartWritten { last_modified: context.time() }))
}

/// The pages of an upload's parts: row key and parts.
fn pages<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    upload: UploadId,
) -> Result<Vec<(Vec<u8>, PartPage)>, RowsError> {
    let prefix = keys::parts(bucket, upload);
    let mut found = Vec::new();
    rows.scan(&prefix, &keys::prefix_end(&prefix), &mut |row, value| {
        found.push((row.to_vec(), value.clone()));
        ControlFlow::Continue(())
    })?;
    found
        .into_iter()
        .map(|(row, value)| match PartPage::decode(value) {
            Ok(page) => Ok((row, page)),
            Err(e) => Err(RowsError::corrupt(&row, e.to_string())),
        })
        .collect()
}

/// All parts of an upload, by number.
pub(crate) fn all_parts<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    upload: UploadId,
) -> Result<Vec<PartRecord>, RowsError> {
    Ok(pages(rows, bucket, upload)?.into_iter().flat_map(|(_, page)| page.parts).collect())
}

/// Removes the rows of an upload's parts and returns their data.
pub(super) fn take_parts<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    bucket: BucketId,
    upload: UploadId,
) -> Result<Vec<(DataId, u64)>, RowsError> {
    let mut data = Vec::new();
    for (row, page) in pages(context.rows, bucket, upload)? {
        context.rows.delete(row);
        data.extend(page.parts.iter().filter_map(|part| Some((part.data?, part.size))));
    }
    Ok(data)
}

pub(super) fn abort<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    target: &Target,
    upload: UploadId,
) -> Applied {
    if context.bucket(target.bucket)?.is_none() {
        refuse!(Refusal::NoSuchBucket);
    }
    if find(context.rows, target, upload)?.is_none() {
        refuse!(Refusal::NoSuchUpload);
    }
    let unused = take_parts(context, target.bucket, upload)?;
    data::add_garbage(context, &unused);
    context.rows.delete(keys::upload(target.bucket, target.key.as_bytes(), upload));
    done()
}

/// Checks the parts that a Complete names against those that were uploaded, and returns them in order.
fn choose_parts(
    named: &[CompletePart],
    uploaded: &BTreeMap<u16, PartRecord>,
) -> Result<Vec<PartRecord>, Refusal> {
    if !named.is_sorted_by(|a, b| a.number < b.number) {
        return Err(Refusal::InvalidPartOrder);
    }
    let mut chosen: Vec<PartRecord> = Vec::with_capacity(named.len());
    for name in named {
        let part = uploaded.get(&name.number).filter(|part| {
            part.etag == name.etag && (name.checksum.is_none() || name.checksum == part.checksum)
        });
        chosen.push(part.ok_or(Refusal::InvalidPart { number: name.number })?.clone());
    }
    let Some((_, before_last)) = chosen.split_last() else { return Err(Refusal::Malformed) };
    match before_last.iter().find(|part| part.size < PART_BYTES_MIN) {
        Some(part) => Err(Refusal::EntityTooSmall { number: part.number, size: part.size }),
        None => Ok(chosen),
    }
}

fn check_size(parts: &[PartRecord], stated: Option<u64>) -> Result<u64, Refusal> {
    let actual = parts.iter().map(|part| part.size).sum();
    if actual > OBJECT_BYTES_MAX {
        return Err(Refusal::EntityTooLarge);
    }
    match stated {
        Some(stated) if stated != actual => Err(Refusal::SizeMismatch { actual }),
        _ => Ok(actual),
    }
}

/// How long the outcome of a Complete is kept for replays, in milliseconds: a week.
const COMPLETED_MILLIS: u64 = 7 * 24 * 3600 * 1000;

pub(super) fn complete<R: Rows + ?Sized>(context: &mut Context<'_, R>) -> Applied {
    let command = context.command;
    let CommandBody::CompleteUpload { target, upload, parts, etag, checksum, size, condition, entropy } =
        &command.body
    else {
        refuse!(Refusal::Malformed)
    };
    let Some(mut bucket) = context.bucket(target.bucket)? else { refuse!(Refusal::NoSuchBucket) };
    if let Some(replayed) = replay(context.rows, target, *upload, parts)? {
        return Ok(replayed);
    }
    let Some(record) = find(context.rows, target, *upload)? else { refuse!(Refusal::NoSuchUpload) };
    let uploaded = all_parts(context.rows, target.bucket, *upload)?;
    let uploaded: BTreeMap<u16, PartRecord> = uploaded.into_iter().map(|part| (part.number, part)).collect();
    let chosen = match choose_parts(parts, &uploaded) {
        Ok(chosen) => chosen,
        Err(refusal) => refuse!(refusal),
    };
    let actual_size = match check_size(&chosen, *size) {
        Ok(size) => size,
        Err(refusal) => refuse!(refusal),
    };
    let newest = newest(context.rows, target.bucket, target.key.as_bytes())?;
    if let Err(refusal) = objects::check_condition(condition, newest.as_ref()) {
        refuse!(refusal);
    }

    let unused = take_parts(context, target.bucket, *upload)?;
    let used: std::collections::BTreeSet<DataId> = chosen.iter().filter_map(|part| part.data).collect();
    let unused: Vec<(DataId, u64)> = unused.into_iter().filter(|(id, _)| !used.contains(id)).collect();
    data::add_garbage(context, &unused);
    context.rows.delete(keys::upload(target.bucket, target.key.as_bytes(), *upload));
    let manifest = ManifestId(upload.0);
    data::save_manifest(context, manifest, &manifest_of(&chosen));
    let body = VersionBody::Object(ObjectRecord {
        size: actual_size,
        etag: etag.clone(),
        checksum: checksum.clone(),
        parts: u16::try_from(chosen.len()).ok(),
        manifest: Some(manifest),
        headers: record.headers,
    });
    let (sequence, record) = versions::add(context, &mut bucket, target, newest.as_ref(), body, *entropy)?;
    let outcome = objects::written(sequence, &record, None)?;
    remember(context, target, *upload, parts, &outcome);
    Ok(outcome)
}

fn manifest_of(parts: &[PartRecord]) -> ManifestRecord {
    let extent = |part: &PartRecord| Some(Extent { data: part.data?, offset: 0, length: part.size });
    let summary = |part: &PartRecord| PartSummary {
        number: part.number,
        size: part.size,
        checksum: part.checksum.clone(),
    };
    ManifestRecord {
        body: ManifestBody::Extents(parts.iter().filter_map(extent).collect()),
        parts: parts.iter().map(summary).collect(),
    }
}

/// What a Complete named, condensed: a replay must name the same.
fn fingerprint(target: &Target, parts: &[CompletePart]) -> u64 {
    let mut hash = crate::hash::Fnv::new();
    hash.update(target.key.as_bytes());
    for part in parts {
        hash.update(&part.number.to_be_bytes());
        hash.update(&part.etag.md5());
    }
    hash.finish()
}

fn replay<R: ReadRows + ?Sized>(
    rows: &R,
    target: &Target,
    upload: UploadId,
    parts: &[CompletePart],
) -> Result<Option<Outcome>, RowsError> {
    let completed: Option<CompletedRecord> = load(rows, &keys::completed(target.bucket, upload))?;
    let same = completed.filter(|record| record.fingerprint == fingerprint(target, parts));
    Ok(same.map(|record| record.outcome.0))
}

fn remember<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    target: &Target,
    upload: UploadId,
    parts: &[CompletePart],
    outcome: &Outcome,
) {
    let record =
        CompletedRecord { fingerprint: fingerprint(target, parts), outcome: OutcomeRecord(outcome.clone()) };
    save(context.rows, keys::completed(target.bucket, upload), &record);
    let until = context.time().plus_millis(COMPLETED_MILLIS);
    context.rows.put(keys::completed_until(until, target.bucket, upload), Vec::new());
}
