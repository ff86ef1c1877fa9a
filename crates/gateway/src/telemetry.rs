//! What a gateway tells about itself: its metrics, and how they move.

use esker_metric::{Metric, label};
use hyper::http::StatusCode;
use metrics::{Counter, Gauge};
use std::time::Duration;

const REQUESTS_TOTAL: &str = "esker_gateway_requests_total";
const REQUEST_DURATION_SECONDS: &str = "esker_gateway_request_duration_seconds";
const REQUESTS_IN_FLIGHT: &str = "esker_gateway_requests_in_flight";
const REQUESTS_ABANDONED_TOTAL: &str = "esker_gateway_requests_abandoned_total";
const ERRORS_TOTAL: &str = "esker_gateway_errors_total";
const CONNECTIONS: &str = "esker_gateway_connections";
const RECEIVED_BYTES_TOTAL: &str = "esker_gateway_received_bytes_total";
const SENT_BYTES_TOTAL: &str = "esker_gateway_sent_bytes_total";
/// Moved by `reach`.
pub(crate) const SILENT_GROUPS: &str = "esker_gateway_silent_groups";

/// The metrics of a gateway.
pub const METRICS: &[Metric] = &[
    Metric::counter(REQUESTS_TOTAL, "Requests answered; operation is Unknown if the request was not understood")
        .by(&[label("operation"), label("status")]),
    Metric::seconds(
        REQUEST_DURATION_SECONDS,
        "Time from a request's head to the beginning of its reply's body: all of an upload, and of a download the first bytes",
    )
    .by(&[label("operation")]),
    Metric::gauge(REQUESTS_IN_FLIGHT, "Requests that are being worked on"),
    Metric::counter(REQUESTS_ABANDONED_TOTAL, "Requests whose client went away before the reply"),
    Metric::counter(ERRORS_TOTAL, "Replies that are errors, by the code that S3 has for them").by(&[label("code")]),
    Metric::gauge(CONNECTIONS, "Connections of clients that are open"),
    Metric::counter(RECEIVED_BYTES_TOTAL, "Bytes that clients sent, heads of requests included"),
    Metric::counter(SENT_BYTES_TOTAL, "Bytes that clients took, heads of replies included"),
    Metric::gauge(
        SILENT_GROUPS,
        "Metadata groups that don't answer this gateway, so that it refuses their requests at once",
    ),
];

/// Counts a request while it is worked on.
pub(crate) struct InFlight {
    answered: bool,
}

impl InFlight {
    pub(crate) fn begin() -> InFlight {
        metrics::gauge!(REQUESTS_IN_FLIGHT).increment(1.0);
        InFlight { answered: false }
    }

    /// The request was answered.
    pub(crate) fn answer(mut self, operation: &'static str, status: StatusCode, took: Duration) {
        self.answered = true;
        let status = status.as_str().to_owned();
        metrics::counter!(REQUESTS_TOTAL, "operation" => operation, "status" => status).increment(1);
        metrics::histogram!(REQUEST_DURATION_SECONDS, "operation" => operation).record(took.as_secs_f64());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!(REQUESTS_IN_FLIGHT).decrement(1.0);
        if !self.answered {
            metrics::counter!(REQUESTS_ABANDONED_TOTAL).increment(1);
        }
    }
}

/// A reply is an error.
pub(crate) fn count_error(code: &'static str) {
    metrics::counter!(ERRORS_TOTAL, "code" => code).increment(1);
}

/// Counts what goes through the connections of a listener.
#[derive(Clone)]
pub(crate) struct Meter {
    connections: Gauge,
    received: Counter,
    sent: Counter,
}

impl Meter {
    /// For clients.
    pub(crate) fn of_clients() -> Meter {
        Meter {
            connections: metrics::gauge!(CONNECTIONS),
            received: metrics::counter!(RECEIVED_BYTES_TOTAL),
            sent: metrics::counter!(SENT_BYTES_TOTAL),
        }
    }

    /// For those who don't count.
    pub(crate) fn none() -> Meter {
        Meter { connections: Gauge::noop(), received: Counter::noop(), sent: Counter::noop() }
    }

    /// A connection is there until the value is dropped.
    pub(crate) fn open(&self) -> Open {
        self.connections.increment(1.0);
        Open(self.connections.clone())
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.received.increment(bytes as u64);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.increment(bytes as u64);
    }
}

/// An open connection.
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
