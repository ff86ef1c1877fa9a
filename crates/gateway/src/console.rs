//! The console's listener: health and metrics, for probes and scrapers that sign nothing.

use crate::net::Handler;
use crate::reply::{Reply, ReplyBody, text};
use hyper::body::Incoming;
use hyper::http::{Method, Request, StatusCode};
use std::sync::Arc;

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
