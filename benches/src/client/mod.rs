//! The one client that drives Esker and the bare floor alike: signed requests on connections that are kept alive, each
//! client waiting for its reply before it sends the next request.
//!
//! It shares the machine's cores with what it measures, so it computes little: bodies are made and hashed once.

pub mod connection;
pub mod drive;
pub mod setup;
pub mod sign;
