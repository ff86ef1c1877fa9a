//! Which Raft groups this gateway reaches: how long a request waits for one, and who listens for one that is silent.

mod silence;

use crate::telemetry::SILENT_GROUPS;
use esker_index::query::Query;
use esker_rpc::Metadata;
use esker_types::GroupId;
use silence::Silence;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// How long the listener's question may take. A question that hangs at a node that is gone keeps it from the next one.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the listener waits after a question that failed.
const PAUSE: Duration = Duration::from_millis(200);

/// All groups.
pub(crate) struct Reaches {
    metadata: Arc<dyn Metadata>,
    patience: Duration,
    groups: Mutex<BTreeMap<GroupId, Arc<Reach>>>,
}

/// One group.
pub(crate) struct Reach {
    group: GroupId,
    metadata: Arc<dyn Metadata>,
    start: Instant,
    silence: watch::Sender<Silence>,
}

/// The group has been silent for longer than a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfReach;

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the group has not answered for longer than requests wait")
    }
}

impl Reaches {
    /// Every group is believed to be there until it has been silent for `patience`.
    pub(crate) fn new(metadata: Arc<dyn Metadata>, patience: Duration) -> Reaches {
        Reaches { metadata, patience, groups: Mutex::default() }
    }

    /// What is known of a group.
    pub(crate) fn of(&self, group: GroupId) -> Arc<Reach> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let reach = groups.entry(group).or_insert_with(|| {
            let silence = watch::Sender::new(Silence::none(self.patience, Duration::ZERO));
            let metadata = Arc::clone(&self.metadata);
            Arc::new(Reach { group, metadata, start: Instant::now(), silence })
        });
        Arc::clone(reach)
    }
}

impl Reach {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The group answered somebody.
    pub(crate) fn heard(&self) {
        let now = self.now();
        let mut lasted = false;
        self.silence.send_if_modified(|silence| {
            lasted = silence.lasts();
            silence.broken(now);
            lasted
        });
        if lasted {
            metrics::gauge!(SILENT_GROUPS).decrement(1.0);
            tracing::info!(group = self.group.0, "the metadata group answers again");
        }
    }

    /// Waits for an answer as long as the group's silence lets a request wait that begins now.
    ///
    /// # Errors
    /// The answer did not come, and is not waited for any more.
    pub(crate) async fn patiently<T>(
        self: &Arc<Self>,
        answer: impl Future<Output = T>,
    ) -> Result<T, OutOfReach> {
        let began = self.begin()?;
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = self.out_of_patience(began) => {
                self.silent(began);
                Err(OutOfReach)
            }
        }
    }

    /// Waits for an answer however long it takes, for those that can't give up. The time counts as for others.
    ///
    /// # Errors
    /// The group is out of reach already, and `answer` was not begun.
    pub(crate) async fn to_the_end<T>(
        self: &Arc<Self>,
        answer: impl Future<Output = T>,
    ) -> Result<T, OutOfReach> {
        let began = self.begin()?;
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return Ok(answer),
            () = self.out_of_patience(began) => self.silent(began),
        }
        Ok(answer.await)
    }

    /// When a request begins that begins now, unless it is not to wait at all.
    fn begin(&self) -> Result<Duration, OutOfReach> {
        let now = self.now();
        self.silence.borrow().left(now, now).map(|_| now).ok_or(OutOfReach)
    }

    /// Ends when a request that began then is not to wait any more.
    async fn out_of_patience(&self, began: Duration) {
        let mut changes = self.silence.subscribe();
        loop {
            let silence = *changes.borrow_and_update();
            let Some(left) = silence.left(began, self.now()) else { return };
            // What changes is that others begin to wait in vain, or that one of them was answered.
            if let Ok(Err(_)) = timeout(left, changes.changed()).await {
                return;
            }
        }
    }

    /// A request that began then got no answer. The first one begins to listen.
    fn silent(self: &Arc<Self>, began: Duration) {
        let mut lasted = false;
        self.silence.send_if_modified(|silence| {
            let before = *silence;
            lasted = silence.lasts();
            silence.noticed(began);
            *silence != before
        });
        if !lasted {
            metrics::gauge!(SILENT_GROUPS).increment(1.0);
            tracing::warn!(
                group = self.group.0,
                "the metadata group does not answer: requests are refused until it does"
            );
            tokio::spawn(listen(Arc::downgrade(self)));
        }
    }
}

/// Asks a silent group until it answers somebody, or the gateway is gone.
async fn listen(reach: std::sync::Weak<Reach>) {
    loop {
        let Some(reach) = reach.upgrade().filter(|reach| reach.silence.borrow().lasts()) else { return };
        // Cheap to answer, and takes a leader that a majority follows.
        let asked = reach.metadata.query(reach.group, Query::Topology { newer_than: u64::MAX });
        if let Ok(Ok(_)) = timeout(QUESTION_TIMEOUT, asked).await {
            reach.heard();
            return;
        }
        drop(reach);
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests;
