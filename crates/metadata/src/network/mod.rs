//! How metadata nodes talk: gRPC clients for openraft and for forwarding, and the service that routes calls to the
//! groups of this node.

mod client;
mod conditions;
mod convert;
mod group_header;
mod peers;
mod send_snapshot;
mod server;
mod take_snapshot;

pub(crate) use client::NetworkFactory;
pub(crate) use conditions::{Conditions, Room};
pub(crate) use peers::{Client, Link, NoWay, Peers};
pub(crate) use server::{REFUSED_APPENDS, RaftService, Registry};

/// The largest message that is sent or accepted, in bytes: a batch of entries that ends in the longest command, or a
/// snapshot chunk that ends in the largest row.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
