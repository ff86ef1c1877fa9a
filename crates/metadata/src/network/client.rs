//! openraft's network: one client per peer and purpose.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use esker_env::Clock;
use esker_types::{GroupId, NodeId, Timestamp};
use openraft::OptionalSend;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::network::{RPCOption, RPCTypes, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use tonic::{Code, Request, Response, Status};

use crate::clocks::GroupTime;
use crate::network::{Client, Conditions, Link, NoWay, Peers, Room, convert, send_snapshot};
use crate::snapshot::SnapshotData;
use crate::types::{Peer, Snapshot, TypeConfig, Vote};

/// Makes the clients of one group.
#[derive(Clone, Debug)]
pub(crate) struct NetworkFactory {
    pub(crate) peers: Peers,
    pub(crate) group: GroupId,
    pub(crate) node: NodeId,
    pub(crate) time: Arc<GroupTime>,
    pub(crate) conditions: Arc<Conditions>,
}

impl NetworkFactory {
    fn peer(&self, target: u64, peer: &Peer, link: Link) -> PeerClient {
        PeerClient { own: self.clone(), target, address: peer.address.clone(), link }
    }
}

impl RaftNetworkFactory<TypeConfig> for NetworkFactory {
    type Network = PeerClient;

    async fn new_client(&mut self, target: u64, node: &Peer) -> PeerClient {
        self.peer(target, node, Link::Replication)
    }

    async fn new_heartbeat_client(&mut self, target: u64, node: &Peer) -> PeerClient {
        self.peer(target, node, Link::Heartbeat)
    }

    async fn new_snapshot_client(&mut self, target: u64, node: &Peer) -> PeerClient {
        self.peer(target, node, Link::Snapshot)
    }
}

/// Sends openraft's calls to one peer.
#[derive(Debug)]
pub(crate) struct PeerClient {
    own: NetworkFactory,
    target: u64,
    address: String,
    link: Link,
}

impl PeerClient {
    /// The peer may have moved since the last call, so each call asks where it is.
    fn client(&self) -> Result<Client, Unreachable<TypeConfig>> {
        let client = self.own.peers.client(self.own.group, NodeId(self.target), &self.address, self.link);
        client.map_err(|error: NoWay| Unreachable::new(&error))
    }

    /// Makes a call within the time that openraft allows for it.
    async fn call<M, R, F>(
        &self,
        action: RPCTypes,
        option: &RPCOption,
        message: M,
        call: impl FnOnce(Client, Request<M>) -> F,
    ) -> Result<R, RPCError<TypeConfig>>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let timeout = option.soft_ttl();
        let mut request = Request::new(message);
        request.set_timeout(timeout);
        match tokio::time::timeout(timeout, call(self.client()?, request)).await {
            Ok(Ok(reply)) => Ok(reply.into_inner()),
            Ok(Err(status)) => Err(self.failed(action, timeout, &status)),
            Err(_) => Err(self.timed_out(action, timeout).into()),
        }
    }

    pub(crate) fn failed(
        &self,
        action: RPCTypes,
        timeout: Duration,
        status: &Status,
    ) -> RPCError<TypeConfig> {
        match status.code() {
            Code::DeadlineExceeded | Code::Cancelled => self.timed_out(action, timeout).into(),
            // Not reached, or refused: trying again at once would not help.
            Code::Unavailable
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::Unimplemented
            | Code::ResourceExhausted => Unreachable::new(status).into(),
            _ => NetworkError::new(status).into(),
        }
    }

    pub(crate) fn timed_out(&self, action: RPCTypes, timeout: Duration) -> Timeout<TypeConfig> {
        Timeout { action, id: self.own.node.0, target: self.target, timeout }
    }
}

fn malformed(error: esker_index::codec::Malformed) -> RPCError<TypeConfig> {
    NetworkError::new(&error).into()
}

impl RaftNetworkV2<TypeConfig> for PeerClient {
    type SnapshotData = SnapshotData;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let time = &self.own.time;
        let mut message = convert::append_request(&rpc);
        message.clock_micros = time.leader_time().map_or(0, Timestamp::micros);
        let sent = time.monotonic();
        let reply = self
            .call(RPCTypes::AppendEntries, &option, message, |mut client, request| async move {
                client.append(request).await
            })
            .await?;
        time.heard(NodeId(self.target), Timestamp(reply.clock_micros), sent);
        let room = if reply.full { Room::None } else { Room::Enough };
        self.own.conditions.heard(NodeId(self.target), room);
        match convert::read_append_reply(reply).map_err(malformed)? {
            // Nothing can conflict with the start of the log; openraft relies on that.
            AppendEntriesResponse::Conflict if rpc.prev_log_id.is_none() => {
                Err(malformed(esker_index::codec::Malformed("append reply")))
            }
            reply => Ok(reply),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let message = convert::vote_request(&rpc);
        let reply = self
            .call(RPCTypes::Vote, &option, message, |mut client, request| async move {
                client.vote(request).await
            })
            .await?;
        convert::read_vote_reply(reply).map_err(malformed)
    }

    // The default implementation would grant every pre-vote, also of a node that reaches nobody.
    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let message = convert::vote_request(&rpc);
        let reply = self
            .call(RPCTypes::Vote, &option, message, |mut client, request| async move {
                client.pre_vote(request).await
            })
            .await?;
        convert::read_vote_reply(reply).map_err(malformed)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let client = self.client()?;
        let sending = send_snapshot::send(self, client, vote, snapshot, option.soft_ttl());
        tokio::select! {
            closed = cancel => Err(closed.into()),
            reply = sending => reply,
        }
    }

    async fn transfer_leader(
        &mut self,
        req: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        let message = convert::transfer_request(&req);
        let reply = self
            .call(RPCTypes::TransferLeader, &option, message, |mut client, request| async move {
                client.transfer_leader(request).await
            })
            .await?;
        convert::read_transfer_reply(reply).map_err(malformed)
    }
}
