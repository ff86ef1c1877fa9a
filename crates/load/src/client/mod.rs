//! An S3 client that costs little: one connection each, kept alive, and no copies of bodies.

mod body;
mod call;
mod connection;
mod endpoint;
mod identity;

pub use body::Payload;
pub use call::{Call, Verb};
pub use connection::{Connection, Reply, Take};
pub use endpoint::Endpoint;
pub use identity::{Identity, PayloadHash};
