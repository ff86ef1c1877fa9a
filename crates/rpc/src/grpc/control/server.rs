//! Lets other processes control this node.

use crate::control::{Control, ControlError};
use crate::grpc::call::malformed;
use crate::grpc::control::convert;
use crate::grpc::proto::control::control_server::{Control as ControlCalls, ControlServer};
use crate::grpc::proto::control::{self as proto, hello_reply, status_reply};
use crate::transport::Routes;
use esker_types::NodeId;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Adds a node's control to what its server offers.
pub fn with_control(routes: Routes, control: Arc<dyn Control>) -> Routes {
    routes.add_service(ControlServer::new(Service { control }))
}

struct Service {
    control: Arc<dyn Control>,
}

type Done = Result<Response<proto::DoneReply>, Status>;

#[allow(clippy::unnecessary_wraps, reason = "it is what every call returns")]
fn done(result: Result<(), ControlError>) -> Done {
    Ok(Response::new(proto::DoneReply { failure: result.err().map(Into::into) }))
}

#[tonic::async_trait]
impl ControlCalls for Service {
    async fn hello(&self, _: Request<proto::HelloRequest>) -> Result<Response<proto::HelloReply>, Status> {
        let result = match self.control.hello().await {
            Ok(hello) => hello_reply::Result::Hello(convert::hello(hello)),
            Err(error) => hello_reply::Result::Failure(error.into()),
        };
        Ok(Response::new(proto::HelloReply { result: Some(result) }))
    }

    async fn form(&self, request: Request<proto::FormRequest>) -> Done {
        let formation = convert::read_formation(request.into_inner());
        done(self.control.form(formation.ok_or_else(|| malformed("cluster"))?).await)
    }

    async fn join(&self, request: Request<proto::JoinRequest>) -> Done {
        let proto::JoinRequest { node, info } = request.into_inner();
        let info = info.and_then(convert::read_info).ok_or_else(|| malformed("description of a node"))?;
        done(self.control.join(NodeId(node), info).await)
    }

    async fn invite(&self, request: Request<proto::InviteRequest>) -> Done {
        done(self.control.invite(request.into_inner().seed).await)
    }

    async fn status(&self, _: Request<proto::StatusRequest>) -> Result<Response<proto::StatusReply>, Status> {
        let result = match self.control.status().await {
            Ok(json) => status_reply::Result::Json(json),
            Err(error) => status_reply::Result::Failure(error.into()),
        };
        Ok(Response::new(proto::StatusReply { result: Some(result) }))
    }

    async fn drain(&self, request: Request<proto::DrainRequest>) -> Done {
        done(self.control.drain(NodeId(request.into_inner().node)).await)
    }

    async fn undrain(&self, request: Request<proto::UndrainRequest>) -> Done {
        done(self.control.undrain(NodeId(request.into_inner().node)).await)
    }

    async fn remove(&self, request: Request<proto::RemoveRequest>) -> Done {
        done(self.control.remove(NodeId(request.into_inner().node)).await)
    }

    async fn replace(&self, request: Request<proto::ReplaceRequest>) -> Done {
        let proto::ReplaceRequest { old, new } = request.into_inner();
        done(self.control.replace(NodeId(old), new.map(NodeId)).await)
    }

    async fn change_settings(&self, request: Request<proto::ChangeSettingsRequest>) -> Done {
        let change = convert::read_settings_change(request.into_inner());
        done(self.control.change_settings(change.ok_or_else(|| malformed("number"))?).await)
    }
}
