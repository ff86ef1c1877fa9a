//! Clusters of real processes: what they promise while nodes come, go, fail and lose one another.
//!
//! Scenarios that cut nodes off need network namespaces; they are in modules named `partitions…`.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests watch the product from outside: real clock, real files"
)]

mod forming;
mod freezes;
mod health;
mod joining;
mod lists;
mod objects;
mod partitions;
mod restarts;
mod settings;
