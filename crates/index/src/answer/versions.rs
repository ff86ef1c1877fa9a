//! ListObjectVersions: keys in byte order, within a key newest first, objects and markers in that one order.

use super::grouped::{Item, walk};
use super::{decode, key_of};
use crate::keys;
use crate::query::{KeyFilter, VersionEntry, VersionMarker, VersionsPage};
use crate::records::VersionRecord;
use crate::rows::{ReadRows, RowsError};
use crate::store::{newest, null_sequence, open_bucket};
use esker_types::{BucketId, Sequence, VersionId, VersionUuid};
use std::ops::ControlFlow;

pub(super) fn page<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    filter: &KeyFilter,
    after: Option<&VersionMarker>,
    limit: usize,
) -> Result<Option<VersionsPage>, RowsError> {
    if open_bucket(rows, bucket)?.is_none() {
        return Ok(None);
    }
    let mut page = VersionsPage::default();
    if limit == 0 {
        return Ok(Some(page));
    }
    let start = match after {
        None => keys::bucket_versions(bucket),
        Some(marker) => start_after(rows, bucket, marker)?,
    };
    let mut last: Option<VersionMarker> = None;
    let after_key = after.map(|marker| marker.key.as_str());
    let from = |text: &[u8]| keys::versions_from(bucket, text);
    walk(rows, filter, start, after_key, &from, &mut |item| {
        if page.entries.len() + page.common_prefixes.len() == limit {
            page.next = last.take();
            return Ok(ControlFlow::Break(()));
        }
        match item {
            Item::Group(group) => {
                let text = String::from_utf8_lossy(group).into_owned();
                last = Some(VersionMarker { key: text.clone(), version: None });
                page.common_prefixes.push(text);
            }
            Item::Row { row, key, rest, value } => {
                let sequence =
                    keys::version_rest(rest).ok_or_else(|| RowsError::corrupt(row, "bad version key"))?;
                let record: VersionRecord = decode(row, value.clone())?;
                let latest = match page.entries.last() {
                    Some(previous) => previous.key.as_bytes() != key,
                    // Only the first entry of a page may not be the first of its key in this walk.
                    None => newest(rows, bucket, key)?.is_some_and(|(newest, _)| newest == sequence),
                };
                let key = key_of(row, key.to_vec())?;
                last = Some(VersionMarker {
                    key: key.as_str().to_owned(),
                    version: Some(marker_id(sequence, &record)),
                });
                page.entries.push(VersionEntry { key, sequence, record, latest });
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Some(page))
}

/// The id by which a page that ends at this version is resumed. For the null version, which may be rewritten
/// meanwhile, it is one of the place where that version is now.
fn marker_id(sequence: Sequence, record: &VersionRecord) -> VersionId {
    match record.id {
        VersionId::Null => VersionId::Id(VersionUuid::new(sequence, 0)),
        id @ VersionId::Id(_) => id,
    }
}

fn start_after<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    marker: &VersionMarker,
) -> Result<Vec<u8>, RowsError> {
    let key = marker.key.as_bytes();
    let sequence = match marker.version {
        None => return Ok(keys::prefix_end(&keys::key_versions(bucket, key))),
        Some(VersionId::Id(id)) => Some(id.sequence()),
        Some(VersionId::Null) => null_sequence(rows, bucket, key)?,
    };
    Ok(match sequence {
        Some(sequence) => [keys::version(bucket, key, sequence), vec![0]].concat(),
        // The null version that ended the page is gone: rather show a version twice than leave one out.
        None => keys::key_versions(bucket, key),
    })
}
