//! A request's body as it comes from the connection: deadlines, and what happens to bytes that nobody wants.
//!
//! A client that sent `Expect: 100-continue` is told to go on when the body is read for the first time, so
//! everything that can be refused from the head alone is refused before. Other clients send their body whatever
//! the head's fate, and many read no reply before they are done; if the connection were closed under them they
//! would see a reset instead of the error. So what is left of a body is read and thrown away, up to a bound.

use bytes::Bytes;
use esker_s3::{ErrorCode, S3Error};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::http::{HeaderMap, header};
use std::time::Duration;
use tokio::time::timeout;

/// Most bytes of an unwanted body that are read, and the longest time for it.
const DRAIN_BYTES_MAX: u64 = 8 << 20;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// The body of a request.
pub(crate) struct RequestBody {
    incoming: Option<Incoming>,
    /// How long no byte may come.
    idle: Duration,
    state: BodyState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyState {
    /// The client waits for permission to send it.
    Awaited,
    /// It is coming.
    Coming,
    /// All of it came, or it never will.
    Ended,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, headers: &HeaderMap, idle: Duration) -> RequestBody {
        let expects = headers
            .get(header::EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let state = match (incoming.is_end_stream(), expects) {
            (true, _) => BodyState::Ended,
            (false, true) => BodyState::Awaited,
            (false, false) => BodyState::Coming,
        };
        RequestBody { incoming: Some(incoming), idle, state }
    }

    /// The body itself, for whoever reads it; what stays here has ended.
    pub(crate) fn take(&mut self) -> RequestBody {
        let state = std::mem::replace(&mut self.state, BodyState::Ended);
        RequestBody { incoming: self.incoming.take(), idle: self.idle, state }
    }

    /// Whether more is left than would be thrown away, so that the connection can't be used again.
    pub(crate) fn outlasts_drain(&self) -> bool {
        let Some(incoming) = &self.incoming else { return false };
        self.state != BodyState::Ended && incoming.size_hint().lower() > DRAIN_BYTES_MAX
    }

    /// The next bytes, never none of them; `None` at the end.
    ///
    /// # Errors
    /// `RequestTimeout` if no byte came for the idle limit, `IncompleteBody` if the connection broke.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        loop {
            let Some(incoming) = &mut self.incoming else { return Ok(None) };
            if self.state == BodyState::Ended {
                return Ok(None);
            }
            self.state = BodyState::Coming;
            match timeout(self.idle, incoming.frame()).await {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    // HTTP trailers say nothing to S3; its own travel inside of the body.
                    _ => {}
                },
                Ok(None) => {
                    self.state = BodyState::Ended;
                    return Ok(None);
                }
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "a request body broke off");
                    self.state = BodyState::Ended;
                    return Err(ErrorCode::IncompleteBody.into());
                }
                Err(_) => {
                    self.state = BodyState::Ended;
                    return Err(ErrorCode::RequestTimeout.into());
                }
            }
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(incoming) = self.incoming.take() else { return };
        let nothing_left = self.state != BodyState::Coming || incoming.is_end_stream();
        if !nothing_left && tokio::runtime::Handle::try_current().is_ok() {
            tokio::spawn(timeout(DRAIN_TIME_MAX, drain(incoming)));
        }
    }
}

async fn drain(mut incoming: Incoming) {
    let mut left = DRAIN_BYTES_MAX;
    while let Some(Ok(frame)) = incoming.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
