//! Serves the calls of one plane.

use crate::transport::listen::Served;
use crate::transport::network::{RESET_STREAMS_MAX, Windows};
use crate::transport::{Guard, Incoming, Plane, Routes};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

/// A connection is probed this often, so that what a vanished peer began is given up.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Headers of a call, in bytes.
const HEADERS_MAX: u32 = 16 << 10;
/// How long calls may go on after the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The server of a plane failed.
#[derive(Debug, thiserror::Error)]
#[error("the service for other nodes stopped: {0}")]
pub struct ServeError(#[from] tonic::transport::Error);

/// Serves `routes` to whom `guard` lets in, on the current runtime, until `stop`; then calls under way have a few
/// seconds to end.
///
/// # Errors
/// The server can't go on. Broken connections and bad calls are no reason.
pub async fn serve(
    incoming: Incoming,
    plane: Plane,
    routes: Routes,
    guard: Guard,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let windows = Windows::of(plane);
    let server = Server::builder()
        .layer(guard)
        .initial_stream_window_size(windows.stream)
        .initial_connection_window_size(windows.connection)
        .max_concurrent_streams(windows.streams)
        // As in `network`: many calls that end at once are no attack.
        .http2_max_pending_accept_reset_streams(Some(RESET_STREAMS_MAX))
        .http2_max_local_error_reset_streams(None)
        .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
        .http2_max_header_list_size(HEADERS_MAX)
        .add_routes(routes)
        .serve_with_incoming_shutdown(Served(incoming), stop.clone().cancelled_owned());
    let cut_off = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN_TIMEOUT).await;
    };
    tokio::select! {
        served = server => Ok(served?),
        () = cut_off => Ok(()),
    }
}
