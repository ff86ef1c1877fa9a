//! Committing a version whose bytes are safe.

use crate::core::Core;
use crate::data::Stored;
use crate::metadata::ProposeError;
use crate::refusal;
use crate::route::{Freshness, Route, no_such_bucket};
use esker_index::command::{CommandBody, NewData};
use esker_index::outcome::{Done, Refusal, Written};
use esker_s3::{ErrorCode, S3Error};
use esker_types::{BucketId, BucketName, ObjectKey, WriteCondition};

impl Core {
    /// Commits a command that names a body's data. `route` is the one along which blobs were stored.
    pub(crate) async fn commit_body(
        &self,
        name: &BucketName,
        route: Route,
        stored: Stored,
        command: impl Fn(BucketId, NewData) -> CommandBody,
    ) -> Result<Done, S3Error> {
        let pending = match stored {
            Stored::Blobs(pending) => pending,
            Stored::Empty => return self.command(name, |bucket| command(bucket, NewData::Empty)).await,
            Stored::Inline(bytes) => {
                return self.command(name, |bucket| command(bucket, NewData::Inline(bytes.clone()))).await;
            }
        };
        let command = command(route.bucket, NewData::Stored(pending.data()));
        match self.metadata.propose(route.group, command, Some(pending)).await {
            Err(ProposeError::Refused(Refusal::NoSuchBucket)) => {
                // It was there when the request came, so it was deleted while the body came.
                Err(self
                    .next_route(name, route, Freshness::Fresh)
                    .await
                    .err()
                    .unwrap_or_else(|| no_such_bucket(name)))
            }
            other => other.map_err(refusal::s3_error),
        }
    }
}

/// The version that a command made.
pub(crate) fn written(done: Done) -> Result<Written, S3Error> {
    match done {
        Done::Written(written) => Ok(written),
        other => Err(crate::route::unexpected(&other)),
    }
}

/// Names the condition and the key in a refusal, as S3 does.
pub(crate) fn explain(error: S3Error, condition: &WriteCondition, key: &ObjectKey) -> S3Error {
    match error.code {
        ErrorCode::PreconditionFailed if condition.if_match.is_none() => {
            error.with_extra("Condition", "If-None-Match")
        }
        ErrorCode::PreconditionFailed if condition.if_none_match.is_none() => {
            error.with_extra("Condition", "If-Match")
        }
        ErrorCode::NoSuchKey => error.with_extra("Key", key.as_str()),
        _ => error,
    }
}
