//! Offers this node's storage to other processes.

use crate::grpc::call::malformed;
use crate::grpc::proto::storage::storage_server::{Storage as StorageCalls, StorageServer};
use crate::grpc::proto::storage::{self as proto, list_reply, put_reply, stat_reply, usage_reply};
use crate::grpc::storage::{BLOBS_MAX, MESSAGE_BYTES_MAX, convert, get, put};
use crate::storage::{STAT_MAX, Storage, StorageError};
use crate::transport::Routes;
use esker_types::ByteRange;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};

/// Adds a node's storage to what its server offers.
pub fn with_storage(routes: Routes, storage: Arc<dyn Storage>) -> Routes {
    let server = StorageServer::new(Service { storage })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    routes.add_service(server)
}

struct Service {
    storage: Arc<dyn Storage>,
}

type Reply<R> = Result<Response<R>, Status>;

#[allow(clippy::unnecessary_wraps, reason = "it is what every call returns")]
fn done(result: Result<(), StorageError>) -> Reply<proto::DoneReply> {
    Ok(Response::new(proto::DoneReply { failure: result.err().map(Into::into) }))
}

#[tonic::async_trait]
impl StorageCalls for Service {
    async fn put(&self, request: Request<Streaming<proto::PutMessage>>) -> Reply<proto::PutReply> {
        let mut messages = request.into_inner();
        let (blob, fence) = put::header(&mut messages).await.ok_or_else(|| malformed("header"))?;
        let result = match self.storage.put(blob, fence, put::body(messages)).await {
            Ok(length) => put_reply::Result::Length(length),
            Err(error) => put_reply::Result::Failure(error.into()),
        };
        Ok(Response::new(proto::PutReply { result: Some(result) }))
    }

    type GetStream = get::Sending;

    async fn get(&self, request: Request<proto::GetRequest>) -> Reply<get::Sending> {
        let proto::GetRequest { blob, first, last } = request.into_inner();
        let blob = blob.as_ref().and_then(convert::read_blob).ok_or_else(|| malformed("blob"))?;
        let reader = self.storage.get(blob, ByteRange { first, last }).await;
        Ok(Response::new(get::send(reader)))
    }

    async fn delete(&self, request: Request<proto::DeleteRequest>) -> Reply<proto::DoneReply> {
        let blobs = convert::read_blobs(&request.into_inner().blobs);
        let blobs = blobs.filter(|blobs| blobs.len() <= BLOBS_MAX).ok_or_else(|| malformed("blobs"))?;
        done(self.storage.delete(&blobs).await)
    }

    async fn stat(&self, request: Request<proto::StatRequest>) -> Reply<proto::StatReply> {
        let blobs = convert::read_blobs(&request.into_inner().blobs);
        let blobs = blobs.filter(|blobs| blobs.len() <= STAT_MAX).ok_or_else(|| malformed("blobs"))?;
        let result = match self.storage.stat(&blobs).await {
            Ok(lengths) => stat_reply::Result::Lengths(convert::lengths(&lengths)),
            Err(error) => stat_reply::Result::Failure(error.into()),
        };
        Ok(Response::new(proto::StatReply { result: Some(result) }))
    }

    async fn list(&self, request: Request<proto::ListRequest>) -> Reply<proto::ListReply> {
        let proto::ListRequest { filter, after, limit } = request.into_inner();
        let read = |filter| convert::read_filter(filter).ok_or_else(|| malformed("filter"));
        let filter = filter.as_ref().map(read).transpose()?;
        let read = |after| convert::read_blob(after).ok_or_else(|| malformed("blob"));
        let after = after.as_ref().map(read).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(BLOBS_MAX).min(BLOBS_MAX);
        let result = match self.storage.list(filter.as_ref(), after, limit).await {
            Ok(page) => list_reply::Result::Page(convert::page(page)),
            Err(error) => list_reply::Result::Failure(error.into()),
        };
        Ok(Response::new(proto::ListReply { result: Some(result) }))
    }

    async fn fence(&self, request: Request<proto::FenceRequest>) -> Reply<proto::DoneReply> {
        let fences = request.into_inner().fences;
        let fences: Option<Vec<_>> = fences.iter().map(convert::read_fence).collect();
        let fences = fences.filter(|fences| fences.len() <= STAT_MAX).ok_or_else(|| malformed("fences"))?;
        done(self.storage.fence(&fences).await)
    }

    async fn usage(&self, _: Request<proto::UsageRequest>) -> Reply<proto::UsageReply> {
        let result = match self.storage.usage().await {
            Ok(usage) => usage_reply::Result::Usage(convert::usage(usage)),
            Err(error) => usage_reply::Result::Failure(error.into()),
        };
        Ok(Response::new(proto::UsageReply { result: Some(result) }))
    }
}
