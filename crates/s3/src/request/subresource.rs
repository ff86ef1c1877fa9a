//! S3's sub-resources: query parameters that make a request another operation.

use crate::error::{ErrorCode, S3Error};
use crate::request::query::Query;

/// Every sub-resource and operation-selecting parameter of S3. A request that has one is never taken for
/// the plain operation: a PUT of `?acl` must not overwrite the object (s3-rules 33).
pub(super) const KNOWN: [&str; 42] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "select-type",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
];

/// The implemented sub-resource that the query names, if any.
///
/// # Errors
/// `NotImplemented` for a known one that is not implemented for this method and resource; `InvalidRequest` for
/// two at once.
pub(super) fn refuse_unimplemented<'q>(
    query: &'q Query,
    implemented: &[&str],
) -> Result<Option<&'q str>, S3Error> {
    let mut named = None;
    for name in query.names().filter(|name| KNOWN.contains(name)) {
        if !implemented.contains(&name) {
            let error = S3Error::not_implemented(&format!("The sub-resource {name}"));
            return Err(error.with_extra("ResourceType", name));
        }
        if named.is_some_and(|other| other != name) {
            let message = "Conflicting query string parameters";
            return Err(S3Error::message(ErrorCode::InvalidArgument, message)
                .with_extra("ArgumentName", "ResourceType")
                .with_extra("ArgumentValue", name));
        }
        named = Some(name);
    }
    Ok(named)
}
