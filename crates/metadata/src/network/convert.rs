//! Messages of `raft.proto` to openraft's requests and replies, and back.

use bytes::Bytes;
use esker_index::codec::Malformed;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderError, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};

use crate::codec::{Encoded, decode_option, encode_option};
use crate::proto::{self, append_reply, transfer_leader_reply};
use crate::types::{Entry, LogId, TypeConfig, Vote};

/// The message, without the sender's clock.
pub(crate) fn append_request(request: &AppendEntriesRequest<TypeConfig>) -> proto::AppendRequest {
    proto::AppendRequest {
        vote: request.vote.encode(),
        previous_log_id: encode_option(request.prev_log_id.as_ref()),
        leader_commit: encode_option(request.leader_commit.as_ref()),
        entries: request.entries.iter().map(Encoded::encode).collect(),
        clock_micros: 0,
    }
}

pub(crate) fn read_append_request(
    message: proto::AppendRequest,
) -> Result<AppendEntriesRequest<TypeConfig>, Malformed> {
    let vote = Vote::decode(message.vote)?;
    let prev_log_id: Option<LogId> = decode_option(message.previous_log_id)?;
    let entries: Vec<Entry> = message.entries.into_iter().map(Entry::decode).collect::<Result<_, _>>()?;
    // openraft takes these for granted.
    let start = prev_log_id.map_or(0, |id| id.index.saturating_add(1));
    let consecutive = (start..).zip(&entries).all(|(index, entry)| entry.log_id.index == index);
    if !vote.committed || !consecutive {
        return Err(Malformed("append request"));
    }
    Ok(AppendEntriesRequest {
        vote,
        prev_log_id,
        leader_commit: decode_option(message.leader_commit)?,
        entries,
    })
}

/// The message, without the sender's clock and condition.
pub(crate) fn append_reply(reply: &AppendEntriesResponse<TypeConfig>) -> proto::AppendReply {
    use append_reply::Result as R;
    let result = match reply {
        AppendEntriesResponse::Success => R::Success(true),
        AppendEntriesResponse::PartialSuccess(upto) => R::Partial(encode_option(upto.as_ref())),
        AppendEntriesResponse::Conflict => R::Conflict(true),
        AppendEntriesResponse::HigherVote(vote) => R::HigherVote(vote.encode()),
    };
    proto::AppendReply { result: Some(result), clock_micros: 0, full: false }
}

pub(crate) fn read_append_reply(
    message: proto::AppendReply,
) -> Result<AppendEntriesResponse<TypeConfig>, Malformed> {
    use append_reply::Result as R;
    Ok(match message.result.ok_or(Malformed("append reply"))? {
        R::Success(_) => AppendEntriesResponse::Success,
        R::Partial(upto) => AppendEntriesResponse::PartialSuccess(decode_option(upto)?),
        R::Conflict(_) => AppendEntriesResponse::Conflict,
        R::HigherVote(vote) => AppendEntriesResponse::HigherVote(Vote::decode(vote)?),
    })
}

pub(crate) fn vote_request(request: &VoteRequest<TypeConfig>) -> proto::VoteRequest {
    proto::VoteRequest {
        vote: request.vote.encode(),
        last_log_id: encode_option(request.last_log_id.as_ref()),
        leadership_transfer: request.leadership_transfer,
    }
}

pub(crate) fn read_vote_request(message: proto::VoteRequest) -> Result<VoteRequest<TypeConfig>, Malformed> {
    let mut request = VoteRequest::new(Vote::decode(message.vote)?, decode_option(message.last_log_id)?);
    request.leadership_transfer = message.leadership_transfer;
    Ok(request)
}

pub(crate) fn vote_reply(reply: &VoteResponse<TypeConfig>) -> proto::VoteReply {
    proto::VoteReply {
        vote: reply.vote.encode(),
        granted: reply.vote_granted,
        last_log_id: encode_option(reply.last_log_id.as_ref()),
    }
}

pub(crate) fn read_vote_reply(message: proto::VoteReply) -> Result<VoteResponse<TypeConfig>, Malformed> {
    let vote = Vote::decode(message.vote)?;
    Ok(VoteResponse::new(vote, decode_option(message.last_log_id)?, message.granted))
}

pub(crate) fn transfer_request(request: &TransferLeaderRequest<TypeConfig>) -> proto::TransferLeaderRequest {
    proto::TransferLeaderRequest {
        from_leader: request.from_leader().encode(),
        to_node: *request.to_node_id(),
        last_log_id: encode_option(request.last_log_id()),
    }
}

pub(crate) fn read_transfer_request(
    message: proto::TransferLeaderRequest,
) -> Result<TransferLeaderRequest<TypeConfig>, Malformed> {
    let from = Vote::decode(message.from_leader)?;
    Ok(TransferLeaderRequest::new(from, message.to_node, decode_option(message.last_log_id)?))
}

pub(crate) fn transfer_reply(reply: &TransferLeaderResponse<TypeConfig>) -> proto::TransferLeaderReply {
    use transfer_leader_reply::Result as R;
    let refusal = |expected: Bytes, actual: Bytes| proto::TransferRefusal { expected, actual };
    let result = match reply {
        Ok(()) => R::Accepted(true),
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            R::VoteChanged(refusal(expected.encode(), actual.encode()))
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
            R::LogNotFlushed(refusal(encode_option(expected.as_ref()), encode_option(actual.as_ref())))
        }
    };
    proto::TransferLeaderReply { result: Some(result) }
}

pub(crate) fn read_transfer_reply(
    message: proto::TransferLeaderReply,
) -> Result<TransferLeaderResponse<TypeConfig>, Malformed> {
    use transfer_leader_reply::Result as R;
    Ok(match message.result.ok_or(Malformed("transfer reply"))? {
        R::Accepted(_) => Ok(()),
        R::VoteChanged(refusal) => Err(TransferLeaderError::VoteChanged {
            expected: Vote::decode(refusal.expected)?,
            actual: Vote::decode(refusal.actual)?,
        }),
        R::LogNotFlushed(refusal) => Err(TransferLeaderError::LogNotFlushed {
            expected: decode_option::<LogId>(refusal.expected)?,
            actual: decode_option::<LogId>(refusal.actual)?,
        }),
    })
}
