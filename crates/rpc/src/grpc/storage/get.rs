//! A range of a blob on its way from a node: pieces, or a failure in place of the next one. The reader counts the
//! bytes, so that a stream that just stops is never taken for a whole one.

use crate::grpc::call::Lost;
use crate::grpc::proto::storage::{self as proto, get_message::Part};
use crate::grpc::storage::client::StreamClient;
use crate::grpc::storage::{ABANDONED_LIMIT, IDLE_LIMIT, convert, piece};
use crate::storage::{BlobReader, StorageError};
use bytes::Bytes;
use esker_types::{BlobId, ByteRange};
use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Status, Streaming};

/// Reads a range. Dropping the reader ends the call.
pub(super) async fn read(
    mut client: StreamClient,
    blob: BlobId,
    range: ByteRange,
) -> Result<BlobReader, StorageError> {
    let length = range.last.checked_sub(range.first).and_then(|less_one| less_one.checked_add(1));
    let Some(left) = length else { return Err(StorageError::OutOfRange) };
    let blob = Some(convert::blob(blob));
    let request = proto::GetRequest { blob, first: range.first, last: range.last };
    let called = timeout(IDLE_LIMIT, client.get(request)).await.map_err(|_| Lost::too_late())?;
    let messages = called.map_err(Lost::from)?.into_inner();
    let mut reading = Reading { messages, left };
    let first = reading.piece().await?;
    let rest = stream::unfold(Some(reading), |reading| async move {
        let mut reading = reading.filter(|reading| reading.left > 0)?;
        match reading.piece().await {
            Ok(bytes) => Some((Ok(bytes), Some(reading))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(stream::iter([Ok(first)]).chain(rest).boxed())
}

struct Reading {
    messages: Streaming<proto::GetMessage>,
    /// Bytes of the range that have not come, at least 1.
    left: u64,
}

impl Reading {
    async fn piece(&mut self) -> Result<Bytes, StorageError> {
        let unavailable = |why: &str| StorageError::Unavailable(why.to_owned());
        let message = timeout(IDLE_LIMIT, self.messages.message()).await;
        let message = message.map_err(|_| unavailable("the node sends no bytes"))?;
        match message.map_err(Lost::from)?.and_then(|message| message.part) {
            Some(Part::Piece(piece)) => {
                let bytes =
                    piece::open(piece).ok_or_else(|| unavailable("the bytes changed on their way"))?;
                self.left = self
                    .left
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| unavailable("the node sends more than the range"))?;
                Ok(bytes)
            }
            Some(Part::Failure(failure)) => Err(failure.into()),
            None => Err(unavailable("the node sends less than the range")),
        }
    }
}

/// The messages of a range, at the node. What is ready to be sent is bounded by the connection's windows and one piece.
pub(super) type Sending = stream::BoxStream<'static, Result<proto::GetMessage, Status>>;

/// Sends a range, or why there is none.
pub(super) fn send(reader: Result<BlobReader, StorageError>) -> Sending {
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => return stream::iter([Ok(failure(error))]).boxed(),
    };
    let (queue, mut queued) = mpsc::channel(1);
    tokio::spawn(async move {
        let sending = async {
            while let Some(bytes) = reader.next().await {
                let messages: Vec<_> = match bytes {
                    Ok(bytes) => {
                        piece::cut(bytes).map(|bytes| part(Part::Piece(piece::seal(bytes)))).collect()
                    }
                    Err(error) => vec![failure(error)],
                };
                for message in messages {
                    let sent = timeout(ABANDONED_LIMIT, queue.send(Ok(message))).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        return;
                    }
                }
            }
        };
        tokio::select! {
            () = sending => {}
            // The client has gone, perhaps while the disk is slow.
            () = queue.closed() => {}
        }
    });
    stream::poll_fn(move |cx| queued.poll_recv(cx)).boxed()
}

fn part(part: Part) -> proto::GetMessage {
    proto::GetMessage { part: Some(part) }
}

fn failure(error: StorageError) -> proto::GetMessage {
    part(Part::Failure(error.into()))
}
