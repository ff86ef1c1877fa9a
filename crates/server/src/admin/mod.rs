//! `esker admin`: what operators ask of a cluster, through any of its nodes.

mod nodes;
mod reach;
mod table;

use crate::control::status::Status;
use crate::link::Others;
use clap::{Args, Subcommand};
use esker_rpc::{Control, ControlError, SettingsChange};
use esker_types::NodeId;
use std::num::NonZeroU8;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) use reach::Reach;

/// What `esker admin` is given.
#[derive(Args)]
pub(crate) struct Admin {
    #[command(flatten)]
    reach: Reach,

    #[command(subcommand)]
    command: Command,
}

pub(crate) const HELP: &str = "\
The node that is asked is --endpoint, or else this machine's own (ESKER_CLUSTER_ADDRESS, or cluster_address of --config).
Nodes are named by their id, by a part of it that no other id begins with, or by their address.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 nobody answers, 4 wrong secret or cluster, 5 no such node.

Examples:
  ESKER_CLUSTER_SECRET_FILE=/etc/esker/secret esker admin status --endpoint 10.0.0.1:9100
  esker admin node add 10.0.0.4:9100       (that node was started with --await-join)
  esker admin node drain 7f3a";

#[derive(Subcommand)]
enum Command {
    /// Shows the cluster's state: nodes, groups, data, and what needs attention
    Status,
    /// Lists, adds and takes away nodes
    #[command(subcommand)]
    Node(NodeCommand),
    /// Changes what all nodes agree about
    #[command(subcommand)]
    Cluster(ClusterCommand),
}

#[derive(Subcommand)]
enum NodeCommand {
    /// Lists the nodes
    List,
    /// Adds a node that waits for it (esker server --await-join)
    Add {
        /// Where the new node listens for other nodes
        #[arg(value_name = "HOST:PORT")]
        address: String,
    },
    /// Begins to move a node's data and votes to other nodes; it serves on until it is empty
    Drain {
        /// The node
        node: String,
    },
    /// Takes a drain back: the node stays, and gets its share of the data again
    Undrain {
        /// The node
        node: String,
    },
    /// Removes a node that was drained, or is lost, and holds nothing any more
    Remove {
        /// The node
        node: String,
    },
    /// Declares a node lost for good, so that other nodes rebuild what it held
    Replace {
        /// The lost node
        node: String,
        /// A member that is to be there to take its place
        #[arg(long, value_name = "NODE")]
        with: Option<String>,
    },
}

#[derive(Subcommand)]
enum ClusterCommand {
    /// Sets how often data is kept, and how many nodes vote; what is not given stays as it is
    Set(Wanted),
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Wanted {
    /// Replicas of each blob, as far as there are storage nodes: 1 to 16
    #[arg(long, value_name = "COUNT")]
    replicas: Option<NonZeroU8>,
    /// Nodes that vote, as far as there are metadata nodes: an odd number up to 9
    #[arg(long, value_name = "COUNT")]
    voters: Option<NonZeroU8>,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error("{0}")]
    Usage(String),
    #[error("{endpoint} does not answer: {why}")]
    Unreachable { endpoint: String, why: String },
    #[error("{endpoint} does not let this command in: {why}")]
    Denied { endpoint: String, why: String },
    #[error("there is no node {0:?}; esker admin node list shows all")]
    NoSuchNode(String),
    #[error("{0}")]
    Refused(String),
}

impl AdminError {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            AdminError::Refused(_) => 1,
            AdminError::Usage(_) => 2,
            AdminError::Unreachable { .. } => 3,
            AdminError::Denied { .. } => 4,
            AdminError::NoSuchNode(_) => 5,
        })
    }

    /// What a node at `endpoint` answered.
    fn of(endpoint: &str, error: ControlError) -> AdminError {
        let endpoint = endpoint.to_owned();
        match error {
            ControlError::Refused(why) => AdminError::Refused(why),
            ControlError::NoSuchNode(node) => AdminError::NoSuchNode(node.to_string()),
            ControlError::Unavailable(why) => AdminError::Unreachable { endpoint, why },
            ControlError::Denied(why) => AdminError::Denied { endpoint, why },
        }
    }
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Table,
    Json,
}

/// A member of the cluster, asked over the network.
struct Session {
    endpoint: String,
    output: Output,
    control: Arc<dyn Control>,
    others: Others,
}

impl Session {
    fn failed(&self) -> impl Fn(ControlError) -> AdminError + '_ {
        |error| AdminError::of(&self.endpoint, error)
    }

    async fn status(&self) -> Result<Status, AdminError> {
        let json = self.control.status().await.map_err(self.failed())?;
        let malformed = |error| AdminError::Refused(format!("{} answers nonsense: {error}", self.endpoint));
        serde_json::from_str(&json).map_err(malformed)
    }

    /// The node that an operator means.
    async fn node(&self, name: &str) -> Result<NodeId, AdminError> {
        nodes::find(&self.status().await?, name)
    }
}

/// Carries out a command and returns what to print.
pub(crate) async fn run(admin: Admin) -> Result<String, AdminError> {
    let Admin { reach, command } = admin;
    let session = reach.connect()?;
    match command {
        Command::Status => show(&session, table::status).await,
        Command::Node(command) => change_nodes(&session, command).await,
        Command::Cluster(ClusterCommand::Set(Wanted { replicas, voters })) => {
            let change = SettingsChange { replicas, voters };
            session.control.change_settings(change).await.map_err(session.failed())?;
            Ok("the settings are changed; esker admin status shows when data and votes are where they belong\n"
                .to_owned())
        }
    }
}

async fn change_nodes(session: &Session, command: NodeCommand) -> Result<String, AdminError> {
    match command {
        NodeCommand::List => show(session, table::nodes).await,
        NodeCommand::Add { address } => nodes::add(session, &address).await,
        NodeCommand::Drain { node } => {
            let node = session.node(&node).await?;
            session.control.drain(node).await.map_err(session.failed())?;
            Ok(format!("node {node} is draining; when it is empty, esker admin node remove {node}\n"))
        }
        NodeCommand::Undrain { node } => {
            let node = session.node(&node).await?;
            session.control.undrain(node).await.map_err(session.failed())?;
            Ok(format!("node {node} stays, and gets its share of the data again\n"))
        }
        NodeCommand::Remove { node } => {
            let node = session.node(&node).await?;
            session.control.remove(node).await.map_err(session.failed())?;
            Ok(format!("node {node} is removed\n"))
        }
        NodeCommand::Replace { node, with } => {
            let old = session.node(&node).await?;
            let new = match with {
                Some(new) => Some(session.node(&new).await?),
                None => None,
            };
            session.control.replace(old, new).await.map_err(session.failed())?;
            Ok(format!("node {old} is declared lost; what it held is being rebuilt elsewhere\n"))
        }
    }
}

async fn show(session: &Session, table: fn(&Status) -> String) -> Result<String, AdminError> {
    let status = session.status().await?;
    match session.output {
        Output::Table => Ok(table(&status)),
        Output::Json => {
            let text = serde_json::to_string_pretty(&status);
            text.map(|text| text + "\n").map_err(|error| AdminError::Refused(error.to_string()))
        }
    }
}
