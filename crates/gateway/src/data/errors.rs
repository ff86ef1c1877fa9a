//! What clients are told when storage nodes could not do what was asked.

use esker_rpc::StorageError;
use esker_s3::{ErrorCode, S3Error};

/// For bytes that could not be stored. SDKs try again after a 503, which helps whenever nodes are away or a placement
/// has just changed.
pub(crate) fn write_error(error: &StorageError) -> S3Error {
    match error {
        StorageError::Full => ErrorCode::InsufficientStorage.into(),
        error => {
            tracing::info!(%error, "cannot store a blob");
            ErrorCode::ServiceUnavailable.into()
        }
    }
}

/// For bytes that could not be read. While nodes are away it can't be known whether the bytes are damaged.
pub(crate) fn read_error(error: &StorageError) -> S3Error {
    match error {
        StorageError::Unavailable(_) => ErrorCode::ServiceUnavailable.into(),
        _ => ErrorCode::InternalError.into(),
    }
}
