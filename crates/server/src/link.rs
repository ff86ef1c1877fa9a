//! This process among other nodes: its connections to them, and the services that it offers them.

use crate::doors::{LateClock, LateMetadata, LateStorage};
use crate::forming::Peers;
use crate::settings::Endpoint;
use crate::start_error::StartError;
use esker_cluster::Dial;
use esker_env::{Clock, Random};
use esker_rpc::grpc::{RemoteControl, RemoteStorage, with_control, with_metadata, with_storage};
use esker_rpc::transport::{
    ClusterCell, ClusterSecret, Guard, Identity, Incoming, Listener, Network, Plane, Routes, TcpConnect,
    serve,
};
use esker_rpc::{Control, Storage};
use esker_types::NodeId;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What other nodes can ask of this one. The roles open when they have started.
pub(crate) struct Offers {
    pub(crate) control: Arc<dyn Control>,
    pub(crate) metadata: Arc<LateMetadata>,
    /// The time that nodes without replicas are told.
    pub(crate) clock: Arc<LateClock>,
    pub(crate) storage: Arc<LateStorage>,
}

/// Binds the socket for other nodes.
pub(crate) async fn bind(endpoint: &Endpoint) -> Result<Listener, StartError> {
    let failed = |source| {
        let address = endpoint.listen.clone();
        StartError::Listen { setting: "cluster_listen", address, source }
    };
    let missing = || std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    let mut addresses = tokio::net::lookup_host(&endpoint.listen).await.map_err(failed)?;
    let address = addresses.next().ok_or_else(missing).map_err(failed)?;
    Listener::bind(address).await.map_err(failed)
}

/// The process's connections to other nodes; none are opened yet.
pub(crate) fn network(
    endpoint: Option<&Endpoint>,
    node: NodeId,
    clock: Arc<dyn Clock>,
    random: &dyn Random,
) -> Network {
    let secret = match endpoint {
        Some(endpoint) => ClusterSecret::new(&endpoint.secret),
        // Without an endpoint nobody is called, and nobody calls.
        None => {
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            ClusterSecret::new(bytes)
        }
    };
    let secret = secret.expect("the settings refuse short secrets");
    let identity = Identity { secret, node, cluster: ClusterCell::default(), clock };
    Network::new(identity, Arc::new(TcpConnect), Handle::current())
}

/// Starts to serve other nodes until `stop`. Raft's connections are returned, for Raft's own runtime.
pub(crate) fn offer(
    listener: Listener,
    network: &Network,
    offers: Offers,
    stop: &CancellationToken,
) -> (Incoming, JoinHandle<()>) {
    let accepted = listener.start(stop.clone());
    let Offers { control, metadata, clock, storage } = offers;
    let routes = with_control(Routes::default(), control);
    let routes = with_storage(with_metadata(routes, metadata, clock), storage);
    let (guard, stop) = (Guard::new(network.identity().clone()), stop.clone());
    let serving = tokio::spawn(async move {
        if let Err(error) = serve(accepted.data, Plane::Data, routes, guard, stop).await {
            tracing::error!(%error, "other nodes can't reach this one any more");
        }
    });
    (accepted.raft, serving)
}

/// Other nodes, over the network.
#[derive(Clone)]
pub(crate) struct Others(pub(crate) Network);

impl Peers for Others {
    fn control(&self, address: &str) -> Result<Arc<dyn Control>, String> {
        // Whoever is there: the caller learns who by asking.
        let anybody = NodeId(0);
        match RemoteControl::new(&self.0, anybody, address) {
            Ok(control) => Ok(Arc::new(control)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Dial for Others {
    fn storage(&self, node: NodeId, address: &str) -> Arc<dyn Storage> {
        match RemoteStorage::new(&self.0, node, address) {
            Ok(storage) => Arc::new(storage),
            // A door that nobody opens: the topology has an address of no use, until the node corrects it.
            Err(error) => Arc::new(LateStorage::closed(error.to_string())),
        }
    }
}
