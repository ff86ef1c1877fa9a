//! A put under way: bytes go to every replica, answers go to the put session, which decides.

use crate::patience::{Backlog, Patience};
use crate::rewind::Rewind;
use crate::tee::{Item, Tee};
use crate::view::ClusterView;
use crate::write::{Writer, explain, linger};
use esker_durability::{Placement, PutDecision, PutEvent, PutSession};
use esker_rpc::{StorageError, StoredBlob};
use esker_types::{BlobId, Fence, NodeId};
use futures::future::{AbortHandle, BoxFuture, abortable};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What a replica's put gave.
pub(crate) type Reply = (NodeId, Result<u64, StorageError>);
pub(crate) type Puts = FuturesUnordered<BoxFuture<'static, Reply>>;

/// A put under way.
pub(crate) struct Write<'a> {
    writer: &'a Writer,
    placement: Placement,
    session: PutSession,
    tee: Tee,
    puts: Puts,
    aborts: Vec<(NodeId, AbortHandle)>,
    /// Nodes that were not well when the put began: nobody waits for them who need not.
    unwell: Vec<NodeId>,
    durable: Vec<NodeId>,
    errors: Vec<StorageError>,
    /// Bytes that were offered to the replicas.
    length: u64,
    phase: Phase,
    patience: Patience,
    late_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The next piece is to be taken from the body.
    Taking,
    /// The replicas were offered the end.
    Ended,
}

impl<'a> Write<'a> {
    pub(crate) fn new(writer: &'a Writer, placement: Placement) -> Write<'a> {
        let session = PutSession::new(placement.clone());
        Write {
            writer,
            placement,
            session,
            tee: Tee::new(),
            puts: FuturesUnordered::new(),
            aborts: Vec::new(),
            unwell: Vec::new(),
            durable: Vec::new(),
            errors: Vec::new(),
            length: 0,
            phase: Phase::Taking,
            patience: Patience::new(writer.options.stall, writer.options.patience, Instant::now()),
            late_at: None,
        }
    }

    /// Begins the put of every replica. The result, if it is clear already that there are too few.
    pub(crate) fn begin(
        &mut self,
        view: &ClusterView,
        blob: BlobId,
        fence: Fence,
    ) -> Option<Result<StoredBlob, StorageError>> {
        let members: Vec<NodeId> = self.placement.members().collect();
        for node in members {
            match self.writer.nodes.get(view, node) {
                Ok(storage) => {
                    if !self.writer.nodes.health().is_well(node) {
                        self.unwell.push(node);
                    }
                    let body = self.tee.lane(node, self.writer.options.lane_room);
                    let put = async move { storage.put(blob, fence, body).await };
                    let (put, abort) = abortable(put);
                    self.aborts.push((node, abort));
                    let put = put.map(move |reply| (node, reply.unwrap_or_else(|_| Err(given_up()))));
                    self.puts.push(put.boxed());
                }
                Err(error) => {
                    self.errors.push(error);
                    if let Some(result) = self.report(PutEvent::Failed(node)) {
                        return Some(result);
                    }
                }
            }
        }
        None
    }

    /// Carries the put to its end.
    pub(crate) async fn run(mut self, body: &mut Rewind) -> Result<StoredBlob, StorageError> {
        loop {
            self.tee.push();
            let waits_for_body = self.phase == Phase::Taking && self.tee.is_clear();
            let patience_ends = self.patience_ends();
            let late_at = self.late_at;
            tokio::select! {
                biased;
                Some(reply) = self.puts.next() => {
                    if let Some(result) = self.on_reply(reply) {
                        return self.leave(result);
                    }
                }
                () = self.tee.moved() => self.patience.moved(Instant::now()),
                () = at(late_at) => {
                    if let Some(result) = self.report(PutEvent::LateTimerFired) {
                        return self.leave(result);
                    }
                }
                piece = body.next(), if waits_for_body => match piece {
                    Some(Ok(piece)) => self.offer(&Item::Piece(piece)),
                    Some(Err(_)) => return Err(StorageError::Aborted),
                    None => self.offer(&Item::End),
                },
                () = at(patience_ends), if !waits_for_body => {
                    if let Some(result) = self.on_stall() {
                        return self.leave(result);
                    }
                }
            }
        }
    }

    fn offer(&mut self, item: &Item) {
        self.patience.moved(Instant::now());
        match item {
            Item::Piece(piece) if piece.is_empty() => return,
            Item::Piece(piece) => self.length += piece.len() as u64,
            Item::End => self.phase = Phase::Ended,
        }
        self.tee.offer(item);
    }

    /// When something must have moved.
    fn patience_ends(&mut self) -> Option<Instant> {
        let behind = self.tee.behind();
        let backlog = match () {
            () if behind.is_empty() => Backlog::Clear,
            () if !self.is_enough_without(&behind) => Backlog::Needed,
            () if behind.iter().all(|node| self.unwell.contains(node)) => Backlog::SpareUnwell,
            () => Backlog::Spare,
        };
        Some(self.patience.ends(backlog, Instant::now()))
    }

    /// Nothing moved for too long: gives up those that hold up the others or, if nobody does, all that have not
    /// answered.
    fn on_stall(&mut self) -> Option<Result<StoredBlob, StorageError>> {
        let behind = self.tee.behind();
        let waiting: Vec<NodeId> = self.aborts.iter().map(|(node, _)| *node).collect();
        let given_up = if self.is_enough_without(&behind) && !behind.is_empty() { behind } else { waiting };
        for node in given_up {
            self.writer.nodes.health().failed(node);
            self.errors.push(given_up_on(node));
            self.cut_off(node);
            if let Some(result) = self.report(PutEvent::Failed(node)) {
                return Some(result);
            }
        }
        self.patience.moved(Instant::now());
        None
    }

    /// Whether the write quorum can be reached without these and those that failed.
    fn is_enough_without(&self, nodes: &[NodeId]) -> bool {
        let there = |node: &NodeId| {
            let writing = self.aborts.iter().any(|(writing, _)| writing == node);
            self.durable.contains(node) || (writing && !nodes.contains(node))
        };
        let sets = std::iter::once(self.placement.replicas()).chain(self.placement.target());
        sets.into_iter()
            .all(|set| set.nodes().iter().filter(|node| there(node)).count() >= set.write_quorum())
    }

    fn on_reply(&mut self, (node, reply): Reply) -> Option<Result<StoredBlob, StorageError>> {
        // None if it was given up before.
        self.cut_off(node)?;
        self.patience.moved(Instant::now());
        self.writer.nodes.health().note(node, &reply);
        let reply = reply.and_then(|length| match self.phase {
            Phase::Ended if length == self.length => Ok(()),
            _ => Err(StorageError::Failed(format!("node {node} stored {length} bytes of {}", self.length))),
        });
        match reply {
            Ok(()) => {
                self.durable.push(node);
                self.report(PutEvent::Durable(node))
            }
            Err(error) => {
                tracing::debug!(%node, %error, "a replica was not stored");
                self.errors.push(error);
                self.report(PutEvent::Failed(node))
            }
        }
    }

    /// Takes a node out of those that are written to.
    fn cut_off(&mut self, node: NodeId) -> Option<()> {
        self.tee.close(node);
        let at = self.aborts.iter().position(|(writing, _)| *writing == node)?;
        self.aborts.swap_remove(at).1.abort();
        Some(())
    }

    fn report(&mut self, event: PutEvent) -> Option<Result<StoredBlob, StorageError>> {
        match self.session.on(event) {
            PutDecision::Wait => None,
            PutDecision::WaitForLate => {
                let all_unwell = self.aborts.iter().all(|(node, _)| self.unwell.contains(node));
                let late = if all_unwell { Duration::ZERO } else { self.writer.options.late };
                self.late_at = Some(Instant::now() + late);
                None
            }
            PutDecision::Durable { late } => Some(Ok(StoredBlob { length: self.length, late })),
            PutDecision::Failed => Some(Err(explain(std::mem::take(&mut self.errors)))),
        }
    }

    /// Ends the put. Late replicas go on for a while if all bytes were handed to them: it is cheaper than to repair
    /// them. What they store of a put that nobody commits is garbage like the rest of it.
    fn leave(self, result: Result<StoredBlob, StorageError>) -> Result<StoredBlob, StorageError> {
        let Write { writer, mut tee, puts, aborts, .. } = self;
        if result.is_err() || puts.is_empty() {
            return result;
        }
        for node in tee.behind() {
            tee.close(node);
            aborts.iter().filter(|(writing, _)| *writing == node).for_each(|(_, abort)| abort.abort());
        }
        let Ok(permit) = Arc::clone(&writer.lingering).try_acquire_owned() else { return result };
        tokio::spawn(linger(Arc::clone(&writer.nodes), puts, writer.options.linger, permit));
        result
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn given_up() -> StorageError {
    StorageError::Aborted
}

fn given_up_on(node: NodeId) -> StorageError {
    StorageError::Unavailable(format!("node {node} did not take the bytes in time"))
}
