//! What is made for those who collect metrics (`deploy/observability`), tried with Prometheus itself.
//!
//! Needs `prometheus` and `promtool` (Debian's package `prometheus`), and `strace`, which makes a disk fail.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests watch the product from outside: real clock, real files"
)]

mod alerts;
mod dashboard;
mod rules;
mod watched;
