//! A node that others reach by TCP, and ways to reach it.

use crate::transport::{
    ClusterCell, ClusterSecret, Guard, Identity, Listener, Network, Plane, Routes, TcpConnect, serve,
};
use esker_env::SystemClock;
use esker_types::{ClusterId, NodeId};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A process with the secret of all tests; of no cluster if `cluster` is 0.
pub fn identity(node: u64, cluster: u128) -> Identity {
    let cell = ClusterCell::default();
    if cluster != 0 {
        cell.set(ClusterId::from_bytes(cluster.to_be_bytes())).expect("the cell is new");
    }
    Identity {
        secret: ClusterSecret::new("the secret of all tests").expect("it is long enough"),
        node: NodeId(node),
        cluster: cell,
        clock: Arc::new(SystemClock::new()),
    }
}

/// A process's connections by TCP, on the current runtime.
pub fn network(identity: Identity) -> Network {
    Network::new(identity, Arc::new(TcpConnect), Handle::current())
}

/// A node whose services others reach by TCP; it stops when this is dropped.
#[derive(Debug)]
pub struct TestNode {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who it is.
    pub identity: Identity,
    _stop: DropGuard,
}

impl TestNode {
    /// Serves `routes` on both planes, on a port of the system's choice.
    ///
    /// # Panics
    /// There is no port.
    pub async fn start(identity: Identity, routes: Routes) -> TestNode {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        TestNode::start_at(any, identity, routes).await.expect("there is a port")
    }

    /// Serves `routes` on both planes, at an address.
    ///
    /// # Errors
    /// The address is in use.
    pub async fn start_at(address: SocketAddr, identity: Identity, routes: Routes) -> io::Result<TestNode> {
        let listener = Listener::bind(address).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let accepted = listener.start(stop.clone());
        let guard = Guard::new(identity.clone());
        for (plane, incoming) in [(Plane::Raft, accepted.raft), (Plane::Data, accepted.data)] {
            tokio::spawn(serve(incoming, plane, routes.clone(), guard.clone(), stop.clone()));
        }
        Ok(TestNode { address, identity, _stop: stop.drop_guard() })
    }
}
