//! Reading an object's bytes in order, across its extents and their blobs.

use crate::reply::{ReadAborted, ReplyBody};
use bytes::Bytes;
use esker_index::records::{ManifestBody, ManifestRecord};
use esker_rpc::{BlobReader, BlobStore, StorageError};
use esker_types::{BlobId, ByteRange, CHUNK_BYTES, Extent};
use futures::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

/// Pieces of a reply that were read and wait for the client; 256 KiB each at most.
const PIECES_AHEAD: usize = 2;

/// The parts of blobs that hold a range of an object, in order. Lazy: an object may have millions of blobs.
pub(crate) fn blob_ranges(
    extents: Vec<Extent>,
    range: ByteRange,
) -> impl Iterator<Item = (BlobId, ByteRange)> + Send {
    let mut start = 0;
    extents
        .into_iter()
        .filter_map(move |extent| {
            // The extent's place in the object, then what of it lies within the range.
            let first = range.first.max(start);
            let end = range.last.saturating_add(1).min(start + extent.length);
            let within = (first < end).then(|| (extent.data, extent.offset + (first - start), end - first));
            start += extent.length;
            within
        })
        .flat_map(|(data, offset, length)| {
            let end = offset + length;
            (offset / CHUNK_BYTES..end.div_ceil(CHUNK_BYTES)).map(move |chunk| {
                let base = chunk * CHUNK_BYTES;
                let range = ByteRange {
                    first: offset.max(base) - base,
                    last: end.min(base + CHUNK_BYTES) - 1 - base,
                };
                (BlobId { data, chunk: u32::try_from(chunk).unwrap_or(u32::MAX) }, range)
            })
        })
}

type Opening = AbortOnDropHandle<Result<BlobReader, StorageError>>;
type BlobRanges = Box<dyn Iterator<Item = (BlobId, ByteRange)> + Send>;

/// A range of an object as it is read: exactly its bytes, or an error.
pub(crate) struct ObjectReader(Source);

enum Source {
    /// All of it is at hand.
    Inline(Bytes),
    /// It is read from blobs; while one gives its bytes, the next is being opened.
    Blobs {
        storage: Arc<dyn BlobStore>,
        current: Option<Blob>,
        next: Option<(BlobId, u64, Opening)>,
        rest: BlobRanges,
    },
}

struct Blob {
    id: BlobId,
    reader: BlobReader,
    /// How many bytes it has still to give.
    remaining: u64,
}

impl ObjectReader {
    /// Opens a range of an object's data; the range must lie within the object. The first blob is open when
    /// this returns, so a missing one is noticed before a reply has begun.
    pub(crate) async fn open(
        storage: &Arc<dyn BlobStore>,
        manifest: ManifestRecord,
        range: ByteRange,
    ) -> Result<ObjectReader, StorageError> {
        let extents = match manifest.body {
            ManifestBody::Inline(bytes) => return inline(&bytes, range).map(ObjectReader),
            ManifestBody::Extents(extents) => extents,
        };
        let stored: u64 = extents.iter().map(|extent| extent.length).sum();
        if range.last >= stored {
            return Err(StorageError::OutOfRange);
        }
        let storage = Arc::clone(storage);
        let mut rest: BlobRanges = Box::new(blob_ranges(extents, range));
        let next = open_next(&storage, &mut rest);
        let mut reader = ObjectReader(Source::Blobs { storage, current: None, next, rest });
        reader.advance().await?;
        Ok(reader)
    }

    /// The next bytes; `None` after the range's last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        loop {
            match &mut self.0 {
                Source::Inline(bytes) if bytes.is_empty() => return Ok(None),
                Source::Inline(bytes) => return Ok(Some(std::mem::take(bytes))),
                Source::Blobs { current: None, .. } => return Ok(None),
                Source::Blobs { current: Some(blob), .. } if blob.remaining > 0 => {
                    return blob.next().await.map(Some);
                }
                Source::Blobs { .. } => self.advance().await?,
            }
        }
    }

    /// A reply's body of these bytes. They are read ahead of the client by a few pieces; if it takes no piece for
    /// `patience`, the reply is cut off. (Over HTTP/2 a client can stop one reply while its connection goes on.)
    pub(crate) fn into_body(self, length: u64, patience: Duration) -> ReplyBody {
        if let Source::Inline(bytes) = self.0 {
            return ReplyBody::Full(Some(bytes));
        }
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        // It ends by itself when the client goes away, since then nobody takes the pieces.
        tokio::spawn(pump(self, sender, patience).in_current_span());
        ReplyBody::Stream { pieces, remaining: length }
    }

    /// Makes the blob that was being opened the current one, and begins to open the one after it.
    async fn advance(&mut self) -> Result<(), StorageError> {
        let Source::Blobs { storage, current, next, rest } = &mut self.0 else { return Ok(()) };
        *current = None;
        if let Some((id, remaining, opening)) = next.take() {
            let opened = opening.await.map_err(|error| StorageError::Failed(error.to_string()))?;
            let reader = opened.inspect_err(|error| tracing::info!(?id, %error, "cannot read a blob"))?;
            *current = Some(Blob { id, reader, remaining });
            *next = open_next(storage, rest);
        }
        Ok(())
    }
}

impl Blob {
    async fn next(&mut self) -> Result<Bytes, StorageError> {
        let id = self.id;
        let piece = match self.reader.next().await {
            Some(piece) => piece,
            None => Err(StorageError::Corrupt(format!("{} bytes are missing", self.remaining))),
        };
        let piece = piece.and_then(|piece| match self.remaining.checked_sub(piece.len() as u64) {
            Some(remaining) => {
                self.remaining = remaining;
                Ok(piece)
            }
            None => Err(StorageError::Corrupt("more bytes than were asked for".to_owned())),
        });
        piece.inspect_err(|error| tracing::info!(?id, %error, "a blob failed while it was read"))
    }
}

async fn pump(
    mut reader: ObjectReader,
    sender: mpsc::Sender<Result<Bytes, ReadAborted>>,
    patience: Duration,
) {
    loop {
        let piece = match reader.next().await {
            Ok(Some(piece)) => Ok(piece),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "a reply was cut off: the object cannot be read to its end");
                Err(ReadAborted)
            }
        };
        let failed = piece.is_err();
        // Without its sender the body ends in an error, since bytes are missing.
        match timeout(patience, sender.send(piece)).await {
            Ok(Ok(())) if !failed => {}
            Ok(_) => return,
            Err(_) => {
                tracing::debug!("a reply was cut off: the client takes no bytes");
                return;
            }
        }
    }
}

fn inline(bytes: &Bytes, range: ByteRange) -> Result<Source, StorageError> {
    let bounds = usize::try_from(range.first).ok().zip(usize::try_from(range.last).ok());
    match bounds {
        Some((first, last)) if last < bytes.len() => Ok(Source::Inline(bytes.slice(first..=last))),
        _ => Err(StorageError::OutOfRange),
    }
}

fn open_next(storage: &Arc<dyn BlobStore>, rest: &mut BlobRanges) -> Option<(BlobId, u64, Opening)> {
    let (id, range) = rest.next()?;
    let storage = Arc::clone(storage);
    let opening = tokio::spawn(async move { storage.get(id, range).await });
    Some((id, range.length(), AbortOnDropHandle::new(opening)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_types::{DataId, GroupId};
    use proptest::prelude::*;

    fn data(n: u64) -> DataId {
        DataId::new(0, GroupId(0), n)
    }

    #[test]
    fn a_range_across_parts_and_chunks_names_each_piece_once() {
        let extents = vec![
            Extent { data: data(1), offset: 0, length: CHUNK_BYTES + 10 },
            Extent { data: data(2), offset: 0, length: 5 },
        ];
        let range = ByteRange { first: CHUNK_BYTES - 3, last: CHUNK_BYTES + 11 };
        let pieces: Vec<_> = blob_ranges(extents, range).collect();
        let piece = |n, chunk, first, last| (BlobId { data: data(n), chunk }, ByteRange { first, last });
        assert_eq!(
            pieces,
            [piece(1, 0, CHUNK_BYTES - 3, CHUNK_BYTES - 1), piece(1, 1, 0, 9), piece(2, 0, 0, 1)]
        );
    }

    proptest! {
        #[test]
        fn pieces_cover_the_range_exactly(
            lengths in proptest::collection::vec((0..3 * CHUNK_BYTES, 1..3 * CHUNK_BYTES), 1..5),
            bounds in any::<(prop::sample::Index, prop::sample::Index)>(),
        ) {
            let extents: Vec<Extent> = lengths.iter().zip(0..)
                .map(|((offset, length), n)| Extent { data: data(n), offset: *offset, length: *length }).collect();
            let size: u64 = extents.iter().map(|e| e.length).sum();
            let size_index = usize::try_from(size).expect("small");
            let (a, b) = (bounds.0.index(size_index) as u64, bounds.1.index(size_index) as u64);
            let range = ByteRange { first: a.min(b), last: a.max(b) };
            // Where each byte of the object is: walk the pieces beside the extents.
            let mut position = range.first;
            for (blob, piece) in blob_ranges(extents.clone(), range) {
                prop_assert!(piece.last < CHUNK_BYTES);
                let mut start = 0;
                let extent = extents.iter().find(|e| { start += e.length; position < start }).expect("within");
                let offset = extent.offset + (position - (start - extent.length));
                prop_assert_eq!(blob.data, extent.data);
                prop_assert_eq!(u64::from(blob.chunk) * CHUNK_BYTES + piece.first, offset);
                position += piece.length();
            }
            prop_assert_eq!(position, range.last + 1);
        }
    }
}
