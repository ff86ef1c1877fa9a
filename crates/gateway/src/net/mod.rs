//! Connections: accepting them, bounding what each can take, ending them well.

mod connection;
mod listen;
mod stall;

pub(crate) use listen::{Handler, serve};
