//! Clients of the cluster, and what they do.

pub mod content;
mod session;
mod work;

pub use session::{Session, bucket, make_bucket};
pub use work::{Work, key_name, work};
