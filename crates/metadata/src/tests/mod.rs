//! Scenarios over whole nodes, and checks of formats and of openraft's contracts.

mod cluster;
mod crash;
mod disk_full;
mod forgetful;
mod formats;
mod histories;
mod nodes;
mod single;
mod snapshots;
mod suite;
mod support;
