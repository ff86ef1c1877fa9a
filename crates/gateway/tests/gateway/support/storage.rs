//! The cluster's blobs in memory.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use esker_rpc::{BlobBody, BlobReader, BlobStore, BodyAborted, StorageError, StoredBlob};
use esker_types::{BlobId, ByteRange, CHUNK_BYTES, NodeId};
use futures::StreamExt as _;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

const PIECE_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub struct FakeStorage {
    blobs: Mutex<BTreeMap<BlobId, Bytes>>,
    /// Closed: pieces are taken freely. Otherwise each piece takes one permit.
    gate: Semaphore,
    taken: AtomicU64,
    begun: watch::Sender<usize>,
    /// Reads of a blob fail after so many bytes.
    rotten: Mutex<BTreeMap<BlobId, usize>>,
    /// Why nothing can be stored.
    refusing: Mutex<Option<StorageError>>,
    /// What becomes of the next reads.
    read_errors: Mutex<VecDeque<StorageError>>,
    /// The nodes that the next puts find late.
    late: Mutex<VecDeque<Vec<NodeId>>>,
}

impl FakeStorage {
    pub fn new() -> Arc<FakeStorage> {
        let gate = Semaphore::new(0);
        gate.close();
        FakeStorage::with_gate(gate)
    }

    /// Takes no piece until it is told to.
    pub fn gated() -> Arc<FakeStorage> {
        FakeStorage::with_gate(Semaphore::new(0))
    }

    fn with_gate(gate: Semaphore) -> Arc<FakeStorage> {
        Arc::new(FakeStorage {
            blobs: Mutex::default(),
            gate,
            taken: AtomicU64::new(0),
            begun: watch::Sender::new(0),
            rotten: Mutex::default(),
            refusing: Mutex::default(),
            read_errors: Mutex::default(),
            late: Mutex::default(),
        })
    }

    pub fn open_gate(&self) {
        self.gate.close();
    }

    /// Bytes taken from senders so far.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    /// The next reads fail, one after the other.
    pub fn fail_reads(&self, errors: impl IntoIterator<Item = StorageError>) {
        self.read_errors.lock().unwrap().extend(errors);
    }

    /// Whether and why puts fail.
    pub fn refuse(&self, error: Option<StorageError>) {
        *self.refusing.lock().unwrap() = error;
    }

    /// The next puts, one after the other, find these nodes late.
    pub fn find_late(&self, nodes: impl IntoIterator<Item = Vec<u64>>) {
        let nodes = nodes.into_iter().map(|nodes| nodes.into_iter().map(NodeId).collect());
        self.late.lock().unwrap().extend(nodes);
    }

    /// How many bytes each blob has.
    pub fn blobs(&self) -> Vec<(BlobId, usize)> {
        self.blobs.lock().unwrap().iter().map(|(id, bytes)| (*id, bytes.len())).collect()
    }

    pub fn remove(&self, blob: BlobId) {
        self.blobs.lock().unwrap().remove(&blob);
    }

    /// Lets reads of a blob fail after so many bytes.
    pub fn rot(&self, blob: BlobId, after: usize) {
        self.rotten.lock().unwrap().insert(blob, after);
    }

    /// Waits until a blob is being stored.
    pub async fn until_begun(&self) {
        self.begun.subscribe().wait_for(|begun| *begun > 0).await.unwrap();
    }
}

#[async_trait]
impl BlobStore for FakeStorage {
    async fn put(&self, blob: BlobId, mut body: BlobBody) -> Result<StoredBlob, StorageError> {
        self.begun.send_modify(|begun| *begun += 1);
        let late = self.late.lock().unwrap().pop_front().unwrap_or_default();
        let mut bytes = BytesMut::new();
        loop {
            if let Ok(permit) = self.gate.acquire().await {
                permit.forget();
            }
            if let Some(error) = self.refusing.lock().unwrap().clone() {
                return Err(error);
            }
            match body.next().await {
                Some(Ok(piece)) => {
                    assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
                    self.taken.fetch_add(piece.len() as u64, Ordering::SeqCst);
                    bytes.extend_from_slice(&piece);
                }
                Some(Err(BodyAborted)) => return Err(StorageError::Aborted),
                None => break,
            }
        }
        assert!(bytes.len() as u64 <= CHUNK_BYTES);
        let length = bytes.len() as u64;
        let old = self.blobs.lock().unwrap().insert(blob, bytes.freeze());
        assert!(old.is_none(), "blob names are never reused");
        Ok(StoredBlob { length, late })
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        if let Some(error) = self.read_errors.lock().unwrap().pop_front() {
            return Err(error);
        }
        let bytes = self.blobs.lock().unwrap().get(&blob).cloned().ok_or(StorageError::NotFound)?;
        let (first, last) = (usize::try_from(range.first).unwrap(), usize::try_from(range.last).unwrap());
        if last >= bytes.len() {
            return Err(StorageError::OutOfRange);
        }
        let bytes = bytes.slice(first..=last);
        let mut pieces: Vec<Result<Bytes, StorageError>> =
            bytes.chunks(PIECE_BYTES).map(|chunk| Ok(bytes.slice_ref(chunk))).collect();
        if let Some(after) = self.rotten.lock().unwrap().get(&blob) {
            if *after == 0 {
                return Err(StorageError::Corrupt("injected".to_owned()));
            }
            pieces.truncate(after.div_ceil(PIECE_BYTES));
            pieces.push(Err(StorageError::Corrupt("injected".to_owned())));
        }
        Ok(futures::stream::iter(pieces).boxed())
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        let mut all = self.blobs.lock().unwrap();
        blobs.iter().for_each(|blob| {
            all.remove(blob);
        });
        Ok(())
    }
}
