//! The request bodies that are XML. Their sizes are bounded by `BodyKind::bytes_max`.

mod complete;
mod configuration;
mod delete;

pub use complete::{CompletedPart, check_part_order, complete_multipart_upload};
pub use configuration::{create_bucket_configuration, versioning_configuration};
pub use delete::{DeleteEntry, DeleteRequest, DeleteTarget, Verbosity, delete_objects};
