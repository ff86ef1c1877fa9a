//! ListMultipartUploads.

use super::super::{OpContext, owner};
use super::checksum_kind;
use crate::reply::{Reply, xml};
use esker_index::query::{Answer, KeyFilter, Query, UploadsPage};
use esker_s3::S3Error;
use esker_s3::request::operation::{ListMultipartUploads, UploadsMarker};
use esker_s3::xml::results::{ListMultipartUploadsResult, UploadEntry};

pub(in crate::ops) async fn run(cx: OpContext<'_>, request: &ListMultipartUploads) -> Result<Reply, S3Error> {
    let ListMultipartUploads { bucket, prefix, delimiter, max_uploads, marker, .. } = request;
    let filter = KeyFilter { prefix: prefix.clone(), delimiter: delimiter.clone() };
    let after = marker.clone().map(|marker| (marker.key, marker.upload));
    let query = |bucket| Query::Uploads {
        bucket,
        filter: filter.clone(),
        after: after.clone(),
        limit: usize::from(*max_uploads),
    };
    let pick = |answer| match answer {
        Answer::Uploads(page) => Some(page),
        _ => None,
    };
    let (_, UploadsPage { entries, common_prefixes, next }) = cx.core.ask(bucket, query, pick).await?;
    let uploads = entries.into_iter().map(|entry| UploadEntry {
        key: entry.key,
        upload: entry.upload,
        owner: owner(cx.account),
        initiated: entry.record.initiated,
        checksum: checksum_kind(entry.record.checksum),
    });
    let result = ListMultipartUploadsResult {
        request,
        uploads: uploads.collect(),
        common_prefixes,
        next: next.map(|(key, upload)| UploadsMarker { key, upload }),
    };
    Ok(xml(result.to_xml()))
}
