//! Proposals: at the leader, and on their way to it.

use std::time::Duration;

use esker_index::command::{Command, CommandBody};
use esker_index::outcome::{Outcome, Refusal};
use esker_rpc::metadata::MetadataError;
use esker_types::Timestamp;
use openraft::errors::{ClientWriteError, RaftError};

use crate::node::admission::adds_data;
use crate::node::{Group, NotDone, Trace, forward};
use crate::types::{Applied, CommandBytes};

/// The part of the disk's reserve that no command may use.
const FLOOR_OF_RESERVE: u64 = 8;

impl Group {
    /// Proposes a command if this replica leads. The proposal's time is set here.
    pub(crate) async fn propose_here(&self, mut command: Command) -> Result<Outcome, NotDone> {
        let Some(left) = self.time_left(command.deadline) else { return Ok(Err(Refusal::Expired)) };
        if !self.has_room_for(&command.body) {
            return Err(NotDone::Failed(MetadataError::Full));
        }
        command.proposed_at = self.proposal_time();
        let bytes = CommandBytes::encode(&command);
        if bytes.0.len() > CommandBytes::BYTES_MAX {
            return Ok(Err(Refusal::Malformed));
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
            Err(RaftError::APIError(other)) => Err(NotDone::Failed(MetadataError::Failed(other.to_string()))),
            Err(RaftError::Fatal(error)) => Err(NotDone::fatal(&error)),
        }
    }

    /// Whether the disk of the log and the rows has space for the command. Rows must never meet a full disk: their
    /// engine could not go on.
    fn has_room_for(&self, body: &CommandBody) -> bool {
        let (wal, reserve) = (&self.parts.wal, self.parts.settings.disk_reserve_bytes);
        let free = wal.disk_free_bytes();
        if adds_data(body) { !wal.is_low() && free >= reserve } else { free >= reserve / FLOOR_OF_RESERVE }
    }

    /// Proposes a command wherever the leader is, again and again until it is applied or its deadline has passed.
    /// Repeating is safe: the command has one request id, and the state machine applies it once.
    pub(crate) async fn propose(&self, command: &Command) -> Result<Outcome, MetadataError> {
        let Some(mut left) = self.time_left(command.deadline) else { return Ok(Err(Refusal::Expired)) };
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
                Err(NotDone::Failed(error)) => return Err(error),
                Err(NotDone::NotLeader(now)) => trace = trace.max(now),
            }
            forward::pause(&mut observer, left).await;
            left = match self.time_left(command.deadline) {
                Some(left) => left,
                None => break,
            };
        }
        let why = "no leader applied the command before its deadline".to_owned();
        Err(if trace.maybe_logged() { MetadataError::Unknown(why) } else { MetadataError::Unavailable(why) })
    }

    /// The time until `deadline`, or none if it has passed. Bounded by the longest life of a command.
    pub(super) fn time_left(&self, deadline: Timestamp) -> Option<Duration> {
        let micros =
            deadline.micros().checked_sub(self.parts.clock.now().micros()).filter(|left| *left > 0)?;
        Some(Duration::from_micros(micros).min(Duration::from_millis(Command::LIFETIME_MILLIS_MAX)))
    }
}
