//! Storing a blob: its body is cut into fragments, which are written as they come; memory holds one of them.

use crate::commit::{Committer, Phase, PutOutcome, Request, Write};
use crate::core::Core;
use crate::format::{FRAGMENT_BYTES, FragmentKind};
use crate::get;
use bytes::{Buf as _, BytesMut};
use esker_rpc::{BlobBody, StorageError};
use esker_types::{BlobId, CHUNK_BYTES, Fence};
use futures::StreamExt as _;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What a put needs of its store.
#[derive(Clone, Copy)]
pub(crate) struct Putter<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) committer: &'a Committer,
    /// One permit for each fragment that may be in memory.
    pub(crate) buffers: &'a Semaphore,
}

/// Runs `job` where blocking is fine.
pub(crate) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StorageError> {
    let failed = |error| StorageError::Failed(format!("a disk job ended early: {error}"));
    esker_env::spawn_blocking(job).await.map_err(failed)
}

impl Putter<'_> {
    /// Stores the blob. If this ends before the committer has the write, the blob won't exist; after that the
    /// committer decides, whether or not anybody still waits for it.
    pub(crate) async fn put(self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        self.core.check_writable()?;
        // Only the committer's check counts. This one spares the sender a body, so that it can try again.
        self.core.fences.check(fence)?;
        let closing = self.core.closing.clone();
        let write = tokio::select! {
            biased;
            () = closing.cancelled() => Err(StorageError::Failed("the store is closed".into())),
            write = self.receive(blob, fence, body) => write,
            () = tokio::time::sleep(self.core.options.put_time_max) => Err(StorageError::Aborted),
        }?;
        let length = write.length;
        self.commit(write).await.map(|()| length)
    }

    async fn commit(self, write: Box<Write>) -> Result<(), StorageError> {
        let ask = |write, replaces| self.committer.ask(move |reply| Request::Put { write, replaces, reply });
        match ask(write, None).await? {
            PutOutcome::Stored => Ok(()),
            PutOutcome::Duplicate(write, row) => {
                // A repair stores what is there already but damaged; answering "it is there" would not help it.
                let (core, blob) = (self.core.clone(), write.blob);
                let existing = row.clone();
                let verified = blocking(move || get::verify(&core, blob, &existing)).await?;
                match verified {
                    Ok(()) => {
                        self.core.suspects.clear(blob);
                        Ok(())
                    }
                    // A sector that can't be read is damage like any other.
                    Err(_) => match ask(write, Some(row.write)).await? {
                        PutOutcome::Stored => Ok(()),
                        // Another put replaced it meanwhile, with the same bytes: names are never reused.
                        PutOutcome::Duplicate(..) => Ok(()),
                    },
                }
            }
        }
    }

    /// Writes the body. A full buffer waits for the next byte, because only then it is known not to be the last.
    async fn receive(
        self,
        blob: BlobId,
        fence: Fence,
        mut body: BlobBody,
    ) -> Result<Box<Write>, StorageError> {
        let closed = |_| StorageError::Failed("the store is closed".into());
        let _buffer = self.buffers.acquire().await.map_err(closed)?;
        let id = self.core.random.u64();
        let requests = self.committer.requests().clone();
        let mut write = Box::new(Write::new(blob, fence, id, requests, &self.core.writes));
        let mut buffer = BytesMut::new();
        let mut total = 0_u64;
        while let Some(piece) = body.next().await {
            let mut piece = piece.map_err(|_| StorageError::Aborted)?;
            total += piece.len() as u64;
            if total > CHUNK_BYTES {
                return Err(StorageError::TooLong);
            }
            while !piece.is_empty() {
                if buffer.len() == FRAGMENT_BYTES {
                    (write, buffer) = self.flush(write, FragmentKind::Inner, buffer).await?;
                }
                let count = piece.len().min(FRAGMENT_BYTES - buffer.len());
                buffer.extend_from_slice(&piece[..count]);
                piece.advance(count);
            }
        }
        (write, _) = self.flush(write, FragmentKind::Last, buffer).await?;
        debug_assert_eq!(write.phase, Phase::Complete);
        Ok(write)
    }

    /// Writes the buffer as the next fragment, and empties it.
    async fn flush(
        self,
        mut write: Box<Write>,
        kind: FragmentKind,
        mut buffer: BytesMut,
    ) -> Result<(Box<Write>, BytesMut), StorageError> {
        let core = self.core.clone();
        // The job owns the write: if this future is dropped, the write is cleaned up after the job, not during.
        blocking(move || {
            write.append(&core, kind, &buffer)?;
            buffer.clear();
            Ok((write, buffer))
        })
        .await?
    }
}
