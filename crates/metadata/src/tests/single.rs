//! One node, its own only voter.

use std::sync::Arc;

use esker_env::{
    Clock, Disk, DiskOperation, Fault, FaultDuration, Random, SeededRandom, SimDisk, SystemClock,
};
use esker_index::command::{CommandBody, Target};
use esker_index::outcome::Refusal;
use esker_kv::{MemoryEngine, Tombstones};
use esker_rpc::metadata::{Metadata, MetadataError, Proposal};
use esker_types::{GroupId, NodeId};
use esker_wal::{Wal, WalOptions};
use std::path::Path;
use std::time::Duration;

use crate::tests::support::{
    CLUSTER, Client, GROUP, PATIENCE, alone, deadline_in, expired, key, on_disk, open_wal, proposal, put,
    put_bytes, request,
};
use crate::{Components, Formation, MetadataNode, Role, Runtime, Settings, StartError};

fn in_memory() -> Components {
    Components {
        wal: open_wal(SimDisk::new(), Path::new("/wal")),
        engine: Arc::new(MemoryEngine::new(Tombstones::Dropped)),
        clock: Arc::new(SystemClock::new()),
        peers: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_node_has_every_acknowledged_write_without_waiting_for_an_election_timer() {
    let dir = tempfile::tempdir().unwrap();
    let node = MetadataNode::start(on_disk(dir.path()), alone()).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    for i in 0..50 {
        client.put(bucket, &format!("key-{i}")).await;
    }
    let before = client.0.state_hash(GROUP).await.unwrap();
    drop(client);
    node.shutdown().await.unwrap();

    let clock = SystemClock::new();
    let settings = Settings {
        election_timeout_min: Duration::from_secs(3600),
        election_timeout_max: Duration::from_secs(7200),
        ..alone()
    };
    let node = MetadataNode::start(on_disk(dir.path()), settings).await.unwrap();
    let client = Client::of(&node);
    assert_eq!(client.versions(bucket).await, 50);
    println!("restarted within {:?}", clock.monotonic());
    for i in 0..50 {
        assert!(client.exists(bucket, &format!("key-{i}")).await);
    }
    // The new term's blank entry is applied, too, and changes no row.
    let after = client.0.state_hash(GROUP).await.unwrap();
    assert!(after.0 > before.0);
    assert_eq!(after.1, before.1);
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_applied_once_and_gets_the_first_outcome() {
    let node = MetadataNode::start(in_memory(), alone()).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    let once = proposal(put(bucket, "key"));
    let first = client.0.propose(GROUP, once.clone()).await.unwrap().unwrap();
    let second = client.0.propose(GROUP, once).await.unwrap().unwrap();
    assert_eq!(first, second);
    let other = client.done(put(bucket, "key")).await;
    assert_ne!(first, other);
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_past_its_deadline_is_refused_and_leaves_nothing() {
    let node = MetadataNode::start(in_memory(), alone()).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    let late = Proposal { request: request(), deadline: expired(), body: put(bucket, "late") };
    assert_eq!(client.0.propose(GROUP, late).await, Ok(Err(Refusal::Expired)));
    assert!(!client.exists(bucket, "late").await);
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_a_proposal_ends_at_its_deadline_and_a_query_at_the_read_timeout() {
    let settings = Settings {
        formation: Formation::Wait,
        read_timeout: Duration::from_millis(200),
        ..Settings::new(CLUSTER, NodeId(1))
    };
    let node = MetadataNode::start(in_memory(), settings).await.unwrap();
    let client = Client::of(&node);
    let body = CommandBody::SealBucket { bucket: esker_types::BucketId(1) };
    let hopeless = Proposal { request: request(), deadline: deadline_in(300), body };
    let proposed = client.0.propose(GROUP, hopeless).await;
    assert!(matches!(proposed, Err(MetadataError::Unavailable(_))), "{proposed:?}");
    let asked = client.try_exists(esker_types::BucketId(1), "key").await;
    assert!(matches!(asked, Err(MetadataError::Unavailable(_))), "{asked:?}");
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_over_the_bound_are_refused_at_once() {
    let settings = Settings { proposals_max: 1, formation: Formation::Wait, ..alone() };
    let node = MetadataNode::start(in_memory(), settings).await.unwrap();
    let client = Client::of(&node);
    let body = CommandBody::SealBucket { bucket: esker_types::BucketId(1) };
    let waiting = Proposal { request: request(), deadline: deadline_in(500), body: body.clone() };
    let (first, second) =
        tokio::join!(client.0.propose(GROUP, waiting), client.0.propose(GROUP, proposal(body)),);
    assert!(matches!(first, Err(MetadataError::Unavailable(why)) if why.contains("deadline")));
    assert!(matches!(second, Err(MetadataError::Unavailable(why)) if why.contains("too many")));
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_over_the_bound_of_bytes_are_refused_at_once() {
    let settings = Settings { proposals_bytes_max: 5_000, formation: Formation::Wait, ..alone() };
    let node = MetadataNode::start(in_memory(), settings).await.unwrap();
    let client = Client::of(&node);
    let waiting = |bytes: usize| Proposal {
        request: request(),
        deadline: deadline_in(500),
        body: put_bytes(esker_types::BucketId(1), "key", vec![0; bytes]),
    };
    let (large, too_much, small) = tokio::join!(
        client.0.propose(GROUP, waiting(3_000)),
        client.0.propose(GROUP, waiting(3_000)),
        client.0.propose(GROUP, waiting(100)),
    );
    assert!(matches!(large, Err(MetadataError::Unavailable(why)) if why.contains("deadline")));
    assert!(matches!(too_much, Err(MetadataError::Unavailable(why)) if why.contains("too many")));
    assert!(matches!(small, Err(MetadataError::Unavailable(why)) if why.contains("deadline")));
    // What one command needs is always there, once nobody else waits.
    let longest = client.0.propose(GROUP, waiting(50_000)).await;
    assert!(matches!(longest, Err(MetadataError::Unavailable(why)) if why.contains("deadline")));
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_runs_on_its_callers_runtime_if_it_is_told_to() {
    let settings = Settings { runtime: Runtime::Current, ..alone() };
    let node = MetadataNode::start(in_memory(), settings).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    client.put(bucket, "key").await;
    assert!(client.0.leads(GROUP) && !client.0.leads(GroupId(9)));
    node.shutdown().await.unwrap();
    assert!(!client.0.leads(GROUP));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_one_node_share_its_log_and_keep_apart() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { groups: vec![GroupId(0), GroupId(5)], ..alone() };
    let node = MetadataNode::start(on_disk(dir.path()), settings.clone()).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    client.put(bucket, "key").await;
    let discard = proposal(CommandBody::SealBucket { bucket });
    let other = client.0.propose(GroupId(5), discard).await.unwrap();
    assert_eq!(other, Err(Refusal::NoSuchBucket));
    node.kill().await;

    let node = MetadataNode::start(on_disk(dir.path()), settings).await.unwrap();
    let client = Client::of(&node);
    assert!(client.exists(bucket, "key").await);
    let leads = client.0.wait_for(GroupId(5), |status| status.role == Role::Leader);
    tokio::time::timeout(PATIENCE, leads).await.unwrap().unwrap();
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_log_is_reported_so_that_the_process_can_exit() {
    let disk = SimDisk::new();
    let components = Components { wal: open_wal(disk.clone(), Path::new("/wal")), ..in_memory() };
    let node = MetadataNode::start(components, alone()).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    let kind = std::io::ErrorKind::Other;
    disk.inject(Fault { operation: DiskOperation::Sync, after: 0, kind, duration: FaultDuration::Forever });
    let lost = client.propose(put(bucket, "key")).await;
    assert!(matches!(lost, Err(MetadataError::Unknown(_))), "other replicas may have it: {lost:?}");
    let mut failure = client.0.failure();
    let reported = tokio::time::timeout(PATIENCE, failure.wait_for(Option::is_some)).await.unwrap();
    assert!(reported.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nearly_full_disk_refuses_what_adds_data_and_lets_deletes_through() {
    let disk = SimDisk::new();
    let components = Components { wal: open_wal(disk.clone(), Path::new("/wal")), ..in_memory() };
    let wal = Arc::clone(&components.wal);
    let node = MetadataNode::start(components, alone()).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    client.put(bucket, "first").await;
    disk.limit_free_space(0);
    // The log fills its segment, takes its spare one, and finds no space for another.
    let mut written = 0;
    while !wal.is_low() {
        assert!(wal.free_bytes() > 0 && written < 10_000, "the log should have run low");
        written += 1;
        client.put(bucket, &"x".repeat(1000)).await;
    }
    assert_eq!(client.propose(put(bucket, "more")).await, Err(MetadataError::Full));
    let target = Target { bucket, key: key("first") };
    let delete = CommandBody::DeleteObject { target, version: None, condition: None, entropy: 1 };
    assert!(client.propose(delete).await.unwrap().is_ok());
    assert!(!client.exists(bucket, "first").await);
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_could_not_hold_every_command_is_an_error_of_the_start() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
    let options = WalOptions { segment_bytes: 4 << 20, ..WalOptions::new([1; 32]) };
    disk.create_dir_all(Path::new("/wal")).unwrap();
    let (wal, _) = Wal::open(&disk, &random, Path::new("/wal"), &options).unwrap();
    let components = Components { wal: Arc::new(wal), ..in_memory() };
    let error = MetadataNode::start(components, alone()).await.unwrap_err();
    assert!(matches!(error, StartError::SmallLog { .. }), "{error}");
}
