//! What all calls share: a deadline at both ends, and words for what became of one that did not get through.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;
use tonic::{Code, Request, Response, Status};

/// A call that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The other side does not let this process in.
    Denied(String),
    /// The call did not reach the node that was meant.
    Unsent(String),
    /// Nobody knows what became of it.
    Unknown(String),
}

impl Lost {
    /// What happened, for people.
    pub(super) fn why(self) -> String {
        match self {
            Lost::Denied(why) | Lost::Unsent(why) | Lost::Unknown(why) => why,
        }
    }

    pub(super) fn too_late() -> Lost {
        Lost::Unknown("no answer in time".to_owned())
    }

    pub(super) fn malformed() -> Lost {
        Lost::Unknown("the answer makes no sense".to_owned())
    }
}

impl From<Status> for Lost {
    fn from(status: Status) -> Lost {
        let why = status.message().to_owned();
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => Lost::Denied(why),
            // Refused before anything was done.
            Code::FailedPrecondition | Code::InvalidArgument | Code::Unimplemented => Lost::Unsent(why),
            _ if never_connected(&status) => Lost::Unsent(why),
            _ => Lost::Unknown(why),
        }
    }
}

fn never_connected(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Makes a call that both ends give up after `limit`.
pub(super) async fn within<M, R, F>(
    limit: Duration,
    message: M,
    call: impl FnOnce(Request<M>) -> F,
) -> Result<R, Lost>
where
    F: Future<Output = Result<Response<R>, Status>>,
{
    let mut request = Request::new(message);
    request.set_timeout(limit);
    match tokio::time::timeout(limit, call(request)).await {
        Ok(reply) => Ok(reply?.into_inner()),
        Err(_) => Err(Lost::too_late()),
    }
}

/// A request that no program of this version makes.
pub(super) fn malformed(what: &str) -> Status {
    Status::invalid_argument(format!("the call's {what} makes no sense"))
}
