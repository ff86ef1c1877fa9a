//! How an operator's command reaches the cluster: the address of a node, and the cluster's secret.

use super::{AdminError, Output, Session};
use crate::forming::Peers;
use crate::link::Others;
use crate::settings::Reached;
use clap::Args;
use esker_env::SystemClock;
use esker_rpc::transport::{ClusterCell, ClusterSecret, Identity, Network, TcpConnect};
use esker_types::NodeId;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct Reach {
    /// Any node of the cluster
    #[arg(long, global = true, env = "ESKER_ENDPOINT", value_name = "HOST:PORT")]
    endpoint: Option<String>,

    /// This machine's own node, if no other is named
    #[arg(long, global = true, env = "ESKER_CLUSTER_ADDRESS", hide = true)]
    cluster_address: Option<String>,

    /// The cluster's secret; rather set it by environment or file
    #[arg(long, global = true, env = "ESKER_CLUSTER_SECRET", value_name = "SECRET", hide_env_values = true)]
    cluster_secret: Option<String>,

    /// A file with the cluster's secret
    #[arg(long, global = true, env = "ESKER_CLUSTER_SECRET_FILE", value_name = "FILE")]
    cluster_secret_file: Option<PathBuf>,

    /// The node's configuration file, which may name both
    #[arg(long, global = true, env = "ESKER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Prints JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Reach {
    pub(super) fn connect(self) -> Result<Session, AdminError> {
        let usage = |error: &dyn std::fmt::Display| AdminError::Usage(error.to_string());
        let found = Reached::load(
            self.cluster_secret.clone(),
            self.cluster_secret_file.clone(),
            self.config.as_deref(),
        );
        let found = found.map_err(|error| usage(&error))?;
        let endpoint = self.endpoint.clone().or(self.cluster_address.clone()).or(found.address);
        let endpoint =
            endpoint.ok_or_else(|| usage(&"name a node of the cluster with --endpoint HOST:PORT"))?;
        let missing =
            "the cluster's secret is missing: give --cluster-secret-file, or set ESKER_CLUSTER_SECRET";
        let secret = ClusterSecret::new(found.secret.ok_or_else(|| usage(&missing))?);
        let identity = Identity {
            secret: secret.map_err(|error| usage(&error))?,
            // An operator's tool is no node, and belongs to no cluster.
            node: NodeId(0),
            cluster: ClusterCell::default(),
            clock: Arc::new(SystemClock::new()),
        };
        let others = Others(Network::new(identity, Arc::new(TcpConnect), Handle::current()));
        let control = others.control(&endpoint).map_err(AdminError::Usage)?;
        let output = if self.json { Output::Json } else { Output::Table };
        Ok(Session { endpoint, output, control, others })
    }
}
