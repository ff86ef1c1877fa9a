//! The bare floor's file: appends of many requests that share one `fdatasync`.
//!
//! It is written anew rather than taken from `esker-wal`, so that a cost of the product's log is not part of the floor:
//! no checksums, no index, no recovery, no rotation. One thread gathers what waits, writes it with one call, syncs once,
//! and answers. The file is reserved ahead, since a sync that must also store a new length costs more.

use bytes::Bytes;
use esker_env::{Allocation, Disk, DiskFile, DiskResult, OpenMode, Permissions};
use std::io::IoSlice;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// How far ahead the file is reserved, in bytes.
const RESERVE_BYTES: u64 = 256 << 20;

/// Where something was stored, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// What waits for the next sync: bytes to append, or nothing but the sync.
struct Waiting {
    header: Bytes,
    body: Bytes,
    done: oneshot::Sender<DiskResult<Extent>>,
}

/// The end of the file, and up to where it is reserved.
#[derive(Debug, Default)]
struct End {
    next: u64,
    reserved: u64,
}

/// An append-only file. Dropping it ends its thread once nothing waits.
#[derive(Debug)]
pub(super) struct Committer {
    file: Arc<dyn DiskFile>,
    end: Arc<Mutex<End>>,
    queue: Sender<Waiting>,
}

impl Committer {
    /// A new file.
    pub(super) fn create(disk: &dyn Disk, path: &Path) -> DiskResult<Committer> {
        let file = disk.open(path, OpenMode::CreateNew(Permissions::Default))?;
        let end = Arc::new(Mutex::new(End::default()));
        reserve(&*file, &end, 0)?;
        let (queue, waiting) = channel();
        let writer = Writer { file: file.clone(), end: end.clone() };
        std::thread::spawn(move || writer.run(&waiting));
        Ok(Committer { file, end, queue })
    }

    /// Appends and waits until the bytes are durable. Tells where the body is.
    pub(super) async fn append(&self, header: Bytes, body: Bytes) -> DiskResult<Extent> {
        self.wait(header, body).await
    }

    /// Takes a place for bytes that come little by little.
    pub(super) fn place(&self, length: u64) -> DiskResult<Extent> {
        Ok(Extent { offset: reserve(&*self.file, &self.end, length)?, length })
    }

    /// The file, to read, and to write in places that were taken.
    pub(super) fn file(&self) -> &Arc<dyn DiskFile> {
        &self.file
    }

    /// Waits until everything that was written is durable.
    pub(super) async fn sync(&self) -> DiskResult<()> {
        self.wait(Bytes::new(), Bytes::new()).await.map(drop)
    }

    async fn wait(&self, header: Bytes, body: Bytes) -> DiskResult<Extent> {
        let (done, answer) = oneshot::channel();
        // The thread ends only after the last sender, which is this one.
        let _ = self.queue.send(Waiting { header, body, done });
        answer.await.expect("the writer answers everything that waits")
    }
}

/// Moves the end on, and the reservation if it comes near. Returns the old end.
fn reserve(file: &dyn DiskFile, end: &Mutex<End>, length: u64) -> DiskResult<u64> {
    let mut end = end.lock().unwrap_or_else(PoisonError::into_inner);
    let place = end.next;
    if place + length + RESERVE_BYTES / 2 > end.reserved {
        let more = RESERVE_BYTES.max(length + RESERVE_BYTES);
        file.allocate(end.reserved, more, Allocation::GrowLength)?;
        end.reserved += more;
    }
    end.next += length;
    Ok(place)
}

struct Writer {
    file: Arc<dyn DiskFile>,
    end: Arc<Mutex<End>>,
}

impl Writer {
    fn run(&self, queue: &Receiver<Waiting>) {
        while let Ok(first) = queue.recv() {
            let mut batch = vec![first];
            batch.extend(queue.try_iter());
            let written = self.commit(&batch);
            let mut at = written.as_ref().copied().unwrap_or(0);
            for waiting in batch {
                let extent =
                    Extent { offset: at + waiting.header.len() as u64, length: waiting.body.len() as u64 };
                at = extent.offset + extent.length;
                // A client that went away needs no answer.
                let _ = waiting.done.send(written.clone().map(|_| extent));
            }
        }
    }

    /// Writes all of a batch, syncs, and tells where it begins.
    fn commit(&self, batch: &[Waiting]) -> DiskResult<u64> {
        let parts = batch.iter().flat_map(|waiting| [&waiting.header, &waiting.body]);
        let parts: Vec<IoSlice<'_>> =
            parts.filter(|part| !part.is_empty()).map(|part| IoSlice::new(part)).collect();
        let length = parts.iter().map(|part| part.len() as u64).sum();
        let offset = reserve(&*self.file, &self.end, length)?;
        if length > 0 {
            self.file.write_vectored_at(&parts, offset)?;
        }
        self.file.sync_data()?;
        Ok(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::OsDisk;

    #[tokio::test]
    async fn what_was_appended_together_is_read_back_apart() {
        let dir = tempfile::tempdir().unwrap();
        let committer = Committer::create(&OsDisk, &dir.path().join("data")).unwrap();
        let body = |n: u8| Bytes::from(vec![n; usize::from(n) * 100]);
        let appends = (1..=9).map(|n| committer.append(Bytes::from_static(b"head"), body(n)));
        let extents = futures::future::try_join_all(appends).await.unwrap();
        let place = committer.place(3).unwrap();
        committer.file().write_at(b"big", place.offset).unwrap();
        committer.sync().await.unwrap();
        for (n, extent) in (1..=9).zip(&extents) {
            let mut found = vec![0; usize::try_from(extent.length).unwrap()];
            committer.file().read_exact_at(&mut found, extent.offset).unwrap();
            assert_eq!(found, body(n));
        }
        assert!(extents.iter().all(|extent| extent.offset + extent.length <= place.offset));
    }
}
