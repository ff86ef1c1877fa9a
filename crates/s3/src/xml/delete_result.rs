//! What `DeleteResult` says, in domain types.

use crate::error::S3Error;
use esker_types::VersionId;

/// `DeleteResult` (s3-rules 20)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteResult {
    /// One per entry, in the order of the request; successes of a quiet request left out.
    pub outcomes: Vec<DeleteOutcome>,
}

/// What became of one entry of DeleteObjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// It worked, or there was nothing to do.
    Deleted {
        /// The key as the client wrote it.
        key: String,
        /// The version that the client named.
        version: Option<VersionId>,
        /// A marker that was added or removed.
        marker: DeleteMarkerEffect,
    },
    /// It did not.
    Failed {
        /// The key as the client wrote it.
        key: String,
        /// The version as the client wrote it.
        version: Option<String>,
        /// Why.
        error: S3Error,
    },
}

/// What a delete did with delete markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteMarkerEffect {
    /// Nothing.
    None,
    /// It added this one.
    Added(VersionId),
    /// It removed this one.
    Removed(VersionId),
}
