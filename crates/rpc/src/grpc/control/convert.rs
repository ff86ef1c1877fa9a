//! Between the domain's words of control and their messages. Reading gives none for what makes no sense.

use crate::control::{ControlError, Formation, Hello, SettingsChange, Stage};
use crate::grpc::call::Lost;
use crate::grpc::proto::control as proto;
use bytes::Bytes;
use esker_types::{ClusterId, NodeId, NodeInfo, NodeRoles};
use proto::failure::Kind;
use std::num::NonZeroU8;

pub(super) fn hello(hello: Hello) -> proto::Hello {
    let stage = match hello.stage {
        Stage::Empty => proto::hello::Stage::Empty,
        Stage::Adopted => proto::hello::Stage::Adopted,
        Stage::Member => proto::hello::Stage::Member,
    };
    proto::Hello {
        node: hello.node.0,
        cluster: hello.cluster.map(cluster).unwrap_or_default(),
        stage: stage.into(),
        address: hello.address,
        peers: hello.peers,
    }
}

pub(super) fn read_hello(hello: proto::Hello) -> Option<Hello> {
    let stage = match hello.stage() {
        proto::hello::Stage::Empty => Stage::Empty,
        proto::hello::Stage::Adopted => Stage::Adopted,
        proto::hello::Stage::Member => Stage::Member,
        proto::hello::Stage::Unspecified => return None,
    };
    let cluster = if hello.cluster.is_empty() { None } else { Some(read_cluster(&hello.cluster)?) };
    Some(Hello { node: NodeId(hello.node), cluster, stage, address: hello.address, peers: hello.peers })
}

fn cluster(id: ClusterId) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

fn read_cluster(bytes: &Bytes) -> Option<ClusterId> {
    bytes.as_ref().try_into().ok().map(ClusterId::from_bytes)
}

pub(super) fn formation(formation: Formation) -> proto::FormRequest {
    let member = |(node, address): (NodeId, String)| proto::Member { node: node.0, address };
    proto::FormRequest {
        cluster: cluster(formation.cluster),
        members: formation.members.into_iter().map(member).collect(),
    }
}

pub(super) fn read_formation(request: proto::FormRequest) -> Option<Formation> {
    let member = |member: proto::Member| (NodeId(member.node), member.address);
    Some(Formation {
        cluster: read_cluster(&request.cluster)?,
        members: request.members.into_iter().map(member).collect(),
    })
}

pub(super) fn info(info: NodeInfo) -> proto::NodeInfo {
    let NodeInfo { address, roles, zone, host, weight } = info;
    proto::NodeInfo { address, roles: roles.bits().into(), zone, host, weight }
}

pub(super) fn read_info(info: proto::NodeInfo) -> Option<NodeInfo> {
    let proto::NodeInfo { address, roles, zone, host, weight } = info;
    let roles = u8::try_from(roles).ok().and_then(NodeRoles::from_bits)?;
    Some(NodeInfo { address, roles, zone, host, weight })
}

pub(super) fn settings_change(change: SettingsChange) -> proto::ChangeSettingsRequest {
    let SettingsChange { replicas, voters } = change;
    let number = |given: Option<NonZeroU8>| given.map(|number| number.get().into());
    proto::ChangeSettingsRequest { replicas: number(replicas), voters: number(voters) }
}

pub(super) fn read_settings_change(request: proto::ChangeSettingsRequest) -> Option<SettingsChange> {
    let number = |given: Option<u32>| match given {
        None => Some(None),
        Some(number) => u8::try_from(number).ok().and_then(NonZeroU8::new).map(Some),
    };
    Some(SettingsChange { replicas: number(request.replicas)?, voters: number(request.voters)? })
}

impl From<ControlError> for proto::Failure {
    fn from(error: ControlError) -> proto::Failure {
        let (kind, message, node) = match error {
            ControlError::Refused(why) => (Kind::Refused, why, 0),
            ControlError::NoSuchNode(node) => (Kind::NoSuchNode, String::new(), node.0),
            ControlError::Unavailable(why) => (Kind::Unavailable, why, 0),
            ControlError::Denied(why) => (Kind::Denied, why, 0),
        };
        proto::Failure { kind: kind.into(), message, node }
    }
}

impl From<proto::Failure> for ControlError {
    fn from(failure: proto::Failure) -> ControlError {
        match failure.kind() {
            Kind::Refused => ControlError::Refused(failure.message),
            Kind::NoSuchNode => ControlError::NoSuchNode(NodeId(failure.node)),
            Kind::Denied => ControlError::Denied(failure.message),
            Kind::Unavailable | Kind::Unspecified => ControlError::Unavailable(failure.message),
        }
    }
}

impl From<Lost> for ControlError {
    fn from(lost: Lost) -> ControlError {
        match lost {
            Lost::Denied(why) => ControlError::Denied(why),
            Lost::Unsent(why) | Lost::Unknown(why) => ControlError::Unavailable(why),
        }
    }
}
