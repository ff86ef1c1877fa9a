//! Names the group that a call means. Who calls, and which node is meant, the transport's credential says.

use esker_types::GroupId;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::service::Interceptor;
use tonic::{Request, Status};

const GROUP: &str = "esker-group";

/// Addresses the calls of a client to a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForGroup(pub(crate) GroupId);

impl Interceptor for ForGroup {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(GROUP, AsciiMetadataValue::from(self.0.0));
        Ok(request)
    }
}

/// The group that a call means.
pub(crate) fn group_of(metadata: &MetadataMap) -> Result<GroupId, Status> {
    let text = metadata.get(GROUP).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.parse().map(GroupId).map_err(|_| Status::invalid_argument("the call names no group"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_says_which_group_it_means() {
        let call = ForGroup(GroupId(3)).call(Request::new(())).unwrap();
        assert_eq!(group_of(call.metadata()).unwrap(), GroupId(3));
        assert_eq!(group_of(&MetadataMap::new()).unwrap_err().code(), tonic::Code::InvalidArgument);
    }
}
