//! One table from the state machine's refusals to S3 errors.

use crate::metadata::ProposeError;
use esker_index::outcome::Refusal;
use esker_s3::{ErrorCode, S3Error};
use esker_types::limits::PART_BYTES_MIN;

/// What the client is told of a command that did not do what was asked.
pub(crate) fn s3_error(error: ProposeError) -> S3Error {
    match error {
        ProposeError::Refused(refusal) => refused(refusal),
        ProposeError::NotApplied(code) => code.into(),
        ProposeError::Unknown => S3Error::message(
            ErrorCode::ServiceUnavailable,
            "The request may or may not have been carried out: the outcome did not arrive in time.",
        ),
    }
}

fn refused(refusal: Refusal) -> S3Error {
    let code = match refusal {
        // It was not applied: the group was busy for the whole life of the command.
        Refusal::Expired => ErrorCode::ServiceUnavailable,
        Refusal::NoSuchBucket => ErrorCode::NoSuchBucket,
        Refusal::BucketAlreadyOwnedByYou { .. } => ErrorCode::BucketAlreadyOwnedByYou,
        Refusal::BucketAlreadyExists => ErrorCode::BucketAlreadyExists,
        Refusal::BucketNotEmpty => ErrorCode::BucketNotEmpty,
        Refusal::NoSuchKey => ErrorCode::NoSuchKey,
        Refusal::NoSuchVersion => ErrorCode::NoSuchVersion,
        Refusal::SourceIsDeleteMarker => {
            return S3Error::message(
                ErrorCode::InvalidRequest,
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            );
        }
        Refusal::PreconditionFailed | Refusal::SourcePreconditionFailed => ErrorCode::PreconditionFailed,
        Refusal::NoSuchUpload => ErrorCode::NoSuchUpload,
        Refusal::InvalidPart { number } => {
            return S3Error::new(ErrorCode::InvalidPart).with_extra("PartNumber", number.to_string());
        }
        Refusal::EntityTooSmall { number, size } => {
            return S3Error::new(ErrorCode::EntityTooSmall)
                .with_extra("ProposedSize", size.to_string())
                .with_extra("MinSizeAllowed", PART_BYTES_MIN.to_string())
                .with_extra("PartNumber", number.to_string());
        }
        Refusal::InvalidPartOrder => ErrorCode::InvalidPartOrder,
        Refusal::EntityTooLarge => ErrorCode::EntityTooLarge,
        Refusal::SizeMismatch { actual } => {
            return S3Error::message(
                ErrorCode::InvalidRequest,
                format!(
                    "The provided x-amz-mp-object-size does not match the object's size of {actual} bytes"
                ),
            );
        }
        // The data was given up, by a sweep that found it orphaned, before the command came.
        Refusal::DataSettled => ErrorCode::ServiceUnavailable,
        // The others answer commands that no client's request leads to.
        Refusal::TooEarly
        | Refusal::Malformed
        | Refusal::NodeGone
        | Refusal::NoSuchNode
        | Refusal::NodeInUse
        | Refusal::UnfitNode { .. }
        | Refusal::TooManyNodes => ErrorCode::InternalError,
    };
    code.into()
}
