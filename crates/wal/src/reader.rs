//! Reading entries back, from memory or from the segments, and checking what comes from a disk.

use crate::error::WalError;
use crate::index::{Found, Place};
use crate::record::{Item, Record, decode};
use crate::scan::record_bytes;
use crate::shared::Shared;
use bytes::Bytes;
use esker_env::DiskFile;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Entries that lie close together are read at once, up to this.
const READ_BYTES_MAX: u64 = 1 << 20;

/// How much of other groups' records is read over rather than starting another read.
const GAP_BYTES_MAX: u64 = 16 << 10;

/// As [`Wal::entries`](crate::Wal::entries).
pub(crate) fn entries(
    shared: &Shared,
    group: u16,
    range: &Range<u64>,
    bytes_max: u64,
) -> Result<Vec<(u64, Bytes)>, WalError> {
    let (found, files) = {
        let inner = shared.lock();
        let found = inner.index.find(group, range, bytes_max);
        // A segment that is purged while it is read stays readable through these.
        let mut files: BTreeMap<u64, Arc<dyn DiskFile>> = BTreeMap::new();
        for (_, entry) in &found {
            if let Found::OnDisk(place) = entry
                && let Some(file) = inner.files.get(&place.segment)
            {
                files.entry(place.segment).or_insert_with(|| file.clone());
            }
        }
        (found, files)
    };
    let mut entries = Vec::with_capacity(found.len());
    let mut rest = &found[..];
    while let Some((index, entry)) = rest.first() {
        match entry {
            Found::InMemory(payload) => {
                entries.push((*index, payload.clone()));
                rest = &rest[1..];
            }
            Found::OnDisk(first) => {
                let run = run_of(rest);
                let file = files.get(&first.segment).ok_or_else(|| missing(shared, first))?;
                read_run(&**file, group, &run, &mut entries)?;
                rest = &rest[run.len()..];
            }
        }
    }
    Ok(entries)
}

/// The first entries that one read can fetch.
fn run_of(found: &[(u64, Found)]) -> Vec<(u64, Place)> {
    let mut run: Vec<(u64, Place)> = Vec::new();
    for (index, entry) in found {
        let Found::OnDisk(place) = entry else { break };
        if let (Some((_, first)), Some((_, last))) = (run.first(), run.last()) {
            let gap = u64::from(place.offset).checked_sub(end_of(last));
            let near = place.segment == first.segment && gap.is_some_and(|gap| gap <= GAP_BYTES_MAX);
            if !near || end_of(place) - u64::from(first.offset) > READ_BYTES_MAX {
                break;
            }
        }
        run.push((*index, *place));
    }
    run
}

fn end_of(place: &Place) -> u64 {
    u64::from(place.offset) + record_bytes(place.payload_bytes)
}

fn read_run(
    file: &dyn DiskFile,
    group: u16,
    run: &[(u64, Place)],
    entries: &mut Vec<(u64, Bytes)>,
) -> Result<(), WalError> {
    let (Some((_, first)), Some((_, last))) = (run.first(), run.last()) else {
        return Ok(());
    };
    let start = u64::from(first.offset);
    let mut bytes = vec![0; usize::try_from(end_of(last) - start).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, start)?;
    let bytes = Bytes::from(bytes);
    for (index, place) in run {
        let from = usize::try_from(u64::from(place.offset) - start).unwrap_or(usize::MAX);
        match decode(&mut bytes.slice(from..)) {
            Some(Item::Record(Record::Entry { group: found, index: at, payload }))
                if found == group && at == *index =>
            {
                entries.push((at, payload));
            }
            _ => {
                return Err(WalError::Corrupt {
                    path: file.path().to_owned(),
                    segment: place.segment,
                    offset: u64::from(place.offset),
                    what: "an entry fails its checksum",
                });
            }
        }
    }
    Ok(())
}

fn missing(shared: &Shared, place: &Place) -> WalError {
    WalError::Corrupt {
        path: shared.dir.join(crate::segment::segment_name(place.segment)),
        segment: place.segment,
        offset: u64::from(place.offset),
        what: "the segment of an entry is not open",
    }
}
