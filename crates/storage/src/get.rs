//! Reading a blob: every block that is returned has verified.

use crate::core::Core;
use crate::format::record::{HEADER_BYTES, checksum_bytes};
use crate::format::{BLOCK_BYTES, FRAGMENT_BYTES, Fragment, FragmentKind, Record};
use crate::index::{BlobRow, Location};
use crate::log::storage_error;
use crate::put::blocking;
use crate::telemetry;
use bytes::Bytes;
use esker_env::{DiskError, DiskFile};
use esker_rpc::{BlobReader, StorageError};
use esker_types::{BlobId, ByteRange};
use futures::{StreamExt as _, stream};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A blob that keeps moving while it is read is looked up at most this often for one piece.
const LOOKUPS_MAX: usize = 8;

/// Why a fragment's bytes weren't returned.
#[derive(Debug)]
enum ReadError {
    /// They aren't there, or don't verify: perhaps the blob was moved or deleted meanwhile.
    Mismatch(String),
    /// The disk failed.
    Disk(DiskError),
}

impl From<DiskError> for ReadError {
    fn from(error: DiskError) -> ReadError {
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::UnexpectedEof => {
                ReadError::Mismatch(error.to_string())
            }
            _ => ReadError::Disk(error),
        }
    }
}

fn index_of(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn fragment_of(blob: BlobId, row: &BlobRow, number: usize) -> Fragment {
    let last = number + 1 == row.places.len();
    Fragment {
        blob,
        write: row.write,
        number: u16::try_from(number).unwrap_or(u16::MAX),
        kind: if last { FragmentKind::Last } else { FragmentKind::Inner },
        length: u32::try_from(row.data_bytes(number)).unwrap_or(u32::MAX),
    }
}

/// Reads `wanted` of a fragment's data, and as much around it as whole blocks need.
fn read_verified(
    file: &dyn DiskFile,
    place: Location,
    fragment: &Fragment,
    wanted: Range<usize>,
) -> Result<Bytes, ReadError> {
    let length = fragment.length as usize;
    let table = index_of(checksum_bytes(fragment.length.into()));
    let first = wanted.start / BLOCK_BYTES;
    let start = first * BLOCK_BYTES;
    let end = wanted.end.next_multiple_of(BLOCK_BYTES).min(length);
    let table_at = place.offset + HEADER_BYTES as u64;
    // Checksums and data are adjacent, so a read from the first block on takes one call.
    let mut bytes = vec![0; table + end - start];
    if first == 0 {
        file.read_exact_at(&mut bytes, table_at)?;
    } else {
        let (checksums, data) = bytes.split_at_mut(table);
        file.read_exact_at(checksums, table_at)?;
        file.read_exact_at(data, table_at + (table + start) as u64)?;
    }
    if !fragment.verifies(&bytes[..table], first, &bytes[table..]) {
        let Location { segment, offset } = place;
        let reason = format!("fragment {} in segment {segment} at {offset}", fragment.number);
        return Err(ReadError::Mismatch(reason));
    }
    let from = table + wanted.start - start;
    Ok(Bytes::from(bytes).slice(from..from + wanted.len()))
}

/// Reads a part of one fragment, looking the blob up again if its bytes aren't where they were.
fn read_piece(
    core: &Core,
    blob: BlobId,
    row: &mut BlobRow,
    number: usize,
    wanted: &Range<usize>,
) -> Result<Bytes, StorageError> {
    let mut reason = String::new();
    for _ in 0..LOOKUPS_MAX {
        let place = *row.places.get(number).ok_or(StorageError::OutOfRange)?;
        let fragment = fragment_of(blob, row, number);
        let read = core.files.get(place.segment).map_err(ReadError::from);
        match read.and_then(|file| read_verified(&*file, place, &fragment, wanted.clone())) {
            Ok(bytes) => {
                metrics::counter!(telemetry::READ_BYTES).increment(bytes.len() as u64);
                return Ok(bytes);
            }
            Err(ReadError::Disk(error)) => return Err(storage_error(&error)),
            Err(ReadError::Mismatch(found)) => reason = found,
        }
        let now = core.index.row(blob)?.ok_or(StorageError::NotFound)?;
        // A blob that was deleted and stored again has the same bytes: names are never reused.
        let moved = now.write != row.write || now.places.get(number) != Some(&place);
        if now.length != row.length || !moved {
            break;
        }
        *row = now;
    }
    metrics::counter!(telemetry::CORRUPT).increment(1);
    tracing::warn!(?blob, %reason, "the blob does not verify");
    Err(StorageError::Corrupt(reason))
}

/// Reads all of a blob and checks it, record headers included.
pub(crate) fn verify(core: &Core, blob: BlobId, row: &BlobRow) -> Result<(), StorageError> {
    if core.is_in_lost_segment(row) {
        return Err(StorageError::Corrupt("its segment is lost".into()));
    }
    let mut row = row.clone();
    for number in 0..row.places.len() {
        let length = index_of(row.data_bytes(number));
        read_piece(core, blob, &mut row, number, &(0..length))?;
        verify_header(core, blob, &row, number)?;
    }
    Ok(())
}

/// A damaged header doesn't hinder reads, but would lose the blob in a rebuild that has no footer.
fn verify_header(core: &Core, blob: BlobId, row: &BlobRow, number: usize) -> Result<(), StorageError> {
    let Some(place) = row.places.get(number) else { return Ok(()) };
    let Some(usage) = core.index.usages().get(&place.segment).copied() else { return Ok(()) };
    let mut header = [0; HEADER_BYTES];
    let file = match core.files.get(place.segment) {
        // Moved since its data was read, with a new header.
        Err(error) if error.is_not_found() => return Ok(()),
        result => result.map_err(|error| storage_error(&error))?,
    };
    file.read_exact_at(&mut header, place.offset).map_err(|error| storage_error(&error))?;
    let fragment = Record::Fragment(fragment_of(blob, row, number));
    if Record::decode(&header, usage.salt, place.offset) == Ok(fragment) {
        return Ok(());
    }
    metrics::counter!(telemetry::CORRUPT).increment(1);
    Err(StorageError::Corrupt(format!("the header of fragment {number} in segment {}", place.segment)))
}

/// A read in progress.
struct Reading {
    core: Arc<Core>,
    reads: Arc<Semaphore>,
    blob: BlobId,
    row: BlobRow,
    next: u64,
    end: u64,
}

impl Reading {
    /// The next piece: at most what is left of one fragment.
    async fn piece(mut self) -> Result<(Bytes, Option<Reading>), StorageError> {
        let closed = |_| StorageError::Failed("the store is closed".into());
        let permit = self.reads.clone().acquire_owned().await.map_err(closed)?;
        blocking(move || {
            let _permit = permit;
            let number = index_of(self.next) / FRAGMENT_BYTES;
            let base = (number * FRAGMENT_BYTES) as u64;
            let wanted = index_of(self.next - base)..index_of(self.end - base).min(FRAGMENT_BYTES);
            let bytes = read_piece(&self.core, self.blob, &mut self.row, number, &wanted);
            if matches!(bytes, Err(StorageError::Corrupt(_) | StorageError::Failed(_))) {
                self.core.suspects.add(self.blob);
            }
            let bytes = bytes?;
            self.next += bytes.len() as u64;
            let rest = (self.next < self.end).then_some(self);
            Ok((bytes, rest))
        })
        .await?
    }
}

/// Reads a range. The first piece is read before this returns.
pub(crate) async fn get(
    core: &Arc<Core>,
    reads: &Arc<Semaphore>,
    blob: BlobId,
    range: ByteRange,
) -> Result<BlobReader, StorageError> {
    let looked = core.clone();
    let row = blocking(move || looked.index.row(blob)).await??.ok_or(StorageError::NotFound)?;
    if range.first > range.last || range.last >= row.length {
        return Err(StorageError::OutOfRange);
    }
    let (core, reads) = (core.clone(), reads.clone());
    let reading = Reading { core, reads, blob, row, next: range.first, end: range.last + 1 };
    let (first, rest) = reading.piece().await?;
    let rest = stream::unfold(rest, |rest| async move {
        match rest?.piece().await {
            Ok((bytes, rest)) => Some((Ok(bytes), rest)),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(stream::once(async move { Ok(first) }).chain(rest).boxed())
}
