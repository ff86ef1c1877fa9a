//! The store as its users see it: over simulated and real disks, through crashes and damage.

mod concurrency;
mod contract;
mod damage;
mod datadir;
mod full;
mod golden;
mod maintenance;
mod model;
mod power;
mod recovery;
mod support;
