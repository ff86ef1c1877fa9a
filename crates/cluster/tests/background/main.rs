//! The background work of a whole cluster, as scenarios.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod cleaning;
mod gone;
mod late_puts;
mod moves;
mod repairs;
mod retired;
mod schedules;
mod support;
