//! A storage node in memory that misbehaves as it is told.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use esker_rpc::{BlobBody, BlobInfo, BlobPage, BlobReader, GroupFilter, Storage, StorageError, StorageUsage};
use esker_types::{BlobId, ByteRange, Fence, PlacementEpoch, PlacementGroup};
use futures::StreamExt as _;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// What a node does instead of what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It answers with this at once.
    Refuse(StorageError),
    /// It answers with this after so many bytes.
    Fail(usize, StorageError),
    /// It says nothing any more after so many bytes, until it is [released](FakeNode::release).
    Stall(usize),
    /// Each piece takes so long.
    Trickle(Duration),
    /// A read ends after so many bytes as if that were all; a put says that it stored so many.
    Short(usize),
    /// A read gives one byte more than was asked for.
    Long,
}

#[derive(Debug, Default)]
pub struct FakeNode {
    blobs: Mutex<BTreeMap<BlobId, Bytes>>,
    fences: Mutex<BTreeMap<PlacementGroup, PlacementEpoch>>,
    puts: Mutex<Option<Fault>>,
    gets: Mutex<Option<Fault>>,
    deletes: Mutex<Option<Fault>>,
    /// What was asked so far, by the names of the methods.
    asked: Mutex<Vec<&'static str>>,
    /// Blobs for whose deletion it was asked, with repetitions.
    pub deletions: Mutex<Vec<BlobId>>,
    released: watch::Sender<bool>,
    /// How many puts ended, in whatever way, and how many of them saw their sender give up.
    pub ended: watch::Sender<(usize, usize)>,
}

impl FakeNode {
    pub fn on_puts(&self, fault: Fault) {
        *self.puts.lock().unwrap() = Some(fault);
    }

    pub fn on_gets(&self, fault: Fault) {
        *self.gets.lock().unwrap() = Some(fault);
    }

    pub fn on_deletes(&self, fault: Fault) {
        *self.deletes.lock().unwrap() = Some(fault);
    }

    /// Every request meets the fault.
    pub fn down(&self) {
        let fault = Fault::Refuse(StorageError::Unavailable("injected".to_owned()));
        self.on_puts(fault.clone());
        self.on_gets(fault.clone());
        self.on_deletes(fault);
    }

    pub fn heal(&self) {
        for faults in [&self.puts, &self.gets, &self.deletes] {
            *faults.lock().unwrap() = None;
        }
    }

    /// Lets what stalls go on.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    pub fn has(&self, blob: BlobId) -> Option<Bytes> {
        self.blobs.lock().unwrap().get(&blob).cloned()
    }

    pub fn insert(&self, blob: BlobId, bytes: Bytes) {
        self.blobs.lock().unwrap().insert(blob, bytes);
    }

    pub fn remove(&self, blob: BlobId) {
        self.blobs.lock().unwrap().remove(&blob);
    }

    pub fn asked(&self, method: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| **asked == method).count()
    }

    fn begin(
        &self,
        method: &'static str,
        faults: &Mutex<Option<Fault>>,
    ) -> Result<Option<Fault>, StorageError> {
        self.asked.lock().unwrap().push(method);
        match faults.lock().unwrap().clone() {
            Some(Fault::Refuse(error)) => Err(error),
            fault => Ok(fault),
        }
    }

    /// What happens when so many bytes have passed.
    async fn meet(&self, fault: Option<&Fault>, bytes: usize) -> Result<(), StorageError> {
        match fault {
            Some(Fault::Fail(after, error)) if bytes >= *after => return Err(error.clone()),
            Some(Fault::Stall(after)) if bytes >= *after => {
                let _ = self.released.subscribe().wait_for(|released| *released).await;
            }
            Some(Fault::Trickle(pause)) => sleep(*pause).await,
            _ => {}
        }
        Ok(())
    }

    fn check_fence(&self, fence: Fence) -> Result<(), StorageError> {
        match self.fences.lock().unwrap().get(&fence.group) {
            Some(epoch) if *epoch > fence.epoch => Err(StorageError::Stale(*epoch)),
            _ => Ok(()),
        }
    }

    async fn take(&self, blob: BlobId, fence: Fence, mut body: BlobBody) -> Result<u64, StorageError> {
        let fault = self.begin("put", &self.puts)?;
        self.check_fence(fence)?;
        let mut bytes = BytesMut::new();
        loop {
            self.meet(fault.as_ref(), bytes.len()).await?;
            match body.next().await {
                Some(Ok(piece)) => bytes.extend_from_slice(&piece),
                Some(Err(_)) => {
                    self.ended.send_modify(|(_, aborted)| *aborted += 1);
                    return Err(StorageError::Aborted);
                }
                None => break,
            }
        }
        self.meet(fault.as_ref(), usize::MAX).await?;
        self.check_fence(fence)?;
        let length = bytes.len() as u64;
        self.insert(blob, bytes.freeze());
        Ok(match fault {
            Some(Fault::Short(short)) => length.min(short as u64),
            _ => length,
        })
    }
}

/// Counts a put when it ends, also when it is dropped.
struct Ending<'a>(&'a FakeNode);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.ended.send_modify(|(ended, _)| *ended += 1);
    }
}

/// A node as others have it.
#[derive(Clone, Debug)]
pub struct Client(pub Arc<FakeNode>);

#[async_trait]
impl Storage for Client {
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        let _ending = Ending(&self.0);
        self.0.take(blob, fence, body).await
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        let fault = self.0.begin("get", &self.0.gets)?;
        let bytes = self.0.has(blob).ok_or(StorageError::NotFound)?;
        let (first, last) = (usize::try_from(range.first).unwrap(), usize::try_from(range.last).unwrap());
        if last >= bytes.len() {
            return Err(StorageError::OutOfRange);
        }
        let wanted = bytes.slice(first..=last);
        let wanted = match fault {
            Some(Fault::Short(after)) => wanted.slice(..after.min(wanted.len())),
            Some(Fault::Long) => [&wanted[..], b"!"].concat().into(),
            _ => wanted,
        };
        let state = Some((Arc::clone(&self.0), wanted, 0, fault));
        let reader = futures::stream::unfold(state, |state| async move {
            let (node, wanted, at, fault) = state?;
            if let Err(error) = node.meet(fault.as_ref(), at).await {
                return Some((Err(error), None));
            }
            let end = (at + super::world::PIECE).min(wanted.len());
            (at < end).then(|| (Ok(wanted.slice(at..end)), Some((node, wanted, end, fault))))
        });
        Ok(reader.boxed())
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        let fault = self.0.begin("delete", &self.0.deletes)?;
        self.0.meet(fault.as_ref(), 0).await?;
        self.0.deletions.lock().unwrap().extend(blobs);
        blobs.iter().for_each(|blob| self.0.remove(*blob));
        Ok(())
    }

    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        Ok(blobs.iter().map(|blob| self.0.has(*blob).map(|bytes| bytes.len() as u64)).collect())
    }

    async fn list(
        &self,
        _filter: Option<&GroupFilter>,
        _after: Option<BlobId>,
        _limit: usize,
    ) -> Result<BlobPage, StorageError> {
        let blobs = self.0.blobs.lock().unwrap();
        let info = |(blob, bytes): (&BlobId, &Bytes)| BlobInfo { blob: *blob, length: bytes.len() as u64 };
        Ok(BlobPage { blobs: blobs.iter().map(info).collect(), next: None })
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        let mut known = self.0.fences.lock().unwrap();
        for fence in fences {
            let epoch = known.entry(fence.group).or_insert(fence.epoch);
            *epoch = fence.epoch.max(*epoch);
        }
        Ok(())
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        Ok(StorageUsage::default())
    }
}
