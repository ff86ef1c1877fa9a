//! Scenarios over whole nodes, and checks of formats and of openraft's contracts.

mod cluster;
mod crash;
mod forgetful;
mod formats;
mod nodes;
mod single;
mod snapshots;
mod suite;
mod support;
