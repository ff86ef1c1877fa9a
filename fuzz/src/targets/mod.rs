//! One module per target.

pub mod identifiers;
