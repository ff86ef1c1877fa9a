//! One module per target.

pub mod bodies;
pub mod identifiers;
pub mod index_commands;
pub mod index_records;
pub mod requests;
pub mod storage_segments;
pub mod wal_segments;
pub mod xml_replies;
pub mod xml_requests;
