//! A node in this process: the real gateway over the real index, log and segments, wired without the binary.
//!
//! For what can't be measured from outside: what a request allocates, and what a version of ten thousand parts costs
//! without the fifty gigabytes that its parts would have. What is missing of a node is what works beside requests
//! (repairs, collection, other nodes) and the placement of blobs: there is one place.

use crate::client::sign::{ACCESS_KEY, REGION, SECRET_KEY};
use async_trait::async_trait;
use esker_env::{Clock, Disk, OsDisk, OsRandom, Random, SystemClock};
use esker_gateway::{Gateway, Health, Listeners, Probe, RootCredentials, SecretKey};
use esker_index::command::CommandBody;
use esker_index::outcome::Done;
use esker_kv::{EngineKind, Options};
use esker_metadata::{MetadataHandle, MetadataNode};
use esker_rpc::{
    BlobBody, BlobReader, BlobStore, Metadata as _, Proposal, Storage as _, StorageError, StoredBlob,
};
use esker_storage::{ClusterChoice, DataDir, IndexStart, SegmentStore, StorageOptions};
use esker_types::{
    BlobId, BucketId, BucketName, ByteRange, Fence, GroupId, PlacementEpoch, PlacementGroup, RequestId,
    VersioningState,
};
use esker_wal::{Wal, WalOptions};
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The group of everything.
pub const GROUP: GroupId = GroupId::DIRECTORY;
/// A placement group that never moves.
const FENCE: Fence = Fence { group: PlacementGroup(0), epoch: PlacementEpoch(1) };
/// How long a command may take.
const DEADLINE_MILLIS: u64 = 30_000;
/// As a node alone has it.
const ENTRIES_PER_SNAPSHOT: u64 = 10_000;
const ENTRIES_KEPT: u64 = 1_000;

/// Whatever the parts failed with.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The node. Dropping it ends its threads without waiting for them.
#[derive(Debug)]
pub struct Stack {
    runtime: Option<Runtime>,
    s3: SocketAddr,
    parts: Parts,
    stop: CancellationToken,
}

#[derive(Clone, Debug)]
struct Parts {
    metadata: MetadataHandle,
    clock: Arc<SystemClock>,
}

/// Blobs with one replica each.
struct OneDisk(SegmentStore);

#[async_trait]
impl BlobStore for OneDisk {
    async fn put(&self, blob: BlobId, body: BlobBody) -> Result<StoredBlob, StorageError> {
        let length = self.0.put(blob, FENCE, body).await?;
        Ok(StoredBlob { length, late: Vec::new() })
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        self.0.get(blob, range).await
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        self.0.delete(blobs).await
    }
}

/// Nobody asks this node's console.
struct Silent;

#[async_trait]
impl Probe for Silent {
    async fn ready(&self) -> Health {
        Health::Ok
    }

    async fn cluster(&self) -> Health {
        Health::Ok
    }

    async fn metrics(&self) -> String {
        String::new()
    }
}

impl Stack {
    /// A node with nothing in it, in an existing directory, on a runtime of its own.
    ///
    /// # Errors
    /// A part can't be started.
    pub async fn start(dir: &Path) -> Result<Stack, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (dir, stop) = (dir.to_owned(), CancellationToken::new());
        let (s3, parts) = runtime.spawn(start(dir, stop.clone())).await??;
        Ok(Stack { runtime: Some(runtime), s3, parts, stop })
    }

    /// Where it serves S3.
    pub fn s3(&self) -> SocketAddr {
        self.s3
    }

    /// The time in milliseconds as the node has it.
    pub fn millis(&self) -> u64 {
        self.parts.clock.now().millis()
    }

    /// Proposes a command, which must succeed.
    ///
    /// # Errors
    /// It is refused, or the node fails.
    pub async fn propose(&self, body: CommandBody) -> Result<Done, Failure> {
        let parts = self.parts.clone();
        let work = async move {
            let request = RequestId::from_bytes(*OsRandom.uuid_v4().as_bytes());
            let deadline = parts.clock.now().plus_millis(DEADLINE_MILLIS);
            Ok(parts.metadata.propose(GROUP, Proposal { request, deadline, body }).await??)
        };
        match &self.runtime {
            Some(runtime) => runtime.spawn(work).await?,
            None => work.await,
        }
    }

    /// Makes a bucket in which versions are kept.
    ///
    /// # Errors
    /// A command is refused.
    pub async fn make_bucket(&self, name: &str) -> Result<BucketId, Failure> {
        let name = BucketName::parse(name)?;
        let owner = RootCredentials::ACCOUNT.to_owned();
        let create = CommandBody::CreateBucket { name: name.clone(), owner: owner.clone(), group: GROUP };
        let Done::BucketCreating { bucket, .. } = self.propose(create).await? else {
            return Err("a bucket has an incarnation".into());
        };
        self.propose(CommandBody::OpenBucket { bucket, name: name.clone(), owner }).await?;
        self.propose(CommandBody::ActivateBucket { name, bucket }).await?;
        self.propose(CommandBody::PutVersioning { bucket, state: VersioningState::Enabled }).await?;
        Ok(bucket)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn start(dir: PathBuf, stop: CancellationToken) -> Result<(SocketAddr, Parts), Failure> {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let clock = Arc::new(SystemClock::new());
    let engine = esker_kv::open(EngineKind::Fjall, &dir.join("kv"), &Options::default())?;
    let (wal, _) = Wal::open(&disk, &random, &dir.join("wal"), &WalOptions::new([7; 32]))?;
    let data =
        Arc::new(DataDir::open_or_create(&*disk, &dir.join("data"), ClusterChoice::FoundOrNew, &*random)?);
    let components = esker_storage::Components {
        disk,
        engine: engine.clone(),
        dir: data.clone(),
        random: random.clone(),
        clock: clock.clone(),
    };
    let (storage, _) = SegmentStore::open(components, StorageOptions::default(), IndexStart::Recover)?;
    let components =
        esker_metadata::Components { wal: Arc::new(wal), engine, clock: clock.clone(), peers: None };
    let mut settings = esker_metadata::Settings::new(data.identity().cluster.0, data.node());
    settings.entries_per_snapshot = ENTRIES_PER_SNAPSHOT;
    settings.entries_kept = ENTRIES_KEPT;
    let node = MetadataNode::start(components, settings).await?;
    let metadata = node.handle().clone();
    metadata.wait_for(GROUP, |status| status.leader.is_some()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let s3 = listener.local_addr()?;
    let credentials = RootCredentials::new(ACCESS_KEY, SecretKey::new(SECRET_KEY));
    let components = esker_gateway::Components {
        metadata: Arc::new(metadata.clone()),
        storage: Arc::new(OneDisk(storage)),
        credentials: Arc::new(credentials),
        clock: clock.clone(),
        random,
        probe: Arc::new(Silent),
    };
    let settings =
        esker_gateway::Settings { region: REGION.to_owned(), ..esker_gateway::Settings::default() };
    let gateway = Gateway::new(components, settings);
    tokio::spawn(async move {
        gateway.run(Listeners { s3: listener, console: None }, stop).await;
        // The node lives as long as its gateway.
        drop(node);
    });
    Ok((s3, Parts { metadata, clock }))
}
