//! The bodies that are XML: those of requests, whose sizes are bounded by `BodyKind::bytes_max`, and the replies that
//! a client reads.

mod complete;
mod configuration;
mod delete;
mod reply;

pub use complete::{CompletedPart, check_part_order, complete_multipart_upload};
pub use configuration::{create_bucket_configuration, versioning_configuration};
pub use delete::{DeleteEntry, DeleteRequest, DeleteTarget, Verbosity, delete_objects};
pub use reply::{
    Listed, ListedUpload, ObjectPage, UploadPage, VersionPage, delete_failures, error_code, objects,
    upload_id, uploads, versions,
};
