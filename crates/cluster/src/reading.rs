//! One read under way: which replicas were asked, which one gives bytes, and how far they have come.
//!
//! The next byte that is wanted is all that replicas have in common: any of them may go on from there. One that fails
//! is left; one that is slow gets company, and whoever gives bytes first goes on alone.

use crate::damage::Damage;
use crate::read::{READS_HEDGED_TOTAL, REPLICAS_FAILED_TOTAL, ReadParts};
use crate::view::ClusterView;
use bytes::Bytes;
use esker_durability::{Health, read_order};
use esker_rpc::{BlobReader, Storage, StorageError};
use esker_types::{BlobId, ByteRange, NodeId};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

/// How many replicas are asked at a time.
const ASKED_MAX: usize = 2;

/// A read under way.
pub(crate) struct Reading {
    parts: Arc<ReadParts>,
    view: Arc<ClusterView>,
    blob: BlobId,
    /// The next byte that is wanted.
    at: u64,
    /// The last byte that is wanted.
    last: u64,
    /// Nodes to be asked, in order.
    waiting: VecDeque<NodeId>,
    /// The replica that gives bytes.
    current: Option<(NodeId, BlobReader)>,
    /// Replicas that were asked and gave nothing yet.
    asked: Vec<NodeId>,
    attempts: FuturesUnordered<BoxFuture<'static, Attempt>>,
    /// Nodes that don't have the blob: damage, if it turns out that another has it.
    missing: Vec<NodeId>,
    errors: Vec<StorageError>,
    tries: Tries,
}

/// Whether the placement was looked up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tries {
    First,
    Second,
}

/// A replica's first piece, and what gives the others.
struct Attempt {
    node: NodeId,
    took: Duration,
    result: Result<(Bytes, BlobReader), StorageError>,
}

enum Event {
    Piece(Option<Result<Bytes, StorageError>>),
    Attempt(Attempt),
    Slow,
    Stalled,
}

impl Reading {
    pub(crate) fn new(
        parts: Arc<ReadParts>,
        view: Arc<ClusterView>,
        blob: BlobId,
        range: ByteRange,
    ) -> Reading {
        let mut reading = Reading {
            parts,
            view,
            blob,
            at: range.first,
            last: range.last,
            waiting: VecDeque::new(),
            current: None,
            asked: Vec::new(),
            attempts: FuturesUnordered::new(),
            missing: Vec::new(),
            errors: Vec::new(),
            tries: Tries::First,
        };
        reading.waiting = reading.order();
        reading
    }

    /// The next bytes; none after the last. After an error there is nothing more.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        let options = self.parts.options;
        let slow_after = self.parts.pace.slow(options.hedge_min, options.hedge_max);
        let mut slow_at = Instant::now() + slow_after;
        let mut stalled_at = Instant::now() + options.stall;
        while self.at <= self.last {
            if self.asked_count() == 0 && !self.ask_next(None) {
                self.look_again().await?;
                continue;
            }
            match self.event(slow_at, stalled_at).await {
                Event::Piece(Some(Ok(piece))) if piece.is_empty() => {}
                Event::Piece(piece) => {
                    if let Some(piece) = self.on_piece(piece) {
                        return Ok(Some(piece));
                    }
                }
                Event::Attempt(attempt) => {
                    if let Some(piece) = self.on_attempt(attempt) {
                        return Ok(Some(piece));
                    }
                }
                Event::Slow => {
                    slow_at = Instant::now() + slow_after;
                    if let Ok(permit) = Arc::clone(&self.parts.hedges).try_acquire_owned()
                        && self.ask_next(Some(permit))
                    {
                        metrics::counter!(READS_HEDGED_TOTAL).increment(1);
                    }
                }
                Event::Stalled => {
                    self.give_up();
                    stalled_at = Instant::now() + options.stall;
                }
            }
        }
        Ok(None)
    }

    async fn event(&mut self, slow_at: Instant, stalled_at: Instant) -> Event {
        let may_hedge = !self.waiting.is_empty() && self.asked_count() < ASKED_MAX;
        let current = async {
            match &mut self.current {
                Some((_, reader)) => reader.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            piece = current => Event::Piece(piece),
            Some(attempt) = self.attempts.next() => Event::Attempt(attempt),
            () = sleep_until(slow_at), if may_hedge => Event::Slow,
            () = sleep_until(stalled_at) => Event::Stalled,
        }
    }

    fn asked_count(&self) -> usize {
        self.asked.len() + usize::from(self.current.is_some())
    }

    /// Asks the next node for the rest; false if there is none.
    fn ask_next(&mut self, hedge: Option<OwnedSemaphorePermit>) -> bool {
        while let Some(node) = self.waiting.pop_front() {
            match self.parts.nodes.get(&self.view, node) {
                Ok(storage) => {
                    let range = ByteRange { first: self.at, last: self.last };
                    self.asked.push(node);
                    self.attempts.push(Box::pin(attempt(node, storage, self.blob, range, hedge)));
                    return true;
                }
                Err(error) => self.errors.push(error),
            }
        }
        false
    }

    /// Takes what the current replica gave; none if it failed.
    fn on_piece(&mut self, piece: Option<Result<Bytes, StorageError>>) -> Option<Bytes> {
        let early = || StorageError::Unavailable("the replica ended before its bytes did".to_owned());
        let (node, reader) = self.current.take()?;
        match piece.unwrap_or_else(|| Err(early())) {
            Ok(piece) => self.take(node, reader, piece),
            Err(error) => {
                self.on_failure(node, error);
                None
            }
        }
    }

    fn on_attempt(&mut self, attempt: Attempt) -> Option<Bytes> {
        self.asked.retain(|node| *node != attempt.node);
        match attempt.result {
            Ok((piece, reader)) => {
                self.parts.nodes.health().answered(attempt.node);
                self.parts.pace.sample(attempt.took);
                self.take(attempt.node, reader, piece)
            }
            Err(error) => {
                self.on_failure(attempt.node, error);
                None
            }
        }
    }

    /// A replica gave bytes: it goes on, and the others rest.
    fn take(&mut self, node: NodeId, reader: BlobReader, piece: Bytes) -> Option<Bytes> {
        if piece.len() as u64 > self.last - self.at + 1 {
            self.on_failure(node, StorageError::Failed("it gave more bytes than were asked for".to_owned()));
            return None;
        }
        self.at += piece.len() as u64;
        // They began where others have gone on since. They were slow, not wrong.
        self.attempts.clear();
        let slower = self.current.take().map(|(node, _)| node);
        self.waiting.extend(slower.into_iter().chain(self.asked.drain(..)));
        self.current = (self.at <= self.last).then_some((node, reader));
        for node in self.missing.drain(..) {
            self.parts.damage.report(Damage { node, blob: self.blob });
        }
        Some(piece)
    }

    fn on_failure(&mut self, node: NodeId, error: StorageError) {
        tracing::debug!(%node, blob = ?self.blob, %error, "a replica cannot be read");
        metrics::counter!(REPLICAS_FAILED_TOTAL).increment(1);
        match &error {
            StorageError::NotFound => self.missing.push(node),
            StorageError::Corrupt(_) => self.parts.damage.report(Damage { node, blob: self.blob }),
            _ => {}
        }
        let result: Result<(), _> = Err(error);
        self.parts.nodes.health().note(node, &result);
        self.errors.extend(result.err());
    }

    /// Leaves those that were asked and gave nothing for too long.
    fn give_up(&mut self) {
        self.attempts.clear();
        let current = self.current.take().map(|(node, _)| node);
        let silent: Vec<NodeId> = current.into_iter().chain(self.asked.drain(..)).collect();
        for node in silent {
            self.on_failure(node, StorageError::Unavailable(format!("node {node} gave no byte in time")));
        }
    }

    /// No node is left to be asked. If it may be elsewhere by now, looks up once where the blob is.
    async fn look_again(&mut self) -> Result<(), StorageError> {
        let errors = std::mem::take(&mut self.errors);
        let known = self.view.fence_of(self.blob);
        let is_absent = errors.contains(&StorageError::NotFound);
        if self.tries == Tries::First
            && let Ok(view) = self.parts.views.refresh().await
            && (is_absent || view.fence_of(self.blob) != known)
        {
            self.tries = Tries::Second;
            self.missing.clear();
            self.view = view;
            self.waiting = self.order();
            return Ok(());
        }
        Err(explain(errors))
    }

    fn order(&self) -> VecDeque<NodeId> {
        let Some(state) = self.view.placement_of(self.blob) else { return VecDeque::new() };
        let nodes = &self.parts.nodes;
        let health = |node| if nodes.health().is_well(node) { Health::Well } else { Health::Unwell };
        read_order(&state.replicas, &state.target, nodes.own().map(|own| own.node), health).into()
    }
}

async fn attempt(
    node: NodeId,
    storage: Arc<dyn Storage>,
    blob: BlobId,
    range: ByteRange,
    _hedge: Option<OwnedSemaphorePermit>,
) -> Attempt {
    let begun = Instant::now();
    let first = async {
        let mut reader = storage.get(blob, range).await?;
        loop {
            match reader.next().await {
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(piece) => return piece.map(|piece| (piece, reader)),
                None => return Err(StorageError::Unavailable("the replica gave no byte".to_owned())),
            }
        }
    };
    let result = first.await;
    Attempt { node, took: begun.elapsed(), result }
}

/// What a reader is told whom no replica served. That a blob is not there is said only if every replica said so.
fn explain(errors: Vec<StorageError>) -> StorageError {
    let rank = |error: &StorageError| match error {
        StorageError::NotFound => 3,
        StorageError::OutOfRange => 2,
        StorageError::Corrupt(_) => 1,
        _ => 0,
    };
    errors
        .into_iter()
        .min_by_key(rank)
        .unwrap_or_else(|| StorageError::Unavailable("the blob has no place".to_owned()))
}
