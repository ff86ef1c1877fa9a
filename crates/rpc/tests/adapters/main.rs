//! The adapters over real sockets, held to what the traits promise.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests")]

mod control;
mod metadata;
mod proxy;
mod scripted;
mod storage;
mod storage_load;
mod storage_storms;
mod storage_trouble;
