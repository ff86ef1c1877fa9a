//! Tells the gateway's behaviour as scenarios: real sockets, real requests, the real state machine; the other
//! roles' disks and networks are in memory.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

mod smoke;
