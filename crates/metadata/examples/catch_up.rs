//! Shows what it costs to bring a new replica up to date: two nodes write, a third one that has nothing joins while
//! they go on, and the process prints its memory.
//!
//! `cargo run --release -p esker-metadata --example catch_up [versions] [directory]`. All three nodes are in this
//! process, so the memory is that of three engines; what matters is how little it grows while the rows travel.
#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use esker_env::{Clock, Disk, OsDisk, OsRandom, Random, SystemClock};
use esker_index::command::{CommandBody, NewData, NewObject, Target};
use esker_index::outcome::Done;
use esker_kv::{EngineKind, Options};
use esker_metadata::{Components, Formation, MetadataHandle, MetadataNode, Peer, RaftPlane, Settings};
use esker_rpc::metadata::{Metadata, Proposal};
use esker_rpc::transport::{ClusterCell, ClusterSecret, Identity, Listener, Network, TcpConnect};
use esker_types::{
    BucketId, BucketName, ClusterId, ETag, GroupId, NodeId, ObjectKey, RequestId, WriteCondition,
};
use esker_wal::{Wal, WalOptions};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const GROUP: GroupId = GroupId::DIRECTORY;
const CLUSTER: Uuid = Uuid::from_u128(1);
/// Each writes every 256th version.
const WRITERS: u64 = 256;

async fn start(id: u64, dir: &Path, formation: Formation) -> Result<(MetadataNode, SocketAddr), Failure> {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let wal_dir = dir.join("wal");
    disk.create_dir_all(&wal_dir)?;
    let (wal, _) = Wal::open(&disk, &random, &wal_dir, &WalOptions::new([1; 32]))?;
    let engine = esker_kv::open(EngineKind::Fjall, &dir.join("kv"), &Options::default())?;
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    let secret = ClusterSecret::new("the secret of this example")?;
    let cluster = ClusterCell::of(ClusterId(CLUSTER));
    let identity = Identity { secret, node: NodeId(id), cluster, clock: clock.clone() };
    let network = Network::new(identity, Arc::new(TcpConnect), tokio::runtime::Handle::current());
    let peers = Some(RaftPlane { network, incoming: listener.start(CancellationToken::new()).raft });
    let mut settings =
        Settings { formation, address: address.to_string(), ..Settings::new(CLUSTER, NodeId(id)) };
    settings.entries_per_snapshot = 25_000;
    settings.entries_kept = 50_000;
    let node = MetadataNode::start(Components { wal: Arc::new(wal), engine, clock, peers }, settings).await?;
    Ok((node, address))
}

async fn propose(handle: &MetadataHandle, body: CommandBody) -> Result<Done, Failure> {
    let deadline = handle.group_clock().now().plus_millis(50_000);
    let proposal = Proposal { request: RequestId(OsRandom.uuid_v4()), deadline, body };
    Ok(handle.propose(GROUP, proposal).await??)
}

async fn put(handle: &MetadataHandle, bucket: BucketId, key: String) -> Result<(), Failure> {
    let object = NewObject {
        size: 100,
        etag: ETag::of_body([1; 16]),
        checksum: None,
        headers: Vec::new(),
        data: NewData::Inline(Bytes::from_static(&[7; 100])),
    };
    let target = Target { bucket, key: ObjectKey::parse(key)? };
    let entropy = OsRandom.u64();
    let body = CommandBody::PutObject { target, object, condition: WriteCondition::NONE, entropy };
    propose(handle, body).await.map(drop)
}

async fn create_bucket(handle: &MetadataHandle) -> Result<BucketId, Failure> {
    let (name, owner) = (BucketName::parse("load")?, "owner".to_owned());
    let create = CommandBody::CreateBucket { name: name.clone(), owner: owner.clone(), group: GROUP };
    let Done::BucketCreating { bucket, .. } = propose(handle, create).await? else {
        return Err("the bucket was not created".into());
    };
    propose(handle, CommandBody::OpenBucket { bucket, name, owner }).await?;
    Ok(bucket)
}

/// The process's memory, in MiB.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let versions: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let base = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dirs = [tempfile::tempdir_in(&base)?, tempfile::tempdir_in(&base)?, tempfile::tempdir_in(&base)?];
    let clock = SystemClock::new();
    let (first, first_at) = start(1, dirs[0].path(), Formation::Wait).await?;
    let (second, second_at) = start(2, dirs[1].path(), Formation::Wait).await?;
    let peer = |at: SocketAddr| Peer { address: at.to_string() };
    let voters = BTreeMap::from([(NodeId(1), peer(first_at)), (NodeId(2), peer(second_at))]);
    first.handle().initialize(GROUP, voters).await?;
    let handle = first.handle().clone();
    let bucket = create_bucket(&handle).await?;
    let tasks = (0..WRITERS).map(|writer| {
        let handle = handle.clone();
        tokio::spawn(async move {
            for i in (writer..versions).step_by(256) {
                put(&handle, bucket, format!("{i:012}")).await?;
            }
            Ok::<_, Failure>(())
        })
    });
    for task in futures::future::join_all(tasks).await {
        task??;
    }
    println!("{versions} versions after {:.0?}; {} MiB", clock.monotonic(), resident()?);

    // Writes go on, one after the other.
    let (stop, meanwhile) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writing = tokio::spawn({
        let (stop, meanwhile, handle) = (stop.clone(), meanwhile.clone(), handle.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                put(&handle, bucket, format!("m-{}", meanwhile.fetch_add(1, Ordering::Relaxed))).await?;
            }
            Ok::<_, Failure>(())
        }
    });
    let before = resident()?;
    let started = clock.monotonic();
    let (third, third_at) = start(3, dirs[2].path(), Formation::Wait).await?;
    let leader = handle.wait_for(GROUP, |status| status.leader.is_some()).await?.leader;
    let leads = if leader == Some(NodeId(2)) { second.handle().clone() } else { handle.clone() };
    let mut most = before;
    let joined = leads.add_learner(GROUP, NodeId(3), peer(third_at));
    tokio::pin!(joined);
    loop {
        tokio::select! {
            joined = &mut joined => break joined?,
            () = tokio::time::sleep(Duration::from_millis(50)) => most = most.max(resident()?),
        }
    }
    let took = clock.monotonic() - started;
    stop.store(true, Ordering::Relaxed);
    writing.await??;
    let index = leads.status(GROUP)?.applied_index;
    third.handle().wait_for(GROUP, |status| status.applied_index >= index).await?;
    let equal = leads.state_hash(GROUP).await? == third.handle().state_hash(GROUP).await?;
    println!(
        "caught up after {took:.1?}, {} writes meanwhile; {before} MiB before, at most {most} MiB; equal rows: {equal}",
        meanwhile.load(Ordering::Relaxed)
    );
    for node in [third, second, first] {
        node.shutdown().await?;
    }
    Ok(())
}
