//! Runs a node: from its settings to its end.

use crate::banner::{self, Ready};
use crate::clock;
use crate::link;
use crate::newcomer::Newcomer;
use crate::node::Node;
use crate::open::World;
use crate::probe::{ConsoleProbe, NodeProbe};
use crate::root;
use crate::settings::Settings;
use crate::start_error::StartError;
use crate::stop::{self, Ends, Signals};
use crate::telemetry;
use esker_env::{OsDisk, OsRandom};
use esker_gateway::{Gateway, Limits, Listeners, RootCredentials, SecretKey};
use esker_rpc::transport::Listener;
use esker_storage::IndexStart;
use esker_types::NodeRole;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long the runtime's last tasks may take once the node has stopped.
const RUNTIME_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a node waits for the rest of its cluster before it says that it is ready to be asked: whoever comes then
/// is told to try again.
const READY_TIMEOUT: Duration = Duration::from_secs(40);
const READY_PAUSE: Duration = Duration::from_millis(20);

/// Runs a node until it is told to stop.
pub(crate) fn server(settings: &Settings, index: IndexStart) -> Result<(), StartError> {
    telemetry::start_log(settings)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Runtime)?;
    let result = runtime.block_on(run(settings, index));
    // A disk that hangs must not keep a process that has failed.
    runtime.shutdown_timeout(RUNTIME_TIMEOUT);
    result
}

/// The sockets of the process.
struct Sockets {
    /// None without the gateway role.
    s3: Option<TcpListener>,
    console: TcpListener,
    /// None for a node without peers.
    cluster: Option<Listener>,
}

impl Sockets {
    async fn bind(settings: &Settings) -> Result<Sockets, StartError> {
        let s3 = match settings.cluster.roles.has(NodeRole::Gateway) {
            true => Some(listen("address", &settings.address).await?),
            false => None,
        };
        let console = listen("console_address", &settings.console_address).await?;
        let cluster = match &settings.cluster.endpoint {
            Some(endpoint) => Some(link::bind(endpoint).await?),
            None => None,
        };
        Ok(Sockets { s3, console, cluster })
    }
}

/// A node that serves.
struct Running {
    node: Node,
    ends: Ends,
    /// None without the gateway role.
    serving: Option<JoinHandle<()>>,
    console: JoinHandle<()>,
    ways: Ways,
}

/// How the parts of a process are told that it ends, in the order in which they are.
#[derive(Default)]
struct Ways {
    /// The probe, which from then on says that the node is not ready.
    leaving: CancellationToken,
    /// The gateway.
    stop: CancellationToken,
    /// The console, which answers to the last.
    console_end: CancellationToken,
}

async fn run(settings: &Settings, index: IndexStart) -> Result<(), StartError> {
    // Before anything else: the first process of a container gets no signal that it has not asked for.
    let mut signals = Signals::new().map_err(StartError::Signals)?;
    let running = tokio::select! {
        running = start(settings, index) => running?,
        // The rest is dropped as in a crash, which is safe at any moment.
        () = signals.next() => {
            tracing::info!("told to stop while it was starting");
            return Ok(());
        }
    };
    end(running, settings, &mut signals).await
}

async fn start(settings: &Settings, index: IndexStart) -> Result<Running, StartError> {
    let metrics = telemetry::start_metrics(settings)?;
    tokio::spawn(metrics.clone().keep());
    let world = World { disk: Arc::new(OsDisk), clock: clock::clock(), random: Arc::new(OsRandom) };
    // Bound first: a second server on the same address is told so before it touches any data.
    let Sockets { s3, console, cluster } = Sockets::bind(settings).await?;
    let addresses = (s3.as_ref().map(local_address).transpose()?, local_address(&console)?);
    let probe = Arc::new(ConsoleProbe::new(metrics));
    let ways = Ways::default();
    // From now on a supervisor sees that the process lives, however long it waits for other nodes.
    let (console_limits, console_end) = (limits(settings), ways.console_end.clone());
    let console = esker_gateway::serve_console(console, probe.clone(), console_limits, console_end);
    let console = tokio::spawn(console);
    let newcomer = Newcomer::open(settings, &world, cluster).await?;
    let settled = newcomer.settle(settings, &world).await?;
    let node = Node::start(newcomer, &settled, settings, &world, index).await?;

    let secret = settings.cluster.endpoint.as_ref().map(|endpoint| endpoint.secret.as_str());
    let (keys, source) =
        root::keys(settings.root_keys.clone(), secret, &*world.disk, &settings.data_dir, &*world.random)?;
    probe.open(node_probe(&node, &ways.leaving));
    let serving = s3.map(|s3| serve(settings, &world, &node, &keys, probe.clone(), s3, &ways.stop));

    let ends = node.ends();
    if addresses.0.is_some() {
        await_ready(&probe).await;
    }
    banner::ready(&Ready {
        s3: addresses.0,
        console: addresses.1,
        cluster: settings.cluster.endpoint.as_ref().map(|endpoint| endpoint.address.as_str()),
        first: node.origin(),
        region: &settings.region,
        keys: &keys,
        source,
        key_file: &root::path(&settings.data_dir),
    });
    Ok(Running { node, ends, serving, console, ways })
}

/// Waits until the node is told to stop, and stops it well.
async fn end(running: Running, settings: &Settings, signals: &mut Signals) -> Result<(), StartError> {
    let Running { node, mut ends, serving, console, ways } = running;
    stop::wait(signals, &mut ends).await?;
    ways.leaving.cancel();
    let drained = async {
        if let Some(serving) = serving {
            // Whoever sends clients here learns of it by asking, so they are served on for as long as that takes.
            tokio::time::sleep(settings.stop_notice).await;
            ways.stop.cancel();
            serving.await?;
        }
        node.stop_upkeep().await;
        ways.console_end.cancel();
        console.await?;
        Ok::<(), StartError>(())
    };
    tokio::select! {
        drained = drained => drained?,
        cut_off = stop::wait(signals, &mut ends) => return Err(cut_off.err().unwrap_or(StartError::CutOff)),
    }
    node.close().await
}

fn node_probe(node: &Node, leaving: &CancellationToken) -> NodeProbe {
    NodeProbe {
        views: node.access().views.clone(),
        replicas: node.access().replicas.clone(),
        storage: node.storage.clone(),
        background: node.background(),
        leaving: leaving.clone(),
    }
}

fn limits(settings: &Settings) -> Limits {
    Limits { drain: settings.drain, ..Limits::default() }
}

/// Serves clients.
fn serve(
    settings: &Settings,
    world: &World,
    node: &Node,
    keys: &crate::settings::RootKeys,
    probe: Arc<ConsoleProbe>,
    s3: TcpListener,
    stop: &CancellationToken,
) -> JoinHandle<()> {
    let credentials = RootCredentials::new(keys.access_key.clone(), SecretKey::new(keys.secret_key.clone()));
    let gateway = Gateway::new(
        esker_gateway::Components {
            metadata: node.access().metadata.clone(),
            storage: node.blobs.clone(),
            credentials: Arc::new(credentials),
            clock: node.access().clock.clone(),
            random: world.random.clone(),
            probe,
        },
        esker_gateway::Settings {
            region: settings.region.clone(),
            domains: settings.domains.clone(),
            data_groups: crate::upkeep::groups(),
            inline_bytes_max: settings.inline_bytes,
            limits: limits(settings),
        },
    );
    // The console has its own listener, which was there before the gateway and stays longer.
    tokio::spawn(gateway.run(Listeners { s3, console: None }, stop.clone()))
}

/// Waits until requests can be served, for a bounded time.
async fn await_ready(probe: &ConsoleProbe) {
    let ready = async {
        while probe.check().is_err() {
            tokio::time::sleep(READY_PAUSE).await;
        }
    };
    if tokio::time::timeout(READY_TIMEOUT, ready).await.is_err()
        && let Err(reason) = probe.check()
    {
        tracing::warn!(%reason, "not ready yet: clients are told to try again");
    }
}

async fn listen(setting: &'static str, address: &str) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { setting, address: address.to_owned(), source };
    TcpListener::bind(address).await.map_err(failed)
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    let failed = |source| StartError::Listen { setting: "address", address: String::new(), source };
    listener.local_addr().map_err(failed)
}
