//! Storing a body: small ones are kept for the index, larger ones become blobs on storage nodes.
//!
//! Step one of the ordering rule: everything here is durable before a commit is proposed. What was stored and is
//! then not committed, for whatever reason, is given up explicitly by [`Pending`].

use super::errors::write_error;
use super::pipeline::{Pipeline, Source, Stage};
use crate::core::Core;
use crate::metadata::MetadataClient;
use bytes::{Bytes, BytesMut};
use esker_index::command::StoredData;
use esker_rpc::{BlobStore, BodyAborted, StorageError, StoredBlob};
use esker_s3::{ErrorCode, S3Error};
use esker_types::{BlobId, CHUNK_BYTES, DataId, GroupId, NodeId};
use futures::StreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::Instrument as _;

/// Largest piece that is handed to a storage node, in bytes.
const PIECE_BYTES_MAX: usize = 256 << 10;
/// Pieces that wait for a storage node to take them.
const PIECES_WAITING: usize = 2;
/// Blobs of one upload that are being stored at a time: one takes bytes while the one before it is synced.
const BLOBS_IN_FLIGHT: usize = 2;

/// A body that is safe, but not yet part of any version.
pub(crate) enum Stored {
    /// It is empty.
    Empty,
    /// It is small, and here.
    Inline(Bytes),
    /// It is durable on storage nodes.
    Blobs(Pending),
}

/// Stored data that is discarded when this is dropped, unless a command settled it.
pub(crate) struct Pending {
    metadata: Arc<MetadataClient>,
    data: DataId,
    /// Bytes up to which blobs may exist: never less than what was stored.
    length: u64,
    /// Nodes that should have some of the blobs, and don't as far as is known.
    late: BTreeSet<NodeId>,
    settled: bool,
}

impl Pending {
    /// The data and the nodes that have yet to get some of it, for the command.
    pub(crate) fn data(&self) -> StoredData {
        StoredData { data: self.data, late: self.late.iter().copied().collect() }
    }

    /// A command settled the data, or may still do so.
    pub(crate) fn settled(mut self) {
        self.settled = true;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.settled && self.length > 0 {
            self.metadata.discard(self.data.group(), vec![(self.data, self.length)]);
        }
    }
}

/// Where to store.
pub(crate) struct StoreTarget {
    /// The group that will own the data.
    pub(crate) group: GroupId,
    /// Bodies of at most so many bytes are not stored but returned.
    pub(crate) inline_bytes_max: usize,
}

/// Stores all bytes of a pipeline. Returns what was stored and its length in bytes; whether it may be committed
/// is for the pipeline's end to say.
///
/// Memory is bounded by the pieces in flight, about 3 MiB, and bytes are taken only as fast as they are digested
/// and stored.
pub(crate) async fn store<S: Source, T: Stage>(
    core: &Core,
    target: StoreTarget,
    pieces: &mut Pipeline<S, T>,
) -> Result<(Stored, u64), S3Error> {
    let mut small = BytesMut::new();
    let mut blobs: Option<BlobWriter> = None;
    while let Some(piece) = pieces.next().await? {
        if let Some(blobs) = &mut blobs {
            blobs.write(piece).await?;
            continue;
        }
        if small.len() + piece.len() <= target.inline_bytes_max {
            small.extend_from_slice(&piece);
            continue;
        }
        let writer = blobs.insert(BlobWriter::new(core, target.group));
        if !small.is_empty() {
            writer.write(small.split().freeze()).await?;
        }
        writer.write(piece).await?;
    }
    match blobs {
        Some(blobs) => blobs.finish().await.map(|(pending, length)| (Stored::Blobs(pending), length)),
        None if small.is_empty() => Ok((Stored::Empty, 0)),
        None => {
            let length = small.len() as u64;
            Ok((Stored::Inline(small.freeze()), length))
        }
    }
}

/// What a blob's sender says to the storage node. A channel that closes without `End` means that the sender is
/// gone, so that a dropped request never looks like a short blob.
enum Message {
    Piece(Bytes),
    End,
}

/// Cuts a body into blobs and stores them.
struct BlobWriter {
    storage: Arc<dyn BlobStore>,
    /// Before `puts`, so that the discard is not proposed before the puts are cancelled.
    puts: JoinSet<Result<StoredBlob, StorageError>>,
    pending: Pending,
    /// The blob that takes bytes, and how many it has room for.
    current: Option<(mpsc::Sender<Message>, u64)>,
    length: u64,
}

impl BlobWriter {
    fn new(core: &Core, group: GroupId) -> BlobWriter {
        let data = DataId::new(core.now().millis(), group, core.random.u64());
        let metadata = Arc::clone(&core.metadata);
        let pending = Pending { metadata, data, length: 0, late: BTreeSet::new(), settled: false };
        BlobWriter {
            storage: Arc::clone(&core.storage),
            puts: JoinSet::new(),
            pending,
            current: None,
            length: 0,
        }
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), S3Error> {
        while !bytes.is_empty() {
            let (sender, room) = match self.current.take() {
                Some(current) => current,
                None => (self.begin_blob().await?, CHUNK_BYTES),
            };
            let take = bytes.len().min(PIECE_BYTES_MAX).min(usize::try_from(room).unwrap_or(usize::MAX));
            let piece = bytes.split_to(take);
            if sender.send(Message::Piece(piece)).await.is_err() {
                return Err(self.failure().await);
            }
            self.length += take as u64;
            self.current = self.rest_of(sender, room - take as u64).await?;
        }
        Ok(())
    }

    /// Ends a blob that has no more room.
    async fn rest_of(
        &mut self,
        sender: mpsc::Sender<Message>,
        room: u64,
    ) -> Result<Option<(mpsc::Sender<Message>, u64)>, S3Error> {
        if room > 0 {
            return Ok(Some((sender, room)));
        }
        if sender.send(Message::End).await.is_err() {
            return Err(self.failure().await);
        }
        Ok(None)
    }

    async fn begin_blob(&mut self) -> Result<mpsc::Sender<Message>, S3Error> {
        while self.puts.len() >= BLOBS_IN_FLIGHT {
            self.join_one().await?;
        }
        let chunk = u32::try_from(self.length / CHUNK_BYTES).map_err(|_| ErrorCode::EntityTooLarge)?;
        let id = BlobId { data: self.pending.data, chunk };
        self.pending.length = (u64::from(chunk) + 1) * CHUNK_BYTES;
        let (sender, receiver) = mpsc::channel(PIECES_WAITING);
        let storage = Arc::clone(&self.storage);
        let put = async move { put_blob(&*storage, id, receiver).await };
        self.puts.spawn(put.in_current_span());
        Ok(sender)
    }

    /// Waits until one more blob is durable.
    async fn join_one(&mut self) -> Result<(), S3Error> {
        match self.puts.join_next().await {
            None => Ok(()),
            Some(Ok(Ok(stored))) => {
                self.pending.late.extend(stored.late);
                Ok(())
            }
            Some(Ok(Err(error))) => Err(write_error(&error)),
            Some(Err(error)) => Err(write_error(&StorageError::Failed(error.to_string()))),
        }
    }

    /// Why a blob takes no more bytes.
    async fn failure(&mut self) -> S3Error {
        while !self.puts.is_empty() {
            if let Err(error) = self.join_one().await {
                return error;
            }
        }
        write_error(&StorageError::Failed("a blob ended before its bytes did".to_owned()))
    }

    async fn finish(mut self) -> Result<(Pending, u64), S3Error> {
        if let Some((sender, _)) = self.current.take()
            && sender.send(Message::End).await.is_err()
        {
            return Err(self.failure().await);
        }
        while !self.puts.is_empty() {
            self.join_one().await?;
        }
        Ok((self.pending, self.length))
    }
}

/// Stores one blob and checks that all of it was taken.
async fn put_blob(
    storage: &dyn BlobStore,
    id: BlobId,
    receiver: mpsc::Receiver<Message>,
) -> Result<StoredBlob, StorageError> {
    let (count, counted) = oneshot::channel();
    let body = futures::stream::unfold(Some((receiver, count, 0)), |state| async move {
        let (mut receiver, count, sent) = state?;
        match receiver.recv().await {
            Some(Message::Piece(piece)) => {
                let sent = sent + piece.len() as u64;
                Some((Ok(piece), Some((receiver, count, sent))))
            }
            Some(Message::End) => {
                // The only receiver is this function's; it is gone only if the put was cancelled.
                let _ = count.send(sent);
                None
            }
            None => Some((Err(BodyAborted), None)),
        }
    });
    let stored = storage.put(id, body.boxed()).await?;
    match counted.await {
        Ok(sent) if sent == stored.length => Ok(stored),
        sent => Err(StorageError::Failed(format!("{} bytes were stored of {sent:?}", stored.length))),
    }
}
