//! Blobs with replicas on nodes that stall, fail, rot, vanish and move.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod deletes;
mod faults;
mod memory;
mod reads;
mod support;
mod views;
mod writes;
