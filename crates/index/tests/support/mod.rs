//! What the index's tests share: a naive model, a generator of commands, and engines to run them on.

pub(crate) mod cluster;
pub(crate) mod cluster_commands;
pub(crate) mod commands;
pub(crate) mod engines;
pub(crate) mod lists;
pub(crate) mod model;
#[allow(dead_code, reason = "the random model runs on engines")]
pub(crate) mod rows;
