//! One connection, kept alive and owned by one worker; it is made again when it breaks.

use super::{Call, Endpoint, Identity, Payload};
use crate::plan::Content;
use crate::plan::content::Place;
use crate::record::{Failure, FailureKind};
use esker_env::Clock;
use esker_s3::xml::read::error_code;
use http::header::{CONTENT_LENGTH, ETAG};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

/// More of a reply than this is not kept in memory: 1,000 entries of a list, with keys of 1,024 bytes and all of them
/// escaped, are less.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// How many connections are tried for one request, each closed before the request was sent.
const CONNECTIONS_MAX: u32 = 3;

/// What to do with a reply's body.
#[derive(Clone, Debug)]
pub enum Take {
    /// Count it.
    Count,
    /// Keep it, if it is not too large.
    Keep,
    /// Compare it with what was put, and its length too.
    Verify {
        /// What was put.
        content: Content,
        /// Where the body begins.
        place: Place,
        /// Its length.
        bytes: u64,
    },
}

/// A reply of success whose body was read to its end.
#[derive(Debug)]
pub struct Reply {
    headers: HeaderMap,
    /// The body's length in bytes.
    pub bytes: u64,
    /// The body, if it was to be kept.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The ETag.
    pub fn etag(&self) -> Option<&str> {
        self.header(ETAG.as_str())
    }

    /// What the reply says of the length of the object.
    pub fn content_length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok())
    }
}

/// A connection to one endpoint.
pub struct Connection {
    endpoint: Endpoint,
    identity: Identity,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    open: Option<Open>,
}

struct Open {
    sender: SendRequest<Payload>,
    /// Moves the bytes; ends with the connection.
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    /// To an endpoint; it is made when it is needed. A request takes at most `timeout`, with its reply's body.
    pub fn new(
        endpoint: Endpoint,
        identity: Identity,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Connection {
        Connection { endpoint, identity, clock, timeout, open: None }
    }

    /// Makes the connection now, so that no request waits for it.
    ///
    /// # Errors
    /// If there is nobody to connect to.
    pub async fn ready(&mut self) -> Result<(), Failure> {
        if self.open.as_mut().is_some_and(|open| !open.sender.is_closed()) {
            return Ok(());
        }
        let connecting = tokio::time::timeout(self.timeout, Open::connect(&self.endpoint)).await;
        self.open = Some(connecting.map_err(|_| timed_out(self.timeout))??);
        Ok(())
    }

    /// Sends a request and reads its reply.
    ///
    /// # Errors
    /// Whatever is not a reply of success, whole and right.
    pub async fn send(&mut self, call: &Call, take: Take) -> Result<Reply, Failure> {
        let malformed = || Failure::new(FailureKind::Malformed, "the request is no HTTP");
        let now = self.clock.now();
        let request = self.identity.sign(call, &self.endpoint, now).ok_or_else(malformed)?;
        let exchanged = tokio::time::timeout(self.timeout, self.exchange(request, take)).await;
        let exchanged = exchanged.unwrap_or_else(|_| Err((timed_out(self.timeout), Link::Broken)));
        exchanged.map_err(|(failure, link)| {
            // A reply that was not read to its end would be read as the next one.
            if link == Link::Broken {
                self.open = None;
            }
            failure
        })
    }

    async fn exchange(&mut self, request: Request<Payload>, take: Take) -> Result<Reply, (Failure, Link)> {
        let response = self.respond(request).await.map_err(|failure| (failure, Link::Broken))?;
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            let (_, body) = read(body, Take::Keep).await?;
            return Err((Failure::status(head.status.as_u16(), error_code(&body).as_deref()), Link::Whole));
        }
        let (bytes, body) = read(body, take).await?;
        Ok(Reply { headers: head.headers, bytes, body })
    }

    async fn respond(&mut self, request: Request<Payload>) -> Result<Response<Incoming>, Failure> {
        let mut request = request;
        for _ in 0..CONNECTIONS_MAX {
            let open = match &mut self.open {
                Some(open) => open,
                None => self.open.insert(Open::connect(&self.endpoint).await?),
            };
            // A server may close a connection that is idle; what was not sent can be sent on another.
            if open.sender.ready().await.is_ok() {
                let mut error = match open.sender.try_send_request(request).await {
                    Ok(response) => return Ok(response),
                    Err(error) => error,
                };
                match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(error.error())),
                }
            }
            self.open = None;
        }
        Err(Failure::new(FailureKind::Connection, "the server closes it before a request"))
    }
}

/// Whether a connection can be used again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Whole,
    Broken,
}

impl Open {
    async fn connect(endpoint: &Endpoint) -> Result<Open, Failure> {
        let failed = |error: io::Error| Failure::new(FailureKind::Connect, error.kind().to_string());
        let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // Its errors reach the request that is under way.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Open { sender, _driver: AbortOnDropHandle::new(driver) })
    }
}

/// Reads a body to its end. Returns its length, and the body if it is to be kept.
async fn read(mut body: Incoming, take: Take) -> Result<(u64, Vec<u8>), (Failure, Link)> {
    let wrong = |what: &str, link| (Failure::new(FailureKind::Verify, what), link);
    let (mut bytes, mut kept) = (0u64, Vec::new());
    let mut expected = match take {
        Take::Verify { ref content, place, bytes } => Some((content, place, bytes)),
        Take::Count | Take::Keep => None,
    };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| (broken(&error), Link::Broken))?;
        let Ok(data) = frame.into_data() else { continue };
        bytes += data.len() as u64;
        if matches!(take, Take::Keep) {
            if kept.len() + data.len() > KEPT_BYTES_MAX {
                return Err((Failure::new(FailureKind::Malformed, "the reply is too large"), Link::Broken));
            }
            kept.extend_from_slice(&data);
        }
        if let Some((content, place, _)) = &mut expected
            && !content.accepts(place, &data)
        {
            return Err(wrong("other bytes than were put", Link::Broken));
        }
    }
    match expected {
        Some((_, _, expected)) if expected != bytes => Err(wrong("another length than was put", Link::Whole)),
        _ => Ok((bytes, kept)),
    }
}

fn timed_out(timeout: Duration) -> Failure {
    Failure::new(FailureKind::Timeout, format!("{timeout:?}"))
}

fn broken(error: &hyper::Error) -> Failure {
    let code = match std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(error) => error.kind().to_string(),
        None if error.is_incomplete_message() => "the server closed it".to_owned(),
        None if error.is_parse() => "no HTTP".to_owned(),
        None => error.to_string(),
    };
    Failure::new(FailureKind::Connection, code)
}
