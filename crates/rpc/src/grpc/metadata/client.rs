//! The metadata layer, from a node that has no replica of it.

use crate::grpc::call::{Lost, within};
use crate::grpc::metadata::rounds::{Attempt, Tried};
use crate::grpc::metadata::{MESSAGE_BYTES_MAX, RemoteClock, convert};
use crate::grpc::proto::metadata::metadata_client::MetadataClient;
use crate::grpc::proto::metadata::{self as proto, propose_reply, query_reply};
use crate::metadata::{Metadata, MetadataError, Proposal};
use crate::transport::{AuthChannel, Network, Plane, Purpose};
use async_trait::async_trait;
use esker_env::Clock;
use esker_index::command::Command;
use esker_index::outcome::{Outcome, OutcomeRecord, Refusal};
use esker_index::query::{Answer, Query};
use esker_index::records::Record as _;
use esker_types::{GroupId, NodeId, Timestamp};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

const PURPOSE: Purpose = Purpose("metadata");
/// One node is given this long for a command before another one is asked: it may be cut off from the leader while
/// others are not. Longer than a group needs to elect a leader, since nobody knows what became of it then.
const PROPOSE_ATTEMPT_LIMIT: Duration = Duration::from_secs(3);
/// And so long for a query, of which nothing is left behind: three nodes are asked before a client gives up.
const QUERY_ATTEMPT_LIMIT: Duration = Duration::from_millis(1500);
/// For a query, whoever answers.
const QUERY_LIMIT: Duration = Duration::from_secs(6);
/// How long to wait when no node could help.
const PAUSE: Duration = Duration::from_millis(50);

/// The nodes to ask: those that have replicas.
pub type Members = watch::Receiver<Vec<(NodeId, String)>>;

/// Asks one metadata node after another, until one knows.
#[derive(Debug)]
pub struct RemoteMetadata {
    network: Network,
    members: Members,
    clock: Arc<RemoteClock>,
    /// Where to begin: the node that answered last.
    first: AtomicUsize,
}

impl RemoteMetadata {
    /// The metadata layer of these nodes, as the watched list has it at each call.
    pub fn new(network: Network, members: Members) -> RemoteMetadata {
        let clock = Arc::new(RemoteClock::new(Arc::clone(&network.identity().clock)));
        RemoteMetadata { network, members, clock, first: AtomicUsize::new(0) }
    }

    /// The time by which deadlines are judged: proposals are to take theirs from here.
    pub fn clock(&self) -> Arc<RemoteClock> {
        Arc::clone(&self.clock)
    }

    /// The time until `deadline`, bounded by the longest life of a command; none if it has passed.
    fn time_left(&self, deadline: Timestamp) -> Option<Duration> {
        let micros = deadline.micros().checked_sub(self.clock.now().micros()).filter(|left| *left > 0)?;
        Some(Duration::from_micros(micros).min(Duration::from_millis(Command::LIFETIME_MILLIS_MAX)))
    }

    fn client(&self, node: NodeId, address: &str) -> Result<MetadataClient<AuthChannel>, String> {
        let channel = self.network.channel(node, address, Plane::Data, PURPOSE);
        let client = MetadataClient::new(channel.map_err(|error| error.to_string())?);
        Ok(client.max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// Asks the members in turn, each for `attempt_limit`, round after round, until one of them settles it or `limit` is
    /// over.
    async fn ask<T, F>(
        &self,
        limit: Duration,
        attempt_limit: Duration,
        mut attempt: impl FnMut(MetadataClient<AuthChannel>, Duration, bool) -> F,
    ) -> Result<T, MetadataError>
    where
        F: Future<Output = Attempt<T>>,
    {
        let deadline = Instant::now() + limit;
        let (mut members, mut tried) = (self.members.clone(), Tried::default());
        loop {
            let known = members.borrow_and_update().clone();
            let first = self.first.load(Ordering::Relaxed);
            for at in (0..known.len()).map(|step| first.wrapping_add(step) % known.len()) {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(tried.give_up());
                }
                let (node, address) = &known[at];
                let made = match self.client(*node, address) {
                    Ok(client) => attempt(client, left.min(attempt_limit), tried.unclear()).await,
                    Err(why) => Attempt::Undone(why),
                };
                if matches!(made, Attempt::Answered(_)) {
                    self.first.store(at, Ordering::Relaxed);
                }
                if let Some(result) = tried.settle(made) {
                    return result;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(tried.give_up());
            }
            // Either way the list is looked at again. If nobody will ever change it, only time passes.
            if let Ok(Err(_)) = timeout(PAUSE.min(left), members.changed()).await {
                tokio::time::sleep(PAUSE.min(left)).await;
            }
        }
    }

    fn outcome(&self, reply: Result<proto::ProposeReply, Lost>, unclear: bool) -> Attempt<Outcome> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(lost) => return lost.into(),
        };
        self.clock.follow(Timestamp(reply.now_micros));
        match reply.result {
            Some(propose_reply::Result::Outcome(bytes)) => match OutcomeRecord::decode(bytes) {
                // An earlier attempt may have been applied before this one was found to be late.
                Ok(OutcomeRecord(Err(Refusal::Expired))) if unclear => {
                    Attempt::Unclear("the deadline passed meanwhile".to_owned())
                }
                Ok(OutcomeRecord(outcome)) => Attempt::Answered(outcome),
                Err(error) => Attempt::Unclear(error.to_string()),
            },
            Some(propose_reply::Result::Failure(failure)) => match failure.into() {
                MetadataError::Unavailable(why) => Attempt::Undone(why),
                MetadataError::Full => Attempt::Full,
                // That node failed, not the group: its leader may have got the command.
                MetadataError::Unknown(why) | MetadataError::Failed(why) => Attempt::Unclear(why),
            },
            None => Lost::malformed().into(),
        }
    }

    /// A query changes nothing, so whatever happens to it, nothing was done.
    fn answer(&self, reply: Result<proto::QueryReply, Lost>) -> Attempt<Answer> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(lost) => return Attempt::Undone(lost.why()),
        };
        self.clock.follow(Timestamp(reply.now_micros));
        match reply.result {
            Some(query_reply::Result::Answer(bytes)) => match Answer::decode(bytes) {
                Ok(answer) => Attempt::Answered(answer),
                Err(error) => Attempt::Undone(error.to_string()),
            },
            Some(query_reply::Result::Failure(failure)) => {
                Attempt::Undone(MetadataError::from(failure).to_string())
            }
            None => Attempt::Undone(Lost::malformed().why()),
        }
    }
}

impl<T> From<Lost> for Attempt<T> {
    fn from(lost: Lost) -> Attempt<T> {
        match lost {
            Lost::Denied(why) | Lost::Unsent(why) => Attempt::Undone(why),
            Lost::Unknown(why) => Attempt::Unclear(why),
        }
    }
}

#[async_trait]
impl Metadata for RemoteMetadata {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        let Some(left) = self.time_left(proposal.deadline) else { return Ok(Err(Refusal::Expired)) };
        let command = convert::command(proposal);
        self.ask(left, PROPOSE_ATTEMPT_LIMIT, |mut client, limit, unclear| {
            let request = proto::ProposeRequest { group: group.0.into(), command: command.clone() };
            async move {
                let reply =
                    within(limit, request, |request| async move { client.propose(request).await }).await;
                self.outcome(reply, unclear)
            }
        })
        .await
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        let query = query.encode();
        self.ask(QUERY_LIMIT, QUERY_ATTEMPT_LIMIT, |mut client, limit, _| {
            let request = proto::QueryRequest { group: group.0.into(), query: query.clone() };
            async move {
                let reply =
                    within(limit, request, |request| async move { client.query(request).await }).await;
                self.answer(reply)
            }
        })
        .await
    }

    fn leads(&self, _: GroupId) -> bool {
        false
    }
}
