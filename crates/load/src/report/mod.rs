//! What is said about a run: lines of JSON while it goes on, tables and a page afterwards.

mod chart;
mod charts;
mod html;
pub mod lines;
mod markdown;
mod markup;
mod past;
mod rows;
#[cfg(test)]
mod tests;
mod units;

pub use html::page;
pub use lines::{End, Header, Line, Second};
pub use markdown::table;
pub use past::{NotReport, Past};
pub use rows::{COLUMNS, remarks, rows};
pub use units::{bytes_per_second, duration, number};

pub(crate) use markup::escape;
