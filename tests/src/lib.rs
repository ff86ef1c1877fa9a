//! Fixtures of the end-to-end tests: the real binary, real clients, real files, the real clock.
//!
//! Everything in this package talks to `esker server` from outside, as a user's program would. It links no
//! crate of the product but the checker of histories and the values that it names, so that a mistake shared by both sides
//! of a protocol can't hide here.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests watch the product from outside: real clock, real files"
)]

pub mod bucket;
pub mod cluster;
pub mod compose;
pub mod connection;
pub mod digest;
pub mod http;
pub mod load;
pub mod output;
pub mod payload;
pub mod program;
pub mod prometheus;
pub mod report;
pub mod request;
pub mod sdk;
pub mod server;
pub mod serves;
pub mod sigv4;
pub mod trial;
pub mod wait;
