//! Where a group's rows are kept: one keyspace per generation, and one pointer row that says which generation counts.

mod pointer;
mod store;
mod view;

pub(crate) use pointer::Pointer;
pub(crate) use store::{GroupRows, RowsFailure};
pub(crate) use view::RowsView;
