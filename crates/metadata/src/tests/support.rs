//! Nodes for tests: real logs, real engines, real connections, and a client that proposes and asks.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use esker_env::{Clock, Disk, OsDisk, OsRandom, Random, SystemClock};
use esker_index::command::{Command, CommandBody, NewData, NewObject, Target};
use esker_index::outcome::{Done, Outcome, Written};
use esker_index::query::{Answer, Detail, Query};
use esker_kv::{Engine, EngineKind, Options};
use esker_rpc::metadata::{Metadata, MetadataError, Proposal};
use esker_rpc::transport::{ClusterCell, ClusterSecret, Connect, Identity, Listener, Network};
use esker_types::{
    BucketId, BucketName, ClusterId, ETag, GroupId, NodeId, ObjectKey, RequestId, Timestamp, WriteCondition,
};
use esker_wal::{Wal, WalOptions};
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::{Components, Formation, MetadataHandle, MetadataNode, RaftPlane, Settings};

pub(super) const GROUP: GroupId = GroupId::DIRECTORY;
pub(super) const CLUSTER: Uuid = Uuid::from_u128(0xe5);

/// No scenario takes this long; one that does fails instead of hanging.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn open_wal(disk: impl Disk + 'static, dir: &Path) -> Arc<Wal> {
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let mut options = WalOptions::new([7; 32]);
    options.segment_bytes = 8 << 20;
    disk.create_dir_all(dir).unwrap();
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    Arc::new(Wal::open(&disk, &random, dir, &options).unwrap().0)
}

pub(super) fn open_engine(dir: &Path) -> Arc<dyn Engine> {
    esker_kv::open(EngineKind::Fjall, dir, &Options::default()).unwrap()
}

/// The log and the rows of a node in one directory of the real disk.
pub(super) fn on_disk(dir: &Path) -> Components {
    Components {
        wal: open_wal(OsDisk, &dir.join("wal")),
        engine: open_engine(&dir.join("kv")),
        clock: Arc::new(SystemClock::new()),
        peers: None,
    }
}

pub(super) fn alone() -> Settings {
    Settings::new(CLUSTER, NodeId(1))
}

/// Settings of a node with peers, which elects fast enough for a test.
pub(super) fn with_peers(node: u64, address: SocketAddr) -> Settings {
    Settings {
        address: address.to_string(),
        formation: Formation::Wait,
        election_timeout_min: Duration::from_millis(300),
        election_timeout_max: Duration::from_millis(600),
        heartbeat_interval: Duration::from_millis(80),
        membership_interval: Duration::from_millis(50),
        ..Settings::new(CLUSTER, NodeId(node))
    }
}

/// A clock that can be set wrong. Time passes.
#[derive(Debug)]
pub(super) struct WrongClock {
    right: SystemClock,
    ahead_millis: AtomicI64,
}

impl WrongClock {
    pub(super) fn new() -> Arc<WrongClock> {
        Arc::new(WrongClock { right: SystemClock::new(), ahead_millis: AtomicI64::new(0) })
    }

    pub(super) fn set_ahead(&self, millis: i64) {
        self.ahead_millis.store(millis, Ordering::Relaxed);
    }
}

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        let now = self.right.now().micros().cast_signed();
        Timestamp((now + self.ahead_millis.load(Ordering::Relaxed) * 1000).cast_unsigned())
    }

    fn monotonic(&self) -> Duration {
        self.right.monotonic()
    }
}

/// A node's place in the network: where it listens until this is dropped.
pub(super) struct Place {
    pub(super) address: SocketAddr,
    _stop: DropGuard,
}

/// Listens at `address`, as soon as the node that was killed there does no more.
pub(super) async fn free(address: SocketAddr) -> Listener {
    let bound = async {
        loop {
            match Listener::bind(address).await {
                Ok(listener) => return listener,
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, bound).await.expect("the address becomes free")
}

/// A node's place in the network, at `address` if that has a port.
pub(super) async fn plane(
    cluster: Uuid,
    node: u64,
    address: SocketAddr,
    connect: Arc<dyn Connect>,
) -> (Place, RaftPlane) {
    let listener = free(address).await;
    let address = listener.local_addr().unwrap();
    let identity = Identity {
        secret: ClusterSecret::new("the secret of the tests").unwrap(),
        node: NodeId(node),
        cluster: ClusterCell::of(ClusterId(cluster)),
        clock: Arc::new(SystemClock::new()),
    };
    let network = Network::new(identity, connect, Handle::current());
    let stop = CancellationToken::new();
    let incoming = listener.start(stop.clone()).raft;
    (Place { address, _stop: stop.drop_guard() }, RaftPlane { network, incoming })
}

pub(super) fn request() -> RequestId {
    RequestId(OsRandom.uuid_v4())
}

pub(super) fn deadline_in(millis: u64) -> Timestamp {
    SystemClock::new().now().plus_millis(millis)
}

pub(super) fn proposal(body: CommandBody) -> Proposal {
    Proposal { request: request(), deadline: deadline_in(20_000), body }
}

pub(super) fn key(name: impl Into<String>) -> ObjectKey {
    ObjectKey::parse(name).unwrap()
}

pub(super) fn put(bucket: BucketId, name: &str) -> CommandBody {
    put_bytes(bucket, name, name.as_bytes().to_vec())
}

pub(super) fn put_bytes(bucket: BucketId, name: &str, content: Vec<u8>) -> CommandBody {
    let content = bytes::Bytes::from(content);
    CommandBody::PutObject {
        target: Target { bucket, key: key(name) },
        object: NewObject {
            size: content.len() as u64,
            etag: ETag::of_body([3; 16]),
            checksum: None,
            headers: Vec::new(),
            data: NewData::Inline(content),
        },
        condition: WriteCondition::NONE,
        entropy: OsRandom.u64(),
    }
}

/// A client of one node.
#[derive(Clone)]
pub(super) struct Client(pub(super) MetadataHandle);

impl Client {
    pub(super) fn of(node: &MetadataNode) -> Client {
        Client(node.handle().clone())
    }

    pub(super) async fn propose(&self, body: CommandBody) -> Result<Outcome, MetadataError> {
        self.0.propose(GROUP, proposal(body)).await
    }

    pub(super) async fn done(&self, body: CommandBody) -> Done {
        self.propose(body).await.expect("the metadata layer answers").expect("the command is accepted")
    }

    /// Creates a bucket and makes it visible.
    pub(super) async fn create_bucket(&self, name: &str) -> BucketId {
        let name = BucketName::parse(name).unwrap();
        let owner = "owner".to_owned();
        let create = CommandBody::CreateBucket { name: name.clone(), owner: owner.clone(), group: GROUP };
        let Done::BucketCreating { bucket, .. } = self.done(create).await else { panic!("not a bucket") };
        self.done(CommandBody::OpenBucket { bucket, name: name.clone(), owner }).await;
        self.done(CommandBody::ActivateBucket { name, bucket }).await;
        bucket
    }

    pub(super) async fn put(&self, bucket: BucketId, name: &str) -> Written {
        self.put_bytes(bucket, name, name.as_bytes().to_vec()).await
    }

    pub(super) async fn put_bytes(&self, bucket: BucketId, name: &str, content: Vec<u8>) -> Written {
        match self.done(put_bytes(bucket, name, content)).await {
            Done::Written(written) => written,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn try_exists(&self, bucket: BucketId, name: &str) -> Result<bool, MetadataError> {
        let query = Query::Version { bucket, key: key(name), version: None, detail: Detail::Record };
        match self.0.query(GROUP, query).await? {
            Answer::Version(answer) => Ok(answer.is_some_and(|answer| answer.found.is_some())),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn exists(&self, bucket: BucketId, name: &str) -> bool {
        self.try_exists(bucket, name).await.expect("the metadata layer answers")
    }

    /// How many versions the bucket holds.
    pub(super) async fn versions(&self, bucket: BucketId) -> u64 {
        match self.0.query(GROUP, Query::Bucket { bucket }).await.unwrap() {
            Answer::Bucket(Some(summary)) => summary.versions,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn wait_applied(&self, index: u64) {
        let reached = self.0.wait_for(GROUP, |status| status.applied_index >= Some(index));
        tokio::time::timeout(PATIENCE, reached).await.expect("the replica catches up").unwrap();
    }

    pub(super) fn applied(&self) -> u64 {
        self.0.status(GROUP).unwrap().applied_index.unwrap_or(0)
    }
}

pub(super) fn expired() -> Timestamp {
    Timestamp(SystemClock::new().now().micros() - Command::LIFETIME_MILLIS_MAX)
}
