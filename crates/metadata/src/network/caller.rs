//! Who calls whom: the metadata that every call carries.
//!
//! This is the one place where calls get and show credentials. Today a call shows only which cluster it belongs to; a
//! shared secret will be another key here.

use esker_types::{GroupId, NodeId};
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::service::Interceptor;
use tonic::{Request, Status};
use uuid::Uuid;

/// A cluster: random, chosen when it is formed.
pub(crate) type ClusterId = Uuid;

const CLUSTER: &str = "esker-cluster";
const GROUP: &str = "esker-group";
const NODE: &str = "esker-node";

/// Addresses the calls of a client.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    cluster: AsciiMetadataValue,
    group: AsciiMetadataValue,
    node: AsciiMetadataValue,
}

impl Caller {
    pub(crate) fn new(cluster: ClusterId, group: GroupId, node: NodeId) -> Caller {
        let ascii = |text: String| {
            AsciiMetadataValue::try_from(text).expect("digits, letters and hyphens are valid metadata")
        };
        Caller {
            cluster: ascii(cluster.as_hyphenated().to_string()),
            group: AsciiMetadataValue::from(group.0),
            node: ascii(node.to_string()),
        }
    }
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert(CLUSTER, self.cluster.clone());
        metadata.insert(GROUP, self.group.clone());
        metadata.insert(NODE, self.node.clone());
        Ok(request)
    }
}

/// Checks that a call comes from this cluster and means this node. Returns the group that it means.
pub(crate) fn check(metadata: &MetadataMap, cluster: ClusterId, node: NodeId) -> Result<GroupId, Status> {
    let text = |key| metadata.get(key).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if Uuid::try_parse(text(CLUSTER)) != Ok(cluster) {
        return Err(Status::permission_denied("this node belongs to another cluster"));
    }
    if text(NODE) != node.to_string() {
        return Err(Status::failed_precondition("this is another node"));
    }
    text(GROUP).parse().map(GroupId).map_err(|_| Status::invalid_argument("the call names no group"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(cluster: u128, group: u16, node: u64) -> MetadataMap {
        let mut caller = Caller::new(Uuid::from_u128(cluster), GroupId(group), NodeId(node));
        caller.call(Request::new(())).unwrap().metadata().clone()
    }

    #[test]
    fn a_call_of_another_cluster_or_for_another_node_is_refused() {
        let check = |metadata: &MetadataMap| check(metadata, Uuid::from_u128(1), NodeId(2));
        assert_eq!(check(&call(1, 3, 2)).unwrap(), GroupId(3));
        assert_eq!(check(&call(9, 3, 2)).unwrap_err().code(), tonic::Code::PermissionDenied);
        assert_eq!(check(&call(1, 3, 9)).unwrap_err().code(), tonic::Code::FailedPrecondition);
        assert_eq!(check(&MetadataMap::new()).unwrap_err().code(), tonic::Code::PermissionDenied);
    }
}
