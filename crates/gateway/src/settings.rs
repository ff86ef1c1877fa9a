//! What an operator can choose about a gateway. Values only; what is injected is in [`crate::Components`].

use esker_types::GroupId;
use std::time::Duration;

/// A gateway's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region that signatures must name.
    pub region: String,
    /// Domains under which `BUCKET.DOMAIN` names a bucket; lower case, without ports. May be empty.
    pub domains: Vec<String>,
    /// The Raft groups among which new buckets are spread; not empty.
    pub data_groups: Vec<GroupId>,
    /// Objects of at most so many bytes are kept in the version index itself.
    pub inline_bytes_max: usize,
    /// Bounds on what one client can take.
    pub limits: Limits,
}

/// Bounds on what clients can take of a gateway's memory, descriptors and time.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Most connections at a time; further ones wait in the listener's backlog.
    pub connections_max: usize,
    /// How long a request's head may take to arrive, counted from the connection's start or from its first byte.
    pub header_read: Duration,
    /// How long an HTTP/2 connection may rest between requests; one of HTTP/1.1 rests no longer than `header_read`.
    pub keep_alive: Duration,
    /// How long a body may give no byte, or a reply's reader take none.
    pub idle: Duration,
    /// How long requests in flight may still run once shutdown began.
    pub drain: Duration,
    /// Largest header section in bytes, names and values.
    pub header_bytes_max: usize,
    /// Most headers of a request.
    pub headers_max: usize,
    /// How long a request waits for a leader before the client is told, and how long a group may be silent before
    /// further requests are told at once. Elections take about two seconds.
    pub unavailable: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            region: "us-east-1".to_owned(),
            domains: Vec::new(),
            data_groups: vec![GroupId::DIRECTORY],
            inline_bytes_max: 16 << 10,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 4096,
            header_read: Duration::from_secs(30),
            keep_alive: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            drain: Duration::from_secs(30),
            header_bytes_max: 64 << 10,
            headers_max: 128,
            unavailable: Duration::from_secs(6),
        }
    }
}
