//! Faults: clusters of real processes under load, to which harm is done. Every trial ends with the judgement of all that
//! clients saw (see `e2e::trial`). Trials run one at a time, whatever the number of test threads.
//!
//! Trials that cut nodes off need network namespaces; they are in modules named `partitions…`.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests watch the product from outside: real clock, real files"
)]

mod absences;
mod clocks;
mod freezes;
mod growth;
mod kills;
mod logs;
mod partitions;
mod races;
mod rot;
mod space;
mod strangers;
