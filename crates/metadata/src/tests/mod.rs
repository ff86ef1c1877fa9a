//! Scenarios over whole nodes, and checks of formats and of openraft's contracts.

mod cluster;
mod crash;
mod cuts;
mod disk_full;
mod forgetful;
mod formats;
mod histories;
mod members;
mod nodes;
mod partitions;
mod single;
mod snapshots;
mod suite;
mod support;
mod wrong_clocks;
