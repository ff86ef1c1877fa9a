//! Adding and removing versions: the one place that touches version rows, the null row, the live-key index and
//! the bucket's counters, so that they can't disagree.

use super::{Context, data};
use crate::command::Target;
use crate::keys;
use crate::records::{BucketRecord, VersionBody, VersionRecord, version_id};
use crate::rows::{Rows, RowsError};
use crate::store::{Placed, load, newest, null_sequence, save};
use esker_types::{Sequence, Timestamp, VersionId};

/// Takes the next place in the bucket's order, and a date: the proposer's, but never below any earlier date of
/// the bucket, and above every date of the key.
fn order(
    bucket: &mut BucketRecord,
    newest: Option<&Placed>,
    proposed_at: Timestamp,
) -> (Sequence, Timestamp) {
    bucket.sequence.0 += 1;
    let mut date = proposed_at.max(bucket.last_modified);
    if let Some((_, record)) = newest {
        date = date.max(Timestamp(record.last_modified.0 + 1));
    }
    bucket.last_modified = date;
    (bucket.sequence, date)
}

/// Adds a version as the bucket's state says; where that is the null version, the older one goes in the same step.
/// `newest` is the key's newest version before. Saves the bucket.
pub(super) fn add<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    bucket: &mut BucketRecord,
    target: &Target,
    newest: Option<&Placed>,
    body: VersionBody,
    entropy: u64,
) -> Result<(Sequence, VersionRecord), RowsError> {
    let key = target.key.as_bytes();
    let (sequence, last_modified) = order(bucket, newest, context.command.proposed_at);
    let id = version_id(bucket.versioning, sequence, entropy);
    if id == VersionId::Null
        && let Some(old) = null_sequence(context.rows, target.bucket, key)?
    {
        take_row(context, bucket, target, old)?;
    }
    let record = VersionRecord { id, last_modified, body };
    save(context.rows, keys::version(target.bucket, key, sequence), &record);
    if id == VersionId::Null {
        context.rows.put(keys::null(target.bucket, key), sequence.0.to_be_bytes().to_vec());
    }
    bucket.versions += 1;
    let was_live = newest.is_some_and(|(_, record)| record.object().is_some());
    set_live(context, bucket, target, was_live, record.object().is_some())?;
    context.save_bucket(target.bucket, bucket);
    Ok((sequence, record))
}

/// Removes one version for good. Takes a place in the order. Saves the bucket.
pub(super) fn remove<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    bucket: &mut BucketRecord,
    target: &Target,
    sequence: Sequence,
) -> Result<(), RowsError> {
    let key = target.key.as_bytes();
    let before = newest(context.rows, target.bucket, key)?;
    bucket.sequence.0 += 1;
    take_row(context, bucket, target, sequence)?;
    let after = newest(context.rows, target.bucket, key)?;
    let live = |placed: &Option<Placed>| placed.as_ref().is_some_and(|(_, record)| record.object().is_some());
    set_live(context, bucket, target, live(&before), live(&after))?;
    context.save_bucket(target.bucket, bucket);
    Ok(())
}

/// Removes a version's rows and its hold on its data.
fn take_row<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    bucket: &mut BucketRecord,
    target: &Target,
    sequence: Sequence,
) -> Result<(), RowsError> {
    let key = target.key.as_bytes();
    let row = keys::version(target.bucket, key, sequence);
    let record: VersionRecord =
        load(context.rows, &row)?.ok_or_else(|| RowsError::corrupt(&row, "the version is missing"))?;
    context.rows.delete(row);
    if record.id == VersionId::Null {
        context.rows.delete(keys::null(target.bucket, key));
    }
    bucket.versions = bucket
        .versions
        .checked_sub(1)
        .ok_or_else(|| RowsError::corrupt(key, "more versions than counted"))?;
    match record.object().and_then(|object| object.manifest) {
        Some(manifest) => data::release(context, manifest),
        None => Ok(()),
    }
}

fn set_live<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    bucket: &mut BucketRecord,
    target: &Target,
    was_live: bool,
    is_live: bool,
) -> Result<(), RowsError> {
    let (prefix, key) = (keys::live(target.bucket), target.key.as_bytes());
    match (was_live, is_live) {
        (false, true) => bucket.live.insert(context.rows, &prefix, key).map(|_| ()),
        (true, false) => bucket.live.remove(context.rows, &prefix, key).map(|_| ()),
        (false, false) | (true, true) => Ok(()),
    }
}
