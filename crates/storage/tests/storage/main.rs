//! The store as its users see it: over simulated and real disks, through crashes and damage.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test, as its own body does")]

mod concurrency;
mod contract;
mod damage;
mod datadir;
mod fences;
mod full;
mod golden;
mod maintenance;
mod model;
mod panics;
mod power;
mod recovery;
mod repair;
mod retired;
mod support;
