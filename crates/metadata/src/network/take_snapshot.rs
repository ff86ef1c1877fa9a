//! Receives a snapshot into a keyspace of its own and hands it to openraft.

use std::time::Duration;

use esker_env::spawn_blocking;
use tonic::{Status, Streaming};

use crate::codec::Encoded;
use crate::node::Group;
use crate::proto::{SnapshotHeader, SnapshotMessage, SnapshotReply, snapshot_message::Part};
use crate::snapshot::{ReceivedRows, SnapshotData, SnapshotError, SnapshotReceiver, Totals};
use crate::types::{Snapshot, SnapshotMeta, Vote};

/// A sender that is silent for this long has given up.
const IDLE_MAX: Duration = Duration::from_secs(20);

type Messages = Streaming<SnapshotMessage>;

/// Receives and installs one snapshot.
pub(crate) async fn take(group: &Group, mut messages: Messages) -> Result<SnapshotReply, Status> {
    let Part::Header(SnapshotHeader { vote, meta }) = next(&mut messages).await? else {
        return Err(Status::invalid_argument("a snapshot starts with a header"));
    };
    let malformed = |error: esker_index::codec::Malformed| Status::invalid_argument(error.to_string());
    let vote = Vote::decode(vote).map_err(malformed)?;
    let meta = SnapshotMeta::decode(meta).map_err(malformed)?;
    // A leader has rows of its own term or older ones; openraft takes that for granted.
    if !vote.committed || meta.last_log_id.is_none_or(|last| last.leader_id > vote.leader_id) {
        return Err(Status::invalid_argument("the snapshot is not one of its sender's term"));
    }
    if let Some(newer) = newer_vote(group, &vote) {
        return Ok(SnapshotReply { vote: newer.encode() });
    }
    let rows = receive(group, messages).await?;
    let snapshot = Snapshot { meta, snapshot: SnapshotData::Received(rows) };
    let reply = group.raft().install_full_snapshot(vote, snapshot).await;
    let reply = reply.map_err(|error| Status::unavailable(error.to_string()))?;
    Ok(SnapshotReply { vote: reply.vote.encode() })
}

/// This node's vote, if it makes the sender's snapshot pointless.
fn newer_vote(group: &Group, vote: &Vote) -> Option<Vote> {
    let own = group.observe().look(|metrics| metrics.vote);
    (own > *vote).then_some(own)
}

async fn receive(group: &Group, mut messages: Messages) -> Result<ReceivedRows, Status> {
    let rows = group.rows().clone();
    let mut receiver = blocking(move || SnapshotReceiver::new(&rows)).await?;
    loop {
        receiver = match next(&mut messages).await? {
            Part::Chunk(chunk) => {
                blocking(move || {
                    receiver.chunk(&chunk)?;
                    Ok(receiver)
                })
                .await?
            }
            Part::Footer(footer) => {
                let totals = Totals { rows: footer.rows, state_hash: footer.state_hash };
                return blocking(move || receiver.finish(totals)).await;
            }
            Part::Header(_) => return Err(Status::invalid_argument("a snapshot has one header")),
        };
    }
}

async fn next(messages: &mut Messages) -> Result<Part, Status> {
    let message = tokio::time::timeout(IDLE_MAX, messages.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the snapshot stopped"))??;
    message
        .and_then(|message| message.part)
        .ok_or_else(|| Status::invalid_argument("the snapshot ends early"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SnapshotError> + Send + 'static,
) -> Result<T, Status> {
    let result = spawn_blocking(work).await.map_err(|error| Status::internal(error.to_string()))?;
    result.map_err(|error| match error {
        SnapshotError::Rows(error) => Status::internal(error.to_string()),
        damaged => Status::data_loss(damaged.to_string()),
    })
}
