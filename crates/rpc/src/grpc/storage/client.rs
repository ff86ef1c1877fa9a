//! A storage node in another process.

use crate::grpc::call::{Lost, within};
use crate::grpc::proto::storage::storage_client::StorageClient;
use crate::grpc::proto::storage::{self as proto, list_reply, stat_reply, usage_reply};
use crate::grpc::storage::{BLOBS_MAX, MESSAGE_BYTES_MAX, convert, get, put};
use crate::storage::{
    BlobBody, BlobPage, BlobReader, GroupFilter, STAT_MAX, Storage, StorageError, StorageUsage,
};
use crate::transport::{AddressError, AuthChannel, Network, Plane, Purpose};
use async_trait::async_trait;
use esker_types::{BlobId, ByteRange, Fence, NodeId};
use std::time::Duration;

/// Blobs have a connection of their own, so that small calls need not wait for a stream to end.
const STREAMS: Purpose = Purpose("blobs");
const CALLS: Purpose = Purpose("storage");

/// For what a node answers from memory or one look at its index.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// For what goes through many rows or waits for the disk.
const WORK_LIMIT: Duration = Duration::from_secs(30);

pub(super) type StreamClient = StorageClient<AuthChannel>;

/// A storage node that is reached over the network. Trouble on the way, and silence, is
/// [`StorageError::Unavailable`].
#[derive(Clone, Debug)]
pub struct RemoteStorage {
    streams: StorageClient<AuthChannel>,
    calls: StorageClient<AuthChannel>,
}

impl RemoteStorage {
    /// The node `to` at `address`.
    ///
    /// # Errors
    /// The address is of no use.
    pub fn new(network: &Network, to: NodeId, address: &str) -> Result<RemoteStorage, AddressError> {
        let client = |purpose| {
            let channel = network.channel(to, address, Plane::Data, purpose)?;
            Ok(StorageClient::new(channel)
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX))
        };
        Ok(RemoteStorage { streams: client(STREAMS)?, calls: client(CALLS)? })
    }
}

fn done(reply: Result<proto::DoneReply, Lost>) -> Result<(), StorageError> {
    reply?.failure.map_or(Ok(()), |failure| Err(failure.into()))
}

#[async_trait]
impl Storage for RemoteStorage {
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        put::send(self.streams.clone(), blob, fence, body).await
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        get::read(self.streams.clone(), blob, range).await
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        for blobs in blobs.chunks(BLOBS_MAX) {
            let mut client = self.calls.clone();
            let request = proto::DeleteRequest { blobs: convert::blobs(blobs) };
            done(within(WORK_LIMIT, request, |request| async move { client.delete(request).await }).await)?;
        }
        Ok(())
    }

    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        assert!(blobs.len() <= STAT_MAX, "a call of stat asks about at most {STAT_MAX} blobs");
        let mut client = self.calls.clone();
        let request = proto::StatRequest { blobs: convert::blobs(blobs) };
        let call = |request| async move { client.stat(request).await };
        match within(ANSWER_LIMIT, request, call).await?.result {
            Some(stat_reply::Result::Lengths(lengths)) if lengths.plus_one.len() == blobs.len() => {
                Ok(convert::read_lengths(lengths))
            }
            Some(stat_reply::Result::Failure(failure)) => Err(failure.into()),
            _ => Err(Lost::malformed().into()),
        }
    }

    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError> {
        let mut client = self.calls.clone();
        let request = proto::ListRequest {
            filter: filter.map(convert::filter),
            after: after.map(convert::blob),
            limit: limit.min(BLOBS_MAX) as u64,
        };
        let call = |request| async move { client.list(request).await };
        match within(WORK_LIMIT, request, call).await?.result {
            Some(list_reply::Result::Page(page)) => {
                convert::read_page(&page).ok_or_else(|| Lost::malformed().into())
            }
            Some(list_reply::Result::Failure(failure)) => Err(failure.into()),
            None => Err(Lost::malformed().into()),
        }
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        assert!(fences.len() <= STAT_MAX, "a call of fence has at most {STAT_MAX} fences");
        let mut client = self.calls.clone();
        let request = proto::FenceRequest { fences: fences.iter().copied().map(convert::fence).collect() };
        done(within(WORK_LIMIT, request, |request| async move { client.fence(request).await }).await)
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        let mut client = self.calls.clone();
        let call = |request| async move { client.usage(request).await };
        match within(ANSWER_LIMIT, proto::UsageRequest {}, call).await?.result {
            Some(usage_reply::Result::Usage(usage)) => Ok(convert::read_usage(usage)),
            Some(usage_reply::Result::Failure(failure)) => Err(failure.into()),
            None => Err(Lost::malformed().into()),
        }
    }
}
