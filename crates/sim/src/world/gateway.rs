//! A gateway: a process without replicas and data, with its clients.

use super::clock::{SimClock, SimTime};
use super::link::{Others, network};
use super::plan::Plan;
use crate::clients::{Session, Work, make_bucket, work};
use crate::mutants::{ForgetLate, Mutant};
use crate::oracle::Oracle;
use crate::trace::Trace;
use esker_cluster::{
    DamageSink, HealthOptions, KeeperOptions, ReplicatedStore, StorageNodes, StoreOptions, ViewHandle,
    ViewKeeper,
};
use esker_env::{Random as _, SeededRandom};
use esker_rpc::BlobStore;
use esker_types::NodeId;
use futures::future::join_all;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// More than a gateway has clients: their numbers are a multiple of this and their own.
pub const CLIENTS_MAX: u32 = 100;

/// What a gateway is given.
pub struct Gateway {
    /// Its number, from 0.
    pub number: u32,
    /// How many clients it has.
    pub clients: u32,
    /// The cluster.
    pub plan: Arc<Plan>,
    /// The simulation's time.
    pub time: SimTime,
    /// What happened.
    pub trace: Trace,
    /// What clients were told.
    pub oracle: Oracle,
    /// Its random numbers; clients have their own.
    pub random: SeededRandom,
    /// False once clients are to stop.
    pub go_on: watch::Receiver<bool>,
    /// The way to the cluster, for those who look at it from outside.
    pub session: Arc<Mutex<Option<Session>>>,
}

/// Runs the gateway until the simulation ends.
pub async fn run(gateway: Arc<Gateway>) -> turmoil::Result {
    let Reach { session, .. } = reach(&gateway)?;
    while let Err(error) = make_bucket(&session, gateway.plan.scale.versioning).await {
        tracing::debug!(%error, "no bucket yet");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    if let Ok(mut place) = gateway.session.lock() {
        *place = Some(session.clone());
    }
    let clients = (0..gateway.clients).map(|client| {
        work(Work {
            client: gateway.number * CLIENTS_MAX + client,
            keys: gateway.plan.scale.keys,
            versioning: gateway.plan.scale.versioning,
            session: session.clone(),
            oracle: gateway.oracle.clone(),
            time: gateway.time.clone(),
            trace: gateway.trace.clone(),
            random: gateway.random.fork(),
            go_on: gateway.go_on.clone(),
        })
    });
    join_all(clients).await;
    std::future::pending().await
}

/// A process's way to the cluster.
#[derive(Clone)]
pub struct Reach {
    /// For the operations of clients.
    pub session: Session,
    /// The topology.
    pub views: ViewHandle,
    /// The storage nodes.
    pub nodes: Arc<StorageNodes>,
}

/// The way to the cluster of a process without replicas and data.
///
/// # Errors
/// Never, in a simulation whose secret is long enough.
pub fn reach(gateway: &Gateway) -> turmoil::Result<Reach> {
    let clock = Arc::new(SimClock::new(gateway.time.clone()));
    let random = Arc::new(gateway.random.fork());
    let network = network(NodeId(random.u64()), clock)?;
    let metadata = gateway.plan.remote(&network);
    let clock = metadata.clock();
    let (keeper, views) = ViewKeeper::new(metadata.clone(), KeeperOptions::default());
    tokio::spawn(keeper.run(CancellationToken::new()));
    let dial = Arc::new(Others { network, mutant: gateway.plan.mutant });
    let nodes = Arc::new(StorageNodes::new(None, dial, HealthOptions::default()));
    let options = StoreOptions::default();
    let store = ReplicatedStore::new(views.clone(), nodes.clone(), DamageSink::none(), options);
    let mut blobs: Arc<dyn BlobStore> = Arc::new(store);
    if gateway.plan.mutant == Some(Mutant::ForgetLate) {
        blobs = Arc::new(ForgetLate(blobs));
    }
    Ok(Reach { session: Session { metadata, blobs, clock, random }, views, nodes })
}
