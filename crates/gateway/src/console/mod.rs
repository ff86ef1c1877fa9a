//! The console's listener: health and metrics, for probes and scrapers that sign nothing.

mod health;

pub use health::{Check, Health, HealthReport, HealthStatus};

use crate::net::{Handler, serve};
use crate::reply::{Reply, ReplyBody, json, metrics_text, text};
use crate::settings::Limits;
use crate::telemetry::Meter;
use async_trait::async_trait;
use hyper::body::Incoming;
use hyper::http::{Method, Request, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Connections of the console: a few scrapers, not clients.
const CONNECTIONS_MAX: usize = 64;

/// What the console asks of the process around it. Answers come within seconds, whatever has failed.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// Whether this node can serve requests now.
    async fn ready(&self) -> Health;

    /// Whether the cluster can take writes now: a majority of the metadata nodes that vote is there, data has its
    /// places, and of each place a majority answers.
    async fn cluster(&self) -> Health;

    /// All metrics in Prometheus' text format.
    async fn metrics(&self) -> String;
}

pub(crate) struct Console {
    pub(crate) probe: Arc<dyn Probe>,
}

/// Serves the console alone until `shutdown`: for a process without a gateway, and for one whose console answers
/// before its gateway does.
pub async fn serve_console(
    listener: TcpListener,
    probe: Arc<dyn Probe>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let console = Arc::new(Console { probe });
    serve(listener, console, &console_limits(&limits), shutdown).await;
}

/// What scrapers can take, of what clients can.
pub(crate) fn console_limits(limits: &Limits) -> Limits {
    Limits { connections_max: CONNECTIONS_MAX, drain: Duration::from_secs(1), ..limits.clone() }
}

impl Handler for Console {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let mut reply = self.answer(request.method(), request.uri().path()).await;
        if request.method() == Method::HEAD {
            *reply.body_mut() = ReplyBody::Empty;
        }
        reply
    }

    /// Probes and scrapers are no clients.
    fn meter(&self) -> Meter {
        Meter::none()
    }
}

impl Console {
    async fn answer(&self, method: &Method, path: &str) -> Reply {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        }
        if path == "/metrics" {
            return metrics_text(self.probe.metrics().await);
        }
        let Some(check) = Check::ALL.into_iter().find(|check| check.path() == path) else {
            return text(StatusCode::NOT_FOUND, "not found\n");
        };
        let health = match check {
            // That this is answered is the answer.
            Check::Live => Health::Ok,
            Check::Ready => self.probe.ready().await,
            Check::Cluster => self.probe.cluster().await,
        };
        let status = match health {
            Health::Ok => StatusCode::OK,
            Health::Failing(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        json(status, HealthReport::new(check, health).to_json())
    }
}
