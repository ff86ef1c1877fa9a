//! What a gateway tells about itself: the names of its metrics, and how they move.

use hyper::http::StatusCode;
use std::time::Duration;

/// Requests answered, by `operation` and `status`.
pub const REQUESTS_TOTAL: &str = "esker_gateway_requests_total";
/// Time from a request's head to the beginning of its reply's body, in seconds, by `operation`.
pub const REQUEST_DURATION_SECONDS: &str = "esker_gateway_request_duration_seconds";
/// Requests that are being worked on.
pub const REQUESTS_IN_FLIGHT: &str = "esker_gateway_requests_in_flight";
/// Requests whose client went away before they were answered.
pub const REQUESTS_ABANDONED_TOTAL: &str = "esker_gateway_requests_abandoned_total";

/// Describes the metrics to the recorder, once it is installed.
pub fn describe_metrics() {
    metrics::describe_counter!(REQUESTS_TOTAL, "Requests answered");
    metrics::describe_histogram!(
        REQUEST_DURATION_SECONDS,
        metrics::Unit::Seconds,
        "Time from a request's head to the beginning of its reply's body"
    );
    metrics::describe_gauge!(REQUESTS_IN_FLIGHT, "Requests that are being worked on");
    metrics::describe_counter!(REQUESTS_ABANDONED_TOTAL, "Requests whose client went away before the reply");
}

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
