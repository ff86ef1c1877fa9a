//! A blob on its way to a node: a header, pieces, and an end that says how long the blob is. A stream that just
//! stops, for whatever reason, is therefore never taken for a blob.

use crate::grpc::call::Lost;
use crate::grpc::proto::storage::{self as proto, put_message::Part, put_reply};
use crate::grpc::storage::client::StreamClient;
use crate::grpc::storage::{ABANDONED_LIMIT, IDLE_LIMIT, convert, piece};
use crate::storage::{BlobBody, BodyAborted, StorageError};
use bytes::Bytes;
use esker_types::{BlobId, Fence};
use futures::{StreamExt as _, stream};
use std::pin::pin;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Streaming;

type Queue = mpsc::Sender<proto::PutMessage>;

/// Sends a blob, as fast as the node takes it. Dropping this ends the call.
pub(super) async fn send(
    mut client: StreamClient,
    blob: BlobId,
    fence: Fence,
    body: BlobBody,
) -> Result<u64, StorageError> {
    let (queue, mut queued) = mpsc::channel(1);
    let messages = stream::poll_fn(move |cx| queued.poll_recv(cx));
    let mut call = pin!(client.put(messages));
    let mut sending = pin!(feed(queue, blob, fence, body));
    let reply = tokio::select! {
        // Before the end it can only be a failure.
        reply = &mut call => reply,
        fed = &mut sending => {
            fed?;
            timeout(IDLE_LIMIT, call).await.map_err(|_| Lost::too_late())?
        }
    };
    match reply.map_err(Lost::from)?.into_inner().result {
        Some(put_reply::Result::Length(length)) => Ok(length),
        Some(put_reply::Result::Failure(failure)) => Err(match failure.into() {
            // It was not this side that gave up.
            StorageError::Aborted => StorageError::Unavailable("the bytes did not arrive".to_owned()),
            error => error,
        }),
        None => Err(Lost::malformed().into()),
    }
}

/// Puts the messages of a blob into the queue, up to the end. If the call is answered before, it is dropped.
async fn feed(queue: Queue, blob: BlobId, fence: Fence, mut body: BlobBody) -> Result<(), StorageError> {
    let header = proto::PutHeader { blob: Some(convert::blob(blob)), fence: Some(convert::fence(fence)) };
    push(&queue, Part::Header(header)).await?;
    let mut length = 0;
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|BodyAborted| StorageError::Aborted)?;
        for bytes in piece::cut(bytes) {
            length += bytes.len() as u64;
            push(&queue, Part::Piece(piece::seal(bytes))).await?;
        }
    }
    push(&queue, Part::End(proto::PutEnd { length })).await
}

async fn push(queue: &Queue, part: Part) -> Result<(), StorageError> {
    match timeout(IDLE_LIMIT, queue.send(proto::PutMessage { part: Some(part) })).await {
        Ok(Ok(())) => Ok(()),
        // The call has ended; its answer says why, and this is dropped.
        Ok(Err(_)) => std::future::pending().await,
        Err(_) => Err(StorageError::Unavailable("the node takes no bytes".to_owned())),
    }
}

/// The header of a blob that arrives.
pub(super) async fn header(messages: &mut Streaming<proto::PutMessage>) -> Option<(BlobId, Fence)> {
    let Some(Part::Header(header)) = next(messages).await else { return None };
    Some((convert::read_blob(&header.blob?)?, convert::read_fence(&header.fence?)?))
}

/// The bytes of a blob that arrives, after its header.
pub(super) fn body(messages: Streaming<proto::PutMessage>) -> BlobBody {
    let arriving = Arriving { messages, length: 0 };
    stream::unfold(Some(arriving), |arriving| async move {
        let mut arriving = arriving?;
        match arriving.piece().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(arriving))),
            Ok(None) => None,
            Err(aborted) => Some((Err(aborted), None)),
        }
    })
    .boxed()
}

struct Arriving {
    messages: Streaming<proto::PutMessage>,
    /// Of the pieces so far.
    length: u64,
}

impl Arriving {
    async fn piece(&mut self) -> Result<Option<Bytes>, BodyAborted> {
        match next(&mut self.messages).await {
            Some(Part::Piece(piece)) => {
                let bytes = piece::open(piece).ok_or(BodyAborted)?;
                self.length += bytes.len() as u64;
                Ok(Some(bytes))
            }
            Some(Part::End(end)) if end.length == self.length => Ok(None),
            _ => Err(BodyAborted),
        }
    }
}

async fn next(messages: &mut Streaming<proto::PutMessage>) -> Option<Part> {
    timeout(ABANDONED_LIMIT, messages.message()).await.ok()?.ok()??.part
}
