//! What the index's tests share: a naive model, a generator of commands, and engines to run them on.

pub(crate) mod commands;
pub(crate) mod engines;
pub(crate) mod lists;
pub(crate) mod model;
