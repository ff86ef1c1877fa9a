//! Moving the bytes of objects: from requests to storage nodes, and back.

mod digesters;
mod errors;
mod incoming;
mod pipeline;
mod read;
mod store;

pub(crate) use digesters::Digesters;
pub(crate) use errors::read_error;
pub(crate) use incoming::RequestBody;
pub(crate) use pipeline::{CopyDigests, Pipeline};
pub(crate) use read::ObjectReader;
pub(crate) use store::{Pending, StoreTarget, Stored, store};
