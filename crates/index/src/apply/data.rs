//! Which data is in use: holds, reference counts, garbage, condemned orphans.
//!
//! A data id's row says that this group answers for it: a manifest or a part refers to it, or a garbage entry
//! lists it. It is written exactly once, by the command that first names the data, and removed when the data is
//! deleted everywhere. So data can't be committed twice, nor after it was given up or condemned.

use super::{Applied, Context, refuse};
use crate::command::{Command, CommandBody, ReclaimStep};
use crate::keys;
use crate::outcome::{Done, Refusal, Step};
use crate::records::{DataRecord, GarbageItem, GarbageRecord, ManifestBody, ManifestRecord, Record};
use crate::rows::{ReadRows, Rows, RowsError};
use crate::store::{load, save};
use esker_types::{DataId, ManifestId};
use std::ops::ControlFlow;

/// Takes responsibility for data; false if that was done before, or the data is condemned.
pub(super) fn hold<R: Rows + ?Sized>(context: &mut Context<'_, R>, data: DataId) -> Result<bool, RowsError> {
    let row = keys::data(data);
    if context.rows.get(&row)?.is_some() {
        return Ok(false);
    }
    save(context.rows, row, &DataRecord::Held);
    Ok(true)
}

pub(super) fn save_manifest<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    id: ManifestId,
    record: &ManifestRecord,
) {
    save(context.rows, keys::manifest(id), record);
}

fn references<R: ReadRows + ?Sized>(rows: &R, manifest: ManifestId) -> Result<u64, RowsError> {
    let row = keys::references(manifest);
    let Some(value) = rows.get(&row)? else { return Ok(1) };
    let bytes = <[u8; 8]>::try_from(value.as_ref()).map_err(|_| RowsError::corrupt(&row, "not a count"))?;
    Ok(u64::from_be_bytes(bytes))
}

fn set_references<R: Rows + ?Sized>(rows: &mut R, manifest: ManifestId, count: u64) {
    let row = keys::references(manifest);
    if count > 1 {
        rows.put(row, count.to_be_bytes().to_vec());
    } else {
        rows.delete(row);
    }
}

/// One more version uses the manifest.
pub(super) fn retain<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    manifest: ManifestId,
) -> Result<(), RowsError> {
    let count = references(context.rows, manifest)?;
    set_references(context.rows, manifest, count + 1);
    Ok(())
}

/// One version less uses the manifest; without any, its data is garbage.
pub(super) fn release<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    manifest: ManifestId,
) -> Result<(), RowsError> {
    let count = references(context.rows, manifest)?;
    if count > 1 {
        set_references(context.rows, manifest, count - 1);
        return Ok(());
    }
    let row = keys::manifest(manifest);
    let record: ManifestRecord =
        load(context.rows, &row)?.ok_or_else(|| RowsError::corrupt(&row, "the manifest is missing"))?;
    match record.body {
        // No node has to be asked to delete what is in this row, and a reader got it with its answer.
        ManifestBody::Inline(_) => context.rows.delete(row),
        ManifestBody::Extents(extents) => {
            let bytes = bytes_of(extents.iter().map(|extent| extent.length));
            add_entry(context, GarbageItem::Manifest(manifest), bytes);
        }
    }
    Ok(())
}

/// Wraps around: lengths are what commands say, and the group's counter is modulo 2^64.
pub(crate) fn bytes_of(lengths: impl Iterator<Item = u64>) -> u64 {
    lengths.fold(0, u64::wrapping_add)
}

fn add_entry<R: Rows + ?Sized>(context: &mut Context<'_, R>, item: GarbageItem, bytes: u64) {
    let record = GarbageRecord { since: context.time(), reclaimed: 0, item };
    save(context.rows, keys::garbage(context.group.next_garbage), &record);
    context.group.next_garbage += 1;
    context.group.count_garbage(bytes);
}

/// Lists held data that no manifest took as garbage.
pub(super) fn add_garbage<R: Rows + ?Sized>(context: &mut Context<'_, R>, data: &[(DataId, u64)]) {
    for chunk in data.chunks(CommandBody::DATA_IDS_MAX) {
        let bytes = bytes_of(chunk.iter().map(|(_, length)| *length));
        add_entry(context, GarbageItem::Data(chunk.to_vec()), bytes);
    }
}

pub(super) fn discard<R: Rows + ?Sized>(context: &mut Context<'_, R>, data: &[(DataId, u64)]) -> Applied {
    if data.len() > CommandBody::DATA_IDS_MAX {
        refuse!(Refusal::Malformed);
    }
    let mut given_up = Vec::new();
    for (id, length) in data {
        if hold(context, *id)? {
            given_up.push((*id, *length));
        }
    }
    add_garbage(context, &given_up);
    Ok(Ok(Done::Nothing))
}

pub(super) fn condemn<R: Rows + ?Sized>(context: &mut Context<'_, R>, data: &[DataId]) -> Applied {
    if data.len() > CommandBody::DATA_IDS_MAX {
        refuse!(Refusal::Malformed);
    }
    let mut held = Vec::new();
    for (position, id) in (0u32..).zip(data) {
        let row = keys::data(*id);
        match load::<DataRecord, _>(context.rows, &row)? {
            Some(DataRecord::Held) => held.push(position),
            Some(DataRecord::Condemned(_)) => {}
            None => {
                let record = DataRecord::Condemned(context.time());
                save(context.rows, row, &record);
            }
        }
    }
    Ok(Ok(Done::Condemned { held }))
}

/// The data ids of a garbage entry, with their lengths.
pub(crate) fn entry_data<R: ReadRows + ?Sized>(
    rows: &R,
    entry: &GarbageRecord,
) -> Result<Vec<(DataId, u64)>, RowsError> {
    match &entry.item {
        GarbageItem::Data(data) => Ok(data.clone()),
        GarbageItem::Manifest(manifest) => {
            let row = keys::manifest(*manifest);
            let record: ManifestRecord =
                load(rows, &row)?.ok_or_else(|| RowsError::corrupt(&row, "the manifest is missing"))?;
            Ok(match record.body {
                ManifestBody::Inline(_) => Vec::new(),
                ManifestBody::Extents(extents) => extents.iter().map(|e| (e.data, e.length)).collect(),
            })
        }
    }
}

/// Reclaims the steps in order, as far as one command may. A refusal comes before any change.
pub(super) fn reclaim<R: Rows + ?Sized>(context: &mut Context<'_, R>, steps: &[ReclaimStep]) -> Applied {
    if steps.len() > CommandBody::RECLAIM_STEPS_MAX {
        refuse!(Refusal::Malformed);
    }
    for step in steps {
        let entry = load::<GarbageRecord, _>(context.rows, &keys::garbage(step.entry))?;
        // Once the data's row is gone, only its deadline keeps a late copy of the command that named it from committing
        // it.
        let kept = |entry: GarbageRecord| entry.since.plus_millis(Command::LIFETIME_MILLIS_MAX);
        if entry.map(kept).is_some_and(|kept| context.time() <= kept) {
            refuse!(Refusal::TooEarly);
        }
    }
    let (mut left, mut all) = (CommandBody::DATA_IDS_MAX, Step::Finished);
    for step in steps {
        if left == 0 || reclaim_step(context, *step, &mut left)? == Step::More {
            all = Step::More;
        }
    }
    Ok(Ok(Done::Step(all)))
}

/// Reclaims a step of one entry, of no more than `left` data ids.
fn reclaim_step<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    step: ReclaimStep,
    left: &mut usize,
) -> Result<Step, RowsError> {
    let (number, row) = (step.entry, keys::garbage(step.entry));
    let Some(mut entry) = load::<GarbageRecord, _>(context.rows, &row)? else {
        return Ok(Step::Finished);
    };
    if entry.reclaimed != step.reclaimed {
        return Ok(Step::More);
    }
    let data = entry_data(context.rows, &entry)?;
    let start = data.len().min(step.reclaimed as usize);
    let end = data.len().min(start + *left);
    for (id, _) in &data[start..end] {
        context.rows.delete(keys::data(*id));
    }
    *left -= end - start;
    let bytes = bytes_of(data[start..end].iter().map(|(_, length)| *length));
    context.group.uncount_garbage_bytes(number, bytes);
    if end < data.len() {
        entry.reclaimed = u32::try_from(end).map_err(|_| RowsError::corrupt(&row, "too many data ids"))?;
        save(context.rows, row, &entry);
        return Ok(Step::More);
    }
    if let GarbageItem::Manifest(manifest) = entry.item {
        context.rows.delete(keys::manifest(manifest));
    }
    context.rows.delete(row);
    context.group.uncount_garbage_entry(number);
    if number == context.group.first_garbage {
        context.group.first_garbage = next_entry(context, number + 1)?;
    }
    Ok(Step::Finished)
}

/// The number of the first garbage entry from `number` on, or of the next one to be added.
fn next_entry<R: Rows + ?Sized>(context: &Context<'_, R>, number: u64) -> Result<u64, RowsError> {
    let mut next = context.group.next_garbage;
    let (start, end) = (keys::garbage(number), keys::garbage(next));
    context.rows.scan(&start, &end, &mut |row, _| {
        if let Some(bytes) = row.get(1..).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()) {
            next = u64::from_be_bytes(bytes);
        }
        ControlFlow::Break(())
    })?;
    Ok(next)
}

/// A garbage entry's record, for queries.
pub(crate) fn decode_entry(row: &[u8], value: bytes::Bytes) -> Result<(u64, GarbageRecord), RowsError> {
    let number = row.get(1..).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map(u64::from_be_bytes);
    let number = number.ok_or_else(|| RowsError::corrupt(row, "bad garbage key"))?;
    let record = GarbageRecord::decode(value).map_err(|e| RowsError::corrupt(row, e.to_string()))?;
    Ok((number, record))
}
