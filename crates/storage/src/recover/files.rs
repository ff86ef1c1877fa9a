//! Finding the segment files, and reading what is in them.

use super::stage::Stage;
use super::{OpenError, OpenReport};
use crate::format::footer::TRAILER_BYTES;
use crate::format::{Entry, FILE_HEADER_BYTES, FileHeader, FormatError, Record, Trailer};
use crate::index::{Index, SegmentState, Usage};
use crate::log::seal::write_footer;
use crate::log::{segment_number, segment_path};
use crate::options::Components;
use crate::scan::{DataState, Scan, read_footer};
use esker_env::{DiskFile, DiskResult, EntryKind, OpenMode};
use std::path::Path;
use std::sync::Arc;

/// A segment file that can be read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) number: u64,
    pub(super) salt: u64,
}

/// The segment files, by number.
pub(super) fn find_segments(
    components: &Components,
    index: &Index,
    report: &mut OpenReport,
) -> Result<Vec<Found>, OpenError> {
    let mut segments = Vec::new();
    for entry in components.disk.list(&components.dir.segments())? {
        let Some(number) = segment_number(&entry.name).filter(|_| entry.kind == EntryKind::File) else {
            continue;
        };
        let path = segment_path(&components.dir.segments(), number);
        let file = components.disk.open(&path, OpenMode::ReadWrite)?;
        let mut bytes = vec![0; usize::try_from(FILE_HEADER_BYTES).unwrap_or_default()];
        let read = file.read_at(&mut bytes, 0)?;
        let salt = match FileHeader::decode(&bytes[..read]) {
            Ok(header) if header.identity != components.dir.identity() || header.number != number => {
                return Err(OpenError::Foreign(path));
            }
            Ok(header) => Some(header.salt),
            Err(FormatError::Version(version)) => return Err(OpenError::UnknownVersion { path, version }),
            Err(_) if file.len()? <= FILE_HEADER_BYTES => {
                // The start of a segment that a crash cut short: nothing was ever written to it.
                drop(file);
                components.disk.remove_file(&path)?;
                continue;
            }
            Err(_) => salt_elsewhere(&*file, index, number)?,
        };
        match salt {
            Some(salt) => {
                let identity = components.dir.identity();
                heal_header(&*file, &bytes[..read], FileHeader { identity, number, salt });
                segments.push(Found { number, salt });
            }
            None => {
                tracing::error!(path = %path.display(), "the segment's header can't be read; it is left alone");
                report.damaged_segments.push(number);
            }
        }
    }
    segments.sort_by_key(|found| found.number);
    Ok(segments)
}

/// Writes both copies of a header again if one is damaged, so that the other is never the last.
fn heal_header(file: &dyn DiskFile, found: &[u8], header: FileHeader) {
    let wanted = header.encode();
    if found == wanted {
        return;
    }
    tracing::warn!(path = %file.path().display(), "a copy of the segment's header is damaged; it is written again");
    if let Err(error) = file.write_at(&wanted, 0).and_then(|()| file.sync_data()) {
        tracing::warn!(%error, "the segment's header stays damaged");
    }
}

/// The salt of a segment whose header is damaged in both copies: the trailer and the index have it too.
fn salt_elsewhere(file: &dyn DiskFile, index: &Index, number: u64) -> DiskResult<Option<u64>> {
    if let Some(usage) = index.usages().get(&number) {
        return Ok(Some(usage.salt));
    }
    let length = file.len()?;
    let mut bytes = [0; TRAILER_BYTES];
    let read = file.read_at(&mut bytes, length.saturating_sub(TRAILER_BYTES as u64))?;
    let trailer = Trailer::decode(&bytes[..read], length).ok();
    Ok(trailer.filter(|trailer| trailer.number == number).map(|trailer| trailer.salt))
}

/// The records of a sealed segment: those of its footer, or, if that is damaged, those that a scan finds.
pub(crate) fn entries_of(file: &dyn DiskFile, number: u64, salt: u64) -> DiskResult<Vec<Entry>> {
    if let Some((_, entries)) = read_footer(&file, number, salt)? {
        return Ok(entries);
    }
    let mut scan = Scan::new(file, salt)?;
    let mut entries = Vec::new();
    while let Some((entry, _)) = scan.next()? {
        entries.push(entry);
    }
    Ok(entries)
}

/// Stages the records of a segment, and seals it if it isn't. `None` if it was empty, and is gone.
pub(super) fn stage_segment(
    components: &Components,
    found: &Found,
    stage: &mut Stage,
    report: &mut OpenReport,
) -> Result<Option<Usage>, OpenError> {
    let path = segment_path(&components.dir.segments(), found.number);
    let file = components.disk.open(&path, OpenMode::ReadWrite)?;
    let mut usage = Usage { state: SegmentState::Sealed, ..Usage::open(found.salt) };
    if let Some((_, entries)) = read_footer(&&*file, found.number, found.salt)? {
        for entry in &entries {
            stage.add(found.number, entry, DataState::Whole)?;
            usage.tombstone_bytes += tombstone_bytes(entry);
        }
        usage.file_bytes = file.len()?;
        return Ok(Some(usage));
    }
    report.scanned += 1;
    let mut scan = Scan::new(&*file, found.salt)?;
    let (mut whole, mut bad) = (Vec::new(), 0_u64);
    while let Some((entry, state)) = scan.next()? {
        stage.add(found.number, &entry, state)?;
        match state {
            DataState::Whole => whole.push(entry),
            DataState::Bad => bad += 1,
        }
    }
    report.skipped_bytes += scan.skipped_bytes;
    usage.tombstone_bytes = whole.iter().map(tombstone_bytes).sum();
    if whole.is_empty() && bad == 0 && scan.skipped_bytes == 0 {
        remove_empty(components, &path)?;
        return Ok(None);
    }
    usage.file_bytes = seal_found(&file, found, scan.data_end, &whole)?;
    Ok(Some(usage))
}

fn tombstone_bytes(entry: &Entry) -> u64 {
    if matches!(entry.record, Record::Tombstone(_)) { entry.record.bytes() } else { 0 }
}

fn remove_empty(components: &Components, path: &Path) -> DiskResult<()> {
    components.disk.remove_file(path)?;
    components.disk.sync_dir(&components.dir.segments())
}

/// Gives a segment that a crash left open its footer. Returns the file's length.
fn seal_found(file: &Arc<dyn DiskFile>, found: &Found, data_end: u64, entries: &[Entry]) -> DiskResult<u64> {
    // What the scan read may only be in the page cache, and the footer vouches for it.
    file.sync_data()?;
    match write_footer(&**file, (found.number, found.salt), data_end, entries) {
        Ok(file_bytes) => Ok(file_bytes),
        // A footer only saves a scan; a full disk must not keep its node from starting.
        Err(error) if error.is_full() => {
            tracing::warn!(%error, "a segment gets no footer");
            file.truncate(data_end)?;
            file.sync_data()?;
            Ok(data_end)
        }
        Err(error) => Err(error),
    }
}
