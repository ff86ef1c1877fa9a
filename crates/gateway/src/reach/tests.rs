//! Clients of a group that hangs, in paused time: what elapses is exact, and passes at once.

use super::*;
use async_trait::async_trait;
use esker_index::outcome::Outcome;
use esker_index::query::Answer;
use esker_rpc::{MetadataError, Proposal};
use std::sync::atomic::{AtomicU64, Ordering};

const PATIENCE: Duration = Duration::from_secs(6);

/// A group that hangs until it is mended.
struct Hanging {
    works: watch::Sender<bool>,
    asked: AtomicU64,
}

#[async_trait]
impl Metadata for Hanging {
    async fn propose(&self, _: GroupId, _: Proposal) -> Result<Outcome, MetadataError> {
        std::future::pending().await
    }

    async fn query(&self, _: GroupId, _: Query) -> Result<Answer, MetadataError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mended = self.works.subscribe().wait_for(|works| *works).await.map(drop);
        mended.map_err(|error| MetadataError::Failed(error.to_string()))?;
        Ok(Answer::Topology(None))
    }

    fn leads(&self, _: GroupId) -> bool {
        false
    }
}

/// Lets so much of the paused time pass.
async fn pass(time: Duration) {
    // sleep: the time is what is tested, and it is paused.
    tokio::time::sleep(time).await;
}

fn hanging() -> (Arc<Hanging>, Arc<Reach>) {
    let group = Arc::new(Hanging { works: watch::Sender::new(false), asked: AtomicU64::new(0) });
    let reaches = Reaches::new(group.clone(), PATIENCE);
    (group, reaches.of(GroupId::DIRECTORY))
}

#[tokio::test(start_paused = true)]
async fn the_first_requests_wait_together_and_later_ones_not_at_all() {
    let (group, reach) = hanging();
    let start = Instant::now();
    let waits = |delay: Duration| {
        let reach = Arc::clone(&reach);
        async move {
            pass(delay).await;
            assert_eq!(reach.patiently(std::future::pending::<()>()).await, Err(OutOfReach));
            start.elapsed()
        }
    };
    let ended = futures::join!(waits(Duration::ZERO), waits(Duration::from_secs(5)));
    assert_eq!(ended, (PATIENCE, PATIENCE), "who came later is told at the same time");
    assert_eq!(reach.patiently(async { 1 }).await, Err(OutOfReach));
    assert_eq!(reach.to_the_end(async { 1 }).await, Err(OutOfReach), "a command is not even sent");
    assert_eq!(start.elapsed(), PATIENCE);

    // Each question hangs, and is given up for the next one.
    pass(Duration::from_secs(60)).await;
    assert!((20..=40).contains(&group.asked.load(Ordering::Relaxed)), "{:?}", group.asked);
    group.works.send_replace(true);
    reach.silence.subscribe().wait_for(|silence| !silence.lasts()).await.expect("it lives");
    assert_eq!(reach.patiently(async { 1 }).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_command_is_waited_for_to_the_end_and_its_waiting_counts() {
    let (_, reach) = hanging();
    let command = async {
        pass(PATIENCE + Duration::from_secs(3)).await;
        "done"
    };
    let others = async {
        pass(PATIENCE + Duration::from_secs(1)).await;
        reach.patiently(async {}).await
    };
    assert_eq!(futures::join!(reach.to_the_end(command), others), (Ok("done"), Err(OutOfReach)));
    reach.heard();
    assert_eq!(reach.patiently(async {}).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn slow_answers_are_waited_for_while_others_come() {
    let (_, reach) = hanging();
    let answered = async {
        for _ in 0..4 {
            pass(Duration::from_secs(3)).await;
            reach.heard();
        }
    };
    let slow = async {
        for _ in 0..3 {
            assert_eq!(reach.patiently(pass(Duration::from_secs(5))).await, Ok(()));
        }
    };
    futures::join!(answered, slow);
}

#[tokio::test(start_paused = true)]
async fn nobody_listens_any_more_once_the_gateway_is_gone() {
    let (group, reach) = hanging();
    assert_eq!(reach.patiently(std::future::pending::<()>()).await, Err(OutOfReach));
    drop(reach);
    pass(Duration::from_secs(60)).await;
    let asked = group.asked.load(Ordering::Relaxed);
    assert_eq!(Arc::strong_count(&group), 1, "the listener has ended");
    assert!(asked <= 2, "{asked}");
}
