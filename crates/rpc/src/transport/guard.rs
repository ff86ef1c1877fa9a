//! Lets in the calls of this cluster's nodes, and no other.

use crate::transport::Identity;
use crate::transport::connection::Source;
use crate::transport::credential::{Refusal, admit};
use crate::transport::refusals::Refusals;
use esker_types::{ClusterId, NodeId};
use futures::future::{Either, Ready, ready};
use http::{Request, Response};
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

/// Who makes a call, as far as the cluster's secret proves it: found in the extensions of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerInfo {
    /// The caller's cluster; none only in calls of [`Control`](crate::Control).
    pub cluster: Option<ClusterId>,
    /// The caller; 0 for an operator's tool.
    pub from: NodeId,
}

/// Checks the credential of each call before anything reads its body.
#[derive(Clone, Debug)]
pub struct Guard {
    identity: Identity,
    refusals: Arc<Refusals>,
}

impl Guard {
    /// The guard of a process.
    pub fn new(identity: Identity) -> Guard {
        Guard { identity, refusals: Arc::default() }
    }

    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Status> {
        let caller = admit(&self.identity, request.uri().path(), request.headers());
        let caller = caller.map_err(|refusal| self.refuse(request, refusal))?;
        request.extensions_mut().insert(caller);
        Ok(())
    }

    fn refuse<B>(&self, request: &Request<B>, refusal: Refusal) -> Status {
        let source = request.extensions().get::<Source>().and_then(|source| source.0);
        if self.refusals.is_news(source, refusal) {
            let path = request.uri().path();
            tracing::warn!(?source, path, "refused a call: {refusal}; further ones are not logged");
        }
        match refusal {
            Refusal::OtherNode | Refusal::NoCluster => Status::failed_precondition(refusal.to_string()),
            _ => Status::permission_denied(refusal.to_string()),
        }
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.clone(), inner }
    }
}

/// A service behind a [`Guard`].
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<Body>, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.guard.check(&mut request) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(status) => Either::Left(ready(Ok(status.into_http()))),
        }
    }
}
