//! ListMultipartUploads and ListParts.

use super::grouped::{Item, walk};
use super::{decode, key_of};
use crate::apply::uploads::all_parts;
use crate::keys;
use crate::query::{KeyFilter, PartsPage, UploadEntry, UploadsPage};
use crate::rows::{ReadRows, RowsError};
use crate::store::{load, open_bucket};
use esker_types::{BucketId, ObjectKey, UploadId};
use std::ops::ControlFlow;

pub(super) fn page<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    filter: &KeyFilter,
    after: Option<&(String, Option<UploadId>)>,
    limit: usize,
) -> Result<Option<UploadsPage>, RowsError> {
    if open_bucket(rows, bucket)?.is_none() {
        return Ok(None);
    }
    let mut page = UploadsPage::default();
    if limit == 0 {
        return Ok(Some(page));
    }
    let start = match after {
        None => keys::bucket_uploads(bucket),
        Some((key, None)) => keys::prefix_end(&keys::key_uploads(bucket, key.as_bytes())),
        Some((key, Some(upload))) => [keys::upload(bucket, key.as_bytes(), *upload), vec![0]].concat(),
    };
    let mut last = None;
    let after_key = after.map(|(key, _)| key.as_str());
    let from = |text: &[u8]| keys::uploads_from(bucket, text);
    walk(rows, filter, start, after_key, &from, &mut |item| {
        if page.entries.len() + page.common_prefixes.len() == limit {
            page.next = last.take();
            return Ok(ControlFlow::Break(()));
        }
        match item {
            Item::Group(group) => {
                let text = String::from_utf8_lossy(group).into_owned();
                last = Some((text.clone(), None));
                page.common_prefixes.push(text);
            }
            Item::Row { row, key, rest, value } => {
                let upload =
                    keys::upload_rest(rest).ok_or_else(|| RowsError::corrupt(row, "bad upload key"))?;
                let key = key_of(row, key.to_vec())?;
                last = Some((key.as_str().to_owned(), Some(upload)));
                page.entries.push(UploadEntry { key, upload, record: decode(row, value.clone())? });
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Some(page))
}

pub(super) fn parts<R: ReadRows + ?Sized>(
    rows: &R,
    bucket: BucketId,
    key: &ObjectKey,
    upload: UploadId,
    after: u16,
    limit: usize,
) -> Result<Option<PartsPage>, RowsError> {
    if open_bucket(rows, bucket)?.is_none() {
        return Ok(None);
    }
    let Some(record) = load(rows, &keys::upload(bucket, key.as_bytes(), upload))? else { return Ok(None) };
    let mut parts = all_parts(rows, bucket, upload)?;
    parts.retain(|part| part.number > after);
    let more = parts.len() > limit;
    parts.truncate(limit);
    let next = parts.last().map(|part| part.number).filter(|_| more);
    Ok(Some(PartsPage { upload: record, parts, next }))
}
