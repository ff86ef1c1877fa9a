//! Many streams at once: whole, and in bounded memory.

use crate::scripted::{Gets, Puts, ScriptedStorage};
use crate::storage::Remote;
use bytes::Bytes;
use esker_rpc::testing::storage_contract::{FENCE, blob, content};
use esker_rpc::{
    BlobBody, BlobPage, BlobReader, BodyAborted, GroupFilter, Storage, StorageError, StorageUsage,
};
use esker_types::{BlobId, ByteRange, CHUNK_BYTES, Fence};
use futures::{StreamExt as _, stream};
use std::sync::{Arc, LazyLock};
use tokio::sync::watch;

const STREAMS: u64 = 200;
const PIECE: usize = 256 << 10;
/// What one stream may have on its way: a window, what the connection's sender holds, and two pieces.
const IN_FLIGHT_MAX: i64 = (512 << 10) + (1 << 20) + 2 * (PIECE as i64);
/// What a stream has on its way for sure when the other side takes nothing: no less than a window.
const IN_FLIGHT_MIN: i64 = 512 << 10;

/// What is on its way in all streams, in bytes, and the most there was.
#[derive(Clone, Copy, Debug, Default)]
struct OnTheWay {
    now: i64,
    most: i64,
}

type Way = watch::Sender<OnTheWay>;

fn count(way: &Way, bytes: i64) {
    way.send_modify(|on| {
        on.now += bytes;
        on.most = on.most.max(on.now);
    });
}

/// The bytes of every blob: made once, since streams that wait for the threads which make them look idle.
fn whole() -> Bytes {
    static WHOLE: LazyLock<Bytes> = LazyLock::new(|| content(7, CHUNK_BYTES));
    WHOLE.clone()
}

fn pieces(way: Way) -> impl futures::Stream<Item = Bytes> + Send {
    let whole = whole();
    stream::iter((0..whole.len()).step_by(PIECE)).map(move |at| {
        count(&way, PIECE as i64);
        whole.slice(at..at + PIECE)
    })
}

/// Compares what it gets with what it should be, and keeps nothing; takes the first byte only once it is let.
struct Comparing {
    way: Way,
    open: watch::Receiver<bool>,
}

#[async_trait::async_trait]
impl Storage for Comparing {
    async fn put(&self, _: BlobId, _: Fence, mut body: BlobBody) -> Result<u64, StorageError> {
        self.open.clone().wait_for(|open| *open).await.unwrap();
        let (whole, mut at) = (whole(), 0);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|BodyAborted| StorageError::Aborted)?;
            count(&self.way, -(piece.len() as i64));
            assert!(piece == whole.slice(at..at + piece.len()));
            at += piece.len();
        }
        Ok(at as u64)
    }

    async fn get(&self, _: BlobId, _: ByteRange) -> Result<BlobReader, StorageError> {
        Ok(pieces(self.way.clone()).map(Ok).boxed())
    }

    async fn delete(&self, _: &[BlobId]) -> Result<(), StorageError> {
        unreachable!()
    }

    async fn stat(&self, _: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        unreachable!()
    }

    async fn list(
        &self,
        _: Option<&GroupFilter>,
        _: Option<BlobId>,
        _: usize,
    ) -> Result<BlobPage, StorageError> {
        unreachable!()
    }

    async fn fence(&self, _: &[Fence]) -> Result<(), StorageError> {
        unreachable!()
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        Ok(StorageUsage::default())
    }
}

async fn remote() -> (Arc<Remote>, Way, watch::Sender<bool>) {
    let (way, (gate, open)) = (Way::default(), watch::channel(false));
    let storage = Comparing { way: way.clone(), open };
    (Arc::new(Remote::start(Arc::new(storage)).await), way, gate)
}

/// Waits until every stream has filled its window, while small calls go on.
async fn until_stuck(remote: &Remote, way: &Way) {
    let stuck = STREAMS as i64 * IN_FLIGHT_MIN;
    way.subscribe().wait_for(|on| on.now >= stuck).await.unwrap();
    assert!(remote.usage().await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_puts_to_a_slow_node_hold_a_window_each_and_then_all_end() {
    let (remote, way, gate) = remote().await;
    let puts: Vec<_> = (0..STREAMS)
        .map(|number| {
            let (remote, body) = (Arc::clone(&remote), pieces(way.clone()).map(Ok).boxed());
            tokio::spawn(async move { remote.put(blob(number), FENCE, body).await })
        })
        .collect();
    until_stuck(&remote, &way).await;
    gate.send_replace(true);
    for put in puts {
        assert_eq!(put.await.unwrap(), Ok(CHUNK_BYTES));
    }
    let most = way.borrow().most;
    assert!(most <= STREAMS as i64 * IN_FLIGHT_MAX, "{most} bytes were on their way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_slow_readers_hold_a_window_each_and_then_all_get_everything() {
    let (remote, way, gate) = remote().await;
    let gets: Vec<_> = (0..STREAMS)
        .map(|number| {
            let (remote, way, mut open) = (Arc::clone(&remote), way.clone(), gate.subscribe());
            tokio::spawn(async move {
                let range = ByteRange { first: 0, last: CHUNK_BYTES - 1 };
                let mut reader = remote.get(blob(number), range).await?;
                open.wait_for(|open| *open).await.unwrap();
                let (whole, mut at) = (whole(), 0);
                while let Some(piece) = reader.next().await {
                    let piece = piece?;
                    count(&way, -(piece.len() as i64));
                    assert!(piece == whole.slice(at..at + piece.len()));
                    at += piece.len();
                }
                Ok::<_, StorageError>(at as u64)
            })
        })
        .collect();
    until_stuck(&remote, &way).await;
    gate.send_replace(true);
    for get in gets {
        assert_eq!(get.await.unwrap(), Ok(CHUNK_BYTES));
    }
    let most = way.borrow().most;
    assert!(most <= STREAMS as i64 * IN_FLIGHT_MAX, "{most} bytes were on their way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_streams_than_a_connection_carries_wait_for_one_another() {
    let storage = Arc::new(ScriptedStorage::new(Puts::Store, Gets::Whole));
    let remote = Arc::new(Remote::start(storage).await);
    let puts = (0..600).map(|number| {
        let (remote, bytes) = (Arc::clone(&remote), content(number, 100));
        async move { remote.put(blob(number), FENCE, stream::iter([Ok(bytes)]).boxed()).await }
    });
    let stored = futures::future::join_all(puts).await;
    assert!(stored.iter().all(|stored| *stored == Ok(100)), "{stored:?}");
}
