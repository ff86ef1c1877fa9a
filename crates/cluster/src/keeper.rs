//! Keeps the process's view of the cluster up to date.

use crate::topology::{self, Topology};
use crate::view::ClusterView;
use esker_rpc::{Metadata, MetadataError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// What the keeper is told.
#[derive(Clone, Copy, Debug)]
pub struct KeeperOptions {
    /// How often the directory group is asked when nobody wants to know at once.
    pub interval: Duration,
    /// For how long one question may go unanswered.
    pub ask_deadline: Duration,
    /// For how long somebody waits for a view.
    pub wait: Duration,
}

impl Default for KeeperOptions {
    /// Every second; five seconds for a question and for a wait.
    fn default() -> KeeperOptions {
        let five = Duration::from_secs(5);
        KeeperOptions { interval: Duration::from_secs(1), ask_deadline: five, wait: five }
    }
}

/// How long the keeper waits after a question that failed while somebody waits for its answer.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// There is no view in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// The topology could not be read in time.
    #[error("the topology could not be read")]
    TimedOut,
    /// The keeper is not running any more.
    #[error("the process is stopping")]
    Stopped,
}

/// A question's number: answered once a read that began after it was asked has succeeded.
type Ticket = u64;

/// Asks the directory group for the topology and tells everybody in this process.
pub struct ViewKeeper {
    metadata: Arc<dyn Metadata>,
    options: KeeperOptions,
    views: watch::Sender<Option<Arc<ClusterView>>>,
    asked: watch::Receiver<Ticket>,
    answered: watch::Sender<Ticket>,
    /// When the last read that succeeded ended.
    read_at: watch::Sender<Option<Instant>>,
}

/// The process's view of the cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ViewHandle {
    views: watch::Receiver<Option<Arc<ClusterView>>>,
    asked: Arc<watch::Sender<Ticket>>,
    answered: watch::Receiver<Ticket>,
    read_at: watch::Receiver<Option<Instant>>,
    wait: Duration,
}

impl ViewKeeper {
    /// A keeper, to be [run](Self::run), and the handle of what it finds.
    pub fn new(metadata: Arc<dyn Metadata>, options: KeeperOptions) -> (ViewKeeper, ViewHandle) {
        let (views, seen) = watch::channel(None);
        let (ask, asked) = watch::channel(0);
        let (answered, answers) = watch::channel(0);
        let (read_at, reads) = watch::channel(None);
        let asks = Arc::new(ask);
        let handle =
            ViewHandle { views: seen, asked: asks, answered: answers, read_at: reads, wait: options.wait };
        (ViewKeeper { metadata, options, views, asked, answered, read_at }, handle)
    }

    /// Works until `stop`, or until nobody has a handle any more.
    pub async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&mut self) {
        let mut failing = false;
        loop {
            // Whoever asked up to now is answered by the read that begins now.
            let ticket = *self.asked.borrow_and_update();
            match self.read().await {
                Ok(()) => {
                    failing = false;
                    self.read_at.send_replace(Some(Instant::now()));
                    self.answered.send_if_modified(|answered| std::mem::replace(answered, ticket) != ticket);
                }
                // Said once, not each second: a cluster that can't elect a leader has enough to say.
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, "cannot read the cluster's topology; going on with what is known");
                }
                Err(_) => {}
            }
            let urgent = *self.answered.borrow() != *self.asked.borrow();
            let pause = if urgent { RETRY_PAUSE.min(self.options.interval) } else { self.options.interval };
            let asked = async {
                if urgent {
                    std::future::pending::<()>().await;
                }
                self.asked.changed().await
            };
            // Nobody can ask any more, and nobody can look.
            if let Ok(Err(_)) = timeout(pause, asked).await {
                return;
            }
        }
    }

    async fn read(&self) -> Result<(), MetadataError> {
        let known = self.views.borrow().as_ref().map(|view| view.version());
        let read = topology::read(&*self.metadata, known.unwrap_or(0));
        let answer = timeout(self.options.ask_deadline, read)
            .await
            .unwrap_or_else(|_| Err(MetadataError::Unavailable("no answer in time".to_owned())))?;
        let view = match answer {
            // What is known is never replaced by something older.
            Some(topology) => Some(topology).filter(|topology| Some(topology.version) > known),
            // Nobody has joined yet. That is worth knowing, too.
            None if known.is_none() => Some(Topology::default()),
            None => None,
        };
        if let Some(topology) = view {
            let _ = self.views.send_replace(Some(Arc::new(ClusterView::new(topology))));
        }
        Ok(())
    }
}

impl ViewHandle {
    /// A handle of a view that never changes, for tools and tests.
    pub fn fixed(view: ClusterView) -> ViewHandle {
        let (_, views) = watch::channel(Some(Arc::new(view)));
        let (asked, _) = watch::channel(0);
        let (_, answered) = watch::channel(Ticket::MAX);
        let (_, read_at) = watch::channel(None);
        ViewHandle { views, asked: Arc::new(asked), answered, read_at, wait: Duration::ZERO }
    }

    /// The newest view; none if the topology was never read.
    pub fn latest(&self) -> Option<Arc<ClusterView>> {
        self.views.borrow().clone()
    }

    /// How long ago the directory group last answered, which takes a leader that a majority follows and that this
    /// process reaches; none if it never did.
    pub fn age(&self) -> Option<Duration> {
        self.read_at.borrow().map(|read| read.elapsed())
    }

    /// Follows the views.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<ClusterView>>> {
        self.views.clone()
    }

    /// The newest view in which blobs have places. Waits for the first one, for a bounded time.
    pub async fn placed(&self) -> Result<Arc<ClusterView>, ViewError> {
        let mut views = self.views.clone();
        let has_places =
            |view: &Option<Arc<ClusterView>>| view.as_ref().is_some_and(|view| view.group_count().is_some());
        if let Some(view) = self.latest().filter(|view| view.group_count().is_some()) {
            return Ok(view);
        }
        let found = timeout(self.wait, views.wait_for(has_places)).await.map_err(|_| ViewError::TimedOut)?;
        found.map_err(|_| ViewError::Stopped)?.clone().ok_or(ViewError::TimedOut)
    }

    /// The view of a linearizable read that begins after this call: it holds every change that was committed before.
    /// Calls at the same time share a read. Waits for a bounded time.
    pub async fn refresh(&self) -> Result<Arc<ClusterView>, ViewError> {
        let deadline = Instant::now() + self.wait;
        let mut ticket = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            ticket = *asked;
        });
        let mut answered = self.answered.clone();
        match timeout_at(deadline, answered.wait_for(|answered| *answered >= ticket)).await {
            Ok(Ok(_)) => self.latest().ok_or(ViewError::TimedOut),
            Ok(Err(_)) => Err(ViewError::Stopped),
            Err(_) => Err(ViewError::TimedOut),
        }
    }
}
