//! One connection of a client, kept alive from request to request.

use super::sign::{Call, Signer};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a reply may take, so that a server which hangs ends a run and doesn't hold it up.
const PATIENCE: Duration = Duration::from_secs(300);

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server can't be reached.
    #[error("can't connect: {0}")]
    Connect(#[from] io::Error),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Http(#[from] hyper::Error),
    /// There is no reply.
    #[error("{0} was not answered in {PATIENCE:?}")]
    Silence(String),
    /// The reply is another one than what a measurement needs.
    #[error("{method} {path} was answered with {status}: {text}")]
    Unexpected {
        /// The request's method.
        method: String,
        /// Its path.
        path: String,
        /// The reply's status.
        status: StatusCode,
        /// The beginning of its body.
        text: String,
    },
}

/// A reply, read whole.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// The texts of all elements of this name in an XML body, as they are written there.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body);
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let rests = text.split(&open).skip(1);
        rests.filter_map(|rest| rest.split_once(&close).map(|(inner, _)| inner.to_owned())).collect()
    }
}

/// A connection to one server.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    signer: Signer,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// The server doesn't listen.
    pub async fn open(address: SocketAddr) -> Result<Connection, CallError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // How it ends is told to whoever waits for a reply.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Connection { sender, signer: Signer::new(address) })
    }

    async fn send(&mut self, call: &Call) -> Result<http::Response<Incoming>, CallError> {
        self.sender.ready().await?;
        Ok(self.sender.send_request(self.signer.sign(call)).await?)
    }

    /// Sends a request and reads the reply, which has one of these statuses.
    ///
    /// # Errors
    /// There is no reply, or another one.
    pub async fn call(&mut self, call: &Call, expected: &[u16]) -> Result<Reply, CallError> {
        in_time(call, async {
            let (head, body) = self.send(call).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            check(call, head.status, expected, &body)?;
            Ok(Reply { status: head.status, headers: head.headers, body })
        })
        .await
    }

    /// As [`call`](Connection::call), but forgets the body while it comes. Returns the status and the body's length.
    ///
    /// # Errors
    /// There is no reply, or another one.
    pub async fn drain(&mut self, call: &Call, expected: &[u16]) -> Result<(StatusCode, u64), CallError> {
        in_time(call, async {
            let (head, mut body) = self.send(call).await?.into_parts();
            let (mut length, mut start) = (0, Bytes::new());
            while let Some(frame) = body.frame().await {
                if let Ok(bytes) = frame?.into_data() {
                    length += bytes.len() as u64;
                    if start.is_empty() {
                        start = bytes;
                    }
                }
            }
            check(call, head.status, expected, &start)?;
            Ok((head.status, length))
        })
        .await
    }
}

async fn in_time<T>(call: &Call, reply: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let silence = |_| CallError::Silence(format!("{} {}", call.method, call.path));
    tokio::time::timeout(PATIENCE, reply).await.map_err(silence)?
}

fn check(call: &Call, status: StatusCode, expected: &[u16], body: &Bytes) -> Result<(), CallError> {
    if expected.contains(&status.as_u16()) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(body).chars().take(500).collect();
    Err(CallError::Unexpected { method: call.method.to_string(), path: call.path.clone(), status, text })
}
