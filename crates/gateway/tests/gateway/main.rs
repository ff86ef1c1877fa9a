//! Tells the gateway's behaviour as scenarios: real sockets, real requests, the real state machine; the other
//! roles' disks and networks are in memory.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

mod buckets;
mod conditions;
mod connections;
mod copy;
mod deletes;
mod lists;
mod malformed;
mod multipart;
mod outcomes;
mod reads;
mod replicas;
mod routes;
mod uploads;
mod versions;

/// Bytes that tell their place.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}
