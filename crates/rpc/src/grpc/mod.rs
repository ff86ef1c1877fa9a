//! The traits between processes: for each a client that implements it, and a service that offers one.
//!
//! What a role answers, its errors included, travels in the messages; a gRPC status says only that a call did not
//! get through. Generated types stay in here, but for [`Failure`], which the calls between replicas carry too.

mod call;
mod control;
mod metadata;
mod proto;
mod storage;

pub use control::{RemoteControl, with_control};
pub use metadata::{Members, RemoteClock, RemoteMetadata, with_metadata};
pub use proto::metadata::Failure;
pub use storage::{RemoteStorage, with_storage};

#[cfg(test)]
pub(crate) mod test_client {
    //! A call with headers of any kind.
    use super::proto::control::{HelloRequest, control_client::ControlClient};
    use http::HeaderMap;
    use tonic::body::Body;
    use tonic::metadata::MetadataMap;
    use tonic::{Code, Request};
    use tower::Service;

    /// What became of the call.
    pub(crate) async fn hello<S>(channel: S, headers: HeaderMap) -> Code
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>>,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut request = Request::new(HelloRequest {});
        *request.metadata_mut() = MetadataMap::from_headers(headers);
        match ControlClient::new(channel).hello(request).await {
            Ok(_) => Code::Ok,
            Err(status) => status.code(),
        }
    }
}
