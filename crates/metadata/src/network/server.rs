//! The gRPC service: routes each call to the group that it means.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock};

use esker_index::command::Command;
use esker_index::outcome::OutcomeRecord;
use esker_index::records::Record;
use esker_types::{GroupId, Timestamp};
use openraft::raft::AppendEntriesResponse;
use tonic::{Request, Response, Status, Streaming};

use crate::network::group_header::group_of;
use crate::network::{MESSAGE_BYTES_MAX, convert, take_snapshot};
use crate::node::{Group, NotDone};
use crate::proto::{self, propose_reply, raft_server, read_index_reply};

/// Appends and snapshots that were refused because the disk is full.
pub(crate) const REFUSED_APPENDS: &str = "esker_metadata_refused_appends_total";

/// The groups that this node has a replica of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    groups: Arc<RwLock<BTreeMap<GroupId, Arc<Group>>>>,
}

impl Registry {
    pub(crate) fn insert(&self, group: Arc<Group>) {
        self.groups.write().unwrap_or_else(PoisonError::into_inner).insert(group.id(), group);
    }

    pub(crate) fn get(&self, group: GroupId) -> Option<Arc<Group>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).get(&group).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Group>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Forgets all groups, so that their parts can be dropped.
    pub(crate) fn clear(&self) {
        self.groups.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Serves the calls of other nodes, which the transport has let in.
#[derive(Clone, Debug)]
pub(crate) struct RaftService {
    groups: Registry,
}

impl RaftService {
    pub(crate) fn serve(groups: Registry) -> raft_server::RaftServer<RaftService> {
        raft_server::RaftServer::new(RaftService { groups })
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn route<M>(&self, request: Request<M>) -> Result<(Arc<Group>, M), Status> {
        let group = group_of(request.metadata())?;
        match self.groups.get(group) {
            Some(group) => Ok((group, request.into_inner())),
            None => Err(Status::not_found("this node has no replica of the group")),
        }
    }
}

/// The log must never meet a full disk, so entries are refused before they do; the leader tries again now and then.
fn no_room() -> Status {
    metrics::counter!(REFUSED_APPENDS).increment(1);
    Status::resource_exhausted("the node's disk is full")
}

/// The replica has stopped; the caller may find another one.
fn stopped(error: impl Display) -> Status {
    Status::unavailable(error.to_string())
}

fn malformed(error: impl Display) -> Status {
    Status::invalid_argument(error.to_string())
}

#[tonic::async_trait]
impl raft_server::Raft for RaftService {
    async fn append(
        &self,
        request: Request<proto::AppendRequest>,
    ) -> Result<Response<proto::AppendReply>, Status> {
        let (group, message) = self.route(request)?;
        let clock = Timestamp(message.clock_micros);
        let bytes = message.entries.iter().map(|entry| entry.len() as u64).sum();
        let request = convert::read_append_request(message).map_err(malformed)?;
        if !request.entries.is_empty() && !group.has_room_for_entries(bytes) {
            return Err(no_room());
        }
        let reply = group.raft().append_entries(request).await.map_err(stopped)?;
        if !matches!(reply, AppendEntriesResponse::HigherVote(_)) {
            group.time().follow(clock);
        }
        let mut reply = convert::append_reply(&reply);
        reply.clock_micros = group.time().own_clock().micros();
        reply.full = !group.has_room_for_data();
        Ok(Response::new(reply))
    }

    async fn vote(&self, request: Request<proto::VoteRequest>) -> Result<Response<proto::VoteReply>, Status> {
        let (group, message) = self.route(request)?;
        let request = convert::read_vote_request(message).map_err(malformed)?;
        let reply = group.raft().vote(request).await.map_err(stopped)?;
        Ok(Response::new(convert::vote_reply(&reply)))
    }

    async fn pre_vote(
        &self,
        request: Request<proto::VoteRequest>,
    ) -> Result<Response<proto::VoteReply>, Status> {
        let (group, message) = self.route(request)?;
        let request = convert::read_vote_request(message).map_err(malformed)?;
        let reply = group.raft().pre_vote(request).await.map_err(stopped)?;
        Ok(Response::new(convert::vote_reply(&reply)))
    }

    async fn install_snapshot(
        &self,
        request: Request<Streaming<proto::SnapshotMessage>>,
    ) -> Result<Response<proto::SnapshotReply>, Status> {
        let (group, stream) = self.route(request)?;
        if !group.has_room_for_data() {
            return Err(no_room());
        }
        take_snapshot::take(&group, stream).await.map(Response::new)
    }

    async fn transfer_leader(
        &self,
        request: Request<proto::TransferLeaderRequest>,
    ) -> Result<Response<proto::TransferLeaderReply>, Status> {
        let (group, message) = self.route(request)?;
        let request = convert::read_transfer_request(message).map_err(malformed)?;
        let reply = group.raft().handle_transfer_leader(request).await.map_err(stopped)?;
        Ok(Response::new(convert::transfer_reply(&reply)))
    }

    async fn propose(
        &self,
        request: Request<proto::ProposeRequest>,
    ) -> Result<Response<proto::ProposeReply>, Status> {
        use propose_reply::Result as R;
        let (group, message) = self.route(request)?;
        let bytes = message.command.len();
        let command = Command::decode(message.command).map_err(malformed)?;
        let proposed = match group.admit(bytes) {
            Ok(_place) => group.propose_here(command).await,
            Err(error) => Err(NotDone::Failed(error)),
        };
        let result = match proposed {
            Ok(outcome) => R::Outcome(OutcomeRecord(outcome).encode().into()),
            Err(NotDone::Failed(error)) => R::Failure(error.into()),
            Err(NotDone::NotLeader(trace)) => {
                R::NotLeader(proto::NotLeader { maybe_logged: trace.maybe_logged() })
            }
        };
        Ok(Response::new(proto::ProposeReply { result: Some(result) }))
    }

    async fn read_index(
        &self,
        request: Request<proto::ReadIndexRequest>,
    ) -> Result<Response<proto::ReadIndexReply>, Status> {
        use read_index_reply::Result as R;
        let (group, _) = self.route(request)?;
        let result = match group.read_index_here().await {
            Ok(index) => R::Index(index),
            Err(NotDone::Failed(error)) => R::Failure(error.into()),
            Err(NotDone::NotLeader(_)) => R::NotLeader(proto::NotLeader { maybe_logged: false }),
        };
        Ok(Response::new(proto::ReadIndexReply { result: Some(result) }))
    }
}
