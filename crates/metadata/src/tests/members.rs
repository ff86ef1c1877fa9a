//! Groups whose members change: nodes that join, leave, move, and come back empty, while writes go on.

use std::collections::BTreeSet;

use esker_env::{Random, SeededRandom};
use esker_types::{BucketId, NodeState};

use crate::tests::nodes::{Cluster, node_id};
use crate::tests::support::{GROUP, PATIENCE};

/// Three registered voters.
async fn three() -> Cluster {
    let cluster = Cluster::form(|_| ()).await;
    for at in 0..3 {
        cluster.register(at).await;
    }
    cluster
}

/// Writes through a node until `stop` is dropped, and returns how many writes were acknowledged.
fn keep_writing(
    cluster: &Cluster,
    through: usize,
    bucket: BucketId,
) -> (tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<u64>) {
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let client = cluster.client(through);
    let writing = tokio::spawn(async move {
        let mut written = 0;
        while stopped.try_recv().is_err_and(|error| error == tokio::sync::oneshot::error::TryRecvError::Empty)
        {
            client.put(bucket, &format!("meanwhile-{written}")).await;
            written += 1;
        }
        written
    });
    (stop, writing)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_node_becomes_three_voters_as_nodes_register() {
    let mut cluster = Cluster::alone(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let (stop, writing) = keep_writing(&cluster, 0, bucket);
    cluster.join().await;
    cluster.wait_members(&[0, 1], &[]).await;
    cluster.join().await;
    cluster.wait_members(&[0, 1, 2], &[]).await;
    cluster.join().await;
    cluster.wait_members(&[0, 1, 2], &[3]).await;
    drop(stop);
    let written = writing.await.unwrap();
    assert!(written > 0);
    cluster.assert_equal_states().await;

    cluster.kill(0).await;
    cluster.client(3).put(bucket, "after").await;
    assert_eq!(cluster.client(1).versions(bucket).await, written + 1);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_nodes_that_drains_votes_until_it_is_removed() {
    let mut cluster = Cluster::alone(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    cluster.join().await;
    cluster.wait_members(&[0, 1], &[]).await;
    let (stop, writing) = keep_writing(&cluster, 0, bucket);
    cluster.set_state(0, NodeState::Draining).await;
    let client = cluster.client(1);
    let led = client.0.wait_for(GROUP, |status| status.leader == Some(node_id(1)));
    tokio::time::timeout(PATIENCE, led).await.expect("the other node leads").unwrap();
    cluster.client(1).put(bucket, "after").await;
    drop(stop);
    let written = writing.await.unwrap();
    cluster.set_state(0, NodeState::Removed).await;
    cluster.wait_members(&[1], &[]).await;
    cluster.kill(0).await;
    assert_eq!(cluster.client(1).versions(bucket).await, written + 1);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_drains_lets_another_one_lead_and_vote_and_leaves_when_it_is_removed() {
    let mut cluster = three().await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let fourth = cluster.join().await;
    let leader = cluster.leader().await;
    let others: Vec<usize> = (0..3).filter(|at| *at != leader).collect();
    let (stop, writing) = keep_writing(&cluster, others[0], bucket);

    cluster.set_state(leader, NodeState::Draining).await;
    let voters = [others[0], others[1], fourth];
    cluster.wait_members(&voters, &[leader]).await;
    assert_ne!(cluster.leader().await, leader);
    let status = cluster.client(cluster.leader().await).0.status(GROUP).unwrap();
    assert_eq!(status.members.len(), 4, "the leader knows how far each of them is: {status:?}");
    assert!(status.members.iter().all(|member| member.silence.is_some()), "{status:?}");

    cluster.set_state(leader, NodeState::Removed).await;
    cluster.wait_members(&voters, &[]).await;
    drop(stop);
    let written = writing.await.unwrap();
    cluster.kill(leader).await;
    cluster.assert_equal_states().await;
    assert_eq!(cluster.client(fourth).versions(bucket).await, written);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_back_empty_takes_the_seat_that_it_had() {
    let mut cluster = three().await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let wiped = cluster.leader().await;
    let survivors: Vec<usize> = (0..3).filter(|at| *at != wiped).collect();
    let (stop, writing) = keep_writing(&cluster, survivors[0], bucket);
    cluster.kill(wiped).await;
    // An empty directory always gets a new id, at the address of the one that is gone.
    let back = cluster.join_at(cluster.addresses[wiped]).await;
    cluster.wait_members(&[survivors[0], survivors[1], back], &[]).await;
    drop(stop);
    let written = writing.await.unwrap();
    cluster.assert_equal_states().await;
    assert_eq!(cluster.client(back).versions(bucket).await, written);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_moved_to_another_address_is_found_there() {
    let mut cluster = three().await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let moved = cluster.follower().await;
    cluster.kill(moved).await;
    cluster.client(cluster.leader().await).put(bucket, "while-away").await;
    cluster.start_elsewhere(moved).await;
    cluster.register(moved).await;
    let back = cluster.client(moved);
    back.wait_applied(cluster.client(cluster.leader().await).applied()).await;
    assert!(back.exists(bucket, "while-away").await);

    // The membership says so by and by, so that a restart of all others finds it, too.
    let address = cluster.addresses[moved].to_string();
    let leader = cluster.client(cluster.leader().await);
    let told =
        leader.0.wait_for(GROUP, |status| status.members.iter().any(|member| member.address == address));
    tokio::time::timeout(PATIENCE, told).await.expect("the membership is changed").unwrap();
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_voter_keeps_its_seat_until_another_node_takes_it() {
    let mut cluster = three().await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let lost = cluster.follower().await;
    cluster.kill(lost).await;
    cluster.set_state(lost, NodeState::Lost).await;
    let survivors = cluster.running();
    cluster.client(survivors[0]).put(bucket, "two-of-three").await;
    assert_eq!(cluster.client(survivors[0]).0.status(GROUP).unwrap().voters.len(), 3);
    let fourth = cluster.join().await;
    cluster.wait_members(&[survivors[0], survivors[1], fourth], &[]).await;
    assert!(cluster.client(fourth).exists(bucket, "two-of-three").await);
    cluster.shutdown().await;
}

/// A cluster whose nodes come and go at random, one at a time.
struct Turmoil {
    cluster: Cluster,
    random: SeededRandom,
    bucket: BucketId,
    active: Vec<usize>,
    draining: Vec<usize>,
    written: u64,
}

impl Turmoil {
    fn pick(&self, from: &[usize]) -> usize {
        from[usize::try_from(self.random.below(from.len() as u64)).unwrap()]
    }

    /// Each write goes through any node that runs.
    async fn write(&mut self) {
        for _ in 0..5 {
            let through = self.pick(&self.cluster.running());
            self.cluster.client(through).put(self.bucket, &format!("key-{}", self.written)).await;
            self.written += 1;
        }
    }

    async fn step(&mut self) {
        match self.random.below(4) {
            0 if self.active.len() < 5 => {
                let at = self.cluster.join().await;
                self.active.push(at);
            }
            1 if self.active.len() > 3 => {
                let leaves = self.pick(&self.active);
                self.cluster.set_state(leaves, NodeState::Draining).await;
                self.active.retain(|at| *at != leaves);
                self.draining.push(leaves);
            }
            2 if !self.draining.is_empty() => {
                let gone = self.draining.remove(0);
                self.wait_votes_only(&self.active).await;
                self.cluster.set_state(gone, NodeState::Removed).await;
                self.cluster.kill(gone).await;
            }
            _ => {
                let restarted = self.pick(&self.cluster.running());
                self.cluster.kill(restarted).await;
                self.write().await;
                self.cluster.start(restarted).await;
            }
        }
    }

    /// Waits until three of these nodes vote, and nobody else.
    async fn wait_votes_only(&self, nodes: &[usize]) {
        let able: BTreeSet<_> = nodes.iter().copied().map(node_id).collect();
        let client = self.cluster.client(self.cluster.leader().await);
        let settled = client.0.wait_for(GROUP, |status| {
            status.voters.len() == 3 && status.voters.iter().all(|voter| able.contains(voter))
        });
        let settled = tokio::time::timeout(PATIENCE, settled).await;
        assert!(settled.is_ok(), "{able:?} should vote: {:?}", client.0.status(GROUP));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_come_and_go_at_random_and_no_acknowledged_write_is_lost() {
    for seed in 0..esker_env::sim::rounds(1) {
        let cluster = three().await;
        let bucket = cluster.client(0).create_bucket("alpha").await;
        let random = SeededRandom::new(seed);
        let mut turmoil =
            Turmoil { cluster, random, bucket, active: vec![0, 1, 2], draining: Vec::new(), written: 0 };
        for _ in 0..12 {
            turmoil.step().await;
            turmoil.write().await;
        }
        turmoil.wait_votes_only(&turmoil.active).await;
        turmoil.cluster.assert_equal_states().await;
        let versions = turmoil.cluster.client(turmoil.active[0]).versions(bucket).await;
        assert_eq!(versions, turmoil.written, "seed {seed}");
        turmoil.cluster.shutdown().await;
    }
}
