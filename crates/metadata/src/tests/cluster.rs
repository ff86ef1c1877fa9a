//! What a group of several nodes promises.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use esker_env::{Clock as _, SystemClock};
use esker_index::command::Command;
use esker_index::outcome::Refusal;
use esker_rpc::metadata::{Metadata, MetadataError, Proposal};
use esker_rpc::transport::TcpConnect;
use esker_types::{BucketId, NodeId, Timestamp};
use futures::future::join_all;
use tempfile::TempDir;
use uuid::Uuid;

use crate::node::{NotDone, Trace};
use crate::tests::nodes::Cluster;
use crate::tests::support::{
    CLUSTER, Client, GROUP, PATIENCE, deadline_in, free, on_disk, plane, proposal, put, with_peers,
};
use crate::{Components, Formation, MetadataNode, Peer, Role, Settings};

async fn put_through_all(cluster: &Cluster, bucket: BucketId, round: &str) -> Vec<String> {
    let running = cluster.running();
    let puts = (0..30usize).map(|i| {
        let client = cluster.client(running[i % running.len()]);
        let name = format!("{round}-{i}");
        async move {
            client.put(bucket, &name).await;
            name
        }
    });
    join_all(puts).await
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_take_writes_through_any_node_and_read_them_through_any_other() {
    let cluster = Cluster::form(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    // Each read goes to another node than the write before it, with nothing in between.
    for i in 0..30 {
        let name = format!("key-{i}");
        cluster.client(i % 3).put(bucket, &name).await;
        assert!(cluster.client((i + 1) % 3).exists(bucket, &name).await, "{name}");
    }
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_lose_their_leader_and_no_acknowledged_write() {
    let mut cluster = Cluster::form(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let mut written = put_through_all(&cluster, bucket, "before").await;

    let first = cluster.leader().await;
    let survivor = cluster.follower().await;
    // One write is on its way while the leader dies; it waits for the next leader by itself.
    let client = cluster.client(survivor);
    let under_way = tokio::spawn(async move { client.put(bucket, "during").await });
    cluster.kill(first).await;
    tokio::time::timeout(PATIENCE, under_way).await.unwrap().unwrap();
    written.push("during".to_owned());
    assert_ne!(cluster.leader().await, first);
    written.extend(put_through_all(&cluster, bucket, "after").await);
    for name in &written {
        assert!(cluster.client(survivor).exists(bucket, name).await, "{name}");
    }

    cluster.start(first).await;
    cluster.client(first).wait_applied(cluster.client(survivor).applied()).await;
    assert_eq!(cluster.client(first).versions(bucket).await, written.len() as u64);
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_hangs_holds_up_writes_and_reads_no_longer_than_an_election() {
    let mut cluster = Cluster::form(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let hung = cluster.leader().await;
    let survivor = cluster.client(cluster.follower().await);
    cluster.kill(hung).await;
    // Connections to the leader open, and nothing answers.
    let _black_hole = free(cluster.addresses[hung]).await;
    let group = survivor.0.group(GROUP).unwrap();
    let never = std::future::pending::<Result<(), NotDone>>();
    let given_up = tokio::time::timeout(PATIENCE, group.while_leading(NodeId(hung as u64 + 1), never)).await;
    assert!(matches!(given_up, Ok(Err(NotDone::NotLeader(Trace::MaybeLogged)))), "{given_up:?}");
    let late = tokio::join!(survivor.propose(put(bucket, "key")), survivor.try_exists(bucket, "other"));
    assert!(matches!(late, (Ok(Ok(_)), Ok(false))), "{late:?}");
    assert!(survivor.exists(bucket, "key").await);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stopped_gives_up_at_once_and_does_not_look_for_its_leader() {
    let mut cluster = Cluster::form(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let (leader, follower) = (cluster.leader().await, cluster.follower().await);
    let group = cluster.client(follower).0.group(GROUP).unwrap();
    cluster.kill(leader).await;
    cluster.kill(follower).await;
    // Nothing here sleeps: a loop that looked again and again would keep its thread until the deadline.
    let started = SystemClock::new();
    let Proposal { request, deadline, body } = proposal(put(bucket, "key"));
    let proposed = group.propose(&Command { request, deadline, proposed_at: Timestamp(0), body }).await;
    assert!(
        matches!(proposed, Err(MetadataError::Unavailable(_) | MetadataError::Unknown(_))),
        "{proposed:?}"
    );
    assert!(group.catch_up().await.is_err());
    assert!(started.monotonic() < Duration::from_secs(10), "{:?} of 20 s", started.monotonic());
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_repeated_through_another_node_is_applied_once() {
    let cluster = Cluster::form(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let once = proposal(put(bucket, "key"));
    let outcomes = join_all((0..6).map(|i| {
        let client = cluster.client(i % 3);
        let once = once.clone();
        async move { client.0.propose(GROUP, once).await.unwrap().unwrap() }
    }))
    .await;
    assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "{outcomes:?}");
    assert_eq!(cluster.client(1).versions(bucket).await, 1);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minority_acknowledges_nothing() {
    let mut cluster = Cluster::form(|settings| settings.read_timeout = Duration::from_millis(500)).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let last = cluster.leader().await;
    for at in (0..3).filter(|at| *at != last) {
        cluster.kill(at).await;
    }
    let client = cluster.client(last);
    let mut lonely = proposal(put(bucket, "lonely"));
    lonely.deadline = deadline_in(1_000);
    let proposed = client.0.propose(GROUP, lonely.clone()).await;
    assert!(proposed.is_err(), "{proposed:?}");
    assert!(client.try_exists(bucket, "lonely").await.is_err());

    // The command is still in the last node's log, but it is late by now: it is applied as a refusal.
    let back = (0..3).find(|at| *at != last).unwrap();
    cluster.start(back).await;
    assert!(!cluster.client(back).exists(bucket, "lonely").await);
    assert_eq!(client.0.propose(GROUP, lonely).await, Ok(Err(Refusal::Expired)));
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_cluster_is_refused() {
    let cluster = Cluster::form(|_| ()).await;
    let dir = tempfile::tempdir().unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (place, peers) = plane(Uuid::from_u128(0xbad), 9, any, Arc::new(TcpConnect)).await;
    let components = Components { peers: Some(peers), ..on_disk(dir.path()) };
    let stranger = MetadataNode::start(components, with_peers(9, place.address)).await.unwrap();
    let voters = BTreeMap::from([
        (NodeId(9), Peer { address: place.address.to_string() }),
        (NodeId(1), Peer { address: cluster.addresses[0].to_string() }),
    ]);
    let client = Client::of(&stranger);
    client.0.initialize(GROUP, voters).await.unwrap();
    // It asks node 1 for a pre-vote, is refused, and never leads.
    let mut late = proposal(put(BucketId(1), "key"));
    late.deadline = deadline_in(1_500);
    assert!(client.0.propose(GROUP, late).await.is_err());
    let status = client.0.status(GROUP).unwrap();
    assert_ne!(status.role, Role::Leader);
    assert_eq!(status.term, 1, "without a pre-vote it does not raise its term again and again");
    assert_eq!(cluster.client(0).0.status(GROUP).unwrap().voters.len(), 3);
    stranger.shutdown().await.unwrap();
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_node_grows_to_three_and_survives_without_the_first() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let dirs: Vec<TempDir> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let (mut nodes, mut places) = (Vec::new(), Vec::new());
    for (id, dir) in (1..).zip(&dirs) {
        let formation = if id == 1 { Formation::Alone } else { Formation::Wait };
        let (place, peers) = plane(CLUSTER, id, any, Arc::new(TcpConnect)).await;
        let settings = Settings { formation, ..with_peers(id, place.address) };
        let components = Components { peers: Some(peers), ..on_disk(dir.path()) };
        nodes.push(MetadataNode::start(components, settings).await.unwrap());
        places.push(place);
    }
    let clients: Vec<Client> = nodes.iter().map(Client::of).collect();
    let bucket = clients[0].create_bucket("alpha").await;
    clients[0].put(bucket, "before").await;
    for (id, place) in (1..).zip(&places).skip(1) {
        let peer = Peer { address: place.address.to_string() };
        clients[0].0.add_learner(GROUP, NodeId(id), peer).await.unwrap();
    }
    let refused = clients[1].0.set_voters(GROUP, BTreeSet::from([NodeId(2)])).await;
    assert!(matches!(refused, Err(MetadataError::Unavailable(_))), "{refused:?}");
    let voters = BTreeSet::from([NodeId(1), NodeId(2), NodeId(3)]);
    clients[0].0.set_voters(GROUP, voters).await.unwrap();

    // A polite stop hands leadership over: the others do not wait for an election.
    nodes.remove(0).shutdown().await.unwrap();
    assert!(matches!(clients[1].0.status(GROUP).unwrap().leader, Some(NodeId(2 | 3))));
    clients[1].put(bucket, "after").await;
    assert_eq!(clients[2].versions(bucket).await, 2);
    for node in nodes {
        node.shutdown().await.unwrap();
    }
}
