//! A client's way to one node: a connection that others may share, and the credential that each call gets.

use crate::transport::Identity;
use crate::transport::credential::Credential;
use esker_types::NodeId;
use http::{Request, Response};
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::transport::channel::ResponseFuture;
use tower::Service;

/// Carries calls to one node and signs them. Cheap to clone; tonic's clients are made of it.
#[derive(Clone, Debug)]
pub struct AuthChannel {
    channel: Channel,
    /// Keeps the connection in the pool.
    _pooled: Arc<Channel>,
    identity: Identity,
    to: NodeId,
}

impl AuthChannel {
    pub(super) fn new(pooled: Arc<Channel>, identity: Identity, to: NodeId) -> AuthChannel {
        AuthChannel { channel: Channel::clone(&pooled), _pooled: pooled, identity, to }
    }
}

impl Service<Request<Body>> for AuthChannel {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.channel, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture {
        let own = &self.identity;
        let credential = Credential {
            cluster: own.cluster.get(),
            from: own.node,
            to: self.to,
            millis: own.clock.now().micros() / 1000,
        };
        let path = request.uri().path().to_owned();
        credential.write(&own.secret, &path, request.headers_mut());
        self.channel.call(request)
    }
}
