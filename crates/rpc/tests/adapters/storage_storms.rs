//! Many streams of one connection that end at once: the others go on.

use crate::storage::Remote;
use esker_rpc::testing::storage_contract::{FENCE, blob, body, content, read};
use esker_rpc::testing::{self, MemoryStorage};
use esker_rpc::{BlobBody, Storage, StorageError};
use esker_types::{BlobId, ByteRange, CHUNK_BYTES, Fence};
use futures::{StreamExt as _, future, stream};
use std::sync::Arc;
use tokio::sync::watch;

const ROUNDS: u64 = 5;
const STREAMS: u64 = 150;
const WINDOW: u64 = 512 << 10;
const WHOLE: ByteRange = ByteRange { first: 0, last: CHUNK_BYTES - 1 };
/// The blob that no storm is to touch.
const CALM: u64 = 1_000_000;

/// Refuses all blobs but one, when it is let.
struct Refusing {
    memory: MemoryStorage,
    round: watch::Receiver<u64>,
}

#[async_trait::async_trait]
impl testing::Delegate for Refusing {
    fn inner(&self) -> Result<&dyn Storage, StorageError> {
        Ok(&self.memory)
    }

    async fn put(&self, id: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        if id == blob(CALM) {
            return self.memory.put(id, fence, body).await;
        }
        let own = id.data.millis() / STREAMS;
        self.round.clone().wait_for(|round| *round > own).await.unwrap();
        Err(StorageError::Full)
    }
}

async fn remote() -> (Remote, watch::Sender<u64>) {
    let (sender, round) = watch::channel(0);
    let memory = MemoryStorage::default();
    memory.put(blob(CALM + 1), FENCE, body(content(1, CHUNK_BYTES), 1 << 20)).await.unwrap();
    (Remote::start(Arc::new(Refusing { memory, round })).await, sender)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_refusals_at_once_break_no_other_put() {
    let (remote, round) = remote().await;
    let (go_on, wait) = tokio::sync::oneshot::channel();
    let late = stream::once(async { Ok(wait.await.unwrap()) });
    let calm = remote.put(blob(CALM), FENCE, body(content(2, 1000), 1000).chain(late).boxed());
    let storm = async {
        let (taken, piece) = (watch::Sender::new(0), content(3, 64 << 10));
        for at in 0..ROUNDS {
            let puts = (0..STREAMS).map(|number| {
                let (taken, piece) = (taken.clone(), piece.clone());
                let endless = stream::repeat_with(move || {
                    taken.send_modify(|taken| *taken += piece.len() as u64);
                    Ok(piece.clone())
                });
                remote.put(blob(at * STREAMS + number), FENCE, endless.boxed())
            });
            let refuse = async {
                taken.subscribe().wait_for(|taken| *taken >= (at + 1) * STREAMS * WINDOW).await.unwrap();
                round.send_replace(at + 1);
            };
            let (refused, ()) = future::join(future::join_all(puts), refuse).await;
            assert!(refused.iter().all(|refused| *refused == Err(StorageError::Full)), "{refused:?}");
        }
        go_on.send(content(2, 500)).unwrap();
    };
    assert_eq!(future::join(calm, storm).await.0, Ok(1500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_that_go_at_once_break_no_other_get() {
    let (remote, _round) = remote().await;
    let id = blob(CALM + 1);
    let mut calm = remote.get(id, WHOLE).await.unwrap();
    let mut length = calm.next().await.unwrap().unwrap().len();
    for _ in 0..2 * ROUNDS {
        let gets = (0..STREAMS).map(|_| remote.get(id, WHOLE));
        for reader in &mut future::try_join_all(gets).await.unwrap() {
            assert!(reader.next().await.unwrap().is_ok());
        }
        // Some go before they have an answer.
        let gets = future::join_all((0..STREAMS).map(|_| remote.get(id, WHOLE)));
        tokio::select! {
            biased;
            _ = gets => {}
            () = tokio::task::yield_now() => {}
        }
    }
    while let Some(piece) = calm.next().await {
        length += piece.unwrap().len();
    }
    assert_eq!(length as u64, CHUNK_BYTES);
    assert!(read(&remote, id, WHOLE).await.is_ok());
}
