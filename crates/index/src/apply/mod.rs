//! Executes commands.
//!
//! Every command leaves the rows consistent whatever its outcome: it is checked whole before its first write,
//! it settles the data that it names, and its outcome is kept until its deadline so that a retry changes nothing.

mod buckets;
mod cluster;
pub(crate) mod data;
mod expiry;
mod objects;
mod repairs;
pub(crate) mod uploads;
mod versions;

use crate::command::{Command, CommandBody, NewData, ReclaimStep};
use crate::keys;
use crate::outcome::{Done, Outcome, OutcomeRecord, Refusal};
use crate::records::{BucketRecord, GroupRecord};
use crate::rows::{Rows, RowsError};
use crate::store::{load, open_bucket, save};
use esker_types::{BucketId, GroupId, Timestamp};

/// What handling a command gives: an outcome, or rows that can't be read.
pub(crate) type Applied = Result<Outcome, RowsError>;

/// Leaves a handler early with a refusal.
macro_rules! refuse {
    ($refusal:expr) => {
        return Ok(Err($refusal))
    };
}
pub(crate) use refuse;

/// One command in the middle of being applied.
pub(crate) struct Context<'a, R: Rows + ?Sized> {
    pub(crate) rows: &'a mut R,
    pub(crate) group: GroupRecord,
    pub(crate) group_id: GroupId,
    pub(crate) command: &'a Command,
}

impl<R: Rows + ?Sized> Context<'_, R> {
    /// The incarnation, if it takes commands.
    pub(crate) fn bucket(&self, bucket: BucketId) -> Result<Option<BucketRecord>, RowsError> {
        open_bucket(self.rows, bucket)
    }

    pub(crate) fn save_bucket(&mut self, bucket: BucketId, record: &BucketRecord) {
        save(self.rows, keys::bucket(bucket), record);
    }

    /// The group's logical time, this command included.
    pub(crate) fn time(&self) -> Timestamp {
        self.group.time
    }
}

/// Applies one command to the rows of one group.
///
/// Deterministic: the rows and the command decide the outcome and the new rows. An error means that the rows
/// can't be read; then nothing may be committed and the replica must stop.
pub fn apply<R: Rows + ?Sized>(rows: &mut R, group: GroupId, command: &Command) -> Applied {
    let outcome_key = keys::outcome(command.deadline, command.request);
    if let Some(OutcomeRecord(first)) = load(rows, &outcome_key)? {
        return Ok(first);
    }
    let mut record: GroupRecord = load(rows, &keys::group())?.unwrap_or_default();
    record.time = record.time.max(command.proposed_at);
    let mut context = Context { rows, group: record, group_id: group, command };

    let in_time = context.time() <= command.deadline;
    let bounded = command.deadline <= command.proposed_at.plus_millis(Command::LIFETIME_MILLIS_MAX);
    let outcome = match (in_time, bounded) {
        (true, true) => dispatch(&mut context)?,
        (true, false) => Err(Refusal::Malformed),
        (false, _) => Err(Refusal::Expired),
    };
    // Data of a command whose deadline is out of bounds is not settled: a copy of the command may come when it is
    // within them, after garbage would have been reclaimed. It stays unknown, and a sweep condemns it for good.
    if outcome.is_err() && bounded {
        settle_named_data(&mut context)?;
    }
    expiry::expire(&mut context)?;
    let record = context.group;
    save(rows, keys::group(), &record);
    // A refusal of a late command repeats by itself, and one whose deadline is out of bounds would be kept too long.
    if in_time && bounded {
        save(rows, outcome_key, &OutcomeRecord(outcome.clone()));
    }
    Ok(outcome)
}

fn dispatch<R: Rows + ?Sized>(context: &mut Context<'_, R>) -> Applied {
    let command = context.command;
    match &command.body {
        CommandBody::CreateBucket { name, owner, group } => buckets::create(context, name, owner, *group),
        CommandBody::OpenBucket { bucket, name, owner } => buckets::open(context, *bucket, name, owner),
        CommandBody::ActivateBucket { name, bucket } => buckets::activate(context, name, *bucket),
        CommandBody::SealBucket { bucket } => buckets::seal(context, *bucket),
        CommandBody::RemoveBucket { name, bucket } => buckets::remove(context, name, *bucket),
        CommandBody::PurgeBucket { bucket } => buckets::purge(context, *bucket),
        CommandBody::PutVersioning { bucket, state } => buckets::put_versioning(context, *bucket, *state),
        CommandBody::PutObject { target, object, condition, entropy } => {
            objects::put(context, target, object, condition, *entropy)
        }
        CommandBody::CopyObject { .. } => objects::copy(context),
        CommandBody::DeleteObject { target, version, condition, entropy } => {
            objects::delete(context, target, *version, condition.as_ref(), *entropy)
        }
        CommandBody::CreateUpload { target, upload, headers, checksum } => {
            uploads::create(context, target, *upload, headers, *checksum)
        }
        CommandBody::PutPart { .. } => uploads::put_part(context),
        CommandBody::CompleteUpload { .. } => uploads::complete(context),
        CommandBody::AbortUpload { target, upload } => uploads::abort(context, target, *upload),
        CommandBody::Discard { data } => data::discard(context, data),
        CommandBody::Condemn { data } => data::condemn(context, data),
        CommandBody::Reclaim { entry, reclaimed } => {
            data::reclaim(context, &[ReclaimStep { entry: *entry, reclaimed: *reclaimed }])
        }
        CommandBody::ReclaimSteps { steps } => data::reclaim(context, steps),
        CommandBody::Repaired { node, data } => repairs::repaired(context, *node, data),
        CommandBody::ForgetRepairs { node } => repairs::forget(context, *node),
        CommandBody::RegisterNode { .. }
        | CommandBody::SetNodeState { .. }
        | CommandBody::SetClusterSettings { .. }
        | CommandBody::CreatePlacement { .. }
        | CommandBody::MovePlacement { .. }
        | CommandBody::PlacementProgress { .. } => cluster::apply(context),
    }
}

/// A refused command's data has no user and never gets one: it is garbage from now on.
fn settle_named_data<R: Rows + ?Sized>(context: &mut Context<'_, R>) -> Result<(), RowsError> {
    let one = |data: esker_types::DataId, size: u64| vec![(data, size)];
    let named = match &context.command.body {
        CommandBody::PutObject { object, .. } => match object.data {
            NewData::Stored(ref stored) => one(stored.data, object.size),
            NewData::Empty | NewData::Inline(_) => return Ok(()),
        },
        CommandBody::PutPart { data: Some(stored), size, .. } => one(stored.data, *size),
        CommandBody::Discard { data } => data.clone(),
        _ => return Ok(()),
    };
    // One that names too much at once is refused again, and the orphan sweep finds its data.
    data::discard(context, &named).map(|_| ())
}

/// Shorthand for a command that has nothing to tell.
pub(crate) fn done() -> Applied {
    Ok(Ok(Done::Nothing))
}
