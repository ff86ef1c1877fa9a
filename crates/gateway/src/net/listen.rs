//! The accept loop, and how it ends.

use super::connection::Connection;
use crate::reply::Reply;
use crate::settings::Limits;
use crate::telemetry::Meter;
use hyper::body::Incoming;
use hyper::http::Request;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What answers the requests of a listener.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one request. Dropped when the client goes away.
    fn handle(self: Arc<Self>, request: Request<Incoming>) -> impl Future<Output = Reply> + Send;

    /// What counts the connections.
    fn meter(&self) -> Meter;
}

/// How long the loop rests after an error that only time or other connections' ends can cure, such as having
/// no descriptor left. There is no event to await for it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `shutdown`, then lets requests in flight finish within the drain limit and cuts
/// off the rest.
pub(crate) async fn serve<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
    limits: &Limits,
    shutdown: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(limits.connections_max));
    let connections = TaskTracker::new();
    let abort = CancellationToken::new();
    let meter = handler.meter();
    loop {
        // The permit comes first: a connection beyond the limit waits in the kernel's backlog, where it costs
        // nothing here.
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = shutdown.cancelled() => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = Connection::new(stream, peer, limits.clone(), meter.clone());
                let (handler, shutdown, abort) = (Arc::clone(&handler), shutdown.clone(), abort.clone());
                connections.spawn(async move {
                    connection.run(handler, shutdown, abort).await;
                    drop(permit);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // From here on new connections are refused by the kernel rather than left unanswered.
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off connections that outlived the drain");
        abort.cancel();
        connections.wait().await;
    }
}

/// Whether the error concerns a connection that ended before it was accepted, and not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
