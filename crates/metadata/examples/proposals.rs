//! Measures what one node commits: every proposal is logged with a real fsync and applied to the default engine.
//!
//! `cargo run --release -p esker-metadata --example proposals [directory]`; the directory's disk is what is measured.
#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use esker_env::{Clock, OsDisk, OsRandom, Random, SystemClock};
use esker_index::command::{CommandBody, NewData, NewObject, Target};
use esker_index::outcome::Done;
use esker_index::query::{Detail, Query};
use esker_kv::{EngineKind, Options};
use esker_metadata::{Components, MetadataHandle, MetadataNode, Settings};
use esker_rpc::metadata::{Metadata, Proposal};
use esker_types::{BucketId, BucketName, ETag, GroupId, NodeId, ObjectKey, RequestId, WriteCondition};
use esker_wal::{Wal, WalOptions};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const GROUP: GroupId = GroupId::DIRECTORY;

#[derive(Clone)]
struct Load {
    handle: MetadataHandle,
    clock: Arc<SystemClock>,
    bucket: BucketId,
}

impl Load {
    async fn propose(&self, body: CommandBody) -> Result<Done, Failure> {
        let deadline = self.clock.now().plus_millis(30_000);
        let proposal = Proposal { request: RequestId(OsRandom.uuid_v4()), deadline, body };
        Ok(self.handle.propose(GROUP, proposal).await??)
    }

    async fn put(&self, key: String) -> Result<Duration, Failure> {
        let object = NewObject {
            size: 100,
            etag: ETag::of_body([1; 16]),
            checksum: None,
            headers: Vec::new(),
            data: NewData::Inline(Bytes::from_static(&[7; 100])),
        };
        let target = Target { bucket: self.bucket, key: ObjectKey::parse(key)? };
        let entropy = OsRandom.u64();
        let started = self.clock.monotonic();
        self.propose(CommandBody::PutObject { target, object, condition: WriteCondition::NONE, entropy })
            .await?;
        Ok(self.clock.monotonic() - started)
    }

    async fn get(&self, key: String) -> Result<Duration, Failure> {
        let started = self.clock.monotonic();
        let key = ObjectKey::parse(key)?;
        let query = Query::Version { bucket: self.bucket, key, version: None, detail: Detail::Manifest };
        self.handle.query(GROUP, query).await?;
        Ok(self.clock.monotonic() - started)
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Put,
    Get,
}

async fn measure(load: &Load, kind: Kind, clients: usize, each: usize) -> Result<(), Failure> {
    let started = load.clock.monotonic();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let load = load.clone();
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(each);
                for i in 0..each {
                    let key = format!("{clients}/{client}/{i}");
                    times.push(match kind {
                        Kind::Put => load.put(key).await?,
                        Kind::Get => load.get(key).await?,
                    });
                }
                Ok::<_, Failure>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let took = (load.clock.monotonic() - started).as_secs_f64();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let total = u32::try_from(times.len())?;
    println!(
        "{kind:?}, {clients:>3} clients: {:>8.0}/s, p50 {:?}, p99 {:?}",
        f64::from(total) / took,
        at(50),
        at(99)
    );
    Ok(())
}

fn components(dir: &Path) -> Result<Components, Failure> {
    let disk: Arc<dyn esker_env::Disk> = Arc::new(OsDisk);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let wal_dir = dir.join("wal");
    disk.create_dir_all(&wal_dir)?;
    let (wal, _) = Wal::open(&disk, &random, &wal_dir, &WalOptions::new([1; 32]))?;
    let engine = esker_kv::open(EngineKind::Fjall, &dir.join("kv"), &Options::default())?;
    Ok(Components { wal: Arc::new(wal), engine, clock: Arc::new(SystemClock::new()), peers: None })
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(base)?;
    let settings = Settings::new(uuid::Uuid::from_u128(1), NodeId(1));
    let node = MetadataNode::start(components(dir.path())?, settings).await?;
    let mut load =
        Load { handle: node.handle().clone(), clock: Arc::new(SystemClock::new()), bucket: BucketId(0) };
    let (name, owner) = (BucketName::parse("load")?, "owner".to_owned());
    let create = CommandBody::CreateBucket { name: name.clone(), owner: owner.clone(), group: GROUP };
    let Done::BucketCreating { bucket, .. } = load.propose(create).await? else {
        return Err("the bucket was not created".into());
    };
    load.propose(CommandBody::OpenBucket { bucket, name, owner }).await?;
    load.bucket = bucket;
    for (clients, each) in [(1, 500), (64, 150), (256, 50)] {
        measure(&load, Kind::Put, clients, each).await?;
        measure(&load, Kind::Get, clients, each).await?;
    }
    node.shutdown().await?;
    Ok(())
}
