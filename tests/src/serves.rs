//! What clients need to know of whoever serves them: a server alone, or a node of a cluster.

use std::net::SocketAddr;
use std::sync::Arc;

/// Where something serves S3, for the root user of [`ACCESS_KEY`](crate::server::ACCESS_KEY).
pub trait Serves {
    /// Address of the S3 listener.
    fn s3(&self) -> SocketAddr;

    /// Address of the console.
    fn console(&self) -> SocketAddr;

    /// `http://host:port` of the S3 listener.
    fn endpoint(&self) -> String {
        format!("http://{}", self.s3())
    }
}

impl<T: Serves> Serves for Arc<T> {
    fn s3(&self) -> SocketAddr {
        T::s3(self)
    }

    fn console(&self) -> SocketAddr {
        T::console(self)
    }
}

impl<T: Serves> Serves for &T {
    fn s3(&self) -> SocketAddr {
        T::s3(self)
    }

    fn console(&self) -> SocketAddr {
        T::console(self)
    }
}
