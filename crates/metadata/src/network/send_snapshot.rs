//! Streams a snapshot to a follower with bounded memory.

use std::time::Duration;

use esker_env::spawn_blocking;
use openraft::errors::{NetworkError, StreamingError};
use openraft::network::RPCTypes;
use openraft::raft::SnapshotResponse;
use tokio::sync::{mpsc, watch};

use crate::codec::Encoded;
use crate::network::Client;
use crate::network::client::PeerClient;
use crate::proto::{self, SnapshotMessage, snapshot_message::Part};
use crate::rows::RowsView;
use crate::snapshot::{ChunkReader, SNAPSHOTS, SnapshotData, SnapshotError, SnapshotPart};
use crate::types::{Snapshot, TypeConfig, Vote};

/// How many chunks may wait for the network.
const CHUNKS_AHEAD: usize = 2;

/// Sends the snapshot and waits until it is installed. `idle` is the longest time without progress: between two
/// chunks, and from the last chunk to the reply.
pub(crate) async fn send(
    peer: &PeerClient,
    mut client: Client,
    vote: Vote,
    snapshot: Snapshot,
    idle: Duration,
) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
    let SnapshotData::View(view) = snapshot.snapshot else {
        let error = NetworkError::from_string("a received snapshot is installed, never sent on");
        return Err(error.into());
    };
    let header = proto::SnapshotHeader { vote: vote.encode(), meta: snapshot.meta.encode() };
    let (parts, mut outgoing) = mpsc::channel(CHUNKS_AHEAD);
    let (progress, mut progressed) = watch::channel(());
    let reader = tokio::spawn(read(view, header, parts));
    let messages = futures::stream::poll_fn(move |context| {
        let next = outgoing.poll_recv(context);
        if next.is_ready() {
            progress.send_replace(());
        }
        next
    });
    let call = client.install_snapshot(messages);
    tokio::pin!(call);
    let mut reading = true;
    let reply = loop {
        tokio::select! {
            reply = &mut call => break reply,
            changed = progressed.changed(), if reading => reading = changed.is_ok(),
            () = tokio::time::sleep(idle) => {
                return Err(peer.timed_out(RPCTypes::InstallSnapshot, idle).into());
            }
        }
    };
    let reply = match reply {
        Ok(reply) => reply.into_inner(),
        Err(status) => {
            // A failed read of our own rows ends the stream early; that is the error that matters.
            if let Ok(Err(error)) = reader.await {
                return Err(NetworkError::from_string(error).into());
            }
            return Err(peer.failed(RPCTypes::InstallSnapshot, idle, &status).into());
        }
    };
    let vote = Vote::decode(reply.vote).map_err(|error| NetworkError::new(&error))?;
    metrics::counter!(SNAPSHOTS, "kind" => "sent").increment(1);
    Ok(SnapshotResponse::new(vote))
}

/// Reads the view into messages until it ends or nobody takes them any more. A part is read when there is room for it,
/// so no thread waits for the network.
async fn read(
    view: RowsView,
    header: proto::SnapshotHeader,
    parts: mpsc::Sender<SnapshotMessage>,
) -> Result<(), SnapshotError> {
    let mut reader = ChunkReader::new(view);
    let mut header = Some(Part::Header(header));
    loop {
        let Ok(room) = parts.reserve().await else { return Ok(()) };
        let part = match header.take() {
            Some(header) => header,
            None => {
                let read = spawn_blocking(move || {
                    let part = reader.next();
                    (reader, part)
                });
                // A job that ends early does so with its runtime.
                let Ok((back, Some(part))) = read.await else { return Ok(()) };
                reader = back;
                message_part(part?)
            }
        };
        room.send(SnapshotMessage { part: Some(part) });
    }
}

fn message_part(part: SnapshotPart) -> Part {
    match part {
        SnapshotPart::Chunk(chunk) => Part::Chunk(chunk),
        SnapshotPart::Footer(totals) => {
            Part::Footer(proto::SnapshotFooter { rows: totals.rows, state_hash: totals.state_hash })
        }
    }
}
