//! The bare floor: the least that is still an S3 server which loses nothing it acknowledged.
//!
//! A request's signature is checked with the product's own code, and the body's SHA-256 too if the signature covers it. A
//! PUT is durable when it is answered. What there is not: buckets, versions, metadata, tags, ETags, checksums, replicas,
//! deletions, recovery, limits, timeouts.

use super::body::FileBody;
use super::committer::{Committer, Extent};
use crate::client::sign::{ACCESS_KEY, REGION, SECRET_KEY};
use bytes::{Bytes, BytesMut};
use esker_env::{Clock, Disk, SystemClock, spawn_blocking};
use esker_s3::auth::{CredentialScope, Payload, SignedRequest, SigningKey};
use esker_s3::request::RequestHead;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};

/// Bodies up to this many bytes are appended with others; larger ones are written as they come.
const APPEND_BYTES_MAX: u64 = 256 << 10;
/// Bytes of a large body that are written at once.
const WRITE_BYTES: usize = 1 << 20;
/// As the product's gateway has it.
const READ_BUFFER_BYTES_MAX: usize = 256 << 10;

type Reply = Response<BoxBody<Bytes, io::Error>>;

/// The server.
#[derive(Debug)]
pub struct Bare {
    committer: Committer,
    index: Mutex<HashMap<String, Extent>>,
    /// The one client's key of the day.
    key: Mutex<Option<(CredentialScope, SigningKey)>>,
    clock: SystemClock,
}

/// Why a request is not answered as it wishes.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the signature: {0:?}")]
    Signature(Option<esker_s3::S3Error>),
    #[error("the body's hash is not the one that was signed")]
    Hash,
    #[error("the body: {0}")]
    Body(#[from] hyper::Error),
    #[error(transparent)]
    Disk(#[from] esker_env::DiskError),
    #[error("a task ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl Bare {
    /// A server without objects, whose file is in `dir`.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn create(disk: &dyn Disk, dir: &Path) -> esker_env::DiskResult<Arc<Bare>> {
        let committer = Committer::create(disk, &dir.join("bare"))?;
        let (index, key) = (Mutex::default(), Mutex::default());
        Ok(Arc::new(Bare { committer, index, key, clock: SystemClock::new() }))
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// Connections can't be accepted.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(self.clone().connection(stream));
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        // What fails here ends this connection only, and its client says so.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| {
            let bare = self.clone();
            async move { Ok::<_, std::convert::Infallible>(bare.answer(request).await) }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.max_buf_size(READ_BUFFER_BYTES_MAX);
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        let payload = match self.verify(&RequestHead::new(&head.method, &head.uri, &head.headers)) {
            Ok(payload) => payload,
            Err(refused) => return refuse(StatusCode::FORBIDDEN, &refused),
        };
        match head.method {
            Method::PUT => match self.put(head.uri.path(), &payload, body).await {
                Ok(()) => empty(StatusCode::OK),
                Err(refused) => refuse(StatusCode::BAD_REQUEST, &refused),
            },
            Method::GET => self.get(head.uri.path()),
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    fn verify(&self, head: &RequestHead<'_>) -> Result<Payload, Refused> {
        let signature = |error| Refused::Signature(Some(error));
        let signed = SignedRequest::parse(head, self.clock.now(), REGION).map_err(signature)?;
        let signed =
            signed.filter(|signed| signed.access_key() == ACCESS_KEY).ok_or(Refused::Signature(None))?;
        let key = {
            let mut cached = lock(&self.key);
            match &*cached {
                Some((scope, key)) if scope == signed.scope() => key.clone(),
                _ => {
                    let key = SigningKey::derive(SECRET_KEY, signed.scope());
                    *cached = Some((signed.scope().clone(), key.clone()));
                    key
                }
            }
        };
        Ok(signed.verify_with(&key).map_err(signature)?.payload)
    }

    async fn put(&self, path: &str, payload: &Payload, body: Incoming) -> Result<(), Refused> {
        let length = http_body::Body::size_hint(&body).exact().unwrap_or(0);
        let extent = match length <= APPEND_BYTES_MAX {
            true => self.append(path, payload, body).await?,
            false => self.stream(length, payload, body).await?,
        };
        lock(&self.index).insert(path.to_owned(), extent);
        Ok(())
    }

    async fn append(&self, path: &str, payload: &Payload, body: Incoming) -> Result<Extent, Refused> {
        let bytes = body.collect().await?.to_bytes();
        check(payload, || Sha256::digest(&bytes).into())?;
        let mut header = BytesMut::with_capacity(path.len() + 16);
        header.extend_from_slice(&(path.len() as u64).to_le_bytes());
        header.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        header.extend_from_slice(path.as_bytes());
        Ok(self.committer.append(header.freeze(), bytes).await?)
    }

    /// Writes each piece while the next one comes.
    async fn stream(&self, length: u64, payload: &Payload, mut body: Incoming) -> Result<Extent, Refused> {
        let extent = self.committer.place(length)?;
        let mut hash = matches!(payload, Payload::Sha256(_)).then(Sha256::new);
        let (mut at, mut piece) = (extent.offset, BytesMut::with_capacity(WRITE_BYTES));
        let mut writing = None;
        loop {
            let frame = body.frame().await.transpose()?.and_then(|frame| frame.into_data().ok());
            let ended = frame.is_none();
            if let Some(bytes) = frame {
                if let Some(hash) = &mut hash {
                    hash.update(&bytes);
                }
                piece.extend_from_slice(&bytes);
            }
            if piece.len() >= WRITE_BYTES || (ended && !piece.is_empty()) {
                let full = std::mem::replace(&mut piece, BytesMut::with_capacity(WRITE_BYTES));
                let (file, offset) = (self.committer.file().clone(), at);
                at += full.len() as u64;
                let write = spawn_blocking(move || file.write_at(&full, offset));
                finish(writing.replace(write)).await?;
            }
            if ended {
                break;
            }
        }
        finish(writing).await?;
        check(payload, || hash.map(|hash| hash.finalize().into()).unwrap_or_default())?;
        self.committer.sync().await?;
        Ok(extent)
    }

    fn get(&self, path: &str) -> Reply {
        match lock(&self.index).get(path) {
            Some(extent) => {
                let body = FileBody::new(self.committer.file().clone(), *extent);
                Response::new(BoxBody::new(body))
            }
            None => empty(StatusCode::NOT_FOUND),
        }
    }
}

async fn finish(write: Option<tokio::task::JoinHandle<esker_env::DiskResult<()>>>) -> Result<(), Refused> {
    match write {
        Some(write) => Ok(write.await??),
        None => Ok(()),
    }
}

fn check(payload: &Payload, hash: impl FnOnce() -> [u8; 32]) -> Result<(), Refused> {
    match payload {
        Payload::Sha256(signed) if *signed != hash() => Err(Refused::Hash),
        _ => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(BoxBody::new(Empty::new().map_err(|never| match never {})));
    *reply.status_mut() = status;
    reply
}

fn refuse(status: StatusCode, refused: &Refused) -> Reply {
    let text = http_body_util::Full::from(refused.to_string()).map_err(|never| match never {});
    let mut reply = Response::new(BoxBody::new(text));
    *reply.status_mut() = status;
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::connection::{CallError, Connection};
    use crate::client::drive::{Until, Work, drive};
    use crate::client::sign::{Call, Payload as Body};
    use esker_env::OsDisk;
    use std::net::SocketAddr;
    use std::time::Duration;
    use tempfile::TempDir;

    async fn serve() -> (SocketAddr, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let bare = Bare::create(&OsDisk, dir.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(bare.serve(listener));
        (address, dir)
    }

    #[tokio::test]
    async fn what_was_put_is_got_whether_small_or_large() {
        let (address, _dir) = serve().await;
        let mut connection = Connection::open(address).await.unwrap();
        for size in [0, 1, 4096, 256 << 10, (256 << 10) + 1, (3 << 20) + 7] {
            let (path, body) = (format!("/b/{size}"), Body::of_size(size));
            connection.call(&Call::put(path.clone(), &body), &[200]).await.unwrap();
            let reply = connection.call(&Call::get(path), &[200]).await.unwrap();
            assert!(reply.body == body.bytes(), "{size}");
        }
        connection.call(&Call::get("/b/none"), &[404]).await.unwrap();
    }

    #[tokio::test]
    async fn a_body_other_than_the_signed_one_is_refused() {
        let (address, _dir) = serve().await;
        let mut connection = Connection::open(address).await.unwrap();
        for size in [10, 1 << 20] {
            let mut call = Call::put("/b/k", &Body::of_size(size));
            call.body = call.body.with_hash_of(&Body::of_size(size + 1));
            let refused = connection.call(&call, &[200]).await;
            assert!(
                matches!(refused, Err(CallError::Unexpected { status: StatusCode::BAD_REQUEST, .. })),
                "{size}"
            );
        }
        connection.call(&Call::get("/b/k"), &[404]).await.unwrap();
    }

    #[tokio::test]
    async fn a_turn_counts_every_reply_once_and_ends_at_the_first_unexpected_one() {
        let (address, _dir) = serve().await;
        let body = Body::of_size(100);
        let put = |number| Call::put(format!("/b/{number}"), &body);
        let turn = drive(&[address], 4, &Work::new(&put), Until::Requests(50), || ()).await.unwrap();
        assert_eq!((turn.sample.requests, turn.replies.get(&200).copied()), (50, Some(50)));
        let get = |number| Call::get(format!("/b/{}", number % 50));
        let work = || Work { length: Some(100), ..Work::new(&get) };
        let time = Until::Time { warm_up: Duration::ZERO, counted: Duration::ZERO };
        let turn = drive(&[address], 3, &work(), time, || ()).await.unwrap();
        // Each client at least once, however short the time.
        assert!(turn.sample.requests >= 3 && turn.sample.rate > 0.0);
        let shorter = Work { length: Some(99), ..work() };
        assert!(drive(&[address], 1, &shorter, time, || ()).await.is_err());
        let beyond = |_| Call::get("/b/51");
        assert!(drive(&[address], 1, &Work::new(&beyond), time, || ()).await.is_err());
    }
}
