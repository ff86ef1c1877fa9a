//! [`Control`](crate::Control) between processes.

mod client;
mod convert;
mod server;

pub use client::RemoteControl;
pub use server::with_control;
