//! The console's listener: health and metrics, for probes and scrapers that sign nothing.

use crate::net::{Handler, serve};
use crate::reply::{Reply, ReplyBody, text};
use crate::settings::Limits;
use hyper::body::Incoming;
use hyper::http::{Method, Request, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Connections of the console: a few scrapers, not clients.
const CONNECTIONS_MAX: usize = 64;

/// What the console asks of the process around it.
pub trait Probe: Send + Sync + 'static {
    /// Whether the gateway can serve requests now; the reason if not.
    fn ready(&self) -> Result<(), String>;

    /// All metrics in Prometheus' text format.
    fn metrics(&self) -> String;
}

pub(crate) struct Console {
    pub(crate) probe: Arc<dyn Probe>,
}

/// Serves the console alone, for a process without a gateway, until `shutdown`.
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
        let mut reply = self.answer(request.method(), request.uri().path());
        if request.method() == Method::HEAD {
            *reply.body_mut() = ReplyBody::Empty;
        }
        reply
    }
}

impl Console {
    fn answer(&self, method: &Method, path: &str) -> Reply {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        }
        match path {
            // That this is answered is the answer.
            "/health/live" => text(StatusCode::OK, "ok\n"),
            "/health/ready" => match self.probe.ready() {
                Ok(()) => text(StatusCode::OK, "ok\n"),
                Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
            },
            "/metrics" => text(StatusCode::OK, self.probe.metrics()),
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}
