//! Applies a chunk of log entries as one batch.

use esker_index::command::Command;
use esker_index::rows::Overlay;
use openraft::EntryPayload;

use crate::machine::Chunk;
use crate::rows::{GroupRows, RowsFailure};
use crate::types::{Applied, CommandBytes, StoredMembership};

/// Applies the entries, commits what they changed with the last entry's id, and tells those who wait.
///
/// An entry that can't be decoded or applied is an error: to skip it would make this replica differ from the others.
pub(crate) fn apply(rows: &GroupRows, chunk: Chunk) -> Result<(), RowsFailure> {
    let view = rows.view()?;
    let mut meta = view.pointer.meta();
    let mut overlay = Overlay::new(&view);
    let mut answers = Vec::with_capacity(chunk.len());
    let mut expected = None;
    for (entry, responder) in chunk {
        let index = entry.log_id.index;
        if expected.is_some_and(|expected| expected != index) {
            return Err(RowsFailure::Gap { index });
        }
        expected = Some(index + 1);
        let applied = match entry.payload {
            EntryPayload::Blank => Applied::Internal,
            EntryPayload::Normal(CommandBytes(bytes)) => {
                let command = Command::decode(bytes)?;
                Applied::Command(esker_index::apply(&mut overlay, rows.group(), &command)?)
            }
            EntryPayload::Membership(membership) => {
                meta.last_membership = StoredMembership::new(Some(entry.log_id), membership);
                Applied::Internal
            }
        };
        meta.last_log_id = Some(entry.log_id);
        if let Some(responder) = responder {
            answers.push((responder, applied));
        }
    }
    rows.commit(overlay.into_changes(), meta)?;
    for (responder, applied) in answers {
        responder.send(applied);
    }
    Ok(())
}
