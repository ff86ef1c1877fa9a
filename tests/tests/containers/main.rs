//! The container image and the Compose files of `deploy`, as users run them.
//!
//! They need Docker and images that `cargo xtask verify --only containers` makes; without them these tests fail and say so.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests watch the product from outside: real clock, real files"
)]

mod cluster;
mod image;
mod restarts;
mod secrets;
mod single;
