//! How nodes reach one another: connections that name their plane, calls that show the cluster's credential, and the
//! guard that checks both.
//!
//! A connection opens with a *preface*, one line that names its [`Plane`]; then it speaks HTTP/2. Raft's connections
//! are so told apart before the first request, and served by a runtime of their own. Each request carries who calls,
//! whom it means and a token that only holders of the [`ClusterSecret`] can make.
//!
//! The secret proves who calls. It does not hide what is said, nor does it protect the bodies of calls against
//! somebody who can change packets: the network between nodes must be private.

mod channel;
mod connect;
mod connection;
mod credential;
mod guard;
mod identity;
mod listen;
mod network;
mod plane;
mod refusals;
mod secret;
mod serve;
#[cfg(test)]
mod socket_tests;

pub use channel::AuthChannel;
pub use connect::{BoxedStream, Connect, Stream, TcpConnect};
pub use connection::Connection;
pub use guard::{CallerInfo, Guard};
pub use identity::{ClusterCell, Identity};
pub use listen::{Accepted, Incoming, IncomingSender, Listener};
pub use network::{AddressError, Network, Purpose};
pub use plane::{Plane, PrefaceError, read_preface, write_preface};
pub use secret::{ClusterSecret, SecretError};
pub use serve::{ServeError, serve};
pub use tonic::service::Routes;
