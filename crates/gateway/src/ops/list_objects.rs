//! ListObjects and ListObjectsV2.

use super::{OpContext, owner};
use crate::reply::{Reply, xml};
use esker_index::query::{Answer, CurrentPage, KeyFilter, Query};
use esker_s3::S3Error;
use esker_s3::request::operation::{ListObjects, ListObjectsV2, OwnerField};
use esker_s3::xml::results::{ChecksumKind, ListObjectsResult, ListObjectsV2Result, ObjectEntry};
use esker_types::{BucketName, ObjectChecksum};

pub(super) async fn v1(cx: OpContext<'_>, request: &ListObjects) -> Result<Reply, S3Error> {
    let ListObjects { bucket, prefix, delimiter, max_keys, marker, .. } = request;
    let filter = KeyFilter { prefix: prefix.clone(), delimiter: delimiter.clone() };
    let page = page(cx, bucket, filter, marker.clone(), *max_keys).await?;
    let result = ListObjectsResult {
        request,
        next: page.next.clone(),
        common_prefixes: page.common_prefixes.clone(),
        contents: contents(page, Some(cx.account)),
    };
    Ok(xml(result.to_xml()))
}

pub(super) async fn v2(cx: OpContext<'_>, request: &ListObjectsV2) -> Result<Reply, S3Error> {
    let ListObjectsV2 { bucket, prefix, delimiter, max_keys, .. } = request;
    let filter = KeyFilter { prefix: prefix.clone(), delimiter: delimiter.clone() };
    let after = request.resume_after().map(str::to_owned);
    let page = page(cx, bucket, filter, after, *max_keys).await?;
    let shown = (request.owner == OwnerField::Include).then_some(cx.account);
    let result = ListObjectsV2Result {
        request,
        next: page.next.clone(),
        common_prefixes: page.common_prefixes.clone(),
        contents: contents(page, shown),
    };
    Ok(xml(result.to_xml()))
}

async fn page(
    cx: OpContext<'_>,
    bucket: &BucketName,
    filter: KeyFilter,
    after: Option<String>,
    max_keys: u16,
) -> Result<CurrentPage, S3Error> {
    let query = |bucket| Query::Current {
        bucket,
        filter: filter.clone(),
        after: after.clone(),
        limit: usize::from(max_keys),
    };
    let pick = |answer| match answer {
        Answer::Current(page) => Some(page),
        _ => None,
    };
    let (_, page) = cx.core.ask(bucket, query, pick).await?;
    Ok(page)
}

fn contents(page: CurrentPage, shown_owner: Option<&str>) -> Vec<ObjectEntry> {
    let entry = |entry: esker_index::query::VersionEntry| {
        let object = entry.record.object()?;
        Some(ObjectEntry {
            last_modified: entry.record.last_modified,
            etag: object.etag.clone(),
            checksum: checksum_kind(object.checksum.as_ref()),
            size: object.size,
            owner: shown_owner.map(owner),
            key: entry.key,
        })
    };
    page.entries.into_iter().filter_map(entry).collect()
}

/// What lists say about a checksum.
pub(super) fn checksum_kind(checksum: Option<&ObjectChecksum>) -> Option<ChecksumKind> {
    checksum.map(|checksum| ChecksumKind {
        algorithm: checksum.value.algorithm(),
        checksum_type: checksum.checksum_type(),
    })
}
