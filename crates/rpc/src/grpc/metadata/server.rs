//! Offers the metadata layer, as this node has it, to nodes that have no replicas.

use crate::grpc::call::malformed;
use crate::grpc::metadata::{MESSAGE_BYTES_MAX, convert};
use crate::grpc::proto::metadata::metadata_server::{Metadata as MetadataCalls, MetadataServer};
use crate::grpc::proto::metadata::{self as proto, propose_reply, query_reply};
use crate::metadata::Metadata;
use crate::transport::Routes;
use esker_env::Clock;
use esker_index::outcome::OutcomeRecord;
use esker_index::query::Query;
use esker_index::records::Record as _;
use esker_types::GroupId;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Adds the metadata layer to what a node's server offers. `clock` is the time by which deadlines are judged, as this
/// node knows it; callers take theirs from it.
pub fn with_metadata(routes: Routes, metadata: Arc<dyn Metadata>, clock: Arc<dyn Clock>) -> Routes {
    let server = MetadataServer::new(Service { metadata, clock })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    routes.add_service(server)
}

struct Service {
    metadata: Arc<dyn Metadata>,
    clock: Arc<dyn Clock>,
}

fn group(number: u32) -> Result<GroupId, Status> {
    u16::try_from(number).map(GroupId).map_err(|_| malformed("group"))
}

#[tonic::async_trait]
impl MetadataCalls for Service {
    async fn propose(
        &self,
        request: Request<proto::ProposeRequest>,
    ) -> Result<Response<proto::ProposeReply>, Status> {
        let request = request.into_inner();
        let group = group(request.group)?;
        let proposal = convert::read_command(request.command).ok_or_else(|| malformed("command"))?;
        let result = match self.metadata.propose(group, proposal).await {
            Ok(outcome) => propose_reply::Result::Outcome(OutcomeRecord(outcome).encode().into()),
            Err(error) => propose_reply::Result::Failure(error.into()),
        };
        let now_micros = self.clock.now().micros();
        Ok(Response::new(proto::ProposeReply { result: Some(result), now_micros }))
    }

    async fn query(
        &self,
        request: Request<proto::QueryRequest>,
    ) -> Result<Response<proto::QueryReply>, Status> {
        let request = request.into_inner();
        let group = group(request.group)?;
        let query = Query::decode(request.query).map_err(|_| malformed("query"))?;
        let result = match self.metadata.query(group, query).await {
            Ok(answer) => query_reply::Result::Answer(answer.encode()),
            Err(error) => query_reply::Result::Failure(error.into()),
        };
        let now_micros = self.clock.now().micros();
        Ok(Response::new(proto::QueryReply { result: Some(result), now_micros }))
    }
}
