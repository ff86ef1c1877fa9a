//! Which commands a node refuses when its disk is nearly full.

use esker_index::command::CommandBody;

/// Whether the command makes the index grow, as far as a client decides it. Commands that free space, or that finish
/// what was begun, are let through to the reserve that the log keeps for them.
pub(crate) fn adds_data(body: &CommandBody) -> bool {
    match body {
        CommandBody::CreateBucket { .. }
        | CommandBody::OpenBucket { .. }
        | CommandBody::PutObject { .. }
        | CommandBody::CopyObject { .. }
        | CommandBody::CreateUpload { .. }
        | CommandBody::PutPart { .. } => true,
        CommandBody::ActivateBucket { .. }
        | CommandBody::SealBucket { .. }
        | CommandBody::RemoveBucket { .. }
        | CommandBody::PurgeBucket { .. }
        | CommandBody::PutVersioning { .. }
        | CommandBody::DeleteObject { .. }
        | CommandBody::CompleteUpload { .. }
        | CommandBody::AbortUpload { .. }
        | CommandBody::Discard { .. }
        | CommandBody::Condemn { .. }
        | CommandBody::Reclaim { .. } => false,
    }
}
