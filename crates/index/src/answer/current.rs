//! ListObjects and ListObjectsV2: keys whose newest version is an object, by the live-key index.

use super::grouped::group_of;
use super::key_of;
use crate::keys;
use crate::live::Step;
use crate::query::{CurrentPage, KeyFilter, VersionEntry};
use crate::rows::{ReadRows, RowsError};
use crate::store::{newest, open_bucket};
use esker_types::BucketId;
use std::ops::Bound;

pub(super) fn page<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    filter: &KeyFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Option<CurrentPage>, RowsError> {
    let Some(record) = open_bucket(rows, bucket)? else { return Ok(None) };
    let mut page = CurrentPage::default();
    if limit == 0 {
        return Ok(Some(page));
    }
    let prefix = filter.prefix.as_bytes();
    let start = match after.map(str::as_bytes) {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut last: Option<Vec<u8>> = None;
    let mut more = false;
    record.live.walk(rows, &keys::live(bucket), start, &mut |key| {
        if !key.starts_with(prefix) {
            return Step::Stop;
        }
        let group = group_of(filter, key);
        let shown_before = group.is_some_and(|group| after.is_some_and(|after| group <= after.as_bytes()));
        if !shown_before && found.len() + page.common_prefixes.len() == limit {
            more = true;
            return Step::Stop;
        }
        match group {
            None => {
                last = Some(key.to_vec());
                found.push(key.to_vec());
                Step::Continue
            }
            Some(group) => {
                if !shown_before {
                    last = Some(group.to_vec());
                    page.common_prefixes.push(String::from_utf8_lossy(group).into_owned());
                }
                Step::Seek(keys::prefix_end(group))
            }
        }
    })?;
    for key in found {
        let missing = || RowsError::corrupt(&key, "a live key has no version");
        let (sequence, record) = newest(rows, bucket, &key)?.ok_or_else(missing)?;
        let key = key_of(&key, key.clone())?;
        page.entries.push(VersionEntry { key, sequence, record, latest: true });
    }
    if more {
        page.next = last.map(|last| String::from_utf8_lossy(&last).into_owned());
    }
    Ok(Some(page))
}
