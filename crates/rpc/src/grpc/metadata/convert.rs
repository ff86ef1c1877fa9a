//! Between the metadata layer's words and their messages.

use crate::grpc::proto::metadata as proto;
use crate::metadata::{MetadataError, Proposal};
use bytes::Bytes;
use esker_index::command::Command;
use esker_types::Timestamp;
use proto::failure::Kind;

/// A proposal travels as the command that it will be, not yet dated.
pub(super) fn command(proposal: Proposal) -> Bytes {
    let Proposal { request, deadline, body } = proposal;
    Command { request, deadline, proposed_at: Timestamp(0), body }.encode()
}

pub(super) fn read_command(bytes: Bytes) -> Option<Proposal> {
    let Command { request, deadline, body, .. } = Command::decode(bytes).ok()?;
    Some(Proposal { request, deadline, body })
}

impl From<MetadataError> for proto::Failure {
    fn from(error: MetadataError) -> proto::Failure {
        let (kind, message) = match error {
            MetadataError::Unavailable(why) => (Kind::Unavailable, why),
            MetadataError::Unknown(why) => (Kind::Unknown, why),
            MetadataError::Full => (Kind::Full, String::new()),
            MetadataError::Failed(why) => (Kind::Failed, why),
        };
        proto::Failure { kind: kind.into(), message }
    }
}

impl From<proto::Failure> for MetadataError {
    fn from(failure: proto::Failure) -> MetadataError {
        match failure.kind() {
            Kind::Unavailable => MetadataError::Unavailable(failure.message),
            Kind::Full => MetadataError::Full,
            Kind::Failed => MetadataError::Failed(failure.message),
            // The latter is of a later version than this one.
            Kind::Unknown | Kind::Unspecified => MetadataError::Unknown(failure.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_arrives_as_it_was_sent() {
        let why = || "why".to_owned();
        for error in [
            MetadataError::Unavailable(why()),
            MetadataError::Unknown(why()),
            MetadataError::Full,
            MetadataError::Failed(why()),
        ] {
            assert_eq!(MetadataError::from(proto::Failure::from(error.clone())), error);
        }
    }
}
