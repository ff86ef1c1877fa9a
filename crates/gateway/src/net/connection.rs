//! One connection: HTTP/1.1 or HTTP/2 without TLS (prior knowledge), its deadlines, its graceful end.

use super::listen::Handler;
use super::stall::StallGuard;
use crate::settings::Limits;
use crate::telemetry::Meter;
use hyper::body::Incoming;
use hyper::http::Request;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Largest read buffer of an HTTP/1.1 connection in bytes: large enough that a fast upload is not cut into
/// small pieces, small enough for thousands of connections.
const READ_BUFFER_BYTES_MAX: usize = 256 << 10;
/// HTTP/2: requests of one connection that are worked on at a time.
const STREAMS_MAX: u32 = 128;
/// HTTP/2: bytes that a client may send of one request before they are taken.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// HTTP/2: the same for all requests of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// HTTP/2: how long a ping may stay unanswered.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// An accepted connection.
pub(crate) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    meter: Meter,
}

/// How busy a connection is, as its service counts.
#[derive(Default)]
struct Activity {
    begun: AtomicUsize,
    running: AtomicUsize,
}

/// Counts a request as running until it is dropped, which also happens when the client goes away.
struct Running(Arc<Activity>);

impl Running {
    fn begin(activity: &Arc<Activity>) -> Running {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(activity))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr, limits: Limits, meter: Meter) -> Connection {
        Connection { stream, peer, limits, meter }
    }

    /// Serves the connection until either side ends it. On `shutdown` the request in flight is finished first;
    /// `abort` ends it at once.
    pub(crate) async fn run<H: Handler>(
        self,
        handler: Arc<H>,
        shutdown: CancellationToken,
        abort: CancellationToken,
    ) {
        let Connection { stream, peer, limits, meter } = self;
        let _open = meter.open();
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        let builder = builder(&limits);
        let activity = Arc::new(Activity::default());
        let service = service_fn(|request: Request<Incoming>| {
            let (running, handler) = (Running::begin(&activity), Arc::clone(&handler));
            async move {
                let reply = handler.handle(request).await;
                drop(running);
                Ok::<_, Infallible>(reply)
            }
        });
        let io = TokioIo::new(StallGuard::new(stream, limits.idle, meter));
        let connection = builder.serve_connection(io, service);
        tokio::pin!(connection);
        // The protocol is guessed from the first bytes, and no timer of hyper's runs while they are awaited.
        let timer = sleep(limits.header_read);
        tokio::pin!(timer);
        let mut begun = 0;
        let mut ending = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "a connection ended early");
                    }
                    return;
                }
                () = shutdown.cancelled(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = timer.as_mut(), if !ending => {
                    let seen = activity.begun.load(Ordering::Relaxed);
                    if seen == 0 {
                        tracing::debug!(%peer, "a connection sent no request in time");
                        return;
                    }
                    if seen == begun && activity.running.load(Ordering::Relaxed) == 0 {
                        ending = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    begun = seen;
                    timer.as_mut().reset(Instant::now() + limits.keep_alive);
                }
                () = abort.cancelled() => return,
            }
        }
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Twice the limits: what lies between is answered with an S3 error, what lies beyond with hyper's own 431.
    let header_bytes_max = u32::try_from(limits.header_bytes_max.saturating_mul(2)).unwrap_or(u32::MAX);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_headers(limits.headers_max.saturating_mul(2))
        .max_buf_size(READ_BUFFER_BYTES_MAX)
        .auto_date_header(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(header_bytes_max)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(limits.keep_alive / 4)
        .keep_alive_timeout(PING_TIMEOUT)
        .auto_date_header(false);
    builder
}
