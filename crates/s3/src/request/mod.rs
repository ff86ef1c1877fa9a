//! From a request's head to an [`Operation`]: everything that S3 says in method, target and headers.

pub mod conditions;
mod copy;
pub mod copy_source;
pub(crate) mod headers;
pub mod hoisted;
pub mod list;
mod list_inputs;
mod multipart;
pub(crate) mod object;
pub mod object_headers;
pub mod operation;
pub mod parse;
pub mod query;
pub mod range;
mod subresource;
pub mod target;
mod unsupported;
pub mod version;

pub use conditions::{IfRange, ReadConditions, ReadVerdict, evaluate_copy_source, evaluate_read};
pub use copy_source::{CopySource, check_source_range};
pub use list::EncodingType;
pub use object_headers::ObjectHeaders;
pub use operation::Operation;
pub use parse::{Caller, Request};
pub use target::{Hosting, RequestHead};
pub use version::embedded_version;
