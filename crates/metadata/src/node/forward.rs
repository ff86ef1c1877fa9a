//! Calls to a leader on another node.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use esker_index::command::Command;
use esker_index::outcome::{Outcome, OutcomeRecord};
use esker_index::records::Record;
use esker_rpc::grpc::Failure;
use esker_rpc::metadata::MetadataError;
use esker_types::NodeId;
use tonic::{Code, Request, Status};

use crate::network::Link;
use crate::node::observe::Gone;
use crate::node::{Group, NotDone, Observer, Trace};
use crate::proto::{self, propose_reply, read_index_reply};
use crate::types::Peer;

/// How long to wait before trying again, if nothing is heard of a new leader.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until the replica learns something new about its group, briefly.
///
/// # Errors
/// The replica has stopped, so that it learns nothing any more.
pub(super) async fn pause(observer: &mut Observer, at_most: Duration) -> Result<(), Gone> {
    let leader = observer.look(|metrics| metrics.current_leader);
    let changed = observer.wait(|metrics| (metrics.current_leader != leader).then_some(()));
    // If nothing changed, the caller looks for the leader again all the same.
    tokio::time::timeout(PAUSE.min(at_most), changed).await.unwrap_or(Ok(()))
}

impl Group {
    /// Makes a call to the leader, and gives up waiting when the replica hears of another one: the call may hang at a
    /// machine that has stopped.
    pub(crate) async fn while_leading<T>(
        &self,
        leader: NodeId,
        call: impl Future<Output = Result<T, NotDone>>,
    ) -> Result<T, NotDone> {
        let mut observer = self.observe();
        let deposed =
            observer.wait(|metrics| metrics.current_leader.filter(|now| *now != leader.0).map(drop));
        tokio::select! {
            result = call => result,
            _ = deposed => Err(unreached(Trace::MaybeLogged)),
        }
    }
}

/// Sends a command to the leader.
pub(super) async fn propose(
    group: &Group,
    leader: NodeId,
    peer: &Peer,
    command: &Command,
    timeout: Duration,
) -> Result<Outcome, NotDone> {
    use propose_reply::Result as R;
    let mut client = client(group, leader, peer)?;
    let request = timed(proto::ProposeRequest { command: command.encode() }, timeout);
    let reply = tokio::time::timeout(timeout, client.propose(request)).await;
    let reply = match reply {
        Err(_) => return Err(unreached(Trace::MaybeLogged)),
        Ok(Err(status)) => return Err(unreached(trace_of(&status))),
        Ok(Ok(reply)) => reply.into_inner(),
    };
    match reply.result {
        Some(R::Outcome(bytes)) => match OutcomeRecord::decode(bytes) {
            Ok(outcome) => Ok(outcome.0),
            Err(error) => Err(NotDone::Failed(MetadataError::Unknown(error.to_string()))),
        },
        Some(R::Failure(failure)) => Err(failed(failure)),
        Some(R::NotLeader(proto::NotLeader { maybe_logged: false })) => Err(unreached(Trace::None)),
        Some(R::NotLeader(_)) | None => Err(unreached(Trace::MaybeLogged)),
    }
}

/// Asks the leader for a read index.
pub(super) async fn read_index(
    group: &Group,
    leader: NodeId,
    peer: &Peer,
    timeout: Duration,
) -> Result<u64, NotDone> {
    use read_index_reply::Result as R;
    let mut client = client(group, leader, peer)?;
    let request = timed(proto::ReadIndexRequest {}, timeout);
    match tokio::time::timeout(timeout, client.read_index(request)).await {
        Ok(Ok(reply)) => match reply.into_inner().result {
            Some(R::Index(index)) => Ok(index),
            Some(R::Failure(failure)) => Err(failed(failure)),
            Some(R::NotLeader(_)) | None => Err(unreached(Trace::None)),
        },
        Ok(Err(_)) | Err(_) => Err(unreached(Trace::None)),
    }
}

fn client(group: &Group, leader: NodeId, peer: &Peer) -> Result<crate::network::Client, NotDone> {
    let client = group.peers().client(group.id(), leader, &peer.address, Link::Forward);
    client.map_err(|error| NotDone::Failed(MetadataError::Unavailable(format!("{}: {error}", peer.address))))
}

fn timed<M>(message: M, timeout: Duration) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    request
}

fn unreached(trace: Trace) -> NotDone {
    NotDone::NotLeader(trace)
}

/// Whether a failed call may have reached the leader's log.
fn trace_of(status: &Status) -> Trace {
    let refused = matches!(
        status.code(),
        Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::InvalidArgument
            | Code::Unimplemented
    );
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::ConnectError>() {
            return Trace::None;
        }
        cause = error.source();
    }
    if refused { Trace::None } else { Trace::MaybeLogged }
}

/// What the leader's failure means here.
fn failed(failure: Failure) -> NotDone {
    NotDone::Failed(match MetadataError::from(failure) {
        // The leader failed, not this node: another leader may still have got the command.
        MetadataError::Failed(why) => MetadataError::Unknown(why),
        same => same,
    })
}
