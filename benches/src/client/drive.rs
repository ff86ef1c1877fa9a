//! A closed loop: clients that each send a request, wait for its reply, and send the next one.

use super::connection::{CallError, Connection};
use super::sign::Call;
use crate::sample::{Latencies, Sample};
use esker_env::{Clock, SystemClock};
use futures::future::try_join_all;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// What clients send, and what they may be answered with.
pub struct Work<'a> {
    /// The requests, by number; a number is used once in a work's life.
    pub call: &'a dyn Fn(u64) -> Call,
    /// The statuses that a reply may have.
    pub expected: &'a [u16],
    /// The length that every reply's body must have; any if none.
    pub length: Option<u64>,
    /// The next number.
    pub next: Cell<u64>,
}

impl<'a> Work<'a> {
    /// Work that begins at number 0 and must be answered with 200.
    pub fn new(call: &'a dyn Fn(u64) -> Call) -> Work<'a> {
        Work { call, expected: &[200], length: None, next: Cell::new(0) }
    }
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// For so long, after a warm-up that isn't counted; one request of each client at least.
    Time {
        /// Not counted.
        warm_up: Duration,
        /// Counted.
        counted: Duration,
    },
    /// Until so many requests were sent; all are counted.
    Requests(u64),
}

/// What happened in one turn.
#[derive(Debug)]
pub struct Turn {
    /// Rate and latencies of all replies; the processor time is for the caller to add.
    pub sample: Sample,
    /// Rates by status.
    pub rates: BTreeMap<u16, f64>,
    /// Replies by status, those of the warm-up too.
    pub replies: BTreeMap<u16, u64>,
}

impl fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("expected", &self.expected)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// One client's part of a turn.
#[derive(Default)]
struct Part {
    latencies: Latencies,
    replies: BTreeMap<u16, u64>,
    counted: BTreeMap<u16, u64>,
    elapsed: Duration,
}

/// Lets `clients` clients work, spread over the addresses. `begin` is called when counting begins.
///
/// # Errors
/// A request failed, or was answered otherwise than expected: the turn means nothing then.
pub async fn drive(
    addresses: &[SocketAddr],
    clients: usize,
    work: &Work<'_>,
    until: Until,
    begin: impl FnMut(),
) -> Result<Turn, CallError> {
    let addresses = addresses.iter().cycle().take(clients);
    let connections = try_join_all(addresses.map(|address| Connection::open(*address))).await?;
    let clock = SystemClock::new();
    let begin = RefCell::new(Some(begin));
    let parts = connections.into_iter().map(|connection| client(connection, work, until, &clock, &begin));
    let parts = try_join_all(parts).await?;
    let (mut latencies, mut replies, mut rates) = (Latencies::default(), BTreeMap::new(), BTreeMap::new());
    for part in parts {
        latencies.merge(part.latencies);
        for (status, count) in part.replies {
            *replies.entry(status).or_default() += count;
        }
        for (status, count) in part.counted {
            *rates.entry(status).or_default() += count as f64 / part.elapsed.as_secs_f64();
        }
    }
    let (p50, p99) = (latencies.quantile(0.5), latencies.quantile(0.99));
    let rate = rates.values().sum();
    let sample = Sample { rate, p50, p99, cpu: Duration::ZERO, requests: latencies.count() };
    Ok(Turn { sample, rates, replies })
}

async fn client(
    mut connection: Connection,
    work: &Work<'_>,
    until: Until,
    clock: &SystemClock,
    begin: &RefCell<Option<impl FnMut()>>,
) -> Result<Part, CallError> {
    let mut part = Part::default();
    let warm_up = match until {
        Until::Time { warm_up, .. } => warm_up,
        Until::Requests(_) => Duration::ZERO,
    };
    let mut counting_since = None;
    loop {
        let now = clock.monotonic();
        if counting_since.is_none() && now >= warm_up {
            counting_since = Some(now);
            if let Some(mut begin) = begin.borrow_mut().take() {
                begin();
            }
        }
        let done = match until {
            Until::Time { counted, .. } => now >= warm_up + counted && part.latencies.count() > 0,
            Until::Requests(count) => work.next.get() >= count,
        };
        if done {
            part.elapsed = (now - counting_since.unwrap_or(now)).max(Duration::from_micros(1));
            return Ok(part);
        }
        let number = work.next.replace(work.next.get() + 1);
        let call = (work.call)(number);
        let (status, length) = connection.drain(&call, work.expected).await?;
        if work.length.is_some_and(|expected| expected != length) {
            let (method, path) = (call.method.to_string(), call.path);
            let text = format!("a body of {length} bytes");
            return Err(CallError::Unexpected { method, path, status, text });
        }
        *part.replies.entry(status.as_u16()).or_default() += 1;
        if counting_since.is_some() {
            part.latencies.add(clock.monotonic() - now);
            *part.counted.entry(status.as_u16()).or_default() += 1;
        }
    }
}
