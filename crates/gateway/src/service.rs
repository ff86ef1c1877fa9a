//! One request from its head to its reply: limits, signature, operation, errors, logs.

use crate::auth::{Authenticated, Authenticator};
use crate::core::Core;
use crate::data::RequestBody;
use crate::net::Handler;
use crate::ops::{self, OpBody, OpContext};
use crate::reply::{REQUEST_ID, Reply, ReplyBody, ascii, empty, http_date, xml};
use crate::telemetry::{InFlight, Meter, count_error};
use esker_s3::body::BodyPlan;
use esker_s3::request::{Caller, Hosting, Request as S3Request, RequestHead};
use esker_s3::{ErrorCode, S3Error};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::http::{HeaderValue, Method, Request, StatusCode, Version, header};
use std::sync::Arc;
use tracing::Instrument as _;

/// The S3 service.
pub(crate) struct S3Service {
    pub(crate) core: Arc<Core>,
    pub(crate) authenticator: Authenticator,
    pub(crate) hosting: Hosting,
}

/// How far a request was understood, for metrics and logs.
struct Progress {
    operation: &'static str,
}

impl Handler for S3Service {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let id = format!("{:016X}", self.core.random.u64());
        let span = tracing::info_span!("request", id = %id, method = %request.method());
        self.answer(request, id).instrument(span).await
    }

    fn meter(&self) -> Meter {
        Meter::of_clients()
    }
}

impl S3Service {
    async fn answer(&self, request: Request<Incoming>, id: String) -> Reply {
        let began = self.core.clock.monotonic();
        let in_flight = InFlight::begin();
        let (head, incoming) = request.into_parts();
        let mut body = RequestBody::new(incoming, &head.headers, self.core.settings.limits.idle);
        let cannot_continue = body.outlasts_drain();
        let mut progress = Progress { operation: "Unknown" };
        // The body is not read unless the head is in order, see `RequestBody`.
        let result = match self.understand(&head, &mut progress).await {
            Ok(understood) => self.carry_out(&head, understood, &mut body).await,
            Err(error) => Err(error),
        };
        let failed = result.is_err();
        let mut reply = result.unwrap_or_else(|error| self.error_reply(&head, &error, &id));
        if failed && cannot_continue && head.version < Version::HTTP_2 {
            reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.finish(&id, &mut reply);
        let took = self.core.clock.monotonic().saturating_sub(began);
        log(&head, progress.operation, reply.status(), took);
        in_flight.answer(progress.operation, reply.status(), took);
        reply
    }

    /// Everything that the head decides.
    async fn understand(&self, head: &Parts, progress: &mut Progress) -> Result<Understood, S3Error> {
        let limits = &self.core.settings.limits;
        let bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if head.headers.len() > limits.headers_max || bytes > limits.header_bytes_max {
            return Err(ErrorCode::RequestHeaderSectionTooLarge.into());
        }
        let request_head = RequestHead::new(&head.method, &head.uri, &head.headers);
        let Authenticated { account, payload } =
            self.authenticator.authenticate(&request_head, self.core.now())?;
        let request = S3Request::parse(&request_head, &self.hosting, Caller::Signed)?;
        progress.operation = ops::name(&request.operation);
        let plan = match ops::body_kind(&request.operation) {
            Some(kind) => Some(BodyPlan::parse(&request_head, payload, kind)?),
            None => None,
        };
        let cx = OpContext { core: &self.core, account: &account };
        ops::check_owners(cx, &request).await?;
        Ok(Understood { account, request, plan, host: request_head.host.to_owned() })
    }

    async fn carry_out(
        &self,
        head: &Parts,
        understood: Understood,
        body: &mut RequestBody,
    ) -> Result<Reply, S3Error> {
        let Understood { account, request, plan, host } = understood;
        let cx = OpContext { core: &self.core, account: &account };
        let body = plan.map(|plan| OpBody { body: body.take(), plan });
        let mut reply = ops::run(cx, request.operation, body, &host).await?;
        if head.method == Method::HEAD {
            *reply.body_mut() = ReplyBody::Empty;
        }
        Ok(reply)
    }

    fn error_reply(&self, head: &Parts, error: &S3Error, id: &str) -> Reply {
        count_error(error.code.text());
        // What lies behind a failure was told where it happened, with the same request id. That the client wants
        // what Esker has not is no failure.
        if error.status().is_server_error() && error.code != ErrorCode::NotImplemented {
            tracing::warn!(code = error.code.text(), message = %error.message, "a request failed");
        } else {
            tracing::debug!(code = error.code.text(), message = %error.message, "a request was refused");
        }
        // s3-rules 1 and 3
        let bodyless = head.method == Method::HEAD || error.status() == StatusCode::NOT_MODIFIED;
        let mut reply = match bodyless {
            true => empty(error.status()),
            false => xml(esker_s3::xml::write::error_document(error, head.uri.path(), id)),
        };
        *reply.status_mut() = error.status();
        reply.headers_mut().extend(error.headers.iter().cloned());
        reply
    }

    /// The headers that every reply has.
    fn finish(&self, id: &str, reply: &mut Reply) {
        let headers = reply.headers_mut();
        headers.insert(REQUEST_ID, ascii(id));
        headers.insert(header::SERVER, HeaderValue::from_static("Esker"));
        headers.insert(header::DATE, http_date(self.core.now()));
    }
}

/// A request whose head is in order.
struct Understood {
    account: String,
    request: S3Request,
    plan: Option<BodyPlan>,
    host: String,
}

fn log(head: &Parts, operation: &'static str, status: StatusCode, took: std::time::Duration) {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(operation, path = head.uri.path(), status = status.as_u16(), micros, "answered");
}
