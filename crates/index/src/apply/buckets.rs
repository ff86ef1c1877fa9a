//! Bucket commands: the directory of names (group 0) and the incarnations that order versions.

use super::{Applied, Context, data, done, refuse, uploads};
use crate::keys;
use crate::live::Tree;
use crate::outcome::{Done, Refusal, Step};
use crate::records::{BucketPhase, BucketRecord, DirectoryEntry, DirectoryState};
use crate::rows::{Rows, RowsError};
use crate::store::{load, rows_under, save};
use esker_types::{BucketId, BucketName, GroupId, Sequence, Timestamp, VersioningState};

pub(super) fn create<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    name: &BucketName,
    owner: &str,
    group: GroupId,
) -> Applied {
    if context.group_id != GroupId::DIRECTORY {
        refuse!(Refusal::Malformed);
    }
    let row = keys::directory(name.as_str());
    if let Some(entry) = load::<DirectoryEntry, _>(context.rows, &row)? {
        if entry.owner == owner {
            refuse!(Refusal::BucketAlreadyOwnedByYou { bucket: entry.id, group: entry.group });
        }
        refuse!(Refusal::BucketAlreadyExists);
    }
    context.group.last_bucket += 1;
    let id = BucketId(context.group.last_bucket);
    let entry = DirectoryEntry {
        id,
        group,
        owner: owner.to_owned(),
        created: context.time(),
        state: DirectoryState::Creating,
    };
    save(context.rows, row, &entry);
    Ok(Ok(Done::BucketCreating { bucket: id, group }))
}

pub(super) fn open<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    bucket: BucketId,
    name: &BucketName,
    owner: &str,
) -> Applied {
    if load::<BucketRecord, _>(context.rows, &keys::bucket(bucket))?.is_none() {
        let record = BucketRecord {
            name: name.clone(),
            owner: owner.to_owned(),
            phase: BucketPhase::Open,
            versioning: VersioningState::Unversioned,
            sequence: Sequence(0),
            last_modified: Timestamp(0),
            versions: 0,
            live: Tree::default(),
        };
        context.save_bucket(bucket, &record);
    }
    done()
}

pub(super) fn activate<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    name: &BucketName,
    bucket: BucketId,
) -> Applied {
    let row = keys::directory(name.as_str());
    match load::<DirectoryEntry, _>(context.rows, &row)? {
        Some(mut entry) if entry.id == bucket => {
            entry.state = DirectoryState::Active;
            save(context.rows, row, &entry);
            done()
        }
        _ => refuse!(Refusal::NoSuchBucket),
    }
}

pub(super) fn seal<R: Rows + ?Sized>(context: &mut Context<'_, R>, bucket: BucketId) -> Applied {
    let Some(mut record) = context.bucket(bucket)? else { refuse!(Refusal::NoSuchBucket) };
    if record.versions > 0 {
        refuse!(Refusal::BucketNotEmpty);
    }
    record.phase = BucketPhase::Sealed;
    context.save_bucket(bucket, &record);
    done()
}

pub(super) fn remove<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    name: &BucketName,
    bucket: BucketId,
) -> Applied {
    let row = keys::directory(name.as_str());
    if load::<DirectoryEntry, _>(context.rows, &row)?.is_some_and(|entry| entry.id == bucket) {
        context.rows.delete(row);
    }
    done()
}

/// How many rows of a kind one step of a purge removes.
const PURGED_PER_STEP: usize = 200;

pub(super) fn purge<R: Rows + ?Sized>(context: &mut Context<'_, R>, bucket: BucketId) -> Applied {
    match load::<BucketRecord, _>(context.rows, &keys::bucket(bucket))? {
        None => return Ok(Ok(Done::Step(Step::Finished))),
        Some(record) if record.phase == BucketPhase::Open => refuse!(Refusal::Malformed),
        Some(_) => {}
    }
    if let Some((row, _)) = rows_under(context.rows, &keys::bucket_uploads(bucket), 1)?.pop() {
        let (key, upload) =
            keys::split_upload(&row).ok_or_else(|| RowsError::corrupt(&row, "bad key of an upload"))?;
        let unused = uploads::take_parts(context, bucket, upload)?;
        data::add_garbage(context, &unused);
        context.rows.delete(keys::upload(bucket, &key, upload));
        return Ok(Ok(Done::Step(Step::More)));
    }
    for prefix in [keys::bucket_completed(bucket), keys::live(bucket)] {
        let found = rows_under(context.rows, &prefix, PURGED_PER_STEP)?;
        if !found.is_empty() {
            found.into_iter().for_each(|(row, _)| context.rows.delete(row));
            return Ok(Ok(Done::Step(Step::More)));
        }
    }
    context.rows.delete(keys::bucket(bucket));
    Ok(Ok(Done::Step(Step::Finished)))
}

pub(super) fn put_versioning<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    bucket: BucketId,
    state: VersioningState,
) -> Applied {
    if state == VersioningState::Unversioned {
        refuse!(Refusal::Malformed);
    }
    let Some(mut record) = context.bucket(bucket)? else { refuse!(Refusal::NoSuchBucket) };
    record.versioning = state;
    record.sequence.0 += 1;
    context.save_bucket(bucket, &record);
    done()
}
