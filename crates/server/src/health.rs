//! `esker health`: asks a node's console how it is, for containers and scripts that have no other HTTP client.

use crate::settings::ConsoleReached;
use clap::Args;
use esker_gateway::{Check, HealthReport, HealthStatus};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// An answer of more bytes is none of a console's.
const ANSWER_BYTES_MAX: usize = 64 << 10;

pub(crate) const HELP: &str = "\
Without --live or --cluster it asks whether the node can serve requests now.

Exit codes: 0 healthy, 1 not healthy (the reasons are told), 2 no console answers there in time, or wrong usage.

Examples:
  esker health
  esker health --cluster --address 10.0.0.1:9001";

/// What `esker health` is given.
#[derive(Args)]
pub(crate) struct Ask {
    /// The node's console [default: the node's own setting, or 127.0.0.1:9001]
    #[arg(long, env = "ESKER_CONSOLE_ADDRESS", value_name = "HOST:PORT")]
    address: Option<String>,

    /// The node's configuration file, which may name its console
    #[arg(long, env = "ESKER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    check: Flags,

    /// How long the answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
}

/// What is asked; at most one of these.
#[derive(Args)]
#[group(multiple = false)]
struct Flags {
    /// Asks whether the node can serve requests now; it is what is asked without a flag
    #[arg(long)]
    ready: bool,

    /// Asks whether the process answers at all, even if it waits for others
    #[arg(long)]
    live: bool,

    /// Asks whether the cluster can take writes
    #[arg(long)]
    cluster: bool,
}

impl Flags {
    fn check(&self) -> Check {
        let given = [(self.ready, Check::Ready), (self.live, Check::Live), (self.cluster, Check::Cluster)];
        given.into_iter().find(|(given, _)| *given).map_or(Check::Ready, |(_, check)| check)
    }
}

/// Why a node is not known to be healthy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HealthError {
    #[error("{0}")]
    Usage(String),
    #[error("{address} is not healthy: {reasons}")]
    Failing { address: String, reasons: String },
    #[error("no console answers at {address}: {why}")]
    Unreachable { address: String, why: String },
}

impl HealthError {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            HealthError::Failing { .. } => 1,
            HealthError::Usage(_) | HealthError::Unreachable { .. } => 2,
        })
    }
}

/// Asks, and returns what to print.
pub(crate) async fn run(ask: Ask) -> Result<String, HealthError> {
    let check = ask.check.check();
    let reached = ConsoleReached::load(ask.address, ask.config.as_deref());
    let address = reached.map_err(|error| HealthError::Usage(error.to_string()))?.address;
    let patience = Duration::from_secs(ask.timeout);
    let unreachable = |why: String| HealthError::Unreachable { address: address.clone(), why };
    let answer = timeout(patience, get(&address, check.path())).await;
    let answer = answer.map_err(|_| unreachable(format!("not within {} s", patience.as_secs())))?;
    let (status, body) = answer.map_err(|error| unreachable(error.to_string()))?;
    let report: HealthReport = serde_json::from_slice(&body)
        .map_err(|_| unreachable(format!("what answers there with {status} is something else")))?;
    match (report.status, status) {
        (HealthStatus::Ok, StatusCode::OK) => Ok(format!("{address} is healthy\n")),
        _ => Err(HealthError::Failing { address, reasons: report.reasons.join("; ") }),
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// One request on a connection of its own.
async fn get(address: &str, path: &str) -> Result<(StatusCode, Bytes), AnyError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its errors reach the request that is under way.
    let _driver = AbortOnDropHandle::new(tokio::spawn(async move { drop(connection.await) }));
    let request = Request::get(path).header("host", address).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?;
    Ok((status, body.to_bytes()))
}
