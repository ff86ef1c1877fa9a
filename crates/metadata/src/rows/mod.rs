//! Where a group's rows are kept: one keyspace per generation, and one pointer row that says which generation counts.

mod pointer;
mod store;
mod view;

#[cfg(test)]
pub(crate) use pointer::Mark;
pub(crate) use pointer::{MARK, Pointer};
pub(crate) use store::{GroupRows, RowsFailure};
pub(crate) use view::RowsView;
