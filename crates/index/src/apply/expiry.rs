//! Forgets outcomes and completed uploads whose time is over, a few with every command.
//!
//! The rows are queues in order of time. The group's row remembers how far each is emptied, so that no scan steps
//! over what an engine keeps of deleted rows.

use super::Context;
use crate::keys;
use crate::rows::{Rows, RowsError};
use std::ops::ControlFlow;

/// A command adds one outcome and removes up to so many, so that a backlog shrinks.
const OUTCOMES_PER_COMMAND: usize = 4;
/// At most one completed upload is added by a command.
const COMPLETED_PER_COMMAND: usize = 2;

pub(super) fn expire<R: Rows + ?Sized>(context: &mut Context<'_, R>) -> Result<(), RowsError> {
    let now = context.time();
    if context.group.outcomes_from < now {
        let start = keys::outcomes_from(context.group.outcomes_from);
        let due = first_rows(context.rows, &start, &keys::outcomes_from(now), OUTCOMES_PER_COMMAND)?;
        context.group.outcomes_from = match due.get(OUTCOMES_PER_COMMAND - 1) {
            Some(last) => row_time(last)?,
            None => now,
        };
        due.into_iter().for_each(|row| context.rows.delete(row));
    }
    if context.group.completed_from < now {
        let start = keys::completed_until_from(context.group.completed_from);
        let due = first_rows(context.rows, &start, &keys::completed_until_from(now), COMPLETED_PER_COMMAND)?;
        context.group.completed_from = match due.get(COMPLETED_PER_COMMAND - 1) {
            Some(last) => row_time(last)?,
            None => now,
        };
        for row in due {
            let (_, bucket, upload) = keys::split_completed_until(&row)
                .ok_or_else(|| RowsError::corrupt(&row, "bad key of a completed upload"))?;
            context.rows.delete(keys::completed(bucket, upload));
            context.rows.delete(row);
        }
    }
    Ok(())
}

fn first_rows<R: Rows + ?Sized>(
    rows: &R,
    start: &[u8],
    end: &[u8],
    most: usize,
) -> Result<Vec<Vec<u8>>, RowsError> {
    let mut found = Vec::new();
    rows.scan(start, end, &mut |row, _| {
        found.push(row.to_vec());
        if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

fn row_time(row: &[u8]) -> Result<esker_types::Timestamp, RowsError> {
    let bytes = row.get(1..9).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes
        .map(|bytes| esker_types::Timestamp(u64::from_be_bytes(bytes)))
        .ok_or_else(|| RowsError::corrupt(row, "no time in the key"))
}
