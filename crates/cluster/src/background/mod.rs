//! Background work on data: following moves of placement groups, repairing what is late or damaged, comparing with
//! peers, cleaning up; and what the leader does for all.
//!
//! Every job reads what is left to do from the topology, from rows, or from what is on disk. So all of them may be
//! stopped at any point, run twice, and know nothing of one another; the one exception says so (`moves`).

mod audit;
mod coordinator;
pub(crate) mod counters;
mod due;
mod fences;
mod fetch;
mod healing;
mod ledger;
mod liveness;
mod moves;
mod pace;
mod planning;
mod pull;
mod repair;
mod rhythm;
mod settings;
mod status;
mod strays;
mod sweep;
mod upkeep;
mod waiting;

pub use coordinator::Seats;
pub use liveness::{Signs, unwritable_groups};
pub use planning::holds_no_placement;
pub use settings::{BackgroundSettings, CoordinatorSettings};
pub use status::BackgroundStatus;

use crate::damage::Damage;
use crate::keeper::ViewHandle;
use crate::nodes::StorageNodes;
use crate::telemetry::{self, Shown};
use coordinator::Coordinator;
use counters::Counters;
use esker_env::{Clock, Random};
use esker_rpc::Metadata;
use esker_types::NodeId;
use ledger::Ledger;
use liveness::Liveness;
use pace::Pace;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upkeep::Upkeep;

/// What the background work works with.
pub struct BackgroundComponents {
    /// The metadata layer.
    pub metadata: Arc<dyn Metadata>,
    /// The topology, kept up to date by a keeper.
    pub views: ViewHandle,
    /// All storage nodes. If this process has one of its own, it is looked after.
    pub nodes: Arc<StorageNodes>,
    /// The members of the Raft groups, as far as this process knows them.
    pub seats: Arc<dyn Seats>,
    /// The time by which commands are dated: the group's, as near as it is known.
    pub clock: Arc<dyn Clock>,
    /// For the ids of commands.
    pub random: Arc<dyn Random>,
    /// Blobs that were found damaged or missing, and where.
    pub damage: mpsc::Receiver<Damage>,
}

impl fmt::Debug for BackgroundComponents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundComponents").finish_non_exhaustive()
    }
}

/// The background work of a process, while it goes on.
pub struct Background {
    own: Option<NodeId>,
    views: ViewHandle,
    liveness: Arc<Liveness>,
    counters: Arc<Counters>,
    tasks: TaskTracker,
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Background {
    /// Starts all of it on the current runtime. It goes on until `stop`.
    pub fn start(
        components: BackgroundComponents,
        settings: BackgroundSettings,
        stop: &CancellationToken,
    ) -> Background {
        let BackgroundComponents { metadata, views, nodes, seats, clock, random, damage } = components;
        let (settings, counters, liveness) =
            (Arc::new(settings), Arc::new(Counters::default()), Arc::new(Liveness::default()));
        let ledger = Ledger { metadata, clock, random };
        let background = Background {
            own: nodes.own().map(|own| own.node),
            views: views.clone(),
            liveness: Arc::clone(&liveness),
            counters: Arc::clone(&counters),
            tasks: TaskTracker::new(),
        };
        let coordinator = Coordinator {
            views: views.clone(),
            seats,
            ledger: ledger.clone(),
            liveness: Arc::clone(&liveness),
            counters: Arc::clone(&counters),
            settings: Arc::clone(&settings),
        };
        background.spawn(stop, async move { coordinator.run().await });
        if let Some(own) = nodes.own().cloned() {
            let upkeep = Upkeep {
                node: own.node,
                local: own.storage,
                nodes: Arc::clone(&nodes),
                views: views.clone(),
                ledger,
                pace: Pace::new(settings.move_bytes_per_second),
                counters,
                settings: Arc::clone(&settings),
            };
            background.spawn_upkeep(stop, &Arc::new(upkeep), damage);
        }
        let interval = settings.ping_interval;
        let shown = (views.clone(), Arc::clone(&liveness));
        background.spawn(stop, async move { liveness.run(&views, &nodes, interval).await });
        background.spawn(stop, async move { show(&shown.0, &shown.1, interval).await });
        background.tasks.close();
        background
    }

    fn spawn_upkeep(&self, stop: &CancellationToken, upkeep: &Arc<Upkeep>, damage: mpsc::Receiver<Damage>) {
        let of = || Arc::clone(upkeep);
        let (fencing, moving, repairing, mending) = (of(), of(), of(), of());
        let (auditing, sweeping) = (of(), of());
        self.spawn(stop, async move { fences::run(&fencing).await });
        self.spawn(stop, async move { moves::run(&moving).await });
        self.spawn(stop, async move { repair::run(&repairing).await });
        self.spawn(stop, async move { healing::run(&mending, damage).await });
        self.spawn(stop, async move { audit::run(&auditing).await });
        self.spawn(stop, async move { sweep::run(&sweeping).await });
    }

    fn spawn(&self, stop: &CancellationToken, job: impl Future<Output = ()> + Send + 'static) {
        let stop = stop.clone();
        self.tasks.spawn(async move {
            let _ = stop.run_until_cancelled(job).await;
        });
    }

    /// Waits until everything has stopped, after `stop` was told.
    pub async fn stopped(&self) {
        self.tasks.wait().await;
    }

    /// What it does and has done.
    pub fn status(&self) -> BackgroundStatus {
        let view = self.views.latest();
        let placements = view.as_ref().map_or(&[][..], |view| view.placements());
        let here = |state: &&crate::topology::PlacementState| self.own.is_some_and(|own| state.names(own));
        let counters = &self.counters;
        let signs = |node| self.liveness.of(node);
        BackgroundStatus {
            groups_waiting: view.as_ref().map_or(0, |view| waiting::waiting(view, &signs)),
            groups_moving: placements.iter().filter(|state| state.moves()).count(),
            groups_here: placements.iter().filter(here).count(),
            pulled_blobs: counters.pulled_blobs.get(),
            pulled_bytes: counters.pulled_bytes.get(),
            unreadable_blobs: counters.unreadable.get(),
            repairs_done: counters.repairs_done.get(),
            repairs_pending: counters.repairs_pending.get(),
            damage_repaired: counters.damage_repaired.get(),
            damage_pending: counters.damage_pending.get(),
            orphans_deleted: counters.orphans_deleted.get(),
            strays_deleted: counters.strays_deleted.get(),
            audits: counters.audits.get(),
            nodes: self.liveness.all(),
        }
    }
}

/// Shows the cluster in metrics, until it is dropped. A task of its own, since it must go on while others wait.
async fn show(views: &ViewHandle, liveness: &Liveness, interval: Duration) {
    let begun = Instant::now();
    loop {
        let view = views.latest();
        let signs = |node| liveness.of(node);
        let waiting = view.as_ref().map_or(0, |view| waiting::waiting(view, &signs));
        // A layer that never answered has been silent for as long as it could have.
        let silence = views.age().unwrap_or_else(|| begun.elapsed());
        telemetry::show(&Shown { view: view.as_deref(), signs: &liveness.all(), waiting, silence });
        tokio::time::sleep(interval).await;
    }
}
