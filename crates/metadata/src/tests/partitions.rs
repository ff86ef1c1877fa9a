//! Nodes that can't hear each other: whoever is on the wrong side answers nothing rather than something old, within a
//! bounded time, and the others go on.

use std::time::Duration;

use esker_env::{Clock, SystemClock};
use esker_rpc::metadata::{Metadata, MetadataError};

use crate::tests::nodes::{Cluster, node_id};
use crate::tests::support::{GROUP, PATIENCE, deadline_in, proposal, put};

const READ_TIMEOUT: Duration = Duration::from_millis(500);
/// A read waits at most twice its timeout, for the request under way and for its own; and several times that on a busy
/// machine.
const READ_BOUND: Duration = Duration::from_secs(5);

/// A lease and an election, many times over on a busy machine. What it is on a quiet one, the fault report tells.
const GAP_MAX: Duration = Duration::from_secs(15);

async fn cluster() -> Cluster {
    Cluster::form(|settings| settings.read_timeout = READ_TIMEOUT).await
}

/// Cuts `at` off from all others, in the direction that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Both,
    /// It is not heard.
    Mute,
    /// It hears nothing.
    Deaf,
}

fn cut_off(cluster: &Cluster, at: usize, cut: Cut) {
    for other in (0..3).filter(|other| *other != at) {
        if cut != Cut::Deaf {
            cluster.cuts.cut(node_id(at), node_id(other));
        }
        if cut != Cut::Mute {
            cluster.cuts.cut(node_id(other), node_id(at));
        }
    }
}

/// A leader is cut off; the others must go on, and it must never answer from what it has.
async fn leader_is(cut: Cut) {
    let cluster = cluster().await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    cluster.client(0).put(bucket, "before").await;
    let lonely = cluster.leader().await;
    let survivors: Vec<usize> = (0..3).filter(|at| *at != lonely).collect();
    cut_off(&cluster, lonely, cut);

    // The others go on by themselves: this write waits for their leader.
    let clock = SystemClock::new();
    let survivor = cluster.client(survivors[0]);
    tokio::time::timeout(PATIENCE, survivor.put(bucket, "meanwhile")).await.expect("a majority goes on");
    let gap = clock.monotonic();
    assert!(gap < GAP_MAX, "{cut:?}: the others went on after {gap:?}");

    let old = cluster.client(lonely);
    let started = clock.monotonic();
    let asked = old.try_exists(bucket, "meanwhile").await;
    let took = clock.monotonic() - started;
    assert!(matches!(asked, Err(MetadataError::Unavailable(_))), "{cut:?}: {asked:?}");
    assert!(took < READ_BOUND, "{cut:?}: {took:?}");
    let mut hopeless = proposal(put(bucket, "hopeless"));
    hopeless.deadline = deadline_in(500);
    let started = clock.monotonic();
    let proposed = old.0.propose(GROUP, hopeless).await;
    let took = clock.monotonic() - started;
    assert!(
        matches!(proposed, Err(MetadataError::Unavailable(_) | MetadataError::Unknown(_))),
        "{cut:?}: {proposed:?}"
    );
    assert!(took < READ_BOUND, "{cut:?}: {took:?}");

    cluster.cuts.heal();
    old.wait_applied(survivor.applied()).await;
    let found = async {
        // Its connections may have to be opened anew.
        while old.try_exists(bucket, "meanwhile").await != Ok(true) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("it is back");
    assert!(!survivor.exists(bucket, "hopeless").await);
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_answers_nothing_and_the_others_go_on() {
    leader_is(Cut::Both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_not_heard_answers_nothing_and_the_others_go_on() {
    leader_is(Cut::Mute).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_hears_nothing_answers_nothing_and_the_others_go_on() {
    leader_is(Cut::Deaf).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_is_cut_off_disturbs_nobody_when_it_comes_back() {
    for cut in [Cut::Both, Cut::Mute, Cut::Deaf] {
        // Patient enough that a busy machine elects nobody.
        let cluster = Cluster::form(|settings| {
            settings.read_timeout = READ_TIMEOUT;
            settings.election_timeout_min = Duration::from_millis(3_000);
            settings.election_timeout_max = Duration::from_millis(4_000);
        })
        .await;
        let bucket = cluster.client(0).create_bucket("alpha").await;
        let leader = cluster.leader().await;
        let lonely = cluster.follower().await;
        let term = cluster.client(leader).0.status(GROUP).unwrap().term;
        cut_off(&cluster, lonely, cut);
        // Longer than any election timeout of the test's settings.
        let over = SystemClock::new();
        let mut i = 0;
        while over.monotonic() < Duration::from_secs(6) {
            cluster.client(leader).put(bucket, &format!("key-{i}")).await;
            i += 1;
        }
        let asked = cluster.client(lonely).try_exists(bucket, "key-0").await;
        assert!(matches!(asked, Err(MetadataError::Unavailable(_))), "{cut:?}: {asked:?}");
        cluster.cuts.heal();
        cluster.client(lonely).wait_applied(cluster.client(leader).applied()).await;
        let status = cluster.client(leader).0.status(GROUP).unwrap();
        assert_eq!((status.term, status.leader), (term, Some(node_id(leader))), "{cut:?}");
        cluster.shutdown().await;
    }
}
