//! A gateway of sorts: stores blobs, commits them, and remembers what was acknowledged.

use super::index::{Index, Seat};
use super::world::{Line, Wires};
use super::{TokioClock, bytes_of};
use esker_cluster::{
    DamageSink, HealthOptions, KeeperOptions, ReplicatedStore, StorageNodes, StoreOptions, ViewKeeper,
};
use esker_env::{Clock, Random, SeededRandom};
use esker_index::command::{CommandBody, NewData, NewObject, StoredData, Target};
use esker_rpc::{BlobStore, StorageError};
use esker_types::{
    BlobId, BucketId, BucketName, ByteRange, DataId, ETag, GroupId, NodeId, ObjectKey, WriteCondition,
    blobs_of,
};
use futures::{StreamExt as _, TryStreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const BUCKET: BucketId = BucketId(1);
const PIECE_BYTES: usize = 256 << 10;

pub struct Client {
    index: Arc<Index>,
    store: ReplicatedStore,
    clock: Arc<TokioClock>,
    random: SeededRandom,
    acknowledged: Mutex<BTreeMap<DataId, u64>>,
}

impl Client {
    pub fn new(index: &Arc<Index>, wires: &Arc<Wires>, clock: &Arc<TokioClock>, seed: u64) -> Arc<Client> {
        make_bucket(index);
        let seat = Arc::new(Seat { index: Arc::clone(index), node: None });
        let (keeper, views) = ViewKeeper::new(seat, KeeperOptions::default());
        tokio::spawn(keeper.run(CancellationToken::new()));
        let line = Arc::new(Line { from: None, wires: Arc::clone(wires) });
        let nodes = Arc::new(StorageNodes::new(None, line, HealthOptions::default()));
        let store = ReplicatedStore::new(views, nodes, DamageSink::none(), StoreOptions::default());
        Arc::new(Client {
            index: Arc::clone(index),
            store,
            clock: Arc::clone(clock),
            random: SeededRandom::new(seed),
            acknowledged: Mutex::default(),
        })
    }

    /// Stores and commits an object. Returns its data and the nodes that were late, once it is acknowledged.
    pub async fn upload(&self, length: u64) -> Result<(DataId, Vec<NodeId>), StorageError> {
        self.upload_slowly(length, PIECE_BYTES, Duration::ZERO).await
    }

    /// The same in pieces of so many bytes, each of which takes so long to come.
    pub async fn upload_slowly(
        &self,
        length: u64,
        piece_bytes: usize,
        pause: Duration,
    ) -> Result<(DataId, Vec<NodeId>), StorageError> {
        let data = DataId::new(self.clock.now().millis(), GroupId::DIRECTORY, self.random.u64());
        let mut late = BTreeSet::new();
        for (blob, length) in blobs_of(data, length) {
            let bytes = bytes_of(blob, length);
            let pieces: Vec<_> = bytes.chunks(piece_bytes).map(|piece| Ok(bytes.slice_ref(piece))).collect();
            let body = futures::stream::iter(pieces).then(move |piece| async move {
                // sleep: the client's pace
                tokio::time::sleep(pause).await;
                piece
            });
            late.extend(self.store.put(blob, body.boxed()).await?.late);
        }
        let late: Vec<NodeId> = late.into_iter().collect();
        let object = NewObject {
            size: length,
            etag: ETag::of_body([0; 16]),
            checksum: None,
            headers: Vec::new(),
            data: NewData::Stored(StoredData { data, late: late.clone() }),
        };
        let target = Target { bucket: BUCKET, key: ObjectKey::parse(data.to_string()).unwrap() };
        let body =
            CommandBody::PutObject { target, object, condition: WriteCondition::default(), entropy: 0 };
        self.index.apply(GroupId::DIRECTORY, body).unwrap();
        self.acknowledged.lock().unwrap().insert(data, length);
        Ok((data, late))
    }

    /// Uploads so many small objects, one after the other; all must succeed.
    pub async fn upload_many(&self, count: u64) -> Vec<DataId> {
        let mut all = Vec::new();
        for number in 0..count {
            all.push(self.upload(100 + number % 400).await.unwrap().0);
        }
        all
    }

    /// Deletes an object and, at once, its data, as the collection of garbage would later.
    pub async fn forget(&self, data: DataId) {
        let length = self.acknowledged.lock().unwrap().remove(&data).unwrap();
        let target = Target { bucket: BUCKET, key: ObjectKey::parse(data.to_string()).unwrap() };
        let body = CommandBody::DeleteObject { target, version: None, condition: None, entropy: 0 };
        self.index.apply(GroupId::DIRECTORY, body).unwrap();
        let blobs: Vec<BlobId> = blobs_of(data, length).map(|(blob, _)| blob).collect();
        self.store.delete(&blobs).await.unwrap();
    }

    /// Every blob that was acknowledged, with its length.
    pub fn blobs(&self) -> Vec<(BlobId, u64)> {
        let all = self.acknowledged.lock().unwrap();
        all.iter().flat_map(|(data, length)| blobs_of(*data, *length)).collect()
    }

    /// Reads all that was acknowledged.
    pub async fn read_all(&self) {
        for (blob, length) in self.blobs() {
            let range = ByteRange { first: 0, last: length - 1 };
            let reader = self.store.get(blob, range).await.unwrap();
            let pieces: Vec<bytes::Bytes> = reader.try_collect().await.unwrap();
            assert_eq!(pieces.concat(), bytes_of(blob, length), "{blob:?}");
        }
    }
}

fn make_bucket(index: &Index) {
    let name = BucketName::parse("bucket").unwrap();
    let owner = || "root".to_owned();
    for body in [
        CommandBody::CreateBucket { name: name.clone(), owner: owner(), group: GroupId::DIRECTORY },
        CommandBody::OpenBucket { bucket: BUCKET, name: name.clone(), owner: owner() },
        CommandBody::ActivateBucket { name, bucket: BUCKET },
    ] {
        index.apply(GroupId::DIRECTORY, body).unwrap();
    }
}
