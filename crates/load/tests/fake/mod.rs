//! A server that speaks just enough S3 for a load, and misbehaves as it is told.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// How it answers GetObject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// With what was put.
    Right,
    /// With one bit changed.
    OneBitWrong,
    /// With all but the last byte.
    OneByteShort,
    /// With what was put, after a while.
    Slow(Duration),
    /// With 503 SlowDown every second time.
    EverySecondRefused,
    /// By closing the connection.
    Closed,
}

/// The server's memory.
#[derive(Default)]
pub(crate) struct Store {
    objects: Mutex<BTreeMap<String, Bytes>>,
    gets: Mutex<u64>,
    bucket: Mutex<bool>,
}

impl Store {
    /// Whether nothing is there, no bucket either.
    pub(crate) fn is_empty(&self) -> bool {
        !*self.bucket.lock().unwrap() && self.objects.lock().unwrap().is_empty()
    }
}

/// Serves until the runtime ends.
pub(crate) async fn start(reads: Reads) -> (SocketAddr, Arc<Store>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let store = Arc::new(Store::default());
    let served = store.clone();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { break };
            let store = served.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| answer(store.clone(), reads, request));
                // A client that goes away is no concern of a fake.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, store)
}

type Reply = Response<Full<Bytes>>;

fn reply(status: u16, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = StatusCode::from_u16(status).expect("a status");
    reply
}

/// Closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("closed")]
struct Hangup;

async fn answer(store: Arc<Store>, reads: Reads, request: Request<Incoming>) -> Result<Reply, Hangup> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Hangup)?.to_bytes();
    let path = head.uri.path().trim_start_matches('/');
    let query = head.uri.query().unwrap_or_default();
    let is_bucket = !path.contains('/');
    if head.method == Method::PUT && !head.headers.contains_key("content-length") {
        return Ok(reply(411, "<Error><Code>MissingContentLength</Code></Error>"));
    }
    Ok(match head.method {
        Method::PUT if is_bucket => {
            *store.bucket.lock().unwrap() = true;
            reply(200, "")
        }
        Method::DELETE if is_bucket => {
            *store.bucket.lock().unwrap() = false;
            reply(204, "")
        }
        Method::PUT => {
            store.objects.lock().unwrap().insert(path.to_owned(), body);
            reply(200, "")
        }
        Method::GET if query.starts_with("versions") => reply(200, versions(&store)),
        Method::GET if query.starts_with("uploads") => reply(200, "<ListMultipartUploadsResult/>"),
        Method::POST => {
            let text = String::from_utf8_lossy(&body).into_owned();
            store.objects.lock().unwrap().retain(|key, _| {
                let key = key.split_once('/').map_or("", |(_, key)| key);
                !text.contains(&format!("<Key>{key}</Key>"))
            });
            reply(200, "<DeleteResult/>")
        }
        Method::GET => {
            let found = store.objects.lock().unwrap().get(path).cloned();
            return match found {
                Some(object) => read(&store, reads, object).await,
                None => Ok(reply(404, "<Error><Code>NoSuchKey</Code></Error>")),
            };
        }
        _ => reply(501, "<Error><Code>NotImplemented</Code></Error>"),
    })
}

async fn read(store: &Store, reads: Reads, object: Bytes) -> Result<Reply, Hangup> {
    let number = {
        let mut gets = store.gets.lock().unwrap();
        *gets += 1;
        *gets
    };
    Ok(match reads {
        Reads::Right => reply(200, object),
        Reads::OneBitWrong => {
            let mut wrong = object.to_vec();
            let middle = wrong.len() / 2;
            wrong[middle] ^= 1;
            reply(200, wrong)
        }
        Reads::OneByteShort => reply(200, object.slice(..object.len() - 1)),
        Reads::Slow(pause) => {
            // sleep: a slow server is what is tested
            tokio::time::sleep(pause).await;
            reply(200, object)
        }
        Reads::EverySecondRefused if number % 2 == 1 => reply(503, "<Error><Code>SlowDown</Code></Error>"),
        Reads::EverySecondRefused => reply(200, object),
        Reads::Closed => return Err(Hangup),
    })
}

fn versions(store: &Store) -> String {
    let objects = store.objects.lock().unwrap();
    let keys = objects.keys().filter_map(|path| path.split_once('/'));
    let versions: String = keys
        .map(|(_, key)| format!("<Version><Key>{key}</Key><VersionId>null</VersionId></Version>"))
        .collect();
    format!("<ListVersionsResult>{versions}</ListVersionsResult>")
}
