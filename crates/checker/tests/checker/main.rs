//! Wrong histories are found out and right ones pass: by example, by comparison with a search of all orders, and by
//! histories of a real register.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests")]

mod generated;
mod oracle;
mod order;
mod register;
mod support;
mod text;
