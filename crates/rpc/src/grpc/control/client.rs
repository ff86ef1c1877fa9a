//! Controls a node in another process.

use crate::control::{Control, ControlError, Formation, Hello, SettingsChange};
use crate::grpc::call::{Lost, within};
use crate::grpc::control::convert;
use crate::grpc::proto::control::control_client::ControlClient;
use crate::grpc::proto::control::{self as proto, hello_reply, status_reply};
use crate::transport::{AddressError, AuthChannel, Network, Plane, Purpose};
use async_trait::async_trait;
use esker_types::{NodeId, NodeInfo};
use std::time::Duration;

const PURPOSE: Purpose = Purpose("control");
/// For what a node answers from what it knows.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// For what has to be agreed upon, perhaps by a group that is just electing its leader.
const CHANGE_LIMIT: Duration = Duration::from_secs(30);

/// A node that is reached over the network.
#[derive(Clone, Debug)]
pub struct RemoteControl {
    client: ControlClient<AuthChannel>,
}

impl RemoteControl {
    /// The node `to` at `address`, or with a `to` of 0 whoever is there.
    ///
    /// # Errors
    /// The address is of no use.
    pub fn new(network: &Network, to: NodeId, address: &str) -> Result<RemoteControl, AddressError> {
        let channel = network.channel(to, address, Plane::Data, PURPOSE)?;
        Ok(RemoteControl { client: ControlClient::new(channel) })
    }
}

fn done(reply: Result<proto::DoneReply, Lost>) -> Result<(), ControlError> {
    reply?.failure.map_or(Ok(()), |failure| Err(failure.into()))
}

#[async_trait]
impl Control for RemoteControl {
    async fn hello(&self) -> Result<Hello, ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.hello(request).await };
        match within(ANSWER_LIMIT, proto::HelloRequest {}, call).await?.result {
            Some(hello_reply::Result::Hello(hello)) => {
                convert::read_hello(hello).ok_or_else(|| Lost::malformed().into())
            }
            Some(hello_reply::Result::Failure(failure)) => Err(failure.into()),
            None => Err(Lost::malformed().into()),
        }
    }

    async fn form(&self, formation: Formation) -> Result<(), ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.form(request).await };
        done(within(CHANGE_LIMIT, convert::formation(formation), call).await)
    }

    async fn join(&self, node: NodeId, info: NodeInfo) -> Result<(), ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.join(request).await };
        let request = proto::JoinRequest { node: node.0, info: Some(convert::info(info)) };
        done(within(CHANGE_LIMIT, request, call).await)
    }

    async fn invite(&self, seed: String) -> Result<(), ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.invite(request).await };
        done(within(CHANGE_LIMIT, proto::InviteRequest { seed }, call).await)
    }

    async fn status(&self) -> Result<String, ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.status(request).await };
        match within(ANSWER_LIMIT * 2, proto::StatusRequest {}, call).await?.result {
            Some(status_reply::Result::Json(json)) => Ok(json),
            Some(status_reply::Result::Failure(failure)) => Err(failure.into()),
            None => Err(Lost::malformed().into()),
        }
    }

    async fn drain(&self, node: NodeId) -> Result<(), ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.drain(request).await };
        done(within(CHANGE_LIMIT, proto::DrainRequest { node: node.0 }, call).await)
    }

    async fn undrain(&self, node: NodeId) -> Result<(), ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.undrain(request).await };
        done(within(CHANGE_LIMIT, proto::UndrainRequest { node: node.0 }, call).await)
    }

    async fn remove(&self, node: NodeId) -> Result<(), ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.remove(request).await };
        done(within(CHANGE_LIMIT, proto::RemoveRequest { node: node.0 }, call).await)
    }

    async fn replace(&self, old: NodeId, new: Option<NodeId>) -> Result<(), ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.replace(request).await };
        let request = proto::ReplaceRequest { old: old.0, new: new.map(|node| node.0) };
        done(within(CHANGE_LIMIT, request, call).await)
    }

    async fn change_settings(&self, change: SettingsChange) -> Result<(), ControlError> {
        let mut client = self.client.clone();
        let call = |request| async move { client.change_settings(request).await };
        done(within(CHANGE_LIMIT, convert::settings_change(change), call).await)
    }
}
