//! Proposals: at the leader, and on their way to it.

use std::time::Duration;

use esker_env::Clock;
use esker_index::command::Command;
use esker_index::outcome::{Outcome, Refusal};
use esker_rpc::metadata::MetadataError;
use esker_types::Timestamp;
use openraft::errors::{ClientWriteError, RaftError};
use tokio::time::Instant;

use crate::node::{Group, NotDone, Trace, forward};
use crate::types::{Applied, CommandBytes};

impl Group {
    /// Proposes a command if this replica leads. The proposal's time is set here.
    pub(crate) async fn propose_here(&self, mut command: Command) -> Result<Outcome, NotDone> {
        // Without a clock that the others agree with, another one has to lead; the keeper sees to that.
        let Some(now) = self.proposal_time() else { return Err(NotDone::NotLeader(Trace::None)) };
        let Some(left) = time_between(now, command.deadline) else { return Ok(Err(Refusal::Expired)) };
        command.proposed_at = now;
        let bytes = CommandBytes::encode(&command);
        if bytes.0.len() > CommandBytes::BYTES_MAX {
            return Ok(Err(Refusal::Malformed));
        }
        if !self.has_room_for(&command.body, bytes.0.len() as u64) {
            // The keeper lets another node lead, if there is one that has room; the command waits for it.
            let full = NotDone::Failed(MetadataError::Full);
            return Err(if self.others_have_room() { NotDone::NotLeader(Trace::None) } else { full });
        }
        let written = tokio::time::timeout(left, self.raft().client_write(bytes)).await;
        let unknown = |why: &str| NotDone::Failed(MetadataError::Unknown(why.to_owned()));
        match written.map_err(|_| unknown("the command was not applied in time"))? {
            Ok(response) => match response.data {
                Applied::Command(outcome) => Ok(outcome),
                Applied::Internal => Err(unknown("the log entry became another one")),
            },
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => {
                Err(NotDone::NotLeader(Trace::None))
            }
            Err(RaftError::APIError(ClientWriteError::LogEntryDiscarded(_))) => {
                Err(NotDone::NotLeader(Trace::MaybeLogged))
            }
            Err(RaftError::APIError(other)) => Err(NotDone::unknown(&other)),
            Err(RaftError::Fatal(error)) => Err(NotDone::unknown(&error)),
        }
    }

    /// Proposes a command wherever the leader is, again and again until it is applied or its deadline has passed.
    /// Repeating is safe: the command has one request id, and the state machine applies it once.
    pub(crate) async fn propose(&self, command: &Command) -> Result<Outcome, MetadataError> {
        let Some(mut left) = time_between(self.time().now(), command.deadline) else {
            return Ok(Err(Refusal::Expired));
        };
        let end = Instant::now() + left;
        let mut trace = Trace::None;
        let mut observer = self.observe();
        loop {
            let attempt = match self.leader() {
                Some((leader, peer)) if leader != self.node() => {
                    let call = forward::propose(self, leader, &peer, command, left);
                    self.while_leading(leader, call).await
                }
                _ => self.propose_here(command.clone()).await,
            };
            match attempt {
                // An earlier attempt may have been applied before this one was found to be late.
                Ok(Err(Refusal::Expired)) if trace.maybe_logged() => break,
                Ok(outcome) => return Ok(outcome),
                Err(NotDone::Failed(error)) => return Err(after(trace, error)),
                Err(NotDone::NotLeader(now)) => trace = trace.max(now),
            }
            if forward::pause(&mut observer, left).await.is_err() {
                return Err(after(trace, MetadataError::Unavailable("the replica stopped".to_owned())));
            }
            left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
        }
        let why = "no leader applied the command before its deadline".to_owned();
        Err(if trace.maybe_logged() { MetadataError::Unknown(why) } else { MetadataError::Unavailable(why) })
    }
}

/// The time until `deadline`, or none if it has passed. Bounded by the longest life of a command.
fn time_between(now: Timestamp, deadline: Timestamp) -> Option<Duration> {
    let micros = deadline.micros().checked_sub(now.micros()).filter(|left| *left > 0)?;
    Some(Duration::from_micros(micros).min(Duration::from_millis(Command::LIFETIME_MILLIS_MAX)))
}

/// What the last attempt's error means for the command: an earlier attempt may have logged it.
fn after(trace: Trace, error: MetadataError) -> MetadataError {
    if trace.maybe_logged() { MetadataError::Unknown(error.to_string()) } else { error }
}
