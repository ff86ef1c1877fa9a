//! S3's XML documents: reading request bodies, writing replies.

mod delete_result;
pub mod read;
pub mod results;
mod tree;
pub mod write;
mod writer;

/// The namespace of S3's documents (s3-rules 21).
pub const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
