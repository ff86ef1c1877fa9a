//! S3's XML documents: reading request bodies, writing replies.

pub mod results;
