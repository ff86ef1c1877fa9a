//! Storing a blob: its body is cut into fragments, which are written as they come; memory holds one of them.

use crate::commit::{Committer, Phase, PutOutcome, Request, Requests, Write};
use crate::core::Core;
use crate::format::{FRAGMENT_BYTES, FragmentKind};
use crate::get;
use bytes::{Buf as _, BytesMut};
use esker_rpc::{BlobBody, StorageError};
use esker_types::{BlobId, CHUNK_BYTES};
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

/// Takes a blob back if its put is dropped while the committer is at it.
struct DropGuard {
    blob: BlobId,
    write: u64,
    requests: Requests,
    armed: Armed,
}

#[derive(PartialEq)]
enum Armed {
    Yes,
    No,
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if self.armed == Armed::Yes {
            // If the committer is gone, so is the store.
            let _ = self.requests.send(Request::Retract { blob: self.blob, write: self.write });
        }
    }
}

/// Runs `job` where blocking is fine.
pub(crate) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StorageError> {
    let failed = |error| StorageError::Failed(format!("a disk job ended early: {error}"));
    tokio::task::spawn_blocking(job).await.map_err(failed)
}

impl Putter<'_> {
    /// Stores the blob. Whatever ends this early, the blob won't exist.
    pub(crate) async fn put(self, blob: BlobId, body: BlobBody) -> Result<u64, StorageError> {
        self.core.check_writable()?;
        let closing = self.core.closing.clone();
        let write = tokio::select! {
            biased;
            () = closing.cancelled() => Err(StorageError::Failed("the store is closed".into())),
            write = self.receive(blob, body) => write,
            () = tokio::time::sleep(self.core.options.put_time_max) => Err(StorageError::Aborted),
        }?;
        let (length, id) = (write.length, write.id);
        let requests = self.committer.requests().clone();
        let mut guard = DropGuard { blob, write: id, requests, armed: Armed::Yes };
        let result = self.commit(write).await;
        guard.armed = Armed::No;
        result.map(|()| length)
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
                    Ok(()) => Ok(()),
                    Err(StorageError::Failed(reason)) => Err(StorageError::Failed(reason)),
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
    async fn receive(self, blob: BlobId, mut body: BlobBody) -> Result<Box<Write>, StorageError> {
        let closed = |_| StorageError::Failed("the store is closed".into());
        let _buffer = self.buffers.acquire().await.map_err(closed)?;
        let id = self.core.random.u64();
        let mut write = Box::new(Write::new(blob, id, self.committer.requests().clone(), &self.core.writes));
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
