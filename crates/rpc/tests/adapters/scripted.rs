//! A storage node whose streams a test can watch and hold up.

use bytes::Bytes;
use esker_rpc::testing::{self, MemoryStorage};
use esker_rpc::{BlobBody, BlobReader, Storage, StorageError};
use esker_types::{BlobId, ByteRange, Fence, PlacementEpoch};
use futures::{StreamExt as _, stream};
use tokio::sync::watch;

/// What a put does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Puts {
    /// Stores the blob.
    Store,
    /// Takes so many pieces and then none, for ever.
    StallAfter(usize),
    /// Refuses at once, without a look at the bytes.
    Refuse,
}

/// What a get does after its first piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gets {
    /// Goes on.
    Whole,
    /// Sends no other, for ever.
    Stall,
    /// Fails.
    Fail,
    /// Ends.
    EndEarly,
    /// Goes on after the end of the range.
    TooMuch,
}

/// What became of the streams that began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) puts_begun: usize,
    /// Pieces that puts took.
    pub(crate) pieces: usize,
    /// Puts whose bytes ended properly.
    pub(crate) bodies_ended: usize,
    /// Puts whose bytes ended with [`BodyAborted`](esker_rpc::BodyAborted).
    pub(crate) bodies_aborted: usize,
    /// Puts that are over, in whatever way.
    pub(crate) puts_over: usize,
    /// Readers that were dropped.
    pub(crate) gets_over: usize,
}

pub(crate) struct ScriptedStorage {
    puts: Puts,
    gets: Gets,
    pub(crate) seen: watch::Sender<Seen>,
    pub(crate) memory: MemoryStorage,
}

/// Counts when it is dropped.
struct Over(watch::Sender<Seen>, fn(&mut Seen));

impl Drop for Over {
    fn drop(&mut self) {
        self.0.send_modify(self.1);
    }
}

impl ScriptedStorage {
    pub(crate) fn new(puts: Puts, gets: Gets) -> ScriptedStorage {
        let seen = watch::Sender::default();
        ScriptedStorage { puts, gets, seen, memory: MemoryStorage::default() }
    }

    /// Waits until the node has seen this.
    pub(crate) async fn until(&self, what: impl FnMut(&Seen) -> bool) -> Seen {
        *self.seen.subscribe().wait_for(what).await.unwrap()
    }

    fn watched(&self, body: BlobBody) -> BlobBody {
        let (seen, mut taken) = (self.seen.clone(), 0);
        let stall_after = match self.puts {
            Puts::StallAfter(pieces) => pieces,
            _ => usize::MAX,
        };
        let body = body.map(Some).chain(stream::iter([None]));
        body.then(move |piece| {
            seen.send_modify(|seen| match piece {
                Some(Ok(_)) => seen.pieces += 1,
                Some(Err(_)) => seen.bodies_aborted += 1,
                None => seen.bodies_ended += 1,
            });
            taken += 1;
            let stall = taken > stall_after;
            async move { if stall { std::future::pending().await } else { piece } }
        })
        .filter_map(async |piece| piece)
        .boxed()
    }
}

#[async_trait::async_trait]
impl testing::Delegate for ScriptedStorage {
    fn inner(&self) -> Result<&dyn Storage, StorageError> {
        Ok(&self.memory)
    }

    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        self.seen.send_modify(|seen| seen.puts_begun += 1);
        let _over = Over(self.seen.clone(), |seen| seen.puts_over += 1);
        if self.puts == Puts::Refuse {
            return Err(StorageError::Stale(PlacementEpoch(9)));
        }
        self.memory.put(blob, fence, self.watched(body)).await
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        let mut reader = self.memory.get(blob, range).await?;
        let over = Over(self.seen.clone(), |seen| seen.gets_over += 1);
        let first = reader.next().await.into_iter();
        let rest = match self.gets {
            Gets::Whole => reader,
            Gets::Stall => stream::pending().boxed(),
            Gets::Fail => stream::iter([Err(StorageError::Corrupt("block 4".to_owned()))]).boxed(),
            Gets::EndEarly => stream::empty().boxed(),
            Gets::TooMuch => reader.chain(stream::iter([Ok(Bytes::from_static(b"more"))])).boxed(),
        };
        let watched = stream::iter(first).chain(rest).map(move |piece| {
            let _ = &over;
            piece
        });
        Ok(watched.boxed())
    }
}
